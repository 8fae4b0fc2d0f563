package fit

import (
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
)

// objective is a density's likelihood of the prepared events, turned into that of the user's columns:
// log p(user) = log p(prepared) + log|det d(prepared)/d(user)|. The second term is fixed before the training, so
// gradients are the density's; but every NLL that a training reports is in the user's units.
type objective struct {
	likelihood
	d *Data
}

// likelihood is that of a density of the prepared events: *flow.Likelihood is one. What package train asks for beside an Objective is
// part of it, so that an objective hands it on.
type likelihood interface {
	train.Objective
	train.Stepper
	train.Starter
	train.Freezer
	train.Watching
	train.Decaying
	train.Parallel
	// Losses is Loss, and sets each to the NLL of each event, without its weight.
	Losses(rows []int32, each []float64) float64
	Close()
}

var _ train.Objective = (*objective)(nil)

// Apart implements train.Parted: a flow is one part.
func (o *objective) Apart() int {
	if p, ok := o.likelihood.(train.Parted); ok {
		return p.Apart()
	}
	return 0
}

// Gradient is the density's. The loss returned is the sum of weight * NLL over the number of events: its mean over an epoch is
// the weighted mean of the training events, whose mean weight is 1.
func (o *objective) Gradient(rows []int32, grad []float32) float64 {
	return o.likelihood.Gradient(rows, grad) - o.volume(rows)
}

// Loss is the weighted mean NLL of the events in rows.
func (o *objective) Loss(rows []int32) float64 {
	return float64(len(rows)) / o.d.sumWeights(rows) * (o.likelihood.Loss(rows) - o.volume(rows))
}

// LossError is Loss with its standard error, from the scatter of the events.
func (o *objective) LossError(rows []int32) (loss, deviation float64) {
	each := make([]float64, len(rows))
	mean := o.Losses(rows, each)
	var weights []float64
	for i, r := range rows {
		each[i] -= o.d.logDet[r]
		if o.d.weight != nil {
			weights = append(weights, float64(o.d.weight[r]))
		}
	}
	_, deviation = stats.MeanError(each, weights)
	return float64(len(rows)) / o.d.sumWeights(rows) * (mean - o.volume(rows)), deviation
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

// widened is an objective whose normal base gets, after the training, the width of the latents of the events that validate.
type widened struct {
	*objective
	b     *bound
	valid []int32
}

// Finish implements train.Finished.
func (w *widened) Finish() train.Objective {
	judge, err := w.b.widen(w.d, w.valid)
	if w.b.failed = err; judge == nil {
		return w.objective
	}
	return judge
}

// matching trains by flow matching, whose loss is no likelihood; that is what it is judged by.
type matching struct {
	*flow.Matching
	d *Data
}

// Unit implements train.Measured: of the mean over the features of a squared difference of velocities.
func (*matching) Unit() train.Unit { return "squared velocity" }

// Loss is the weighted mean over the events in rows.
func (m *matching) Loss(rows []int32) float64 {
	return float64(len(rows)) / m.d.sumWeights(rows) * m.Matching.Loss(rows)
}

// Judge implements train.Judged.
func (m *matching) Judge() train.Objective { return &sampled{&objective{m.Likelihood, m.d}} }

// sampled is an objective that is dear: it looks at so many events at most, evenly spread.
type sampled struct{ *objective }

const judgedEvents = 5000

func (s *sampled) Loss(rows []int32) float64 { return s.objective.Loss(evenly(rows, judgedEvents)) }

func (s *sampled) LossError(rows []int32) (loss, deviation float64) {
	return s.objective.LossError(evenly(rows, judgedEvents))
}

// evenly is n of the rows, or all of fewer.
func evenly(rows []int32, n int) []int32 {
	if len(rows) <= n {
		return rows
	}
	some := make([]int32, n)
	for i := range some {
		some[i] = rows[i*len(rows)/n]
	}
	return some
}
