// Package base holds the densities of the latent of a flow. They implement flow.Base.
package base

import (
	"math"
	"math/bits"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Normal is the base N(0, 1) of each of its features: log p(z) = -z^2/2 - log(2 pi)/2.
type Normal struct{ Features []int32 }

// Partial implements Partial.
func (*Normal) Partial() {}

// Layout implements Base.
func (*Normal) Layout(*nn.Layout, string) {}

// Memory implements Base.
func (*Normal) Memory() (rows, scratch int) { return 0, 0 }

// LogProb implements Base.
func (b *Normal) LogProb(t *tile.Tile, _, _ []float32, logProb []float64) {
	var squares [kernel.Tile]float64
	for _, f := range b.Features {
		for e, z := range tile.Row(t.X, int(f))[:len(logProb)] {
			squares[e] += float64(z) * float64(z)
		}
	}
	rest := float64(len(b.Features)) * logSqrt2Pi
	for e := range logProb {
		logProb[e] += -0.5*squares[e] - rest
	}
	for _, f := range b.Features {
		for at := t.Absent(f); at != 0; at &= at - 1 {
			if e := bits.TrailingZeros64(at); e < len(logProb) {
				logProb[e] += logSqrt2Pi
			}
		}
	}
}

var logSqrt2Pi = 0.5 * math.Log(2*math.Pi)

// Backward implements Base.
func (b *Normal) Backward(t *tile.Tile, _, _, _, _, slope []float32) {
	for _, f := range b.Features {
		kernel.Mul(tile.Row(t.DX, int(f))[:t.N], tile.Row(t.X, int(f))[:t.N], slope)
	}
}

// Draw implements Base.
func (b *Normal) Draw(t *tile.Tile, _, _ []float32, seed, first uint64) {
	for i := 0; i < len(b.Features); i += 2 {
		var odd []float32
		if i+1 < len(b.Features) {
			odd = tile.Row(t.X, int(b.Features[i+1]))[:t.Events]
		}
		rng.NormalPair(tile.Row(t.X, int(b.Features[i]))[:t.Events], odd, seed, rng.StreamSample, uint32(i/2), first)
	}
}
