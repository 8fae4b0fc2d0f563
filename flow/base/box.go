package base

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Box is the base of each of its features on [-bound, bound], and none outside: uniform (box), or of a finite Width the normal one
// cut off there (truncated), log p(z) = -(z/width)^2/2 - log(width sqrt(2 pi) erf(bound/(width sqrt 2))).
type Box struct {
	Features []int32
	Bounds   []float32
	Width    float64 // of the normal distribution; +Inf makes it uniform
}

// Partial implements Partial.
func (*Box) Partial() {}

// Layout implements Base.
func (*Box) Layout(*nn.Layout, string) {}

// Memory implements Base.
func (*Box) Memory() (rows, scratch int) { return 0, 0 }

// share is the probability of the normal distribution within the bound of feature i.
func (b *Box) share(i int) float64 { return math.Erf(float64(b.Bounds[i]) / (b.Width * math.Sqrt2)) }

// LogNorm is what the log-density of feature i is short of -(z/width)^2/2.
func (b *Box) LogNorm(i int) float64 {
	if math.IsInf(b.Width, 1) {
		return math.Log(2 * float64(b.Bounds[i]))
	}
	return logSqrt2Pi + math.Log(b.Width*b.share(i))
}

// LogProb implements Base.
func (b *Box) LogProb(t *tile.Tile, _, _ []float32, logProb []float64) {
	for i, f := range b.Features {
		rest := b.LogNorm(i)
		absent := t.Absent(f)
		for e, z := range tile.Row(t.X, int(f))[:len(logProb)] {
			if absent>>e&1 != 0 {
				continue
			}
			r := float64(z) / b.Width
			logProb[e] -= r*r/2 + rest
			if !inside(z, b.Bounds[i]) {
				logProb[e] = math.Inf(-1)
			}
		}
	}
}

// inside says whether v lies in [-bound, bound], or outside by rounding alone.
func inside(v, bound float32) bool { return tile.Abs(v) <= bound*(1+1e-6) }

// Outside is the number of values of feature i, among Features, that have no density; NaN may stand for an absent one.
func (b *Box) Outside(i int, x []float32, absent bool) (n int) {
	for _, v := range x {
		if !inside(v, b.Bounds[i]) && !(absent && v != v) {
			n++
		}
	}
	return n
}

// Backward implements Base.
func (b *Box) Backward(t *tile.Tile, _, _, _, _, slope []float32) {
	for _, f := range b.Features {
		d, z := tile.Row(t.DX, int(f)), tile.Row(t.X, int(f))
		for e, s := range slope {
			d[e] = s * z[e] / float32(b.Width*b.Width)
		}
	}
}

// Draw implements Base, by the inverse of the distribution function.
func (b *Box) Draw(t *tile.Tile, _, _ []float32, seed, first uint64) {
	for i, f := range b.Features {
		bound := float64(b.Bounds[i])
		for e := range t.Events {
			z := place(seed, i, first+uint64(e))
			if math.IsInf(b.Width, 1) {
				z *= bound
			} else {
				z = b.Width * math.Sqrt2 * math.Erfinv(b.share(i)*z)
			}
			tile.Row(t.X, int(f))[e] = float32(max(min(z, bound), -bound))
		}
	}
}

// place is a uniform number in (-1, 1) of a feature of an event.
func place(seed uint64, feature int, event uint64) float64 {
	var u [1]float64
	rng.Uniform(u[:], seed, rng.StreamSample, uint32(feature), event)
	return 2*u[0] - 1
}
