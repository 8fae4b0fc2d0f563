package flow

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Normal is the base N(0, 1) of each feature: log p(z) = -z^2/2 - log(2 pi)/2.
type Normal struct{ features int }

// NewNormal returns one of so many features.
func NewNormal(features int) *Normal { return &Normal{features} }

// Layout implements Base.
func (*Normal) Layout(*nn.Layout, string) {}

// LogProb implements Base.
func (b *Normal) LogProb(t *Tile, _ []float32, logProb []float64) {
	clear(logProb)
	for c := range b.features {
		for e, z := range row(t.X, c)[:len(logProb)] {
			logProb[e] += float64(z) * float64(z)
		}
	}
	rest := float64(b.features) * logSqrt2Pi
	for e, s := range logProb {
		logProb[e] = -0.5*s - rest
	}
}

var logSqrt2Pi = 0.5 * math.Log(2*math.Pi)

// Backward implements Base.
func (b *Normal) Backward(t *Tile, _, _, slope []float32) {
	for c := range b.features {
		kernel.Mul(row(t.DX, c)[:t.N], row(t.X, c)[:t.N], slope)
	}
}

// Draw implements Base.
func (b *Normal) Draw(t *Tile, _ []float32, seed, first uint64) {
	for c := 0; c < b.features; c += 2 {
		var odd []float32
		if c+1 < b.features {
			odd = row(t.X, c+1)[:t.Events]
		}
		rng.NormalPair(row(t.X, c)[:t.Events], odd, seed, rng.StreamSample, uint32(c/2), first)
	}
}
