package train

import (
	"cmp"
	"encoding/json"
	"math"
)

// Result is the record of a training.
type Result struct {
	Epochs    int  `json:"epochs"`     // validated, the last perhaps cut short by Config.MaxSeconds
	Steps     int  `json:"steps"`      // optimiser steps, undone ones included
	BestEpoch int  `json:"best_epoch"` // whose parameters are kept, from 1
	Unit      Unit `json:"unit,omitzero"`
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
}

// WithoutClock is the part of the result that does not depend on the machine's speed, for a model file that is
// the same whenever the same data, card and seed are.
func (r Result) WithoutClock() Result {
	r.Seconds, r.EventsPerSecond = 0, 0
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
