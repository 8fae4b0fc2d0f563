package flow

import "github.com/sluice-hep/sluice/internal/kernel"

// Affine is z = (x - shift) exp(-s), log dz/dx = -s, the map of masked autoregressive flows (arXiv:1705.07057), with
// the rows h = [shift, raw] and the log-scale s = LogScale(raw).
type Affine struct{ LogScale LogScale }

// Params implements Transformer.
func (a *Affine) Params() int { return 2 }

// Saved implements Transformer: s.
func (a *Affine) Saved() int { return 1 }

// Identity implements Transformer.
func (a *Affine) Identity(h []float32) []float32 { return append(h, 0, a.LogScale.zero()) }

// ToLatent implements Transformer.
func (a *Affine) ToLatent(f *Feature) {
	n := f.N
	s := f.Saved[:n]
	a.LogScale.apply(s, f.H[kernel.Tile:][:n])
	kernel.AffineToLatent(f.Z[:n], f.LogDet[:n], f.X[:n], f.H[:n], s)
}

// Backward implements Transformer.
func (a *Affine) Backward(f *Feature) {
	n := f.N
	ds := f.DH[kernel.Tile:][:n]
	kernel.AffineBackward(f.D[:n], f.DH[:n], ds, f.Z[:n], f.Saved[:n], f.D[:n], f.DLogDet[:n])
	a.LogScale.backward(ds, f.Saved[:n], f.H[kernel.Tile:][:n])
}

// ToData implements Transformer.
func (a *Affine) ToData(f *Feature) {
	n := f.N
	s := f.H[kernel.Tile:][:n]
	a.LogScale.apply(s, s)
	kernel.AffineToData(f.X[:n], f.LogDet[:n], f.Z[:n], f.H[:n], s)
}
