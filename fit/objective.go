package fit

import (
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/train"
)

// objective is a flow's likelihood of the prepared events, turned into that of the user's columns:
// log p(user) = log p(prepared) + log|det d(prepared)/d(user)|. The second term is fixed before the training, so
// gradients are the flow's; but every NLL that a training reports is in the user's units.
type objective struct {
	*flow.Likelihood
	d *Data
}

var _ train.Objective = (*objective)(nil)

// Gradient is the flow's. The loss returned is the sum of weight * NLL over the number of events: its mean over an epoch is
// the weighted mean of the training events, whose mean weight is 1.
func (o *objective) Gradient(rows []int32, grad []float32) float64 {
	return o.Likelihood.Gradient(rows, grad) - o.volume(rows)
}

// Loss is the weighted mean NLL of the events in rows.
func (o *objective) Loss(rows []int32) float64 {
	return float64(len(rows)) / o.d.sumWeights(rows) * (o.Likelihood.Loss(rows) - o.volume(rows))
}

// volume is the sum of weight * log-determinant of the preparation, over the number of events.
func (o *objective) volume(rows []int32) float64 {
	var s float64
	for _, r := range rows {
		if o.d.weight == nil {
			s += o.d.logDet[r]
		} else {
			s += o.d.logDet[r] * float64(o.d.weight[r])
		}
	}
	return s / float64(len(rows))
}
