// Package tile holds a tile on its way through a flow, columns of 64 events (package internal/kernel), and what several families of
// transforms compute column by column.
package tile

import (
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Tile is one tile on its way through a flow: value e of feature f is X[f*kernel.Tile+e].
type Tile struct {
	nn.Pass
	X       []float32 // features
	Given   []float32 // context columns
	Context []float32 // those that transforms and base see: the same, or what an embedding makes of them
	LogDet  []float32 // one value an event
	NoDet   bool      // nobody wants it

	DX      []float32 // gradient of the loss with respect to X
	DLogDet []float32 // and with respect to LogDet

	gaps   []int32 // features that may be absent, and where they are, a word a feature; see Absent
	absent []uint64
	kept   [kernel.Tile]float32

	Feature Feature              // in a Transformer
	LogProb [kernel.Tile]float64 // under the base
	Target  [kernel.Tile]float64 // log-density under a Target
	one     []float64            // an event
}

// Event is event e in float64, with room for a gradient, until the next call.
func (t *Tile) Event(e int) (x, context, gradient []float64) {
	n, k := len(t.X)/kernel.Tile, len(t.Given)/kernel.Tile
	if t.one == nil {
		t.one = make([]float64, 2*n+k)
	}
	x, context, gradient = t.one[:n], t.one[n:n+k], t.one[n+k:]
	for f := range x {
		x[f] = float64(Row(t.X, f)[e])
	}
	for c := range context {
		context[c] = float64(Row(t.Given, c)[e])
	}
	return x, context, gradient
}

// Feature is one feature of a tile on its way through a Transformer: columns of N events, of which H, DH and Saved hold
// several, kernel.Tile apart.
type Feature struct {
	N       int
	X, Z    []float32 // data and latent; they may be one column
	LogDet  []float32
	H       []float32 // columns of parameters, from a conditioner
	Saved   []float32 // Saved columns that ToLatent keeps for Backward
	D       []float32 // gradient of Z, which Backward turns into that of X
	DH      []float32 // gradient of H
	DLogDet []float32 // gradient of log dz/dx

	P, G  []float32 // the transformers' own parameters of this layer, and their gradient; see flow.Parametric
	First bool      // their gradient is put, not added
}

// Pass takes the tiles of a batch through a batched transform. Nothing in it depends on the number of threads. It is
// not for concurrent use.
type Pass interface {
	// ToLatent is that of training, by the statistics of these tiles.
	ToLatent(tiles []*Tile, p []float32)
	// Backward follows ToLatent of the same tiles; it puts the gradient of the parameters.
	Backward(tiles []*Tile, p, g []float32)
	// Freeze sets the statistics among the parameters p to those of these tiles, which it leaves as they are.
	Freeze(tiles []*Tile, p []float32)
}

// Interval is what a map keeps of a feature: it takes [-Bound, Bound] onto itself, and with Wider every wider one too. Why says why it
// keeps none.
type Interval struct {
	Bound float32
	Wider bool
	Why   string
}
