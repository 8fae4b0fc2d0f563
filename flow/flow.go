// Package flow holds normalizing flows: chains of invertible transforms between data x and a latent z that is
// standard normal, so that log p(x) = log N(z; 0, 1) + log|det dz/dx|.
//
// A flow acts on tiles, columns of 64 events (package internal/kernel); permutations between transforms only
// rename columns: each transform has its own order of the features.
package flow

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Flow is a chain of transforms with a standard normal base. Its parameters are one flat vector. All methods but
// those that change parameters may be called concurrently.
type Flow struct {
	Features, Context int
	Spec              Spec
	// Threads is the number of workers of LogProb, Sample, ToLatent and ToData; 0 for all cores. Results do not depend on it.
	Threads int

	transforms  []Transform // in the direction to latent
	layout      nn.Layout
	independent int // parameters of Independent transforms, which come first
	params      []float32
	seed        uint64
}

// New builds a flow of the given number of features and context columns near the identity. All that is random
// in it (weights, permutations) follows from the seed.
func New(features, context int, spec Spec, seed uint64) (*Flow, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	if features < 1 || context < 0 {
		return nil, fmt.Errorf("flow: %d features and %d context columns: a flow needs at least one feature", features, context)
	}
	f := &Flow{Features: features, Context: context, Spec: spec, seed: seed}
	spec = spec.WithDefaults()
	if coupling(spec) && features < 2 {
		return nil, &FieldError{"type", fmt.Sprintf("%s needs at least two features; maf and nsf-ar do with one", spec.Type)}
	}
	b := builder{f: f, spec: spec, order: identity(features), random: rng.New(seed, rng.StreamPermute, 0)}
	for i := range spec.Transforms {
		b.plan(i, seed)
	}
	if err := b.build(); err != nil {
		return nil, err
	}
	return f, nil
}

// Params is the flat vector of parameters; writing to it changes the flow.
func (f *Flow) Params() []float32 { return f.params }

// Views names the parts of the parameter vector.
func (f *Flow) Views() []nn.View { return f.layout.Views }

// Transforms are the transforms in the direction from data to latent.
func (f *Flow) Transforms() []Transform { return f.transforms }

func coupling(s Spec) bool { return s.Type == "realnvp" || s.Type == "nsf" }
