package flow

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Likelihood is the negative log-likelihood (NLL) of a set of events under a flow, as a function of the flow's parameters:
// what a training minimises. It keeps its workers and memory from call to call; it is not for concurrent use.
type Likelihood struct {
	f       *Flow
	x       [][]float32
	context [][]float32
	weight  []float32 // divided by their mean; nil where all are 1

	pool  *kernel.Pool
	work  []backwardSpace // one a worker
	parts [][]float32     // gradients of the parts of a batch
	sums  []float64       // loss of each tile
	run   struct {        // arguments of the pass under way
		rows   []int32
		parts  int
		scale  float32
		grad   []float32
		passes [3]func(worker, item int)
	}
}

// backwardSpace is what one worker needs to take a tile forward and back.
type backwardSpace struct {
	workspace
	mems    [][]float32 // of each transform
	scratch []float32
}

// The gradient of a batch is the sum, in a fixed order, of those of at most maxParts runs of tiles, whatever the
// number of threads; for very large flows of fewer, to bound the memory.
const (
	maxParts      = 8
	maxPartFloats = 1 << 26
)

// NewLikelihood binds events to a flow. weight may be nil; negative weights count negatively, and the weights are
// divided by their mean. context is nil for a flow without. Close it after use.
func NewLikelihood(f *Flow, x, context [][]float32, weight []float32) (*Likelihood, error) {
	n, err := f.check(x, context)
	if err != nil {
		return nil, err
	}
	l := &Likelihood{f: f, x: x, context: context}
	if weight != nil {
		if l.weight, err = meanOne(weight, n); err != nil {
			return nil, err
		}
	}
	l.pool = kernel.NewPool(f.threads())
	l.work = make([]backwardSpace, l.pool.Threads())
	for i := range l.work {
		l.work[i] = f.backwardSpace()
	}
	l.run.passes = [3]func(worker, item int){l.lossTile, l.gradientPart, l.reduceRange}
	return l, nil
}

func meanOne(weight []float32, n int) ([]float32, error) {
	if len(weight) != n {
		return nil, fmt.Errorf("flow: %d weights for %d events", len(weight), n)
	}
	var sum float64
	for i, w := range weight {
		if v := float64(w); math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("flow: the weight of event %d is %v", i, w)
		}
		sum += float64(w)
	}
	if !(sum > 0) {
		return nil, fmt.Errorf("flow: the weights add up to %g: a density needs a positive sum", sum)
	}
	out := make([]float32, n)
	for i, w := range weight {
		out[i] = float32(float64(w) * float64(n) / sum)
	}
	return out, nil
}

func (f *Flow) backwardSpace() backwardSpace {
	s := backwardSpace{workspace: workspace{tile: f.newTile()}}
	s.tile.DX = kernel.Aligned(f.Features * kernel.Tile)
	s.tile.DLogDet = kernel.Aligned(kernel.Tile)
	total, scratch := 0, 0
	for _, t := range f.transforms {
		total += t.Rows()
		scratch = max(scratch, t.Scratch())
	}
	s.scratch = kernel.Aligned(scratch * kernel.Tile)
	mem := kernel.Aligned(total * kernel.Tile)
	for _, t := range f.transforms {
		n := t.Rows() * kernel.Tile
		s.mems = append(s.mems, mem[:n])
		mem = mem[n:]
	}
	return s
}

// Close ends the workers.
func (l *Likelihood) Close() { l.pool.Close() }

// Params is the flow's parameter vector.
func (l *Likelihood) Params() []float32 { return l.f.params }

// Loss is the weighted mean NLL of the events in rows, in nats per event.
func (l *Likelihood) Loss(rows []int32) float64 {
	l.begin(rows)
	l.pool.Run(tiles(len(rows)), l.run.passes[0])
	return l.total()
}

// Gradient sets grad to the gradient of the weighted mean NLL of the events in rows and returns that mean, in nats
// per event. It is the same for any number of threads.
func (l *Likelihood) Gradient(rows []int32, grad []float32) float64 {
	l.begin(rows)
	r := &l.run
	r.grad, r.scale = grad, 1/float32(len(rows))
	r.parts = max(1, min(tiles(len(rows)), maxParts, maxPartFloats/len(grad)))
	for len(l.parts) < r.parts {
		l.parts = append(l.parts, kernel.Aligned(len(grad)))
	}
	l.pool.Run(r.parts, r.passes[1])
	l.pool.Run((len(grad)+reduceBlock-1)/reduceBlock, r.passes[2])
	for _, t := range l.f.transforms {
		t.Cut(grad)
	}
	return l.total()
}

