package flow

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Likelihood is the negative log-likelihood (NLL) of a set of events under a flow, as a function of the flow's parameters:
// what a training minimises. It keeps its workers and memory from call to call; it is not for concurrent use.
type Likelihood struct {
	f          *Flow
	x, context [][]float32
	weight     []float32 // nil where all are 1
	scale      float32   // one over the events of a batch

	batch  *batch.Batch
	eval   []workspace // one a worker
	stages []stage
	passes []Pass       // between the stages
	spaces []trainSpace // one a worker, or, where there are passes, one a tile of the batch
	tiles  []*Tile      // of the spaces, where there are passes
	stage  int          // under way
	back   bool
	each   []float64       // the NLL of each event of a Loss goes here; nil for nowhere
	done   <-chan struct{} // see Watch
	loops  struct {
		train func(worker int, t *batch.Tile)
		loss  func(worker, first, end int)
	}
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

// NewLikelihood binds events to a flow. weight may be nil; it is taken as it is, and the events and it may change from call
// to call. Negative weights count negatively, and the mean over the training events should be 1. context is nil for a flow
// without. Close it after use.
func NewLikelihood(f *Flow, x, context [][]float32, weight []float32) (*Likelihood, error) {
	n, err := f.check(x, context)
	if err != nil {
		return nil, err
	}
	if weight != nil && len(weight) != n {
		return nil, fmt.Errorf("flow: %d weights for %d events", len(weight), n)
	}
	l := &Likelihood{f: f, x: x, context: context, weight: weight, batch: batch.New(f.Threads, f.independent, f.seed), stages: []stage{{first: true}}}
	for _, t := range f.transforms {
		if b, ok := t.(Batched); ok {
			l.passes = append(l.passes, b.NewPass(l.batch.Crew))
			l.stages = append(l.stages, stage{})
			continue
		}
		last := &l.stages[len(l.stages)-1]
		last.transforms = append(last.transforms, t.(Independent)) // as every plan checks
	}
	for range l.batch.Threads() {
		l.eval = append(l.eval, f.workspace())
	}
	l.loops.train, l.loops.loss = l.train, l.lossGroup
	return l, nil
}

// Params is the flow's parameter vector.
func (l *Likelihood) Params() []float32 { return l.f.params }

// Parallel lends the workers between gradients; see train.Parallel.
func (l *Likelihood) Parallel(items int, fn func(worker, item int)) { l.batch.Run(items, fn) }

// SetStep says which step of a training the next Gradient belongs to: its random numbers (dropout) depend on it. Every
// Gradient counts on from there, from 0 at the start.
func (l *Likelihood) SetStep(step int) { l.batch.SetStep(step) }

// Decays are the parameters that a weight decay is for; see train.Decaying.
func (l *Likelihood) Decays() [][2]int { return l.f.layout.Decays() }

// Close ends the workers.
func (l *Likelihood) Close() { l.batch.Close() }

// Gradient sets grad to the gradient of the mean of weight times NLL over the events in rows and returns that mean, in nats
// per event. It is the same for any number of threads. Dropout leaves out units, and batch norms take the statistics of
// these events.
func (l *Likelihood) Gradient(rows []int32, grad []float32) float64 {
	l.scale = 1 / float32(len(rows))
	l.batch.BeginGradient(rows, grad)
	l.reserve()
	p, last := l.f.params, len(l.passes)
	for i, j := range l.passes {
		l.through(i, false)
		j.ToLatent(l.tiles, p)
	}
	l.through(last, true)
	for i := last - 1; i >= 0; i-- {
		l.passes[i].Backward(l.tiles, p, grad)
		l.through(i, true)
	}
	l.batch.Reduce()
	l.f.Cut(grad)
	return l.batch.Mean()
}

// reserve prepares the memory of a batch.
func (l *Likelihood) reserve() {
	spaces := l.batch.Threads()
	if len(l.passes) > 0 {
		spaces = l.batch.Tiles()
	}
	for len(l.spaces) < spaces {
		l.spaces = append(l.spaces, l.newSpace())
	}
	l.tiles = l.tiles[:0]
	if len(l.passes) > 0 {
		for i := range spaces {
			l.tiles = append(l.tiles, &l.spaces[i].tile)
		}
	}
}

func (l *Likelihood) newSpace() trainSpace {
	s := trainSpace{tile: l.f.newTile()}
	s.tile.DX = kernel.Aligned(l.f.Features * kernel.Tile)
	s.tile.DLogDet = kernel.Aligned(kernel.Tile)
	rows, scratch := l.f.base.Memory()
	base := rows
	for _, st := range l.stages {
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
	for _, st := range l.stages {
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
func (l *Likelihood) through(stage int, back bool) {
	l.stage, l.back = stage, back
	l.batch.Each(l.loops.train)
}

// train takes one tile through a stage.
func (l *Likelihood) train(worker int, b *batch.Tile) {
	s, last := &l.spaces[worker], len(l.passes)
	if last > 0 {
		s = &l.spaces[b.Number]
	}
	if l.stage == 0 && (!l.back || last == 0) {
		l.load(&s.tile, b.Rows)
		s.tile.SkipDX, s.noise = false, b.Noise
		s.tile.Noise = &s.noise
	}
	if !l.back || l.stage == last {
		l.forward(s)
	}
	s.tile.First = b.First
	if l.stage == last {
		l.batch.SetSum(b.Number, l.loss(&s.tile, s.base, b.Rows, nil))
		l.seed(s, b)
	}
	if l.back {
		l.backward(s, b.Grad)
	}
}

func (l *Likelihood) forward(s *trainSpace) {
	mems := s.mems[l.stage]
	for i, tr := range l.stages[l.stage].transforms {
		tr.ToLatent(&s.tile, l.f.params, mems[i])
	}
}

func (l *Likelihood) backward(s *trainSpace, g []float32) {
	st, mems := &l.stages[l.stage], s.mems[l.stage]
	for i := len(st.transforms) - 1; i >= 0; i-- {
		s.tile.SkipDX = st.first && i == 0
		st.transforms[i].Backward(&s.tile, l.f.params, g, mems[i], s.scratch)
	}
	// A batched transform in front of an empty first stage is the first.
	s.tile.SkipDX = l.stage == 1 && len(l.stages[0].transforms) == 0
}

// Watch has Loss and Freeze end at once, with any value, when the channel is closed.
func (l *Likelihood) Watch(done <-chan struct{}) { l.done = done }

func (l *Likelihood) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// Losses is Loss, and sets each to the NLL of each event, without its weight.
func (l *Likelihood) Losses(rows []int32, each []float64) float64 {
	l.each = each
	defer func() { l.each = nil }()
	return l.Loss(rows)
}

// Loss is the mean over the events in rows of weight times NLL, in nats, without dropout and with the frozen
// statistics of batch norms; see Freeze.
func (l *Likelihood) Loss(rows []int32) float64 {
	l.batch.Begin(rows)
	l.batch.Groups(l.f.groupTiles(), l.loops.loss)
	return l.batch.Mean()
}

func (l *Likelihood) lossGroup(worker, first, end int) {
	if l.ended() {
		return
	}
	w := &l.eval[worker]
	for t := first; t < end; t++ {
		l.load(w.tiles[t-first], l.batch.Rows(t))
	}
	l.f.toLatent(w, end-first)
	for t := first; t < end; t++ {
		var each []float64
		if l.each != nil {
			each = l.each[t*kernel.Tile:]
		}
		l.batch.SetSum(t, l.loss(w.tiles[t-first], w.mems[0], l.batch.Rows(t), each))
	}
}

// Freeze sets the statistics of batch norms, which are constants outside training, to those of the events in rows,
// transform after transform: a flow's as if all events were one batch, a network's put together from batches of about
// 2,048. It holds a copy of these events. Without batch norms it does nothing.
//
// Call it before Loss judges parameters that have moved, and before they are kept.
func (l *Likelihood) Freeze(rows []int32) {
	if l.f.statistics {
		l.settle(rows, false)
	}
}

// StartFrom sets the parameters that start from events, transform after transform, by the events in rows; see DataStarter. Call
// it once, before the first Gradient, with the events of that.
func (l *Likelihood) StartFrom(rows []int32) {
	if slices.ContainsFunc(l.f.transforms, func(t Transform) bool { _, ok := t.(DataStarter); return ok }) {
		l.settle(rows, true)
	}
}

// settle takes events through the flow, and sets what follows from them at each transform.
func (l *Likelihood) settle(rows []int32, start bool) {
	if len(rows) == 0 {
		return
	}
	l.batch.Begin(rows)
	tiles := make([]*Tile, l.batch.Tiles())
	l.batch.Run(len(tiles), func(_, t int) {
		tile := l.f.newTile()
		l.load(&tile, l.batch.Rows(t))
		tiles[t] = &tile
	})
	next := 0
	for _, t := range l.f.transforms {
		if _, ok := t.(Batched); ok {
			l.passes[next].Freeze(tiles, l.f.params)
			next++
		}
		if s, ok := t.(DataStarter); ok && start {
			s.StartFrom(tiles, l.f.params)
		}
		if next == len(l.passes) && !start {
			return
		}
		l.batch.Groups(l.f.groupTiles(), func(worker, first, end int) {
			if l.ended() {
				return
			}
			l.eval[worker].through(t, tiles[first:end], l.f.params, false)
		})
	}
}

func (l *Likelihood) load(t *Tile, rows []int32) {
	t.Events, t.N = len(rows), kernel.RoundLanes(len(rows))
	batch.Gather(t.X, l.x, rows, t.N)
	batch.Gather(t.Context, l.context, rows, t.N)
	clear(t.LogDet)
}

// loss is the weighted sum of the NLL of a tile's events, in float64; each is set to these, unless it is nil.
func (l *Likelihood) loss(t *Tile, mem []float32, rows []int32, each []float64) float64 {
	logProb := t.logProb[:len(rows)]
	l.f.logDensity(t, mem, logProb)
	var sum float64
	for e, r := range rows {
		v := -(logProb[e] + float64(t.LogDet[e]))
		if each != nil {
			each[e] = v
		}
		if l.weight != nil {
			v *= float64(l.weight[r])
		}
		sum += v
	}
	return sum
}

// seed sets the tile's DX and DLogDet, and puts or adds the gradient of the base: the loss of an event is
// -weight * (log p(z) + log det) / batch.
func (l *Likelihood) seed(s *trainSpace, b *batch.Tile) {
	t := &s.tile
	slope := t.DLogDet[:t.N] // minus that for now
	for e := range slope {
		slope[e] = l.scale
	}
	if l.weight != nil {
		for e, r := range b.Rows {
			slope[e] *= l.weight[r]
		}
	}
	clear(slope[len(b.Rows):])
	l.f.base.Backward(t, l.f.params, b.Grad, s.base, s.scratch, slope)
	kernel.Scale(slope, -1)
}
