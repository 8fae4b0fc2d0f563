package flow

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/flow/base"
)

// evidence is the gain of all events by another width, in nats, that is not chance: 3.5 standard errors.
const evidence = 6

// Widened is the flow with a base of the width that the latents z of events have which it was not trained on, in place of the normal one: those
// are wider than the latents that it was trained with, by what it knows by heart, and what it draws is too narrow by as much. The width
// is that of most likelihood,
//
//	width^2 = sum_e w_e |z_e|^2 / sum_e w_e D_e,
//
// of D_e features, those that an event has: NaN stands for one that is absent. weight may be nil. gain is in nats an event. The flow itself, and a width of 1, is what it is where the base is another, where
// weights are negative, and where chance may give as much.
func (f *Flow) Widened(z [][]float32, weight []float32) (wide *Flow, width, gain float64, err error) {
	normal, ok := f.rest().(*base.Normal)
	if !ok || slices.ContainsFunc(weight, func(w float32) bool { return w < 0 }) {
		return f, 1, 0, nil
	}
	var sum, squares, far, cells float64 // of the weights, of their squares, of distances, and of the weights of all cells
	for e := range z[normal.Features[0]] {
		w := 1.0
		if weight != nil {
			w = float64(weight[e])
		}
		sum, squares = sum+w, squares+w*w
		for _, j := range normal.Features {
			if v := float64(z[j][e]); v == v {
				far, cells = far+w*v*v, cells+w
			}
		}
	}
	width = math.Sqrt(far / cells)
	gain = cells / sum * ((width*width-1)/2 - math.Log(width))
	if !(gain*sum*sum/squares > evidence) || math.IsInf(gain, 0) {
		return f, 1, 0, nil
	}
	if wide, err = f.withBase(Part{"mixture", map[string]any{"components": 1}}); err != nil {
		return nil, 0, 0, err
	}
	b, ok := wide.rest().(*base.Mixture)
	if !ok {
		return nil, 0, 0, fmt.Errorf("flow: a base of type %T, not a mixture", wide.rest())
	}
	b.Widen(wide.params, width)
	return wide, width, gain, nil
}

// rest is the base of the features that have none of their own, nil of none.
func (f *Flow) rest() Base {
	p, ok := f.base.(*product)
	switch {
	case !ok:
		return f.base
	case p.scopes[0] == "base":
		return p.parts[0]
	}
	return nil
}

// withBase is the flow of the same parameters with another base, whose own are 0.
func (f *Flow) withBase(b Part) (*Flow, error) {
	spec := f.Spec
	spec.Base = b
	plan, err := NewPlan(f.Features, f.Context, spec, f.seed)
	if err != nil {
		return nil, err
	}
	plan.gaps = f.gaps
	g := Blank(plan)
	g.Threads = f.Threads
	was := map[string][]float32{}
	for _, v := range f.Views() {
		was[v.Name] = v.Of(f.params)
	}
	for _, v := range g.Views() {
		copy(v.Of(g.params), was[v.Name])
	}
	return g, nil
}
