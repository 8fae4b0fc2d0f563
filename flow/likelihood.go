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
	if err := f.support(x); err != nil {
		return nil, err
	}
	l := &Likelihood{x: x, context: context, weight: weight}
	l.course = newCourse(f, l)
	return l, nil
}

// Losses is Loss, and sets each to the NLL of each event, without its weight.
func (l *Likelihood) Losses(rows []int32, each []float64) float64 {
	l.each = each
	defer func() { l.each = nil }()
	return l.Loss(rows)
}

func (l *Likelihood) load(t *Tile, mem []float32, _ int, rows []int32) {
	l.f.gather(t, mem, l.context, rows)
	batch.Gather(t.X, l.x, rows, t.N)
}

// gather takes up the events in rows, with their context.
func (f *Flow) gather(t *Tile, mem []float32, context [][]float32, rows []int32) {
	t.Events, t.N = len(rows), kernel.RoundLanes(len(rows))
	batch.Gather(t.Given, context, rows, t.N)
	f.embed(t, mem)
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
