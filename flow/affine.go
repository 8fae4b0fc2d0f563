package flow

import "github.com/sluice-hep/sluice/internal/kernel"

// Affine is z = (x - shift) exp(-s), log dz/dx = -s, the map of masked autoregressive flows (arXiv:1705.07057), with
// the rows h = [shift, raw] and the log-scale s = LogScale(raw).
type Affine struct{ LogScale LogScale }

// Params implements Transformer.
func (a *Affine) Params() int { return 2 }

// Saved implements Transformer: s.
func (a *Affine) Saved() int { return 1 }

// Start implements Transformer.
func (a *Affine) Start(h []float32) []float32 { return append(h, 0, a.LogScale.zero()) }

// ToLatent implements Transformer.
func (a *Affine) ToLatent(z, logDet, x, h, saved []float32, n int) {
	s := saved[:n]
	a.LogScale.apply(s, h[kernel.Tile:][:n])
	kernel.AffineToLatent(z[:n], logDet[:n], x[:n], h[:n], s)
}

// Backward implements Transformer.
func (a *Affine) Backward(dx, dh, dz, dLogDet, x, z, h, saved []float32, n int) {
	ds := dh[kernel.Tile:][:n]
	kernel.AffineBackward(dx[:n], dh[:n], ds, z[:n], saved[:n], dz[:n], dLogDet[:n])
	a.LogScale.backward(ds, saved[:n], h[kernel.Tile:][:n])
}

// ToData implements Transformer.
func (a *Affine) ToData(x, logDet, z, h []float32, n int) {
	s := h[kernel.Tile:][:n]
	a.LogScale.apply(s, s)
	kernel.AffineToData(x[:n], logDet[:n], z[:n], h[:n], s)
}

// ScaleShift is z = x exp(s) + shift, log dz/dx = s, the map of RealNVP (arXiv:1605.08803, equation 4), with the rows
// h = [shift, raw] and the log-scale s = LogScale(raw).
type ScaleShift struct{ LogScale LogScale }

// Params implements Transformer.
func (a *ScaleShift) Params() int { return 2 }

// Saved implements Transformer: s.
func (a *ScaleShift) Saved() int { return 1 }

// Start implements Transformer.
func (a *ScaleShift) Start(h []float32) []float32 { return append(h, 0, a.LogScale.zero()) }

// ToLatent implements Transformer.
func (a *ScaleShift) ToLatent(z, logDet, x, h, saved []float32, n int) {
	s := saved[:n]
	a.LogScale.apply(s, h[kernel.Tile:][:n])
	kernel.AffineToData(z[:n], logDet[:n], x[:n], h[:n], s)
}

// Backward implements Transformer.
func (a *ScaleShift) Backward(dx, dh, dz, dLogDet, x, z, h, saved []float32, n int) {
	var scale [kernel.Tile]float32
	kernel.Exp(scale[:n], saved[:n])
	shift, dShift, ds := h[:n], dh[:n], dh[kernel.Tile:][:n]
	copy(dShift, dz[:n])
	copy(ds, z[:n])
	kernel.Axpy(ds, -1, shift)
	kernel.Mul(ds, ds, dShift)
	kernel.Add(ds, dLogDet)
	kernel.Mul(dx[:n], dShift, scale[:n])
	a.LogScale.backward(ds, saved[:n], h[kernel.Tile:][:n])
}

// ToData implements Transformer.
func (a *ScaleShift) ToData(x, logDet, z, h []float32, n int) {
	s := h[kernel.Tile:][:n]
	a.LogScale.apply(s, s)
	kernel.AffineToLatent(x[:n], logDet[:n], z[:n], h[:n], s)
}
