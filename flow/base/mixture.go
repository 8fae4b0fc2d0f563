package base

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Mixture is a base of several normal components, whose weights, centres and widths are trained:
//
//	p(z) = sum_k w_k prod_f N(z_f; mean_kf, width_kf),  w = softmax,  width = exp + 1e-3,
//
// over its features together. It gives a flow several bulks to begin with, which one normal distribution joins by bridges
// (Stimper et al., arXiv:2110.15828).
type Mixture struct {
	Features              []int32
	Components            int
	Weight, Mean, LogWide nn.View // of means and widths, a row a component
}

const (
	leastWidth = 1e-3
	mostWidth  = 20 // its logarithm
)

// Partial implements Partial.
func (*Mixture) Partial() {}

// Layout implements Base.
func (b *Mixture) Layout(l *nn.Layout, scope string) {
	k, n := b.Components, len(b.Features)
	b.Weight, b.Mean, b.LogWide = l.Add(scope+".weight", k, 1, nn.Bias), l.Add(scope+".mean", k, n, nn.Bias), l.Add(scope+".log_width", k, n, nn.Scale)
}

// Start implements Starter: centres are drawn, and together with the widths make a variance of 1.
func (b *Mixture) Start(p []float32, src *nn.Source) {
	const spread = 0.7
	for i := range b.Mean.Of(p) {
		b.Mean.Of(p)[i] = float32(spread * src.NormFloat64())
		b.LogWide.Of(p)[i] = float32(0.5 * math.Log(1-spread*spread))
	}
}

// Memory implements Base: what each component is of the density.
func (b *Mixture) Memory() (rows, scratch int) { return b.Components, 0 }

// Width is that of number i of means and widths.
func (b *Mixture) Width(p []float32, i int) float64 {
	return math.Exp(min(float64(b.LogWide.Of(p)[i]), mostWidth)) + leastWidth
}

// Widen makes all widths this one.
func (b *Mixture) Widen(p []float32, width float64) {
	for i := range b.LogWide.Of(p) {
		b.LogWide.Of(p)[i] = float32(math.Log(max(width-leastWidth, leastWidth)))
	}
}

// weights calls fn with each w_k.
func (b *Mixture) weights(p []float32, fn func(k int, w float64)) {
	raw, sum := b.Weight.Of(p), 0.0
	top := float64(slices.Max(raw))
	for _, w := range raw {
		sum += math.Exp(float64(w) - top)
	}
	for k, w := range raw {
		fn(k, math.Exp(float64(w)-top)/sum)
	}
}

// LogProb implements Base. A row of mem is at first the logarithm of w_k times the density of component k.
func (b *Mixture) LogProb(t *tile.Tile, p, mem []float32, logProb []float64) {
	var top, sum [kernel.Tile]float64
	b.weights(p, func(k int, w float64) {
		var log [kernel.Tile]float64
		b.component(t, p, k, log[:len(logProb)])
		for e := range logProb {
			v := log[e] + math.Log(w)
			tile.Row(mem, k)[e] = float32(v)
			if k == 0 {
				top[e] = v
			}
			sum[e] = sum[e]*math.Exp(min(top[e]-v, 0)) + math.Exp(min(v-top[e], 0))
			top[e] = max(top[e], v)
		}
	})
	for e := range logProb {
		log := top[e] + math.Log(sum[e])
		for k := range b.Components {
			tile.Row(mem, k)[e] = float32(math.Exp(float64(tile.Row(mem, k)[e]) - log))
		}
		logProb[e] += log
	}
}

// component sets log to the log-density of component k.
func (b *Mixture) component(t *tile.Tile, p []float32, k int, log []float64) {
	for j, f := range b.Features {
		at := k*len(b.Features) + j
		mean, width := float64(b.Mean.Of(p)[at]), b.Width(p, at)
		rest := logSqrt2Pi + math.Log(width)
		absent := t.Absent(f)
		for e, z := range tile.Row(t.X, int(f))[:len(log)] {
			if absent>>e&1 != 0 {
				continue
			}
			r := (float64(z) - mean) / width
			log[e] -= r*r/2 + rest
		}
	}
}

// Backward implements Base: -log p has the derivative s_k r/width by z and minus that by the mean, with s_k the share of the
// component and r = (z-mean)/width; s_k (1-r^2)/width by the width; and w_k - s_k by the raw weight.
func (b *Mixture) Backward(t *tile.Tile, p, g, mem, _, slope []float32) {
	if t.First {
		clear(b.Weight.Of(g))
		clear(b.Mean.Of(g))
		clear(b.LogWide.Of(g))
	}
	for _, f := range b.Features {
		clear(tile.Row(t.DX, int(f))[:t.N])
	}
	all := float64(kernel.Sum(slope[:t.Events]))
	b.weights(p, func(k int, w float64) {
		var by [kernel.Tile]float32
		kernel.Mul(by[:t.Events], slope, tile.Row(mem, k))
		b.Weight.Of(g)[k] += float32(w*all) - kernel.Sum(by[:t.Events])
		for j, f := range b.Features {
			present := by
			tile.ClearAt(present[:], t.Absent(f))
			b.componentBackward(tile.Row(t.DX, int(f)), tile.Row(t.X, int(f)), present[:t.Events], p, g, k*len(b.Features)+j)
		}
	})
}

// componentBackward is that of one feature of a component, whose parameters are number at; by is the slope times the share.
func (b *Mixture) componentBackward(d, z, by, p, g []float32, at int) {
	mean, width := float64(b.Mean.Of(p)[at]), b.Width(p, at)
	var dMean, dWidth float64
	for e, s := range by {
		r, slope := (float64(z[e])-mean)/width, float64(s)/width
		d[e] += float32(slope * r)
		dMean -= slope * r
		dWidth += slope * (1 - r*r)
	}
	b.Mean.Of(g)[at] += float32(dMean)
	if b.LogWide.Of(p)[at] < mostWidth {
		b.LogWide.Of(g)[at] += float32(dWidth * (width - leastWidth))
	}
}

// mixtureColumn is that of the uniform numbers that choose components, beyond those of normal ones.
const mixtureColumn = 1 << 24

// Draw implements Base.
func (b *Mixture) Draw(t *tile.Tile, p, _ []float32, seed, first uint64) {
	(&Normal{b.Features}).Draw(t, p, nil, seed, first)
	var left [kernel.Tile]float64 // of the probability, below -1 once a component is chosen
	for e := range t.Events {
		left[e] = (place(seed, mixtureColumn, first+uint64(e)) + 1) / 2
	}
	b.weights(p, func(k int, w float64) {
		for e := range t.Events {
			if left[e] -= w; left[e] >= 0 && k < b.Components-1 || left[e] < -1 {
				continue
			}
			left[e] = -2
			for j, f := range b.Features {
				at, x := k*len(b.Features)+j, tile.Row(t.X, int(f))
				x[e] = float32(float64(x[e])*b.Width(p, at) + float64(b.Mean.Of(p)[at]))
			}
		}
	})
}
