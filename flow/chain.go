package flow

import (
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// chain takes the tiles of a batch through the transforms of a flow and back. What comes in at the one end and what the
// loss is at the other are the objective's.
type chain struct {
	batch  *batch.Batch
	f      *Flow
	ends   ends
	eval   []workspace // one a worker
	stages []stage
	passes []Pass       // between the stages
	spaces []trainSpace // one a worker, or, where there are passes, one a tile of the batch
	tiles  []*Tile      // of the spaces, where there are passes
	stage  int          // under way
	back   bool
	loops  struct {
		train func(worker int, t *batch.Tile)
		loss  func(worker, first, end int)
	}
}

// ends are the two ends of a chain.
type ends interface {
	// load fills a tile with the events in rows.
	load(t *Tile, rows []int32)
	// loss is the loss of what came out, summed over the events in rows.
	loss(t *Tile, rows []int32) float64
	// seed sets t.DX and t.DLogDet to the gradients of the mean loss of the batch, and puts or adds that of the base.
	seed(t *Tile, b *batch.Tile)
}

// stage is a run of transforms, each of them Independent: a tile goes through all of them at once. The last stage, which
// may have none, also takes the loss and turns back.
type stage struct {
	transforms []Independent
	first      bool // its first transform is the flow's
}

// trainSpace is what a tile needs to go through the independent transforms and back.
type trainSpace struct {
	tile    Tile
	noise   nn.Noise
	mems    [][][]float32 // of each stage and transform
	scratch []float32
}

func newChain(f *Flow, e ends) *chain {
	c := &chain{batch: batch.New(f.Threads, f.independent, f.seed), f: f, ends: e, stages: []stage{{first: true}}}
	for _, t := range f.transforms {
		if b, ok := t.(Batched); ok {
			c.passes = append(c.passes, b.NewPass(c.batch.Crew))
			c.stages = append(c.stages, stage{})
			continue
		}
		last := &c.stages[len(c.stages)-1]
		last.transforms = append(last.transforms, t.(Independent)) // as every plan checks
	}
	for range c.batch.Threads() {
		c.eval = append(c.eval, f.workspace())
	}
	c.loops.train, c.loops.loss = c.train, c.lossGroup
	return c
}

// Params is the flow's parameter vector.
func (c *chain) Params() []float32 { return c.f.params }

// Parallel lends the workers between gradients; see train.Parallel.
func (c *chain) Parallel(items int, fn func(worker, item int)) { c.batch.Run(items, fn) }

// SetStep says which step of a training the next Gradient belongs to: its random numbers (dropout) depend on it. Every
// Gradient counts on from there, from 0 at the start.
func (c *chain) SetStep(step int) { c.batch.SetStep(step) }

// Decays are the parameters that a weight decay is for; see train.Decaying.
func (c *chain) Decays() [][2]int { return c.f.layout.Decays() }

// Close ends the workers.
func (c *chain) Close() { c.batch.Close() }

// gradient sets grad to that of the mean loss of the events in rows, which it returns.
func (c *chain) gradient(rows []int32, grad []float32) float64 {
	c.batch.BeginGradient(rows, grad)
	c.reserve()
	p, last := c.f.params, len(c.passes)
	for i, j := range c.passes {
		c.through(i, false)
		j.ToLatent(c.tiles, p)
	}
	c.through(last, true)
	for i := last - 1; i >= 0; i-- {
		c.passes[i].Backward(c.tiles, p, grad)
		c.through(i, true)
	}
	c.batch.Reduce()
	c.f.Cut(grad)
	return c.batch.Mean()
}

// reserve prepares the memory of a batch.
func (c *chain) reserve() {
	spaces := c.batch.Threads()
	if len(c.passes) > 0 {
		spaces = c.batch.Tiles()
	}
	for len(c.spaces) < spaces {
		c.spaces = append(c.spaces, c.newSpace())
	}
	c.tiles = c.tiles[:0]
	if len(c.passes) > 0 {
		for i := range spaces {
			c.tiles = append(c.tiles, &c.spaces[i].tile)
		}
	}
}

func (c *chain) newSpace() trainSpace {
	s := trainSpace{tile: c.f.newTile()}
	s.tile.DX = kernel.Aligned(c.f.Features * kernel.Tile)
	s.tile.DLogDet = kernel.Aligned(kernel.Tile)
	rows, scratch := 0, 0
	for _, st := range c.stages {
		for _, t := range st.transforms {
			r, s := t.Memory()
			rows, scratch = rows+r, max(scratch, s)
		}
	}
	mem := kernel.Aligned((rows + scratch) * kernel.Tile) // one piece for large pages
	take := func(rows int) []float32 {
		m := mem[:rows*kernel.Tile]
		mem = mem[len(m):]
		return m
	}
	s.scratch = take(scratch)
	for _, st := range c.stages {
		var mems [][]float32
		for _, t := range st.transforms {
			r, _ := t.Memory()
			mems = append(mems, take(r))
		}
		s.mems = append(s.mems, mems)
	}
	return s
}

// through takes all tiles through a stage: forward, or, but for the last stage, back.
func (c *chain) through(stage int, back bool) {
	c.stage, c.back = stage, back
	c.batch.Each(c.loops.train)
}

// train takes one tile through a stage.
func (c *chain) train(worker int, b *batch.Tile) {
	s, last := &c.spaces[worker], len(c.passes)
	if last > 0 {
		s = &c.spaces[b.Number]
	}
	if c.stage == 0 && (!c.back || last == 0) {
		c.load(s, b)
	}
	if !c.back || c.stage == last {
		c.forward(s)
	}
	s.tile.First = b.First
	if c.stage == last {
		c.batch.SetSum(b.Number, c.ends.loss(&s.tile, b.Rows))
		c.ends.seed(&s.tile, b)
	}
	if c.back {
		c.backward(s, b.Grad)
	}
}

func (c *chain) load(s *trainSpace, b *batch.Tile) {
	c.ends.load(&s.tile, b.Rows)
	s.tile.SkipDX = false
	s.noise = b.Noise
	s.tile.Noise = &s.noise
}

func (c *chain) forward(s *trainSpace) {
	mems := s.mems[c.stage]
	for i, tr := range c.stages[c.stage].transforms {
		tr.ToLatent(&s.tile, c.f.params, mems[i])
	}
}

func (c *chain) backward(s *trainSpace, g []float32) {
	st, mems := &c.stages[c.stage], s.mems[c.stage]
	for i := len(st.transforms) - 1; i >= 0; i-- {
		s.tile.SkipDX = st.first && i == 0
		st.transforms[i].Backward(&s.tile, c.f.params, g, mems[i], s.scratch)
	}
	// A batched transform in front of an empty first stage is the first.
	s.tile.SkipDX = c.stage == 1 && len(c.stages[0].transforms) == 0
}

// mean is the mean loss of the events in rows in evaluation.
func (c *chain) mean(rows []int32) float64 {
	c.batch.Begin(rows)
	c.batch.Groups(c.f.groupTiles(), c.loops.loss)
	return c.batch.Mean()
}

func (c *chain) lossGroup(worker, first, end int) {
	w := &c.eval[worker]
	for t := first; t < end; t++ {
		c.ends.load(w.tiles[t-first], c.batch.Rows(t))
	}
	c.f.toLatent(w, end-first)
	for t := first; t < end; t++ {
		c.batch.SetSum(t, c.ends.loss(w.tiles[t-first], c.batch.Rows(t)))
	}
}

// Freeze sets the statistics of batch norms, which are constants outside training, to those of the events in rows,
// transform after transform: a flow's as if all events were one batch, a network's put together from batches of about
// 2,048. It holds a copy of these events. Without batch norms it does nothing.
//
// Call it before Loss judges parameters that have moved, and before they are kept.
func (c *chain) Freeze(rows []int32) {
	if !c.f.statistics || len(rows) == 0 {
		return
	}
	c.batch.Begin(rows)
	tiles := make([]*Tile, c.batch.Tiles())
	c.batch.Run(len(tiles), func(_, t int) {
		tile := c.f.newTile()
		c.ends.load(&tile, c.batch.Rows(t))
		tiles[t] = &tile
	})
	next := 0
	for _, t := range c.f.transforms {
		if _, ok := t.(Batched); ok {
			c.passes[next].Freeze(tiles, c.f.params)
			next++
			if next == len(c.passes) {
				return
			}
		}
		c.batch.Groups(c.f.groupTiles(), func(worker, first, end int) {
			c.eval[worker].through(t, tiles[first:end], c.f.params, false)
		})
	}
}
