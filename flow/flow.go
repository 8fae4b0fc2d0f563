// Package flow holds normalizing flows: chains of invertible transforms between data x and a latent z whose density, the
// base, is known, so that log p(x) = log p(z) + log|det dz/dx|.
//
// A flow acts on tiles, columns of 64 events (package internal/kernel); permutations between transforms only
// rename columns: each transform has its own order of the features. What flows are made of stands in one table of kinds
// (kinds.go), its families in the rooms below (transformer, linear, whole, base); a Spec composes them.
package flow

import (
	"github.com/sluice-hep/sluice/flow/linear"
	"github.com/sluice-hep/sluice/internal/batch"
)

// Flow is a chain of transforms with a base. Its parameters are one flat vector. All methods but those that change
// parameters may be called concurrently. Workers start with the first evaluation and end a second after the last, or with
// Close.
type Flow struct {
	*Plan
	// Threads is the number of workers of LogProb, Sample, ToLatent and ToData; 0 for all cores. Results do not depend on it.
	Threads int

	transforms []Transform // in the direction to latent
	folds      []*linear.Fold
	masked     []Masked
	derived    []Derived
	statistics bool // among the parameters
	params     []float32
	crews      batch.Crews[workspace]
}

// New builds a flow of the given number of features and context columns near the identity. All that is random
// in it (weights, permutations) follows from the seed. own are kinds besides those of this package.
func New(features, context int, spec Spec, seed uint64, own ...Kind) (*Flow, error) {
	p, err := NewPlan(features, context, spec, seed, own...)
	if err != nil {
		return nil, err
	}
	return Draw(p), nil
}

// Dims are the numbers of features and of context columns.
func (f *Flow) Dims() (features, context int) { return f.Features, f.Context }

// UseThreads sets Threads.
func (f *Flow) UseThreads(n int) { f.Threads = n }

// Params is the flat vector of parameters; writing to it changes the flow.
func (f *Flow) Params() []float32 { return f.params }

// Layers are the transforms in the direction from data to latent.
func (f *Flow) Layers() []Layer { return f.layers }

// Rounds of Derive before a gradient, and before parameters are judged or kept.
const (
	fewRounds  = 8
	manyRounds = 300
)

func (f *Flow) derive(rounds int) {
	for _, d := range f.derived {
		d.Derive(f.params, rounds)
	}
}

// Cut sets those of the parameters, or of a gradient, to zero that are zero by construction.
func (f *Flow) Cut(flat []float32) {
	for _, m := range f.masked {
		m.Cut(flat)
	}
}

// Keep lets the workers, and the memory they work in, wait for the next evaluation until Close, and not for a second.
func (f *Flow) Keep() { f.crews.Keep() }

// Close ends the workers that wait for the next evaluation, which would start others.
func (f *Flow) Close() { f.crews.Close() }
