package model

import (
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// Density is what a model needs of a trained density of prepared columns: *flow.Flow is one. The methods may be called
// concurrently, but for UseThreads, Keep and Close.
type Density interface {
	// Dims are the numbers of columns that the others take.
	Dims() (features, context int)
	// LogProb is the log-density of each event in nats; Evaluate gives the latent too, in the same pass.
	LogProb(x, context [][]float32) ([]float64, error)
	Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error)
	// Sample draws n events; event i depends on the seed, on first+i and on its context alone.
	Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error)
	// Size is the number of parameters.
	Size() int
	// UseThreads sets the number of threads, 0 for all cores, on which no result depends. Close ends those that wait: for a second, or,
	// after Keep, until then.
	UseThreads(n int)
	Keep()
	Close()
}

// Model is a trained density of a table's columns, in the user's units. Its methods may be called concurrently.
type Model struct {
	Features *prep.Pipeline // fitted preparation of the columns modelled
	Context  *prep.Pipeline // and of those conditioned on; of dimension 0, or nil, where there are none
	Density  Density        // of the prepared columns
	Seed     uint64         // that the flow was built from
	Card     string         // the analysis card, YAML; may be empty
	Train    *train.Result  // the record of the training, NLL in the user's units; may be nil
}

// Flow is the flow that the density is, or that it reads backwards.
func (m *Model) Flow() (*flow.Flow, bool) {
	switch d := m.Density.(type) {
	case *flow.Flow:
		return d, true
	case *flow.Inverted:
		return d.Flow(), true
	}
	return nil, false
}

// ToLatent maps events to the latent z, a column for each feature that the flow sees, as training does: noise gives a
// repeated value its place in its cell, and number[i] decides that of event i; nil stands for 0, 1, 2, ... See
// prep.Pipeline.Apply.
func (m *Model) ToLatent(t *events.Table, number []uint64) ([][]float32, error) {
	x, _, err := m.Features.Apply(t, number)
	if err != nil {
		return nil, err
	}
	context, err := m.givenContext(t.Len(), t)
	if err != nil {
		return nil, err
	}
	_, z, err := m.Density.Evaluate(x, context)
	return z, err
}

// givenContext is a table's context columns as the flow sees them.
func (m *Model) givenContext(n int, t *events.Table) ([][]float32, error) {
	names := m.contextNames()
	switch {
	case len(names) == 0:
		return nil, nil
	case t == nil:
		return nil, fmt.Errorf("model: it is conditional: give a value of %q for each event", names)
	case t.Len() != n:
		return nil, fmt.Errorf("model: a context of %d events for %d", t.Len(), n)
	}
	cols, _, err := m.Context.Apply(t, nil)
	return cols, err
}

func (m *Model) contextNames() []string {
	if m.Context == nil {
		return nil
	}
	return m.Context.Names()
}

// validate reports what keeps the parts from being one model.
func (m *Model) validate() error {
	if m.Features == nil || m.Density == nil {
		return errors.New("a model needs features and a density")
	}
	contextDim := 0
	if m.Context != nil {
		contextDim = m.Context.Dim()
	}
	features, context := m.Density.Dims()
	if m.Features.Dim() != features || contextDim != context {
		return fmt.Errorf("a density of %d features and %d context columns does not go with a preparation of %d and %d",
			features, context, m.Features.Dim(), contextDim)
	}
	if _, ok := m.Flow(); ok && m.Features.HasCodes() {
		return errors.New("a flow takes no categories; a preparation that has them goes with the density of a mixed table")
	}
	if p, ok := m.Density.(parametric); ok {
		return checkParameters(p)
	}
	return nil
}
