package card

import (
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
)

// mostObjects are taken of a set, unless told otherwise.
const mostObjects = 10

// sets reads one set of objects or a list of them: each a map with a name and its variables, count and most.
func (d *decoder) sets(key string, n ast.Node, to *[]events.Set) error {
	*to = nil
	elements := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		elements = list.Values
	}
	for _, e := range elements {
		s := events.Set{Most: mostObjects}
		err := d.pairs(key, e, func(k *ast.MappingValueNode, name string) error {
			var v any = &s.Variables
			switch {
			case name == "count":
				v = &s.Count
			case name == "most":
				v = &s.Most
			case s.Name != "":
				return at(k.Key, join(key, name), "beside %s; write several sets as a list, [{%s: [...], count: ...}, {%s: [...], count: ...}]", s.Name, s.Name, name)
			default:
				s.Name = name
			}
			return d.value(join(key, name), k.Value, reflect.ValueOf(v).Elem())
		})
		if err != nil {
			return err
		}
		*to = append(*to, s)
	}
	return nil
}

// checkSets reports what is wrong with a set of objects.
func (c *Card) checkSets() error {
	const key, form = "context_sets", "{jets: [Jet_pt, Jet_eta], count: nJet}"
	for _, s := range c.ContextSets {
		switch {
		case s.Name == "" || len(s.Variables) == 0 || slices.Contains(s.Variables, ""):
			return wrong(key, "a set is a name with its variables, and what counts its objects, as in %s", form)
		case s.Count == "":
			return wrong(key, "%s has no count, the column that says how many there are, as in %s", s.Name, form)
		case s.Most < 1 || s.Most > 4096:
			return wrong(join(key, "most"), "%d is not between 1 and 4096", s.Most)
		}
	}
	return nil
}

// variables are those of all sets.
func (c *Card) variables() (names []string) {
	for _, s := range c.ContextSets {
		names = append(names, s.Variables...)
	}
	return names
}

// objects are the columns of all sets but for their counts.
func (c *Card) objects() (names []string) {
	for _, s := range c.ContextSets {
		all := s.Columns()
		names = append(names, all[:len(all)-1]...)
	}
	return names
}

// checkContextNet reports a network that does not go with the context.
func (c *Card) checkContextNet() error {
	full, err := c.Flow.Full()
	if err != nil {
		return err
	}
	part := c.Flow.ContextNet
	switch kind := full.ContextNet.Kind; {
	case kind == flow.DeepSets && len(c.ContextSets) == 0:
		return &flow.FieldError{Field: "context_net", Reason: "deep-sets is for sets of objects: name them under context_sets, or take mlp"}
	case kind != "" && kind != flow.DeepSets && len(c.ContextSets) > 0:
		return &flow.FieldError{Field: "context_net", Reason: kind + " takes no sets of objects: take deep-sets, or leave context_net out"}
	case part.Options["objects"] != nil || part.Options["variables"] != nil:
		return &flow.FieldError{Field: "context_net", Reason: "objects and variables follow from context_sets: take them out"}
	}
	return nil
}
