package sluice

import (
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/train"
)

// objective is a flow's likelihood of the prepared events, turned into that of the user's columns:
// log p(user) = log p(prepared) + log|det d(prepared)/d(user)|. The second term is fixed before the training, so
// gradients are the flow's; but every NLL that a training reports is in the user's units.
type objective struct {
	*flow.Likelihood
	p *Prepared
	// mean is the mean weight over all events, by which the likelihood divides the weights.
	mean float64
	// rest makes the mean loss over an epoch a weighted mean over the training events.
	rest float64
}

var _ train.Objective = (*objective)(nil)

func newObjective(f *flow.Flow, p *Prepared) (*objective, error) {
	if p.windows != nil {
		return streamObjective(f, p)
	}
	l, err := flow.NewLikelihood(f, p.x, p.context, p.weight)
	if err != nil {
		return nil, err
	}
	o := &objective{Likelihood: l, p: p, mean: 1, rest: 1}
	if p.weight != nil {
		o.mean = p.sumWeights(upTo(len(p.weight))) / float64(len(p.weight))
		o.rest = o.scale(p.Rows.Train)
	}
	return o, nil
}

// streamObjective has weights that change with the events in memory, and were divided by their mean already.
func streamObjective(f *flow.Flow, p *Prepared) (*objective, error) {
	l, err := flow.NewLikelihood(f, p.x, p.context, nil)
	if err != nil {
		return nil, err
	}
	if p.weight != nil {
		l.UseWeights(p.weight)
	}
	return &objective{Likelihood: l, p: p, mean: 1, rest: 1}, nil
}

// Gradient is the flow's; the loss returned is in the user's units.
func (o *objective) Gradient(rows []int32, grad []float32) float64 {
	return o.rest * (o.Likelihood.Gradient(rows, grad) - o.volume(rows))
}

// Loss is the weighted mean NLL of the events in rows, in the user's units.
func (o *objective) Loss(rows []int32) float64 {
	return o.scale(rows) * (o.Likelihood.Loss(rows) - o.volume(rows))
}

// scale turns a mean over events, with weights whose mean over all events is 1, into a weighted mean over rows.
func (o *objective) scale(rows []int32) float64 {
	if o.p.weight == nil {
		return 1
	}
	return float64(len(rows)) * o.mean / o.p.sumWeights(rows)
}

// volume is the mean log-determinant of the preparation, with the likelihood's weights.
func (o *objective) volume(rows []int32) float64 {
	var s float64
	for _, r := range rows {
		if o.p.weight == nil {
			s += o.p.logDet[r]
		} else {
			s += o.p.logDet[r] * float64(o.p.weight[r]) / o.mean
		}
	}
	return s / float64(len(rows))
}
