package flow

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Likelihood is the negative log-likelihood (NLL) of a set of events under a flow, as a function of the flow's parameters:
// what a training minimises. It keeps its workers and memory from call to call; it is not for concurrent use.
type Likelihood struct {
	*chain
	events
}

// events are what a likelihood is of.
type events struct {
	f          *Flow
	x, context [][]float32
	weight     []float32 // nil where all are 1
	scale      float32   // one over the events of a batch
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
	l := &Likelihood{events: events{f: f, x: x, context: context, weight: weight}}
	l.chain = newChain(f, &l.events)
	return l, nil
}

// Gradient sets grad to the gradient of the mean of weight times NLL over the events in rows and returns that mean, in nats
// per event. It is the same for any number of threads. Dropout leaves out units, and batch norms take the statistics of
// these events.
func (l *Likelihood) Gradient(rows []int32, grad []float32) float64 {
	l.scale = 1 / float32(len(rows))
	return l.gradient(rows, grad)
}

// Loss is the mean over the events in rows of weight times NLL, in nats, without dropout and with the frozen
// statistics of batch norms; see Freeze.
func (l *Likelihood) Loss(rows []int32) float64 { return l.mean(rows) }

func (l *events) load(t *Tile, rows []int32) {
	t.Events, t.N = len(rows), kernel.RoundLanes(len(rows))
	batch.Gather(t.X, l.x, rows, t.N)
	batch.Gather(t.Context, l.context, rows, t.N)
	clear(t.LogDet)
}

// loss is the weighted sum of the NLL of a tile's events, in float64.
func (l *events) loss(t *Tile, rows []int32) float64 {
	logProb := t.logProb[:len(rows)]
	l.f.base.LogProb(t, l.f.params, logProb)
	var sum float64
	for e, r := range rows {
		v := -(logProb[e] + float64(t.LogDet[e]))
		if l.weight != nil {
			v *= float64(l.weight[r])
		}
		sum += v
	}
	return sum
}

// seed: the loss of an event is -weight * (log p(z) + log det) / batch.
func (l *events) seed(t *Tile, b *batch.Tile) {
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
	l.f.base.Backward(t, l.f.params, b.Grad, slope)
	kernel.Scale(slope, -1)
}
