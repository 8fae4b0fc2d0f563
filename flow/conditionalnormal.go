package flow

import (
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// ConditionalNormal is the base N(mean(c), exp(s(c))) of each of its features, with mean and s from a network of the context, s
// within +-5 (LogScale soft): what the context shifts and scales as a whole, the transforms need not.
type ConditionalNormal struct {
	Features []int32

	shape nn.Shape
	build func(l *nn.Layout, scope string, s nn.Shape) Conditioner
	net   Conditioner
}

const conditionalScale = LogScale("soft")

// Partial implements Partial.
func (*ConditionalNormal) Partial() {}

// Layout implements Base.
func (b *ConditionalNormal) Layout(l *nn.Layout, scope string) {
	b.net = b.build(l, scope, b.shape)
	b.net.Mask()
}

// Start implements Starter: N(0, 1).
func (b *ConditionalNormal) Start(p []float32, src *nn.Source) {
	b.net.Start(p, make([]float32, b.shape.Outputs), src)
}

// Memory implements Base: the network's, s, and r = (z-mean) exp(-s); then the gradient of the outputs.
func (b *ConditionalNormal) Memory() (rows, scratch int) {
	n := len(b.Features)
	return b.net.Rows() + 2*n, 2*n + b.net.Scratch()
}

// scales runs the network: rows of means, of raw s, of s, and the place of r.
func (b *ConditionalNormal) scales(t *Tile, p, mem []float32) (mean, raw, s, r []float32) {
	n := len(b.Features)
	h := b.net.Forward(p, mem, t.Context, &t.Pass)
	mean, raw = rows(h, 0, n), rows(h, n, n)
	s, r = rows(mem, b.net.Rows(), n), rows(mem, b.net.Rows()+n, n)
	for i := range n {
		conditionalScale.apply(row(s, i)[:t.N], row(raw, i)[:t.N])
	}
	return mean, raw, s, r
}

// LogProb implements Base.
func (b *ConditionalNormal) LogProb(t *Tile, p, mem []float32, logProb []float64) {
	mean, _, s, r := b.scales(t, p, mem)
	var none [kernel.Tile]float32
	for i, f := range b.Features {
		kernel.AffineToLatent(row(r, i)[:t.N], none[:], row(t.X, int(f)), row(mean, i), row(s, i))
		for e := range logProb {
			if t.Absent(f)>>e&1 != 0 {
				continue
			}
			v := float64(row(r, i)[e])
			logProb[e] -= v*v/2 + float64(row(s, i)[e]) + logSqrt2Pi
		}
	}
}

// Backward implements Base: of -log p, r exp(-s) is the derivative by z, minus that by the mean, and 1-r^2 that by s.
func (b *ConditionalNormal) Backward(t *Tile, p, g, mem, scratch, slope []float32) {
	n := len(b.Features)
	h, s, r := b.net.Results(mem), rows(mem, b.net.Rows(), n), rows(mem, b.net.Rows()+n, n)
	dh := rows(scratch, 0, 2*n)
	for i, f := range b.Features {
		d, dMean, ds := row(t.DX, int(f))[:t.N], row(dh, i)[:t.N], row(dh, n+i)[:t.N]
		kernel.Mul(d, row(r, i), slope)
		kernel.AffineBackward(d, dMean, ds, row(r, i)[:t.N], row(s, i), d, slope)
		for e, v := range row(r, i)[:t.N] {
			ds[e] = slope[e] * (1 - v*v)
		}
		conditionalScale.backward(ds, row(s, i)[:t.N], row(h, n+i)[:t.N])
		for _, r := range [][]float32{d, dMean, ds} {
			clearAt(r, t.Absent(f))
		}
	}
	skip := t.SkipDX // there are no features to go back to
	t.SkipDX = true
	b.net.Backward(p, g, mem, dh, scratch[len(dh):], &t.Pass)
	t.SkipDX = skip
}

// Draw implements Base.
func (b *ConditionalNormal) Draw(t *Tile, p, mem []float32, seed, first uint64) {
	(&Normal{b.Features}).Draw(t, p, nil, seed, first)
	mean, _, s, _ := b.scales(t, p, mem)
	var none [kernel.Tile]float32
	for i, f := range b.Features {
		x := row(t.X, int(f))[:t.Events]
		kernel.AffineToData(x, none[:], x, row(mean, i), row(s, i))
	}
}
