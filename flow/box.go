package flow

import (
	"math"

	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Box is the uniform base on [-bound, bound] of each of its features, and none outside: log p(z) = -log(2 bound), and -Inf there.
type Box struct {
	Features []int32
	Bounds   []float32
}

// Layout implements Base.
func (*Box) Layout(*nn.Layout, string) {}

// Memory implements Base.
func (*Box) Memory() (rows, scratch int) { return 0, 0 }

// LogProb implements Base.
func (b *Box) LogProb(t *Tile, _, _ []float32, logProb []float64) {
	for i, f := range b.Features {
		outside(row(t.X, int(f)), b.Bounds[i], logProb)
		rest := math.Log(2 * float64(b.Bounds[i]))
		for e := range logProb {
			logProb[e] -= rest
		}
	}
}

// Support implements Compact.
func (b *Box) Support() (features []int32, bounds []float32) { return b.Features, b.Bounds }

// inside says whether v lies in [-bound, bound], or outside by rounding alone.
func inside(v, bound float32) bool { return size(v) <= bound*(1+1e-6) }

// outside sets logProb to -Inf where z is outside of its interval.
func outside(z []float32, bound float32, logProb []float64) {
	for e, v := range z[:len(logProb)] {
		if !inside(v, bound) {
			logProb[e] = math.Inf(-1)
		}
	}
}

// Backward implements Base.
func (b *Box) Backward(t *Tile, _, _, _, _, _ []float32) {
	for _, f := range b.Features {
		clear(row(t.DX, int(f))[:t.N])
	}
}

// Draw implements Base.
func (b *Box) Draw(t *Tile, _, _ []float32, seed, first uint64) {
	for i, f := range b.Features {
		x := row(t.X, int(f))[:t.Events]
		for e := range x {
			x[e] = float32(float64(b.Bounds[i]) * place(seed, i, first+uint64(e)))
		}
	}
}

// place is a uniform number in (-1, 1) of a feature of an event.
func place(seed uint64, feature int, event uint64) float64 {
	var u [1]float64
	rng.Uniform(u[:], seed, rng.StreamSample, uint32(feature), event)
	return 2*u[0] - 1
}
