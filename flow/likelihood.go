package flow

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Likelihood is the negative log-likelihood (NLL) of a set of events under a flow, as a function of the flow's parameters:
// what a training minimises. It keeps its workers and memory from call to call; it is not for concurrent use.
type Likelihood struct {
	f       *Flow
	x       [][]float32
	context [][]float32
	weight  []float32 // nil where all are 1
	step    uint32

	pool   *kernel.Pool
	eval   []workspace // one a worker
	stages []stage
	joints []Pass       // between the stages
	spaces []trainSpace // one a worker, or, where there are joints, one a tile of the batch
	tiles  []*Tile      // of the spaces, where there are joints
	parts  [][]float32  // gradients of the parts of a batch, of the independent parameters
	sums   []float64    // loss of each tile
	run    struct {     // arguments of the pass under way
		rows   []int32
		parts  int
		scale  float32
		grad   []float32
		stage  int
		back   bool
		passes struct{ loss, part, reduce func(worker, item int) }
	}
}

// stage is a run of transforms, each of them Independent: a tile goes through all of them at once. The last stage, which
// may have none, also takes the loss and turns back.
type stage struct {
	transforms []Independent
	first      bool // its first transform is the flow's
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
	l := &Likelihood{f: f, x: x, context: context, weight: weight}
	l.pool = kernel.NewPool(f.threads())
	crew := nn.NewCrew(l.pool)
	l.stages = []stage{{first: true}}
	for _, t := range f.transforms {
		switch t := t.(type) {
		case Joint:
			l.joints = append(l.joints, t.NewPass(crew))
			l.stages = append(l.stages, stage{})
		case Independent:
			last := &l.stages[len(l.stages)-1]
			last.transforms = append(last.transforms, t)
		}
	}
	l.eval = f.workspaces(l.pool.Threads())
	l.run.passes.loss, l.run.passes.part, l.run.passes.reduce = l.lossGroup, l.part, l.reduceRange
	return l, nil
}

// Parallel lends the workers between gradients; see train.Parallel.
func (l *Likelihood) Parallel(items int, fn func(worker, item int)) { l.pool.Run(items, fn) }

// Close ends the workers.
func (l *Likelihood) Close() { l.pool.Close() }

// Params is the flow's parameter vector.
func (l *Likelihood) Params() []float32 { return l.f.params }

// SetStep says which step of a training the next Gradient belongs to: its random numbers (dropout) depend on it. Every
// Gradient counts on from there, from 0 at the start.
func (l *Likelihood) SetStep(step int) { l.step = uint32(step) }

// Loss is the mean over the events in rows of weight times NLL, in nats, without dropout and with the frozen
// statistics of batch norms; see Freeze.
func (l *Likelihood) Loss(rows []int32) float64 {
	l.begin(rows)
	l.pool.Run(l.groups(), l.run.passes.loss)
	return l.total()
}

func (l *Likelihood) groups() int {
	per := l.f.groupTiles()
	return (tiles(len(l.run.rows)) + per - 1) / per
}

// lossGroup evaluates a group of tiles.
func (l *Likelihood) lossGroup(worker, group int) {
	w := &l.eval[worker]
	per := l.f.groupTiles()
	lo, hi := group*per, min((group+1)*per, len(l.sums))
	for t := lo; t < hi; t++ {
		l.gather(w.tiles[t-lo], t)
	}
	l.f.toLatent(w, hi-lo)
	for t := lo; t < hi; t++ {
		l.sums[t] = l.tileLoss(w.tiles[t-lo], t)
	}
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

func (l *Likelihood) tileRows(t int) []int32 {
	return l.run.rows[t*kernel.Tile : min((t+1)*kernel.Tile, len(l.run.rows))]
}

// gather fills the tile with the events of tile t of the batch; the last one is repeated up to a multiple of
// kernel.Lanes.
func (l *Likelihood) gather(tile *Tile, t int) {
	rows := l.tileRows(t)
	tile.Events, tile.N = len(rows), kernel.RoundLanes(len(rows))
	gather(tile.X, l.x, rows, tile.N)
	gather(tile.Context, l.context, rows, tile.N)
	clear(tile.LogDet)
}

func gather(dst []float32, src [][]float32, rows []int32, n int) {
	for c, col := range src {
		d := row(dst, c)[:n]
		for e, r := range rows {
			d[e] = col[r]
		}
		pad(d, len(rows))
	}
}

// pad repeats the last of the first k values.
func pad(d []float32, k int) {
	for e := k; e < len(d); e++ {
		d[e] = d[k-1]
	}
}

// tileLoss is the weighted sum of the NLL of a tile's events, in float64.
func (l *Likelihood) tileLoss(tile *Tile, t int) float64 {
	rows := l.tileRows(t)
	var nll [kernel.Tile]float64
	for c := range l.x {
		for e, z := range row(tile.X, c)[:len(rows)] {
			nll[e] += float64(z) * float64(z)
		}
	}
	var sum float64
	for e, r := range rows {
		v := 0.5*nll[e] + float64(len(l.x))*logSqrt2Pi - float64(tile.LogDet[e])
		if l.weight != nil {
			v *= float64(l.weight[r])
		}
		sum += v
	}
	return sum
}
