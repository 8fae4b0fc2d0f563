package flow

import "github.com/sluice-hep/sluice/internal/kernel"

// ScaleShift is z = x exp(s) + shift, log dz/dx = s, the map of RealNVP (arXiv:1605.08803, equation 4), with the rows
// h = [shift, raw] and the log-scale s = LogScale(raw).
type ScaleShift struct{ LogScale LogScale }

// Params implements Transformer.
func (a *ScaleShift) Params() int { return 2 }

// Saved implements Transformer: s.
func (a *ScaleShift) Saved() int { return 1 }

// Identity implements Transformer.
func (a *ScaleShift) Identity(h []float32) []float32 { return append(h, 0, a.LogScale.zero()) }

// ToLatent implements Transformer.
func (a *ScaleShift) ToLatent(f *Feature) {
	n := f.N
	s := f.Saved[:n]
	a.LogScale.apply(s, f.H[kernel.Tile:][:n])
	kernel.AffineToData(f.Z[:n], f.LogDet[:n], f.X[:n], f.H[:n], s)
}

// Backward implements Transformer.
func (a *ScaleShift) Backward(f *Feature) {
	n := f.N
	var scale [kernel.Tile]float32
	kernel.Exp(scale[:n], f.Saved[:n])
	dShift, ds := f.DH[:n], f.DH[kernel.Tile:][:n]
	copy(dShift, f.D[:n])
	copy(ds, f.Z[:n])
	kernel.Axpy(ds, -1, f.H[:n])
	kernel.Mul(ds, ds, dShift)
	kernel.Add(ds, f.DLogDet)
	kernel.Mul(f.D[:n], dShift, scale[:n])
	a.LogScale.backward(ds, f.Saved[:n], f.H[kernel.Tile:][:n])
}

// ToData implements Transformer.
func (a *ScaleShift) ToData(f *Feature) {
	n := f.N
	s := f.H[kernel.Tile:][:n]
	a.LogScale.apply(s, s)
	kernel.AffineToLatent(f.X[:n], f.LogDet[:n], f.Z[:n], f.H[:n], s)
}
