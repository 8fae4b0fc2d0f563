package flow

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Likelihood is the negative log-likelihood (NLL) of a set of events under a flow, as a function of the flow's parameters:
// what a training minimises. The loss of an event is its weight times its NLL. It is not for concurrent use.
type Likelihood struct {
	*course
	x, context [][]float32
	weight     []float32 // nil where all are 1
	each       []float64 // the NLL of each event of a Loss goes here; nil for nowhere
	source     Source    // of events, in place of x and context; nil where there are those
}

// Source brings events to the tiles of a training, several at the same time.
type Source interface {
	// Load sets X and Context of a tile to the events in rows; the last is repeated up to t.N.
	Load(t *Tile, rows []int32)
}

// NewLikelihood binds events to a flow. weight may be nil; it is taken as it is, and the events and it may change from call
// to call. Negative weights count negatively, and the mean over the training events should be 1. context is nil for a flow
// without. Events where the base has no density are a SupportError. Close it after use.
func NewLikelihood(f *Flow, x, context [][]float32, weight []float32) (*Likelihood, error) {
	n, err := f.check(x, context)
	if err != nil {
		return nil, err
	}
	if weight != nil && len(weight) != n {
		return nil, fmt.Errorf("flow: %d weights for %d events", len(weight), n)
	}
	if err := f.Support(x); err != nil {
		return nil, err
	}
	l := &Likelihood{x: x, context: context, weight: weight}
	l.course = newCourse(f, l)
	return l, nil
}

// NewLikelihoodOf is NewLikelihood of events that a source brings, whose number and support nobody has checked. learn, where it is not nil, gets
// the gradient of the context of each tile of a batch, by its number, in DContext, several at the same time; a flow with an embedding gives none.
func NewLikelihoodOf(f *Flow, source Source, learn func(t *Tile, number int), weight []float32) *Likelihood {
	l := &Likelihood{source: source, weight: weight}
	if l.course = newCourse(f, l); f.embedding == nil {
		l.learn = learn
	}
	return l
}

// Losses is Loss, and sets each to the NLL of each event, without its weight.
func (l *Likelihood) Losses(rows []int32, each []float64) float64 {
	l.each = each
	loss := l.Loss(rows)
	l.each = nil
	l.batch.Complete(each)
	return loss
}

func (l *Likelihood) load(t *Tile, mem []float32, _ int, rows []int32) {
	gather(t, l.context, rows)
	if l.source != nil {
		l.source.Load(t, rows)
	} else {
		batch.Gather(t.X, l.x, rows, t.N)
	}
	t.Lack()
	l.f.embed(t, mem)
}

// gather takes up the events in rows, with their context as it is given.
func gather(t *Tile, context [][]float32, rows []int32) {
	t.Events, t.N = len(rows), kernel.RoundLanes(len(rows))
	batch.Gather(t.Given, context, rows, t.N)
	clear(t.LogDet)
}

func (l *Likelihood) loss(t *Tile, mem []float32, number int, rows []int32) float64 {
	logProb := t.LogProb[:len(rows)]
	l.f.logDensity(t, mem, logProb)
	var sum float64
	for e, r := range rows {
		v := -(logProb[e] + float64(t.LogDet[e]))
		if l.each != nil {
			l.each[number*kernel.Tile+e] = v
		}
		if l.weight != nil {
			v *= float64(l.weight[r])
		}
		sum += v
	}
	return sum
}

func (l *Likelihood) seed(s *trainSpace, b *batch.Tile, scale float32) {
	t := &s.tile
	slope := t.DLogDet[:t.N] // minus that for now
	for e := range slope {
		slope[e] = scale
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
