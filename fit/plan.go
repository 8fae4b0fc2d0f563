package fit

import (
	"context"
	"time"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/machine"
	"github.com/sluice-hep/sluice/train"
)

// Plan is what a training on the events would be.
type Plan struct {
	Flow       flow.Spec // in full
	Parameters int
	Vectors    int64   // bytes of what a training keeps as long as the parameters
	Peak       float64 // MB resident at the highest so far, with some steps taken; 0 where the system does not tell
	Pace       *train.Pace
	Epoch      time.Duration // as the pace has it, or, of a stream, as reading the events does, if that is slower
}

// measuring is how long the steps of a plan are taken.
const measuring = time.Second

// Plan builds the flow and takes some steps, of which nothing is kept.
func (d *Data) Plan(ctx context.Context, o Options) (*Plan, error) {
	o.stage("measure")
	l, err := d.likelihood(ctx, o)
	if err != nil {
		return nil, err
	}
	defer d.close(l)
	pace, err := train.Measure(ctx, &objective{l.Likelihood, d}, d.Rows, d.card.Train, d.card.Seed, measuring)
	if err != nil {
		return nil, trainError(err)
	}
	p := &Plan{
		Flow: l.flow.Spec, Parameters: l.flow.Size(), Vectors: 4 * int64(d.card.Train.Vectors()) * int64(l.flow.Size()),
		Peak: machine.Peak(), Pace: pace, Epoch: pace.Epoch(),
	}
	if d.windows != nil {
		p.Epoch = max(p.Epoch, d.reading)
	}
	return p, ctx.Err()
}
