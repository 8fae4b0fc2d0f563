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

	transforms []Transform // in the direction to latent
	layout     nn.Layout
	params     []float32
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
	f := &Flow{Features: features, Context: context, Spec: spec}
	spec = spec.WithDefaults()
	if coupling(spec) && features < 2 {
		return nil, &FieldError{"type", fmt.Sprintf("%s needs at least two features; maf and nsf-ar do with one", spec.Type)}
	}
	b := builder{f: f, spec: spec, order: identity(features), random: rng.New(seed, rng.StreamPermute, 0)}
	for i := range spec.Transforms {
		if err := b.add(i); err != nil {
			return nil, err
		}
	}
	f.params = make([]float32, f.layout.Size)
	for i, start := range b.starts {
		if err := start(f.params, rng.New(seed, rng.StreamInit, uint32(i))); err != nil {
			return nil, err
		}
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

// builder appends one transform after the other.
type builder struct {
	f      *Flow
	spec   Spec
	order  []int32 // of the features in the next transform
	random *rng.Source
	starts []func(p []float32, src *rng.Source) error
}

func (b *builder) add(i int) error {
	var tr Transformer
	switch b.spec.Type {
	case "nsf", "nsf-ar":
		tr = NewRationalQuadraticSpline(b.spec.Bins, b.spec.Bound, 1)
	case "realnvp":
		tr = &ScaleShift{LogScale(b.spec.LogScale)}
	default:
		tr = &Affine{LogScale(b.spec.LogScale)}
	}
	order := append([]int32(nil), b.order...)
	kept := 0
	if coupling(b.spec) {
		kept = len(order) / 2
	}
	moved := len(order) - kept
	net := nn.Config{
		Features: kept, Context: b.f.Context, Hidden: b.spec.Hidden, Outputs: moved * tr.Params(),
		Activation: b.spec.Activation, ContextFirst: b.spec.Context == "first",
	}
	scope := fmt.Sprintf("transforms.%d", i)
	var mlp *nn.MLP
	if coupling(b.spec) {
		mlp = nn.NewMLP(&b.f.layout, scope, net)
		b.f.transforms = append(b.f.transforms, &Coupling{Kept: order[:kept], Moved: order[kept:], Transformer: tr, Conditioner: mlp})
	} else {
		net.Features = moved
		degrees, err := nn.Degrees(b.spec.Degrees, moved, b.f.Context, b.spec.Hidden)
		if err != nil {
			return err
		}
		if mlp, err = nn.NewMADE(&b.f.layout, scope, net, degrees); err != nil {
			return err
		}
		b.f.transforms = append(b.f.transforms, &Autoregressive{Order: order, Transformer: tr, Conditioner: mlp})
	}
	b.starts = append(b.starts, func(p []float32, src *rng.Source) error {
		var bias []float32
		for range moved {
			bias = tr.Start(bias)
		}
		return mlp.Start(p, b.spec.Init, src, bias)
	})
	b.permute(i, kept)
	return nil
}

// permute renames the features for the transform after transform i, which kept the first features. Random couplings come
// in pairs that swap the two sides, so that every feature moves.
func (b *builder) permute(i, kept int) {
	if b.spec.Permute == "random" && kept > 0 && i%2 == 0 {
		b.order = append(append([]int32(nil), b.order[kept:]...), b.order[:kept]...)
		return
	}
	switch b.spec.Permute {
	case "reverse":
		for i, j := 0, len(b.order)-1; i < j; i, j = i+1, j-1 {
			b.order[i], b.order[j] = b.order[j], b.order[i]
		}
	case "random":
		p := b.random.Perm(len(b.order))
		next := make([]int32, len(p))
		for i, k := range p {
			next[i] = b.order[k]
		}
		b.order = next
	}
}

func identity(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	return p
}
