package flow

import (
	"slices"
	"strconv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Site is the place of a layer, or of a base, in a flow that is planned.
type Site struct {
	Context int

	order        []int32 // of the features
	random       *rng.Source
	conditionals int                          // before this layer
	given        int                          // context columns before an embedding, for a base
	hidden       int                          // layers with dropout before this layer
	kept         func(feature int32) Interval // by the layers, for a base
	rotated      int                          // numbers of the matrices of rotations so far
}

// Features are the numbers of the features in the order that they have here.
func (s *Site) Features() []int32 { return slices.Clone(s.order) }

// featureNumber is that which a text says.
func featureNumber(name string, features int) (int, error) {
	i, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(i) != name || i < 0 || i >= features {
		return 0, fault(name, "not the number of a feature, which are 0 to %d", features-1)
	}
	return i, nil
}

// permute renames the features for what follows a conditional transform, the kept first ones of which did not move.
// Random couplings come in pairs that swap the two sides, so that every feature moves.
func (s *Site) permute(how string, kept int) {
	swap := kept > 0 && s.conditionals%2 == 0
	switch {
	case how == "random" && swap:
		s.order = append(slices.Clone(s.order[kept:]), s.order[:kept]...)
	case how == "random":
		next := make([]int32, len(s.order))
		for i, k := range s.random.Perm(len(s.order)) {
			next[i] = s.order[k]
		}
		s.order = next
	case how == "reverse":
		s.order = s.Features()
		slices.Reverse(s.order)
	}
}

// conditional is what couplings and autoregressive transforms have in common.
type conditional struct {
	transformer      func() Transformer
	ofFeature        map[string]func() Transformer // by the number of the feature
	net              Network
	permute, degrees string
}

func readConditional(o *Options, permute string) conditional {
	c := conditional{
		transformer: made[Transformer](o, "transformer", RoleTransformer, "spline"),
		ofFeature:   madeOf[Transformer](o, "transformers", RoleTransformer),
		permute:     o.Choice("permute", permute, "reverse", "random", "none"),
	}
	if net := made[Network](o, "net", RoleNet, "mlp"); o.fault == nil {
		c.net = net()
	}
	return c
}

// place makes the transform of groups that end at ends among the features that are not kept.
func (c conditional) place(s *Site, kept int, ends []int) (Transform, error) {
	g := Groups{Order: s.Features(), Kept: kept, Ends: ends}
	for name := range c.ofFeature {
		if _, err := featureNumber(name, len(g.Order)); err != nil {
			return nil, within("transformers", err)
		}
	}
	g.Circles = make([]float32, len(g.Order))
	for i, f := range g.Order {
		of := c.transformer
		if m, ok := c.ofFeature[strconv.Itoa(int(f))]; ok {
			of = m
		}
		tr := of()
		if a, ok := tr.(Angular); ok {
			g.Circles[i] = a.Circle()
		}
		if i < kept {
			continue
		}
		g.Transformers = append(g.Transformers, tr)
	}
	g.Context, g.Layer, g.Degrees = s.Context, s.hidden, c.degrees
	s.permute(c.permute, kept)
	s.conditionals++
	s.hidden += c.net.Layers
	if c.net.Batched == nil {
		return NewConditional(g, c.net.Single), nil
	}
	return NewBatchedConditional(g, c.net.Batched), nil
}
