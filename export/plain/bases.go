package plain

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/base"
)

func sqrt(x float32) float64 { return math.Sqrt(float64(x)) }

func (r reader) bases() (all []Base, err error) {
	bases := r.Bases()
	scopes, parts := r.scopes(len(bases))
	for i, b := range bases {
		one, err := r.base(b, scopes[i], parts[i])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (r reader) base(b flow.Base, scope string, part flow.Part) (Base, error) {
	p := r.Params()
	switch b := b.(type) {
	case *base.Normal:
		return &Normal{ints(b.Features)}, nil
	case *base.StudentT:
		return &StudentT{ints(b.Features), b.Degrees(p)}, nil
	case *base.Box:
		return box(b), nil
	case *base.Mixture:
		return mixture(b, p), nil
	case *base.ConditionalNormal:
		net, _ := part.Options["net"].(flow.Part)
		return &ConditionalNormal{ints(b.Features), r.mlp(scope, net, b.Shape.Context)}, nil
	}
	return nil, noClosedForm("a base of the kind %s", part.Kind)
}

func box(b *base.Box) *Box {
	of := &Box{Features: ints(b.Features), Bound: b.Bounds}
	if !math.IsInf(b.Width, 1) {
		of.Width = b.Width
	}
	for i := range b.Features {
		of.LogNorm -= b.LogNorm(i)
	}
	return of
}

func mixture(b *base.Mixture, p []float32) *Mixture {
	of := &Mixture{Features: ints(b.Features)}
	top, sum := float64(slices.Max(b.Weight.Of(p))), 0.0
	for _, w := range b.Weight.Of(p) {
		sum += math.Exp(float64(w) - top)
	}
	for _, w := range b.Weight.Of(p) {
		of.LogWeight = append(of.LogWeight, float64(w)-top-math.Log(sum))
	}
	for i, mean := range b.Mean.Of(p) {
		of.Mean, of.Width = append(of.Mean, float64(mean)), append(of.Width, b.Width(p, i))
	}
	return of
}
