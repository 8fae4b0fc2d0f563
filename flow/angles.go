package flow

import (
	"maps"
	"slices"
)

// Circular is the composition in full in which every layer moves the given features, angles on [-pi, pi], by circular splines, and the
// base of each is uniform there (box): a density that closes around the circle. ok is false where that cannot be: a layer mixes or rescales
// the features, or the flow has a transformer or a base of its own for one of them, other than these.
func (s Spec) Circular(features ...string) (c Spec, ok bool) {
	c, err := s.Full()
	if err != nil {
		return s, false
	}
	c.Bases = maps.Clone(c.Bases)
	if c.Bases == nil {
		c.Bases = map[string]Part{}
	}
	for _, f := range features {
		if own, named := c.Bases[f]; named && own.Kind != "box" {
			return s, false
		} else if !named {
			c.Bases[f] = Part{Kind: "box"}
		}
	}
	c.Layers, c.Between = slices.Clone(c.Layers), slices.Clone(c.Between)
	ok = true
	_ = c.each(func(p *Part) error {
		ok = ok && p.turn(features)
		return nil
	})
	return c, ok
}

// turn gives a layer circular splines for features, of as many bins as its other splines have, and says whether it can.
func (p *Part) turn(features []string) bool {
	if p.Kind == "permutation" {
		return true
	}
	transformer, ok := p.Options["transformer"].(Part)
	if !ok {
		return false
	}
	circular := Part{Kind: "circular-spline"}
	if bins, ok := transformer.Options["bins"]; ok {
		circular.Options = map[string]any{"bins": bins}
	}
	given, _ := p.Options["transformers"].(map[string]any)
	all := maps.Clone(given)
	if all == nil {
		all = map[string]any{}
	}
	for _, f := range features {
		if own, named := all[f]; !named {
			all[f] = circular
		} else if q, _ := ParsePart(own); q.Kind != circular.Kind {
			return false
		}
	}
	p.Options = maps.Clone(p.Options)
	p.Options["transformers"] = all
	return true
}
