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
}

var _ train.Objective = (*objective)(nil)

func newObjective(f *flow.Flow, p *Prepared) (*objective, error) {
	l, err := flow.NewLikelihood(f, p.x, p.context, p.weight)
	return &objective{Likelihood: l, p: p}, err
}

// Gradient is the flow's; the loss returned is in the user's units.
func (o *objective) Gradient(rows []int32, grad []float32) float64 {
	return o.Likelihood.Gradient(rows, grad) - o.volume(rows)
}

// Loss is the weighted mean NLL of the events in rows, in the user's units.
func (o *objective) Loss(rows []int32) float64 {
	return float64(len(rows)) / o.p.sumWeights(rows) * (o.Likelihood.Loss(rows) - o.volume(rows))
}

// volume is the mean over rows of weight times the log-determinant of the preparation.
func (o *objective) volume(rows []int32) float64 {
	var s float64
	for _, r := range rows {
		if o.p.weight == nil {
			s += o.p.logDet[r]
		} else {
			s += o.p.logDet[r] * float64(o.p.weight[r])
		}
	}
	return s / float64(len(rows))
}
