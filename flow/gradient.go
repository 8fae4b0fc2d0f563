package flow

import (
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// trainSpace is what a tile needs to go through the independent transforms and back.
type trainSpace struct {
	tile    Tile
	noise   nn.Noise
	mems    [][][]float32 // of each stage and transform
	scratch []float32
}

// The gradient of a batch is the sum, in a fixed order, of those of at most maxParts runs of tiles, whatever the
// number of threads; for very large flows of fewer, to bound the memory.
const (
	maxParts      = 8
	maxPartFloats = 1 << 26
)

// Gradient sets grad to the gradient of the mean of weight times NLL over the events in rows and returns that mean, in nats
// per event. It is the same for any number of threads. Dropout leaves out units, and batch norms take the statistics of
// these events.
func (l *Likelihood) Gradient(rows []int32, grad []float32) float64 {
	l.begin(rows)
	l.reserve(grad)
	p, last := l.f.params, len(l.joints)
	for i, j := range l.joints {
		l.through(i, false)
		j.ToLatent(l.tiles, p)
	}
	l.through(last, true)
	for i := last - 1; i >= 0; i-- {
		l.joints[i].Backward(l.tiles, p, grad)
		l.through(i, true)
	}
	if l.run.parts > 1 {
		l.pool.Run((l.f.independent+reduceBlock-1)/reduceBlock, l.run.passes.reduce)
	}
	for _, t := range l.f.transforms {
		t.Cut(grad)
	}
	l.step++
	return l.total()
}

// reserve prepares the memory of a batch.
func (l *Likelihood) reserve(grad []float32) {
	r := &l.run
	n := tiles(len(r.rows))
	r.grad, r.scale = grad, 1/float32(len(r.rows))
	r.parts = max(1, min(n, maxParts, maxPartFloats/(l.f.independent+1)))
	if len(l.parts) == 0 {
		l.parts = append(l.parts, nil)
	}
	if missing := r.parts - len(l.parts); missing > 0 {
		size := kernel.RoundLanes(l.f.independent)
		mem := kernel.Aligned(missing * size)
		for i := range missing {
			l.parts = append(l.parts, mem[i*size:][:l.f.independent])
		}
	}
	l.parts[0] = grad // in place
	spaces := l.pool.Threads()
	if len(l.joints) > 0 {
		spaces = n
	}
	for len(l.spaces) < spaces {
		l.spaces = append(l.spaces, l.newSpace())
	}
	l.tiles = l.tiles[:0]
	if len(l.joints) > 0 {
		for i := range n {
			l.tiles = append(l.tiles, &l.spaces[i].tile)
		}
	}
}

func (l *Likelihood) newSpace() trainSpace {
	s := trainSpace{tile: l.f.newTile()}
	s.tile.DX = kernel.Aligned(l.f.Features * kernel.Tile)
	s.tile.DLogDet = kernel.Aligned(kernel.Tile)
	rows, scratch := 0, 0
	for _, st := range l.stages {
		for _, t := range st.transforms {
			rows += t.Rows()
			scratch = max(scratch, t.Scratch())
		}
	}
	mem := kernel.Aligned((rows + scratch) * kernel.Tile) // one piece for large pages
	take := func(rows int) []float32 {
		m := mem[:rows*kernel.Tile]
		mem = mem[len(m):]
		return m
	}
	s.scratch = take(scratch)
	for _, st := range l.stages {
		var mems [][]float32
		for _, t := range st.transforms {
			mems = append(mems, take(t.Rows()))
		}
		s.mems = append(s.mems, mems)
	}
	return s
}

// through takes all tiles through a stage: forward, or, but for the last stage, back.
func (l *Likelihood) through(stage int, back bool) {
	l.run.stage, l.run.back = stage, back
	l.pool.Run(l.run.parts, l.run.passes.part)
}

// part takes one part of the batch, a run of tiles, through a stage.
func (l *Likelihood) part(worker, part int) {
	r := &l.run
	n, last := len(l.sums), len(l.joints)
	lo, hi := part*n/r.parts, (part+1)*n/r.parts
	for t := lo; t < hi; t++ {
		s := &l.spaces[worker]
		if last > 0 {
			s = &l.spaces[t]
		}
		if r.stage == 0 && (!r.back || last == 0) {
			l.load(s, t)
		}
		if !r.back || r.stage == last {
			l.forward(s)
		}
		if r.stage == last {
			l.sums[t] = l.tileLoss(&s.tile, t)
			l.seed(&s.tile, t)
		}
		if r.back {
			s.tile.First = t == lo
			l.backward(s, l.parts[part])
		}
	}
}

// load starts tile t of the batch.
func (l *Likelihood) load(s *trainSpace, t int) {
	l.gather(&s.tile, t)
	s.tile.SkipDX = false
	if l.f.Spec.Dropout > 0 {
		s.noise = nn.Noise{Seed: l.f.seed, Step: l.step, Tile: uint32(t)}
		s.tile.Noise = &s.noise
	}
}

func (l *Likelihood) forward(s *trainSpace) {
	mems := s.mems[l.run.stage]
	for i, tr := range l.stages[l.run.stage].transforms {
		tr.ToLatent(&s.tile, l.f.params, mems[i])
	}
}

func (l *Likelihood) backward(s *trainSpace, g []float32) {
	st, mems := &l.stages[l.run.stage], s.mems[l.run.stage]
	for i := len(st.transforms) - 1; i >= 0; i-- {
		s.tile.SkipDX = st.first && i == 0
		st.transforms[i].Backward(&s.tile, l.f.params, g, mems[i], s.scratch)
	}
	// A joint transform in front of an empty first stage is the first.
	s.tile.SkipDX = l.run.stage == 1 && len(l.stages[0].transforms) == 0
}

// seed starts the backward pass: the loss of an event is weight * (|z|^2/2 - log det) / batch.
func (l *Likelihood) seed(tile *Tile, t int) {
	rows, n := l.tileRows(t), tile.N
	slope := tile.DLogDet[:n] // minus the weight for now
	for e := range slope {
		slope[e] = l.run.scale
	}
	if l.weight != nil {
		for e, r := range rows {
			slope[e] *= l.weight[r]
		}
	}
	clear(slope[len(rows):])
	for c := range l.x {
		kernel.Mul(row(tile.DX, c)[:n], row(tile.X, c)[:n], slope)
	}
	kernel.Scale(slope, -1)
}

// reduceBlock is a multiple of the cache line, so that no two workers write to one.
const reduceBlock = 1 << 14

func (l *Likelihood) reduceRange(_, block int) {
	lo := block * reduceBlock
	hi := min(lo+reduceBlock, l.f.independent)
	var parts [maxParts][]float32
	for i, p := range l.parts[:l.run.parts] {
		parts[i] = p[lo:hi]
	}
	kernel.AddParts(parts[0], parts[1:l.run.parts])
}
