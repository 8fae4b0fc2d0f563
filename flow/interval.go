package flow

import (
	"fmt"
	"slices"
)

// Bounded is a Transformer that keeps an interval.
type Bounded interface{ Interval() Interval }

// Keeper is a Transform that keeps intervals of features.
type Keeper interface {
	Keeps(feature int32) Interval
}

// Keeps implements Keeper.
func (g *Groups) Keeps(feature int32) Interval {
	for j, f := range g.moved() {
		if f != feature {
			continue
		}
		if b, ok := g.Transformers[j].(Bounded); ok {
			return b.Interval()
		}
		return Interval{Why: "moves it without bound"}
	}
	return Interval{Wider: true}
}

// both is what both keep.
func both(i, j Interval) Interval {
	switch {
	case i.Why != "":
		return i
	case j.Why != "":
		return j
	case i.Bound > j.Bound:
		i, j = j, i
	}
	if i.Bound < j.Bound && !i.Wider {
		return Interval{Why: fmt.Sprintf("keeps it within %g, and another layer within %g", i.Bound, j.Bound)}
	}
	return Interval{Bound: j.Bound, Wider: i.Wider && j.Wider}
}

// kept is what all layers keep of a feature.
func (p *Plan) kept(feature int32) Interval {
	all := Interval{Wider: true}
	for n, l := range p.layers {
		i := Interval{Why: "mixes or scales features"}
		if k, ok := l.Transform.(Keeper); ok {
			i = k.Keeps(feature)
		}
		if all = both(all, i); all.Why != "" {
			all.Why = fmt.Sprintf("layer %d (%s) %s", n, l.Part.Kind, all.Why)
			break
		}
	}
	return all
}

// confine returns the bound of each of the features of a base that has none beyond it: the one given, or, where that is 0, that of
// the transformers.
func (s *Site) confine(bound float64) ([]float32, error) {
	var bounds []float32
	for _, f := range s.order {
		kept := s.kept(f)
		b := float32(bound)
		if b == 0 {
			b = kept.Bound
		}
		switch {
		case kept.Why != "":
			return nil, fault("", "has no density outside of an interval, which feature %d must not leave, but %s: take spline, "+
				"circular-spline or bernstein and no linear map or norm, or another base for that feature", f, kept.Why)
		case b == 0:
			return nil, fault("bound", "no transformer moves feature %d, so that none says where its interval ends: give the bound", f)
		case b < kept.Bound || b > kept.Bound && !kept.Wider:
			return nil, fault("bound", "%g is not the bound %g of the transformers of feature %d: leave it out", b, kept.Bound, f)
		}
		bounds = append(bounds, b)
	}
	return bounds, nil
}

// SupportError says that events lie where the base has no density.
type SupportError struct {
	Feature string // its number
	Events  int
	Bound   float32
}

func (e *SupportError) Error() string {
	return fmt.Sprintf("flow: feature %s is outside of [-%g, %g] in %d of the events, where its base has no density: bring it there by its "+
		"preparation, leave out these events, or take another base", e.Feature, e.Bound, e.Bound, e.Events)
}

// Support is a SupportError where events lie outside.
func (f *Flow) Support(x [][]float32) error {
	for _, b := range f.boxes() {
		for i, feature := range b.Features {
			if n := b.Outside(i, x[feature], slices.Contains(f.gaps, feature)); n > 0 {
				return &SupportError{fmt.Sprint(feature), n, b.Bounds[i]}
			}
		}
	}
	return nil
}
