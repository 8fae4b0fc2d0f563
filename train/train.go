// Package train fits parameters by stochastic gradient descent: optimisers,
// learning-rate schedules, clipping, averaging, early stopping, and a state on
// disk from which an interrupted training goes on to the same bits.
package train

import (
	"context"
	"time"
)

// Objective is a loss over events, in nats per event unless it is Measured, as a function of one flat vector of parameters.
type Objective interface {
	// Params is the vector; it is updated in place and must always be the same slice.
	Params() []float32
	// Gradient overwrites grad with the gradient of the weighted mean loss over the given training events,
	// and returns that mean. It may be NaN or infinite.
	Gradient(rows []int32, grad []float32) float64
	// Loss is the weighted mean loss over the given events, without dropout or the
	// like. It may be NaN or infinite.
	Loss(rows []int32) float64
}

// Data are the events, by row, that each sample holds. Valid and Test may be empty.
type Data struct {
	Train, Valid, Test []int32
	// Stream brings the training events in place of Train where they are not all in memory at once.
	Stream Stream
}

// Training is the number of training events.
func (d Data) Training() int {
	if d.Stream != nil {
		return d.Stream.Events()
	}
	return len(d.Train)
}

// Options are what a training needs beside its Config. The zero value trains silently and keeps no state.
type Options struct {
	Seed    uint64   // of the order of events
	Notices []string // on the data, which the result keeps with its own

	// State is the path of the file that holds the state of the training: written before the first step, then
	// about once an epoch (not more than once a second), every 20 seconds within a longer one, and when
	// the context is cancelled. Empty for none. Remove it with RemoveState once the result is safe.
	State string
	// StateOf is the file that the training is for: where it is there, State gets its mode, so that what may not be read of
	// one cannot be read of the other.
	StateOf string
	// Resume goes on from State where that exists. The end is then bit for bit that of a training never
	// interrupted. A state of other data, seed or Config is an error.
	Resume bool
	// DataID is any text that identifies the data and what is trained, such as a hash; a state of another
	// one is refused.
	DataID string

	// Peers are the processes that train together; nil for none. Each has the objective, the data and the Config, and makes the same calls; State,
	// Progress and the Result are those of the first.
	Peers Peers

	// Progress is called about ten times a second, at each epoch's end, and with every notice.
	Progress func(Progress)
	// Look is called about ten times a second, and at each epoch's end; of a Freezer then alone. What it hands to see is done while the parameters
	// of the objective are those that a validation judges, the averaged ones. The training waits meanwhile, and nothing of it changes.
	Look func(see func(do func()))
}

// Progress is where a training stands.
type Progress struct {
	Epoch, Epochs   int           // the epoch under way, from 1, and the most there will be
	Step, Steps     int           // steps done of this epoch's
	Member, Members int           // of an ensemble, from 1; 0 of none
	Unit            Unit          // of the losses, per event
	Loss            float64       // mean training loss of this epoch so far; NaN before its first step
	Valid, Best     NLL           // last and lowest validation loss; NaN before the first
	LR              float64       // learning rate of the last step
	EventsPerSecond float64       // since the start or the resumption
	Left            time.Duration // an estimate, without early stopping
	EpochEnd        bool          // the epoch has just ended and was validated
	Notice          string        // something that the user should know; mostly empty
	Warning         bool          // that it makes the result doubtful
}

// Run trains: it shuffles the training events anew for each epoch, and leaves in obj.Params the parameters of
// the epoch with the lowest validation loss (the first of equals; the last epoch where there are no
// validation events). The last batch of an epoch may be short; it is left out if it would be below half a batch.
//
// A step whose loss or gradient is not finite changes nothing but the learning rate, which is halved from then
// on; five in a row are an error. When ctx is cancelled, Run saves the state and returns both a Result with
// Interrupted set and an error that wraps ctx's; the parameters are then those of the last step.
//
// The result depends on obj, data, cfg and opts.Seed alone, except with Config.MaxSeconds.
func Run(ctx context.Context, obj Objective, data Data, cfg Config, opts Options) (*Result, error) {
	return run(ctx, obj, data, cfg, opts, time.Now)
}
