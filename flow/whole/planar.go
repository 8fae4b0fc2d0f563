// Package whole holds the maps of all features of a flow that are neither linear nor move one by one. They implement flow.Transform.
package whole

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Planar is z = x + û tanh(a), a = w.x + v.c + b of the context c, with log|det dz/dx| = log(1 + w.û (1 - tanh(a)^2)) (Rezende and
// Mohamed, arXiv:1505.05770, equation 10). It is invertible where w.û > -1, so (appendix A.1)
//
//	û = u + (m - w.u) w/|w|^2,  w.û = m = softplus(w.u) - 1.
//
// The way to the latent is closed. On the way back a solves a + m tanh(a) = w.z + v.c + b, whose left side increases with a:
// Newton's method within a bracket finds it to tile.Precision, and x = z - û tanh(a).
type Planar struct {
	U, W, B           nn.View
	shift             shift
	features, context int
}

// NewPlanar returns one of so many features and context columns.
func NewPlanar(features, context int) *Planar { return &Planar{features: features, context: context} }

// Layout implements Transform.
func (l *Planar) Layout(lay *nn.Layout, scope string) {
	l.U, l.W = lay.Add(scope+".u", l.features, 1, nn.Scale), lay.Add(scope+".w", l.features, 1, nn.Scale)
	l.B, l.shift = lay.Add(scope+".b", 1, 1, nn.Bias), newShift(lay, scope, 1, l.context)
}

// Start implements Starter: w of length about 1, and û = 0.
func (l *Planar) Start(p []float32, src *nn.Source) {
	u, w, norm := l.U.Of(p), l.W.Of(p), 0.0
	for i := range w {
		v := src.NormFloat64()
		w[i] = float32(v / math.Sqrt(float64(l.features)))
		norm += float64(w[i]) * float64(w[i])
	}
	for i, v := range w {
		u[i] = float32(math.Log(math.E-1) * float64(v) / norm) // tile.Softplus(w.u) = 1
	}
}

// Memory implements Transform: x, tanh(a) and û; then the gradient of û.
func (l *Planar) Memory() (rows, scratch int) {
	return l.features + 1 + batch.Tiles(l.features), batch.Tiles(l.features)
}

// bend is what follows from u and w: w.u, |w|^2, 1 + w.û, and how much of w is added to u.
type bend struct{ dot, norm, lift, excess float64 }

const (
	leastLift = 1e-6  // of 1 + w.û
	leastNorm = 1e-12 // of |w|^2, below which û no longer grows
)

// constrain sets û.
func (l *Planar) constrain(hat, p []float32) (b bend) {
	u, w := l.U.Of(p), l.W.Of(p)
	for i, v := range w {
		b.dot += float64(u[i]) * float64(v)
		b.norm += float64(v) * float64(v)
	}
	b.lift = max(tile.Softplus(b.dot), leastLift)
	b.excess = (b.lift - 1 - b.dot) / max(b.norm, leastNorm)
	if b.norm < leastNorm {
		b.lift, b.norm = max(1+b.dot+b.excess*b.norm, leastLift), leastNorm
	}
	for i, v := range w {
		hat[i] = float32(float64(u[i]) + b.excess*float64(v))
	}
	return b
}

// logSlope sets dst to the log-determinant, where tanh(a) is h.
func (b bend) logSlope(dst, h []float32) {
	lift := float32(b.lift)
	for e, v := range h {
		dst[e] = lift*(1-v*v) + v*v
	}
	kernel.Log(dst, dst)
}

// argument sets a to w.x + v.c + b of the features of the tile.
func (l *Planar) argument(a []float32, t *tile.Tile, p []float32) {
	clear(a)
	tile.AddTo(a[:t.N], l.B.Of(p)[0])
	l.shift.add(a, 1, t, p)
	for f, w := range l.W.Of(p) {
		kernel.Axpy(a[:t.N], w, tile.Row(t.X, f))
	}
}

// move adds so many times û h to the features.
func (l *Planar) move(t *tile.Tile, hat []float32, times float32, h []float32) {
	for f := range l.features {
		kernel.Axpy(tile.Row(t.X, f)[:t.N], times*hat[f], h)
	}
}

// ToLatent implements Transform.
func (l *Planar) ToLatent(t *tile.Tile, p, mem []float32) {
	var slope [kernel.Tile]float32
	h, hat := tile.Row(mem, l.features), mem[(l.features+1)*kernel.Tile:]
	b := l.constrain(hat, p)
	copy(mem, t.X)
	l.argument(h, t, p)
	kernel.Tanh(h[:t.N], h[:t.N])
	l.move(t, hat, 1, h)
	b.logSlope(slope[:t.N], h[:t.N])
	kernel.Add(t.LogDet[:t.N], slope[:t.N])
}

// ToData implements Transform.
func (l *Planar) ToData(t *tile.Tile, p, mem []float32) {
	var s tile.Search
	var columns [4][kernel.Tile]float32
	a, h, y, slope := columns[0][:t.N], columns[1][:t.N], columns[2][:t.N], columns[3][:t.N]
	hat := mem[(l.features+1)*kernel.Tile:]
	b := l.constrain(hat, p)
	m := float32(b.lift - 1)
	l.argument(s.Z[:], t, p)
	for e, v := range s.Z[:t.N] {
		s.Lo[e], s.Hi[e] = v-tile.Abs(m), v+tile.Abs(m)
	}
	s.Begin(a)
	for more := true; more; {
		kernel.Tanh(h, a)
		b.logSlope(slope, h)
		for e, v := range h {
			y[e] = a[e] + m*v
		}
		more = s.Step(a, y, slope)
	}
	l.move(t, hat, -1, h)
	kernel.Axpy(t.LogDet[:t.N], -1, slope)
}

// Backward implements Independent.
func (l *Planar) Backward(t *tile.Tile, p, g, mem, scratch []float32) {
	var columns [2][kernel.Tile]float32
	da, product := columns[0][:t.N], columns[1][:t.N]
	h, hat := tile.Row(mem, l.features)[:t.N], mem[(l.features+1)*kernel.Tile:]
	b := l.constrain(hat, p)
	if t.First {
		for _, v := range []nn.View{l.U, l.W, l.B, l.shift.View} {
			clear(v.Of(g))
		}
	}
	w, along := l.W.Of(p), 0.0
	for f := range l.features {
		d := tile.Row(t.DX, f)[:t.N]
		kernel.Axpy(da, hat[f], d) // of h, so far
		kernel.Mul(product, d, h)
		scratch[f] = kernel.Sum(product)
		along += float64(scratch[f]) * float64(w[f])
	}
	byLift := b.backward(da, h, t.DLogDet)
	l.collect(p, g, scratch, b, along/b.norm, byLift)
	l.B.Of(g)[0] += kernel.Sum(da)
	l.shift.gradient(p, g, columns[0][:], t)
	for f, dw := range l.W.Of(g) {
		kernel.Mul(product, da, tile.Row(mem, f))
		l.W.Of(g)[f] = dw + kernel.Sum(product)
		kernel.Axpy(tile.Row(t.DX, f)[:t.N], w[f], da)
	}
}

// backward turns d, the gradient of h, into that of a, and returns that of 1 + w.û through the log-determinant.
func (b bend) backward(d, h, dLogDet []float32) (byLift float64) {
	lift := float32(b.lift)
	for e, v := range h {
		flat := 1 - v*v
		bySlope := dLogDet[e] / (lift*flat + v*v)
		d[e] = flat * (d[e] - 2*(lift-1)*v*bySlope)
		byLift += float64(bySlope * flat)
	}
	return byLift
}

// collect adds the gradients of u and w through û, of which dHat is that, along w.dHat/|w|^2, and through the log-determinant.
func (l *Planar) collect(p, g, dHat []float32, b bend, along, byLift float64) {
	u, w, du, dw := l.U.Of(p), l.W.Of(p), l.U.Of(g), l.W.Of(g)
	byDot := -along
	if b.lift > leastLift {
		byDot += (along + byLift) / (1 + math.Exp(-b.dot))
	}
	for f := range w {
		d, v := float64(dHat[f]), float64(w[f])
		du[f] += float32(d + byDot*v)
		dw[f] += float32(byDot*float64(u[f]) + b.excess*(d-2*along*v))
	}
}
