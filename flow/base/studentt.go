package base

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// StudentT is the base of power-law tails: Student's t of each of its features with nu degrees of freedom, which are trained,
// nu = exp(log_nu) + 1e-2 (as in Jaini et al., arXiv:1907.04481),
//
//	log p(z) = log Gamma((nu+1)/2) - log Gamma(nu/2) - log(nu pi)/2 - (nu+1)/2 log(1 + z^2/nu).
type StudentT struct {
	LogNu    nn.View
	Features []int32
	start    float64
}

// NewStudentT returns one of these features, with nu near the given number at the start.
func NewStudentT(features []int32, nu float64) *StudentT {
	return &StudentT{Features: features, start: math.Log(nu)}
}

const minNu = 1e-2

// Partial implements Partial.
func (*StudentT) Partial() {}

// Layout implements Base.
func (b *StudentT) Layout(l *nn.Layout, scope string) {
	b.LogNu = l.Add(scope+".log_nu", len(b.Features), 1, nn.Scale)
}

// Start implements Starter.
func (b *StudentT) Start(p []float32, _ *nn.Source) {
	v := b.LogNu.Of(p)
	for i := range v {
		v[i] = float32(b.start)
	}
}

// Memory implements Base.
func (*StudentT) Memory() (rows, scratch int) { return 0, 0 }

func (b *StudentT) nu(p []float32, i int) float64 {
	return math.Exp(min(float64(b.LogNu.Of(p)[i]), 40)) + minNu
}

// Degrees are the nu of the features.
func (b *StudentT) Degrees(p []float32) (nu []float64) {
	for i := range b.Features {
		nu = append(nu, b.nu(p, i))
	}
	return nu
}

// LogProb implements Base.
func (b *StudentT) LogProb(t *tile.Tile, p, _ []float32, logProb []float64) {
	for i, f := range b.Features {
		nu := b.nu(p, i)
		up, _ := math.Lgamma((nu + 1) / 2)
		down, _ := math.Lgamma(nu / 2)
		norm := up - down - 0.5*math.Log(nu*math.Pi)
		absent := t.Absent(f)
		for e, z := range tile.Row(t.X, int(f))[:len(logProb)] {
			if absent>>e&1 != 0 {
				continue
			}
			logProb[e] += norm - 0.5*(nu+1)*math.Log1p(float64(z)*float64(z)/nu)
		}
	}
}

// Backward implements Base. With q = z^2/nu, d/dz = -(nu+1) z/(nu (1+q)) and
// d/dnu = (psi((nu+1)/2) - psi(nu/2) - 1/nu - log(1+q) + (nu+1)/nu q/(1+q))/2.
func (b *StudentT) Backward(t *tile.Tile, p, g, _, _, slope []float32) {
	dNu := b.LogNu.Of(g)
	for i, f := range b.Features {
		nu := b.nu(p, i)
		norm := digamma((nu+1)/2) - digamma(nu/2) - 1/nu
		var sum float64
		d, x := tile.Row(t.DX, int(f)), tile.Row(t.X, int(f))
		for e, s := range slope {
			z := float64(x[e])
			if t.Absent(f)>>e&1 != 0 {
				s = 0
			}
			q := z * z / nu
			d[e] = float32(float64(s) * (nu + 1) * z / (nu * (1 + q)))
			sum -= float64(s) * 0.5 * (norm - math.Log1p(q) + (nu+1)/nu*q/(1+q))
		}
		v := float32(sum * (nu - minNu))
		if t.First {
			dNu[i] = v
		} else {
			dNu[i] += v
		}
	}
}

// digamma is the derivative of log Gamma, for x > 0: by its recurrence to x > 10, then by its asymptotic series.
func digamma(x float64) float64 {
	var s float64
	for ; x < 10; x++ {
		s -= 1 / x
	}
	r := 1 / (x * x)
	return s + math.Log(x) - 0.5/x - r*(1./12-r*(1./120-r*(1./252-r*(1./240-r/132))))
}

// Draw implements Base, by the polar method of Bailey (Math. Comp. 62, 1994): t = sqrt(nu (u^(-2/nu) - 1)) cos(2 pi v).
func (b *StudentT) Draw(t *tile.Tile, p, _ []float32, seed, first uint64) {
	for i, f := range b.Features {
		nu := b.nu(p, i)
		x := tile.Row(t.X, int(f))
		for e := range t.Events {
			var u [1]float64
			rng.Uniform(u[:], seed, rng.StreamSample, uint32(2*i), first+uint64(e))
			r := math.Sqrt(nu * math.Expm1(-2/nu*math.Log(u[0])))
			rng.Uniform(u[:], seed, rng.StreamSample, uint32(2*i+1), first+uint64(e))
			x[e] = float32(max(min(r*math.Cos(2*math.Pi*u[0]), farthest), -farthest))
		}
	}
}

// farthest is the bound of what is drawn, which tails of small nu pass in float32.
const farthest = 1e30
