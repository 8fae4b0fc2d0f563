package toy

import (
	"math"

	"github.com/sluice-hep/sluice/internal/rng"
)

// field is the distribution of a Potential. All of it that is not local is a sum over the grid of LogIntegral.
type field struct {
	Potential
	where        [4]float64 // the lowest and highest x1 and x2 drawn: beyond six widths of a normal tail
	logIntegral  float64
	h            float64
	mean, spread [2]float64 // spread is a variance
}

// fields are where U1 to U4 lie.
var fields = [][4]float64{{-6, 6, -4.8, 4.8}, {-6.5, 6.5, -3.5, 3.5}, {-6.5, 6.5, -6.2, 3.2}, {-6.5, 6.5, -6.2, 3.5}}

// newField sums over the grid.
func newField(i int) *field {
	f := &field{Potential: potentials[i], where: fields[i]}
	var sum, energy float64
	var first, second [2]float64
	f.over(func(x, y, logProb float64) {
		p := math.Exp(logProb)
		sum += p
		energy -= p * logProb
		first[0], first[1] = first[0]+p*x, first[1]+p*y
		second[0], second[1] = second[0]+p*x*x, second[1]+p*y*y
	})
	f.logIntegral = math.Log(sum * step * step)
	f.h = energy/sum + f.logIntegral
	for k := range f.mean {
		f.mean[k] = first[k] / sum
		f.spread[k] = second[k]/sum - f.mean[k]*f.mean[k]
	}
	return f
}

func (*field) label() string { return "" }

// mostTries is more than any event needs: one try in four to sixteen is taken.
const mostTries = 10_000

// draw takes points evenly from the region until one lies below the density, which is at most 2 exp(constant); event i has blocks of
// numbers of its own.
func (f *field) draw(x1, x2, _ []float32, seed uint64) {
	w := f.where
	for i := range x1 {
		for try := range uint32(mostTries) {
			a, b, c, _ := rng.Block(seed, uint32(i), 0, 1+try, rng.StreamToy)
			unit := func(bits uint32) float64 { return (float64(bits) + 0.5) * 0x1p-32 }
			x, y := w[0]+(w[1]-w[0])*unit(a), w[2]+(w[3]-w[2])*unit(b)
			x1[i], x2[i] = float32(x), float32(y)
			if logProb, _, _ := f.Potential(x, y); math.Log(2*unit(c)) < logProb {
				break
			}
		}
	}
}

func (f *field) logDensity(_ int, x1, x2 float64) float64 {
	logProb, _, _ := f.Potential(x1, x2)
	return logProb - f.logIntegral
}

func (f *field) entropy() (whole, givenPart float64) { return f.h, f.h }

func (f *field) moments() (mean, variance [2]float64) { return f.mean, f.spread }

// Target is the log-density of the columns and its gradient, for flows that are trained without events, and the logarithm of the integral of
// exp(-U) in its own coordinates, which is in no way needed for that; nil for a distribution that is no potential.
func (d *Distribution) Target() (target func(x, context, gradient []float64) float64, logIntegral float64) {
	f, ok := d.shape.(*field)
	if !ok {
		return nil, 0
	}
	return func(x, _, gradient []float64) float64 {
		logProb, by1, by2 := f.Potential(d.mean[0]+d.std[0]*x[0], d.mean[1]+d.std[1]*x[1])
		if gradient != nil {
			gradient[0], gradient[1] = by1*d.std[0], by2*d.std[1]
		}
		return logProb - f.logIntegral + d.logVolume()
	}, f.logIntegral
}
