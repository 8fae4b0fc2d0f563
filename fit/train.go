package fit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
)

// Train fits the flow of the card to the events. The NLL of the result are in the user's units. When ctx is cancelled, the
// state is saved to Options.State and the error wraps ctx's; the training of another call with Resume ends with the same bits.
func (d *Data) Train(ctx context.Context, o Options) (*model.Model, *train.Result, error) {
	o = o.Filled()
	l, err := d.likelihood(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer d.close(l)
	result, err := train.Run(ctx, &objective{l.Likelihood, d}, d.Rows, d.card.Train, train.Options{
		Seed: d.card.Seed, Notices: weightNotices(d.survey.Weights), State: o.State, StateOf: o.StateOf, Resume: o.Resume, DataID: d.id(),
		Progress: func(at train.Progress) {
			switch {
			case at.Warning:
				o.Warn(at.Notice)
			case at.Notice != "":
				o.Notice(at.Notice)
			}
			if o.Progress != nil {
				o.Progress(at)
			}
		},
	})
	if err != nil {
		return nil, result, trainError(err)
	}
	text, err := d.card.Portable().YAML()
	if err != nil {
		return nil, nil, err
	}
	overfits(result, o.Warn)
	return &model.Model{Features: d.Features, Context: d.Context, Density: l.flow, Seed: d.card.Seed, Card: string(text), Train: result}, result, nil
}

// bound is the flow of the card, bound to the events.
type bound struct {
	*flow.Likelihood
	flow *flow.Flow
}

func (d *Data) likelihood(ctx context.Context, o Options) (*bound, error) {
	spec, err := d.flowSpec()
	if err != nil {
		return nil, fault.Of(err)
	}
	plan, err := flow.NewPlan(d.Features.Dim(), d.Context.Dim(), spec, d.card.Seed)
	if err != nil {
		return nil, fault.Of(err)
	}
	if err := plan.CheckMemory(d.card.Train.Vectors()); err != nil {
		return nil, fault.Of(err)
	}
	f, err := await.Do(ctx, "the start of the flow", func() (*flow.Flow, error) { return flow.Draw(plan), nil })
	if err != nil {
		return nil, err
	}
	f.Threads = cmp.Or(max(o.Threads, 0), d.card.Threads)
	l, err := flow.NewLikelihood(f, d.x, d.context, d.weight)
	var outside *flow.SupportError
	if errors.As(err, &outside) {
		i, _ := strconv.Atoi(outside.Feature)
		outside.Feature = d.Features.InFlow()[i]
	}
	return &bound{l, f}, fault.Of(err)
}

// close ends what works for a training.
func (d *Data) close(l *bound) {
	l.Close()
	if d.windows != nil {
		d.windows.Close()
	}
}

// overfits adds a line where a model knows the training events by heart.
func overfits(r *train.Result, warn func(line string)) {
	gap := float64(r.TestNLL - r.TrainNLL)
	if errors := gap / (math.Sqrt2 * r.TestError); r.TestError > 0 && errors > 5 && gap > 0.02 {
		line := fmt.Sprintf("the model overfits: test events have an NLL %.3g nats higher than training events (%.0f standard errors; "+
			"best epoch %d of %d); take more events, a smaller flow or dropout", gap, errors, r.BestEpoch, r.Epochs)
		r.Notices = append(r.Notices, line)
		warn(line)
	}
}

// flowSpec is the card's flow, with the features by their numbers: those that it sees.
func (d *Data) flowSpec() (flow.Spec, error) {
	return d.card.Flow.Resolve(d.Features.InFlow())
}

// trainError marks what the user can set right.
func trainError(err error) error {
	var field *train.FieldError
	var state *train.StateError
	if errors.As(err, &field) || errors.As(err, &state) {
		return fault.Of(err)
	}
	return err
}

// weightNotices has a line when more than a tenth of the training events, or of their absolute weight, is negative.
func weightNotices(s feed.WeightSum) []string {
	if s.Negative <= 0.1*s.Events && s.Below <= 0.1*s.Absolute {
		return nil
	}
	return []string{fmt.Sprintf("%.1f %% of the events, with %.1f %% of the absolute weight, have negative weights: "+
		"they count negatively, and the fit needs correspondingly more events", 100*s.Negative/s.Events, 100*s.Below/s.Absolute)}
}
