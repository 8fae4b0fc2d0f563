package flow

import (
	"slices"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// course takes the tiles of a batch through the transforms of a flow, towards the latent, to a loss at their end, and back: the
// part that objectives have in common. It keeps its workers and memory from call to call; it is not for concurrent use.
type course struct {
	ends
	f     *Flow
	scale float32 // one over the events of a batch

	batch  *batch.Batch
	eval   []workspace // one a worker
	stages []stage
	passes []Pass       // between the stages
	spaces []trainSpace // one a worker, or, where there are passes, one a tile of the batch
	tiles  []*Tile      // of the spaces, where there are passes
	stage  int          // under way
	back   bool
	done   <-chan struct{}           // see Watch
	learn  func(t *Tile, number int) // takes the gradient of the context; nil where nobody wants it
	loops  struct {
		train func(worker int, t *batch.Tile)
		loss  func(worker, first, end int)
	}
}

// ends are what an objective does before and after the transforms. mem is memory of the base and the embedding. Several tiles are under way at the
// same time.
type ends interface {
	// load brings the events in rows, which are the tile's of this number of a batch.
	load(t *Tile, mem []float32, number int, rows []int32)
	// loss is summed over these events, in float64.
	loss(t *Tile, mem []float32, number int, rows []int32) float64
	// seed sets the gradients DX and DLogDet of scale times the loss, and puts or adds that of the base's parameters.
	seed(s *trainSpace, b *batch.Tile, scale float32)
}

func newCourse(f *Flow, of ends) *course {
	return newCourseOf(f, of, batch.New(f.Threads, f.independent, f.seed))
}

func newCourseOf(f *Flow, of ends, b *batch.Batch) *course {
	c := &course{ends: of, f: f, batch: b, stages: []stage{{first: true}}}
	for _, t := range f.transforms {
		if b, ok := t.(Batched); ok {
			c.passes = append(c.passes, b.NewPass(c.batch.Crew))
			c.stages = append(c.stages, stage{})
			continue
		}
		last := &c.stages[len(c.stages)-1]
		last.transforms = append(last.transforms, t.(Independent)) // as every plan checks
	}
	if len(c.passes) > 0 {
		c.batch.KeepParts()
	}
	for range c.batch.Threads() {
		c.eval = append(c.eval, f.workspace())
	}
	c.loops.train, c.loops.loss = c.train, c.lossGroup
	return c
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
	base    []float32
	scratch []float32
}

// Params is the flow's parameter vector.
func (c *course) Params() []float32 { return c.f.params }

// Parallel lends the workers between gradients; see train.Parallel.
func (c *course) Parallel(items int, fn func(worker, item int)) { c.batch.Run(items, fn) }

// Share has peers take a share of each batch, and of each Loss; of a flow with a layer that takes the batch as a whole, of the Loss alone.
func (c *course) Share(p batch.Peers) (gradients bool) { return c.batch.Share(p) }

// Batch is that of a step, for another part of the objective.
func (c *course) Batch() *batch.Batch { return c.batch }

// SetStep says which step of a training the next Gradient belongs to: its random numbers (dropout) depend on it. Every
// Gradient counts on from there, from 0 at the start.
func (c *course) SetStep(step int) { c.batch.SetStep(step) }

// Decays are the parameters that a weight decay is for; see train.Decaying.
func (c *course) Decays() [][2]int { return c.f.layout.Decays() }

// Close ends the workers.
func (c *course) Close() { c.batch.Close() }

// Gradient sets grad to the gradient of the mean loss over the events in rows and returns that mean, in nats per event. It is
// the same for any number of threads. Dropout leaves out units, and batch norms take the statistics of these events.
func (c *course) Gradient(rows []int32, grad []float32) float64 {
	c.f.derive(fewRounds)
	c.scale = 1 / float32(len(rows))
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
func (c *course) reserve() {
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

func (c *course) newSpace() trainSpace {
	s := trainSpace{tile: c.f.newTile()}
	s.tile.DX = kernel.Aligned(c.f.Features * kernel.Tile)
	s.tile.DLogDet = kernel.Aligned(kernel.Tile)
	if c.f.embedding != nil || c.learn != nil {
		s.tile.DContext = kernel.Aligned(c.f.seen * kernel.Tile)
	}
	rows, scratch := c.f.endsMemory()
	base := rows
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
	s.scratch, s.base = take(scratch), take(base)
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
func (c *course) through(stage int, back bool) {
	c.stage, c.back = stage, back
	c.batch.Each(c.loops.train)
}

// train takes one tile through a stage.
func (c *course) train(worker int, b *batch.Tile) {
	s, last := &c.spaces[worker], len(c.passes)
	if last > 0 {
		s = &c.spaces[b.Number]
	}
	if c.stage == 0 && (!c.back || last == 0) {
		s.tile.SkipDX, s.noise = false, b.Noise
		s.tile.Noise = &s.noise
		c.load(&s.tile, s.base, b.Number, b.Rows)
	}
	if !c.back || c.stage == last {
		c.forward(s)
	}
	s.tile.First = b.First
	if c.stage == last {
		c.batch.SetSum(b.Number, c.loss(&s.tile, s.base, b.Number, b.Rows))
		clear(s.tile.DContext)
		c.seed(s, b, c.scale)
	}
	if c.back {
		c.backward(s, b.Grad)
	}
	if c.back && c.stage == 0 {
		c.f.embedBack(&s.tile, b.Grad, s.base, s.scratch)
		if c.learn != nil {
			c.learn(&s.tile, b.Number)
		}
	}
}

func (c *course) forward(s *trainSpace) {
	mems := s.mems[c.stage]
	for i, tr := range c.stages[c.stage].transforms {
		tr.ToLatent(&s.tile, c.f.params, mems[i])
	}
}

func (c *course) backward(s *trainSpace, g []float32) {
	st, mems := &c.stages[c.stage], s.mems[c.stage]
	for i := len(st.transforms) - 1; i >= 0; i-- {
		s.tile.SkipDX = st.first && i == 0
		st.transforms[i].Backward(&s.tile, c.f.params, g, mems[i], s.scratch)
	}
	// A batched transform in front of an empty first stage is the first.
	s.tile.SkipDX = c.stage == 1 && len(c.stages[0].transforms) == 0
}

// Watch has Loss and Freeze end at once, with any value, when the channel is closed.
func (c *course) Watch(done <-chan struct{}) { c.done = done }

func (c *course) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Loss is the mean over the events in rows, in nats, without dropout and with the frozen statistics of batch norms; see Freeze.
func (c *course) Loss(rows []int32) float64 {
	return c.batch.Loss(rows, c.f.groupTiles(), c.loops.loss)
}

func (c *course) lossGroup(worker, first, end int) {
	if c.ended() {
		return
	}
	w := &c.eval[worker]
	for t := first; t < end; t++ {
		c.load(w.tiles[t-first], w.mems[0], t, c.batch.Rows(t))
	}
	c.f.toLatent(w, end-first)
	for t := first; t < end; t++ {
		c.batch.SetSum(t, c.loss(w.tiles[t-first], w.mems[0], t, c.batch.Rows(t)))
	}
}

// Freeze sets the statistics of batch norms, which are constants outside training, to those of the events in rows,
// transform after transform: a flow's as if all events were one batch, a network's put together from batches of about
// 2,048. It holds a copy of these events. Parameters that follow from others (Derived) come to where they belong. A flow with
// neither is left as it is.
//
// Call it before Loss judges parameters that have moved, and before they are kept.
func (c *course) Freeze(rows []int32) {
	c.f.derive(manyRounds)
	if c.f.statistics {
		c.settle(rows, false)
	}
}

// StartFrom sets the parameters that start from events, transform after transform, by the events in rows; see DataStarter. Call
// it once, before the first Gradient, with the events of that.
func (c *course) StartFrom(rows []int32) {
	if slices.ContainsFunc(c.f.transforms, func(t Transform) bool { _, ok := t.(DataStarter); return ok }) {
		c.settle(rows, true)
	}
}

// settle takes events through the flow, and sets what follows from them at each transform.
func (c *course) settle(rows []int32, start bool) {
	if len(rows) == 0 {
		return
	}
	c.batch.Begin(rows)
	tiles := make([]*Tile, c.batch.Tiles())
	c.batch.Run(len(tiles), func(worker, t int) {
		tile := c.f.newTile()
		c.load(&tile, c.eval[worker].mems[0], t, c.batch.Rows(t))
		tiles[t] = &tile
	})
	next := 0
	for _, t := range c.f.transforms {
		if _, ok := t.(Batched); ok {
			c.passes[next].Freeze(tiles, c.f.params)
			next++
		}
		if s, ok := t.(DataStarter); ok && start {
			s.StartFrom(tiles, c.f.params)
		}
		if next == len(c.passes) && !start {
			return
		}
		c.batch.Groups(c.f.groupTiles(), func(worker, first, end int) {
			if c.ended() {
				return
			}
			c.eval[worker].through(t, tiles[first:end], c.f.params, false)
		})
	}
}
