package base

import (
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/flow/transformer"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// ConditionalNormal is the base N(mean(c), exp(s(c))) of each of its features, with mean and s from a network of the context, s
// within +-5 (LogScale soft): what the context shifts and scales as a whole, the transforms need not.
type ConditionalNormal struct {
	Features []int32
	Shape    nn.Shape // of the network
	Build    func(l *nn.Layout, scope string, s nn.Shape) Network

	net Network
}

// Network computes rows of a tile from the context alone. Its methods are those of flow.Conditioner.
type Network interface {
	Mask()
	Start(p, bias []float32, src *nn.Source)
	Rows() int
	Scratch() int
	Forward(p, act, context []float32, pass *nn.Pass) []float32
	Results(act []float32) []float32
	Backward(p, g, act, d, scratch []float32, pass *nn.Pass) []float32
}

const conditionalScale = transformer.LogScale("soft")

// Partial implements flow.Partial.
func (*ConditionalNormal) Partial() {}

// Layout implements Base.
func (b *ConditionalNormal) Layout(l *nn.Layout, scope string) {
	b.net = b.Build(l, scope, b.Shape)
	b.net.Mask()
}

// Start implements Starter: N(0, 1).
func (b *ConditionalNormal) Start(p []float32, src *nn.Source) {
	b.net.Start(p, make([]float32, b.Shape.Outputs), src)
}

// Memory implements Base: the network's, s, and r = (z-mean) exp(-s); then the gradient of the outputs.
func (b *ConditionalNormal) Memory() (rows, scratch int) {
	n := len(b.Features)
	return b.net.Rows() + 2*n, 2*n + b.net.Scratch()
}

// scales runs the network: rows of means, of raw s, of s, and the place of r.
func (b *ConditionalNormal) scales(t *tile.Tile, p, mem []float32) (mean, raw, s, r []float32) {
	n := len(b.Features)
	h := b.net.Forward(p, mem, t.Context, &t.Pass)
	mean, raw = tile.Rows(h, 0, n), tile.Rows(h, n, n)
	s, r = tile.Rows(mem, b.net.Rows(), n), tile.Rows(mem, b.net.Rows()+n, n)
	for i := range n {
		conditionalScale.Apply(tile.Row(s, i)[:t.N], tile.Row(raw, i)[:t.N])
	}
	return mean, raw, s, r
}

// LogProb implements Base.
func (b *ConditionalNormal) LogProb(t *tile.Tile, p, mem []float32, logProb []float64) {
	mean, _, s, r := b.scales(t, p, mem)
	var none [kernel.Tile]float32
	for i, f := range b.Features {
		kernel.AffineToLatent(tile.Row(r, i)[:t.N], none[:], tile.Row(t.X, int(f)), tile.Row(mean, i), tile.Row(s, i))
		for e := range logProb {
			if t.Absent(f)>>e&1 != 0 {
				continue
			}
			v := float64(tile.Row(r, i)[e])
			logProb[e] -= v*v/2 + float64(tile.Row(s, i)[e]) + logSqrt2Pi
		}
	}
}

// Backward implements Base: of -log p, r exp(-s) is the derivative by z, minus that by the mean, and 1-r^2 that by s.
func (b *ConditionalNormal) Backward(t *tile.Tile, p, g, mem, scratch, slope []float32) {
	n := len(b.Features)
	h, s, r := b.net.Results(mem), tile.Rows(mem, b.net.Rows(), n), tile.Rows(mem, b.net.Rows()+n, n)
	dh := tile.Rows(scratch, 0, 2*n)
	for i, f := range b.Features {
		d, dMean, ds := tile.Row(t.DX, int(f))[:t.N], tile.Row(dh, i)[:t.N], tile.Row(dh, n+i)[:t.N]
		kernel.Mul(d, tile.Row(r, i), slope)
		kernel.AffineBackward(d, dMean, ds, tile.Row(r, i)[:t.N], tile.Row(s, i), d, slope)
		for e, v := range tile.Row(r, i)[:t.N] {
			ds[e] = slope[e] * (1 - v*v)
		}
		conditionalScale.Backward(ds, tile.Row(s, i)[:t.N], tile.Row(h, n+i)[:t.N])
		for _, r := range [][]float32{d, dMean, ds} {
			tile.ClearAt(r, t.Absent(f))
		}
	}
	skip := t.SkipDX // there are no features to go back to
	t.SkipDX = true
	b.net.Backward(p, g, mem, dh, scratch[len(dh):], &t.Pass)
	t.SkipDX = skip
}

// Draw implements Base.
func (b *ConditionalNormal) Draw(t *tile.Tile, p, mem []float32, seed, first uint64) {
	(&Normal{b.Features}).Draw(t, p, nil, seed, first)
	mean, _, s, _ := b.scales(t, p, mem)
	var none [kernel.Tile]float32
	for i, f := range b.Features {
		x := tile.Row(t.X, int(f))[:t.Events]
		kernel.AffineToData(x, none[:], x, tile.Row(mean, i), tile.Row(s, i))
	}
}
