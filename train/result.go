package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Result is the record of a training.
type Result struct {
	Epochs    int  `json:"epochs"`     // validated, the last perhaps cut short by Config.MaxSeconds
	Steps     int  `json:"steps"`      // optimiser steps, undone ones included
	BestEpoch int  `json:"best_epoch"` // whose parameters are kept, from 1
	Unit      Unit `json:"unit,omitzero"`
	// HistoryUnit is that of the losses in History where it is another; see Judged.
	HistoryUnit Unit `json:"history_unit,omitzero"`
	// Mean losses, in Unit per event, of the parameters kept. Of a stream's training events those count that are in
	// memory at the end.
	TrainNLL NLL `json:"train_nll"`
	ValidNLL NLL `json:"valid_nll"`
	TestNLL  NLL `json:"test_nll"`
	// TestError is the standard error of TestNLL, from the scatter of the test events; 0 where the objective does not tell it.
	TestError float64 `json:"test_nll_error,omitzero"`
	// Seconds of training and validation, over all resumptions; EventsPerSecond counts training events.
	Seconds         float64 `json:"seconds,omitzero"`
	EventsPerSecond float64 `json:"events_per_second,omitzero"`

	History     []Epoch  `json:"history"`
	Notices     []string `json:"notices,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`

	// Ensemble has the trainings of the members where there are several: then the losses above are those of the mean of their densities,
	// epochs, steps and seconds those of all together, and History is empty.
	Ensemble *Ensemble `json:"ensemble,omitempty"`
}

// Kept says whose parameters are kept.
func (r *Result) Kept() string {
	if r.Ensemble != nil {
		var best []string
		for _, m := range r.Ensemble.Members {
			if m.Failed == "" {
				best = append(best, fmt.Sprint(m.BestEpoch))
			}
		}
		return "best epochs " + strings.Join(best, ", ")
	}
	return fmt.Sprintf("best epoch %d", r.BestEpoch)
}

// MostMembers is how many an ensemble can have.
const MostMembers = 100

// Ensemble is the record of the members' trainings.
type Ensemble struct {
	Members []Member `json:"members"`
	// Of those that are part of it, the mean and the standard deviation of the losses of one sample, named in Sample: test, else
	// validation, else training events.
	Sample    string `json:"sample"`
	Mean      NLL    `json:"mean_nll"`
	Deviation NLL    `json:"nll_deviation"`
	// Spread is the standard deviation of the members' log-densities of an event, its mean over the events of that sample.
	Spread NLL `json:"log_prob_deviation"`
}

// String is the members' losses, and how far they are apart, in a line.
func (e *Ensemble) String() string {
	var each []string
	for _, m := range e.Members {
		switch {
		case m.Failed != "":
			each = append(each, "diverged")
		default:
			each = append(each, fmt.Sprintf("%.4f", float64(m.NLL(e.Sample))))
		}
	}
	return fmt.Sprintf("%s NLL %s: %.4f with a spread of %.2g; log_prob of an event has one of %.2g on average",
		e.Sample, strings.Join(each, ", "), float64(e.Mean), float64(e.Deviation), float64(e.Spread))
}

// Member is the record of one training of an ensemble.
type Member struct {
	Seed   uint64 `json:"seed"`
	Failed string `json:"failed,omitempty"` // why it is no part of the ensemble
	Result
}

// NLL is the loss of a sample: test, validation or training.
func (r *Result) NLL(sample string) NLL {
	switch sample {
	case "test":
		return r.TestNLL
	case "validation":
		return r.ValidNLL
	}
	return r.TrainNLL
}

// WithoutClock is the part of the result that does not depend on the machine's speed, for a model file that is
// the same whenever the same data, card and seed are.
func (r Result) WithoutClock() Result {
	r.Seconds, r.EventsPerSecond = 0, 0
	if r.Ensemble != nil {
		own := *r.Ensemble
		own.Members = slices.Clone(own.Members)
		for i := range own.Members {
			own.Members[i].Result = own.Members[i].Result.WithoutClock()
		}
		r.Ensemble = &own
	}
	return r
}

// Epoch is one pass over the training events.
type Epoch struct {
	Epoch    int     `json:"epoch"`     // from 1
	TrainNLL NLL     `json:"train_nll"` // mean over the epoch's steps, each with the parameters before it
	ValidNLL NLL     `json:"valid_nll"` // at the epoch's end, of the averaged parameters where Config.EMA is set
	LR       float64 `json:"lr"`        // of the epoch's last step
}

// Unit is that of a loss. The zero value is nats.
type Unit string

func (u Unit) String() string { return cmp.Or(string(u), "nats") }

// NLL is a mean loss per event, mostly a negative log-likelihood; NaN, which is null in JSON, where there is none or
// it is not finite.
type NLL float64

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func asNLL(x float64) NLL {
	if !finite(x) {
		return NLL(math.NaN())
	}
	return NLL(x)
}

// MarshalJSON writes a number or null.
func (n NLL) MarshalJSON() ([]byte, error) {
	if !finite(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads a number or null.
func (n *NLL) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = NLL(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}