func (l *Likelihood) begin(rows []int32) {
	l.run.rows = rows
	if n := tiles(len(rows)); cap(l.sums) < n {
		l.sums = make([]float64, n)
	} else {
		l.sums = l.sums[:n]
	}
}

func (l *Likelihood) total() float64 {
	var s float64
	for _, v := range l.sums {
		s += v
	}
	return s / float64(len(l.run.rows))
}

func (l *Likelihood) lossTile(worker, t int) {
	w := &l.work[worker]
	l.gather(w, t)
	for i, tr := range l.f.transforms {
		tr.ToLatent(&w.tile, l.f.params, w.mems[i])
	}
	l.sums[t] = l.tileLoss(w, t)
}

// gradientPart takes one part of the batch, a run of tiles, forward and back.
func (l *Likelihood) gradientPart(worker, part int) {
	n := tiles(len(l.run.rows))
	lo, hi := part*n/l.run.parts, (part+1)*n/l.run.parts
	for t := lo; t < hi; t++ {
		l.lossTile(worker, t)
		w := &l.work[worker]
		w.tile.First = t == lo
		l.seed(w, t)
		for i := len(l.f.transforms) - 1; i >= 0; i-- {
			w.tile.SkipDX = i == 0
			l.f.transforms[i].Backward(&w.tile, l.f.params, l.parts[part], w.mems[i], w.scratch)
		}
	}
}

// seed starts the backward pass: the loss of an event is weight * (|z|^2/2 - log det) / batch.
func (l *Likelihood) seed(w *backwardSpace, t int) {
	rows := l.tileRows(t)
	for e := range w.tile.N {
		s := float32(0)
		if e < len(rows) {
			s = l.weightOf(rows[e]) * l.run.scale
		}
		w.tile.DLogDet[e] = -s
		for c := range l.x {
			row(w.tile.DX, c)[e] = s * row(w.tile.X, c)[e]
		}
	}
}

// reduceBlock is a multiple of the cache line, so that no two workers write to one.
const reduceBlock = 1 << 14

func (l *Likelihood) reduceRange(_, block int) {
	lo := block * reduceBlock
	hi := min(lo+reduceBlock, len(l.run.grad))
	dst := l.run.grad[lo:hi]
	copy(dst, l.parts[0][lo:hi])
	for _, p := range l.parts[1:l.run.parts] {
		kernel.Add(dst, p[lo:hi])
	}
}

func (l *Likelihood) tileRows(t int) []int32 {
	return l.run.rows[t*kernel.Tile : min((t+1)*kernel.Tile, len(l.run.rows))]
}

func (l *Likelihood) weightOf(r int32) float32 {
	if l.weight == nil {
		return 1
	}
	return l.weight[r]
}

// gather fills the tile with the events of tile t of the batch; the last one is repeated up to a multiple of
// kernel.Lanes.
func (l *Likelihood) gather(w *backwardSpace, t int) {
	rows := l.tileRows(t)
	w.tile.N = kernel.RoundLanes(len(rows))
	gather(w.tile.X, l.x, rows, w.tile.N)
	gather(w.tile.Context, l.context, rows, w.tile.N)
	clear(w.tile.LogDet)
}

func gather(dst []float32, src [][]float32, rows []int32, n int) {
	for c, col := range src {
		d := row(dst, c)[:n]
		for e, r := range rows {
			d[e] = col[r]
		}
		for e := len(rows); e < n; e++ {
			d[e] = d[len(rows)-1]
		}
	}
}

// tileLoss is the weighted sum of the NLL of a tile's events, in float64.
func (l *Likelihood) tileLoss(w *backwardSpace, t int) float64 {
	var sum float64
	for e, r := range l.tileRows(t) {
		var q float64
		for c := range l.x {
			z := float64(row(w.tile.X, c)[e])
			q += z * z
		}
		nll := 0.5*q + float64(len(l.x))*logSqrt2Pi - float64(w.tile.LogDet[e])
		sum += float64(l.weightOf(r)) * nll
	}
	return sum
}
