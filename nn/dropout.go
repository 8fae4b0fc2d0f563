package nn

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Noise names the random numbers of one tile in one training step: a mask depends on it, the layer, the unit and
// the event's place in the tile alone, so on no order of computation.
type Noise struct {
	Seed       uint64
	Step, Tile uint32 // tile of the batch
}

// streamDropout keeps masks apart from the streams of package rng; the layer goes into the upper 24 bits.
const streamDropout = 0x80

// Dropout leaves out a fraction of the units of a layer in training and scales up the others (Srivastava et al.,
// JMLR 15, 2014). The fraction is rounded to a multiple of 1/256: a mask takes one random byte an event.
type Dropout struct {
	Layer  int          // of the flow: each has masks of its own
	factor [256]float32 // what a byte multiplies a unit by
}

// NewDropout returns nil for a fraction of 0.
func NewDropout(fraction float64, layer int) *Dropout {
	if fraction == 0 {
		return nil
	}
	out := int(min(max(math.Round(256*fraction), 1), 255))
	d := &Dropout{Layer: layer}
	for i := out; i < 256; i++ {
		d.factor[i] = 256 / float32(256-out)
	}
	return d
}

// scale is the factor of the units that stay.
func (d *Dropout) scale() float32 { return d.factor[255] }

// Mask sets dst, one value an event of the tile, to the factors of a unit: 0 or 1/(1-fraction).
func (d *Dropout) Mask(dst []float32, s *Noise, unit int) {
	layer := uint32(d.Layer)<<8 | streamDropout
	for i := 0; i < len(dst); i += 16 {
		a, b, c, e := rng.Block(s.Seed, s.Step, uint32(unit), s.Tile*4+uint32(i/16), layer)
		for j, w := range [4]uint32{a, b, c, e} {
			q := dst[i+4*j:][:4]
			q[0] = d.factor[w&255]
			q[1] = d.factor[w>>8&255]
			q[2] = d.factor[w>>16&255]
			q[3] = d.factor[w>>24]
		}
	}
}

// apply multiplies rows of a tile, the units of a layer, by their masks.
func (d *Dropout) apply(h []float32, rows, n int, s *Noise) {
	if d == nil || s == nil {
		return
	}
	var mask [kernel.Tile]float32
	for u := range rows {
		d.Mask(mask[:n], s, u)
		r := h[u*kernel.Tile:][:n]
		kernel.Mul(r, r, mask[:n])
	}
}

// backward takes the gradient g of a layer's result h back through dropout and the activation, but for its gate.
func (d *Dropout) backward(activation string, g, h []float32, rows, n int, s *Noise) {
	switch {
	case d == nil || s == nil:
		activateBackward(activation, g, h, rows, n)
	case activation == "relu": // a unit left out is 0 and gated, as is one cut off
		kernel.Scale(g[:rows*kernel.Tile], d.scale())
	default:
		d.apply(g, rows, n, s)
		kernel.Scale(h[:rows*kernel.Tile], 1/d.scale()) // back to the activation's result, where it counts
		activateBackward(activation, g, h, rows, n)
	}
}
