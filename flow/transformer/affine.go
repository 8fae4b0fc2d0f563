// Package transformer holds the monotone maps of one feature that couplings and autoregressive transforms move it by, with parameters
// from a network. Each implements flow.Transformer.
package transformer

import (
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Affine is z = (x - shift) exp(-s), log dz/dx = -s, the map of masked autoregressive flows (arXiv:1705.07057), with
// the rows h = [shift, raw] and the log-scale s = LogScale(raw). Scaled first it is the way back, z = x exp(s) + shift with
// log dz/dx = s, the map of RealNVP (arXiv:1605.08803, equation 4).
type Affine struct {
	LogScale   LogScale
	ScaleFirst bool
}

// Saved implements Transformer: s.
func (a *Affine) Saved() int { return 1 }

// Identity implements Transformer.
func (a *Affine) Identity() []float32 { return []float32{0, a.LogScale.Zero()} }

// ToLatent implements Transformer.
func (a *Affine) ToLatent(f *tile.Feature) {
	n := f.N
	s := f.Saved[:n]
	a.LogScale.Apply(s, f.H[kernel.Tile:][:n])
	if a.ScaleFirst {
		kernel.AffineToData(f.Z[:n], f.LogDet[:n], f.X[:n], f.H[:n], s)
	} else {
		kernel.AffineToLatent(f.Z[:n], f.LogDet[:n], f.X[:n], f.H[:n], s)
	}
}

// Backward implements Transformer.
func (a *Affine) Backward(f *tile.Feature) {
	n := f.N
	dShift, ds, s := f.DH[:n], f.DH[kernel.Tile:][:n], f.Saved[:n]
	if a.ScaleFirst {
		var scale [kernel.Tile]float32
		kernel.Exp(scale[:n], s)
		copy(dShift, f.D[:n])
		copy(ds, f.Z[:n])
		kernel.Axpy(ds, -1, f.H[:n])
		kernel.Mul(ds, ds, dShift)
		kernel.Add(ds, f.DLogDet)
		kernel.Mul(f.D[:n], dShift, scale[:n])
	} else {
		kernel.AffineBackward(f.D[:n], dShift, ds, f.Z[:n], s, f.D[:n], f.DLogDet[:n])
	}
	a.LogScale.Backward(ds, s, f.H[kernel.Tile:][:n])
}

// ToData implements Transformer.
func (a *Affine) ToData(f *tile.Feature) {
	n := f.N
	s := f.H[kernel.Tile:][:n]
	a.LogScale.Apply(s, s)
	if a.ScaleFirst {
		kernel.AffineToLatent(f.X[:n], f.LogDet[:n], f.Z[:n], f.H[:n], s)
	} else {
		kernel.AffineToData(f.X[:n], f.LogDet[:n], f.Z[:n], f.H[:n], s)
	}
}
