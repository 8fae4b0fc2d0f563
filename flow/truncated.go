package flow

import (
	"math"

	"github.com/sluice-hep/sluice/nn"
)

// Truncated is the normal base of a given width on [-bound, bound] of each of its features, and none outside:
// log p(z) = -(z/width)^2/2 - log(width sqrt(2 pi) erf(bound/(width sqrt 2))).
type Truncated struct {
	Features []int32
	Bounds   []float32
	Width    float64
}

// Layout implements Base.
func (*Truncated) Layout(*nn.Layout, string) {}

// Memory implements Base.
func (*Truncated) Memory() (rows, scratch int) { return 0, 0 }

// Support implements Compact.
func (b *Truncated) Support() (features []int32, bounds []float32) { return b.Features, b.Bounds }

// share is the probability of the normal distribution within the bound.
func (b *Truncated) share(i int) float64 {
	return math.Erf(float64(b.Bounds[i]) / (b.Width * math.Sqrt2))
}

// LogProb implements Base.
func (b *Truncated) LogProb(t *Tile, _, _ []float32, logProb []float64) {
	for i, f := range b.Features {
		z := row(t.X, int(f))
		outside(z, b.Bounds[i], logProb)
		rest := logSqrt2Pi + math.Log(b.Width*b.share(i))
		for e := range logProb {
			r := float64(z[e]) / b.Width
			logProb[e] -= r*r/2 + rest
		}
	}
}

// Backward implements Base.
func (b *Truncated) Backward(t *Tile, _, _, _, _, slope []float32) {
	for _, f := range b.Features {
		d, z := row(t.DX, int(f)), row(t.X, int(f))
		for e, s := range slope {
			d[e] = s * z[e] / float32(b.Width*b.Width)
		}
	}
}

// Draw implements Base, by the inverse of the distribution function.
func (b *Truncated) Draw(t *Tile, _, _ []float32, seed, first uint64) {
	for i, f := range b.Features {
		x, bound := row(t.X, int(f))[:t.Events], float64(b.Bounds[i])
		for e := range x {
			z := b.Width * math.Sqrt2 * math.Erfinv(b.share(i)*place(seed, i, first+uint64(e)))
			x[e] = float32(max(min(z, bound), -bound))
		}
	}
}
