package base

import (
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Trained is a base that is the density of a flow, log p(z) = log p_flow(z), which stays as it is: a tile goes through it in columns of its own.
// It is of all features, and sees the context as it is given.
type Trained struct {
	Features int
	Seen     int // context columns that its layers see in place of those given; 0 for these
	Params   []float32
	Layers   []Layer // from data to latent
	Latent   interface {
		LogProb(t *tile.Tile, p, mem []float32, logProb []float64)
		Backward(t *tile.Tile, p, g, mem, scratch, slope []float32)
	}
	// Embed sets the context that the layers see, and Draws draws of the latent, in Ends rows of memory; Backward of the latent takes so many
	// rows of Scratch.
	Embed         func(t *tile.Tile, mem []float32)
	Draws         func(t *tile.Tile, mem []float32, seed, first uint64)
	Ends, Scratch int
}

// Layer is a transform of tiles, one by one.
type Layer interface {
	Memory() (rows, scratch int)
	ToLatent(t *tile.Tile, p, mem []float32)
	ToData(t *tile.Tile, p, mem []float32)
	Backward(t *tile.Tile, p, g, mem, scratch []float32)
}

// GivesDContext says that no gradient of the context is missing: what it sees of it, nobody trains.
func (*Trained) GivesDContext() {}

// Layout implements Base: nothing is trained.
func (*Trained) Layout(*nn.Layout, string) {}

// Memory implements Base. Rows are the features, their log-det, the context that is seen, what the ends need, and each layer. The gradients of
// the log-det and of the parameters, which nobody wants, go to scratch.
func (b *Trained) Memory() (rows, scratch int) {
	rows, scratch = b.ends()+b.Ends, b.Scratch
	for _, l := range b.Layers {
		r, s := l.Memory()
		rows, scratch = rows+r, max(scratch, s)
	}
	return rows, scratch + 1 + b.gradient()
}

func (b *Trained) ends() int { return b.Features + 1 + b.Seen }

func (b *Trained) gradient() int { return (len(b.Params) + kernel.Tile - 1) / kernel.Tile }

// outer is what a tile was before the flow took it up.
type outer struct {
	pass               nn.Pass
	x, context, logDet []float32
	noDet              bool
}

// enter has the layers see a tile without dropout, in columns of their own; leave is the way out. ends is the memory of the ends, with that of the
// layers behind it.
func (b *Trained) enter(t *tile.Tile, mem []float32) (was outer, ends []float32) {
	was = outer{t.Pass, t.X, t.Context, t.LogDet, t.NoDet}
	t.Noise, t.DContext, t.SkipDX, t.First, t.NoDet = nil, nil, false, true, false
	t.X, t.LogDet, t.Context = tile.Rows(mem, 0, b.Features), tile.Row(mem, b.Features), t.Given
	if b.Seen > 0 {
		t.Context = tile.Rows(mem, b.Features+1, b.Seen)
	}
	return was, mem[b.ends()*kernel.Tile:]
}

func (o *outer) leave(t *tile.Tile) {
	t.Pass, t.X, t.Context, t.LogDet, t.NoDet = o.pass, o.x, o.context, o.logDet, o.noDet
}

// LogProb implements Base.
func (b *Trained) LogProb(t *tile.Tile, _, mem []float32, logProb []float64) {
	was, ends := b.enter(t, mem)
	copy(t.X, was.x)
	clear(t.LogDet)
	b.Embed(t, ends)
	at := ends[b.Ends*kernel.Tile:]
	for _, l := range b.Layers {
		l.ToLatent(t, b.Params, at)
		rows, _ := l.Memory()
		at = at[rows*kernel.Tile:]
	}
	b.Latent.LogProb(t, b.Params, ends, logProb)
	for e := range logProb {
		logProb[e] += float64(t.LogDet[e])
	}
	was.leave(t)
}

// Backward implements Base.
func (b *Trained) Backward(t *tile.Tile, _, _, mem, scratch, slope []float32) {
	dLogDet, unwanted := tile.Row(scratch, 0), scratch[kernel.Tile:][:len(b.Params)]
	scratch = scratch[(1+b.gradient())*kernel.Tile:]
	dOuter := t.DLogDet
	was, ends := b.enter(t, mem)
	b.Latent.Backward(t, b.Params, unwanted, ends, scratch, slope)
	copy(dLogDet, slope)
	kernel.Scale(dLogDet[:len(slope)], -1)
	t.DLogDet = dLogDet
	end, _ := b.Memory()
	for i := len(b.Layers) - 1; i >= 0; i-- {
		rows, _ := b.Layers[i].Memory()
		end -= rows
		b.Layers[i].Backward(t, b.Params, unwanted, mem[end*kernel.Tile:], scratch)
	}
	t.DLogDet = dOuter
	was.leave(t)
}

// Draw implements Base.
func (b *Trained) Draw(t *tile.Tile, _, mem []float32, seed, first uint64) {
	was, ends := b.enter(t, mem)
	t.X, t.NoDet = was.x, true
	b.Embed(t, ends)
	b.Draws(t, ends, seed, first)
	for i := len(b.Layers) - 1; i >= 0; i-- {
		b.Layers[i].ToData(t, b.Params, ends[b.Ends*kernel.Tile:])
	}
	was.leave(t)
}
