package card

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// Simulate says how objects that are drawn one by one, each given a generated one, become events, which no run makes; see sluice simulate.
type Simulate struct {
	// Event names the columns of a generated object that tell its event. Default: event.
	Event []string `yaml:"event,omitempty"`
	// Generated and Reconstructed are what the names of columns of such objects begin with, before _. Defaults: GenJet and Jet.
	Generated     string `yaml:"generated,omitempty"`
	Reconstructed string `yaml:"reconstructed,omitempty"`
	// Exists is the feature that is 1 where the object is reconstructed, and 0 where not. Default: all are.
	Exists string `yaml:"exists,omitempty"`
	// Order is the column by which the objects of an event are in falling order. Default: that of the reconstructed objects that ends in _pt.
	Order string `yaml:"order,omitempty"`
	// Slot, of a model of objects that nothing generated, is the context column that counts those of an event before this one.
	Slot string `yaml:"slot,omitempty"`
	// Bins are the edges, by column, in which simulations are judged. Default: tenths of the generated pt and sixths of eta.
	Bins map[string][]float64 `yaml:"bins,omitempty"`
	// Coverage is of how many objects of each bin the intervals are checked. Default: 600, whose intervals of 68 % are known to 2 %.
	Coverage int `yaml:"coverage,omitempty"`
}

// Simulation is Simulate with its defaults.
func (c *Card) Simulation() Simulate {
	s := c.Simulate
	if s.Event == nil {
		s.Event = []string{"event"}
	}
	s.Generated, s.Reconstructed = cmp.Or(s.Generated, "GenJet"), cmp.Or(s.Reconstructed, "Jet")
	s.Order, s.Coverage = cmp.Or(s.Order, s.Reconstructed+"_pt"), cmp.Or(s.Coverage, 600)
	return s
}

// Of are the columns among names that are of reconstructed objects.
func (s *Simulate) Of(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, s.Reconstructed+"_") })
}

// Drawn are the columns that a model of the card draws: features, and what is restored from them.
func (c *Card) Drawn() []string {
	names := slices.Clone(c.Features)
	for _, d := range c.Restore {
		names = append(names, d.Name)
	}
	return names
}

// CheckSimulation is an error where the card does not say how what is drawn becomes events.
func (c *Card) CheckSimulation() error {
	const key = "simulate"
	s := c.Simulation()
	switch {
	case len(s.Of(c.Drawn())) == 0:
		return wrong(join(key, "reconstructed"), "no feature, nor anything restored from them, begins with %s_, which makes it a column of reconstructed objects", s.Reconstructed)
	case !slices.Contains(s.Of(c.Drawn()), s.Order):
		return wrong(join(key, "order"), "%q is no column of reconstructed objects; there is %s", s.Order, strings.Join(s.Of(c.Drawn()), ", "))
	case s.Exists != "" && !slices.Contains(c.Features, s.Exists):
		return wrong(join(key, "exists"), "%q is no feature; it is the one that is 1 where an object is reconstructed, and 0 where not", s.Exists)
	case s.Slot != "" && !slices.Contains(c.Context, s.Slot):
		return wrong(join(key, "slot"), "%q is not in the context; it counts the objects of an event before this one", s.Slot)
	case s.Slot != "" && s.Exists == "":
		return wrong(join(key, "exists"), "missing; with slot it is the feature that is 1 where an event has one more object, and 0 where it has not")
	case s.Generated == s.Reconstructed:
		return wrong(join(key, "generated"), "%q is what the reconstructed objects are called", s.Generated)
	case s.Coverage < 0:
		return wrong(join(key, "coverage"), "%d is not a number of objects", s.Coverage)
	case slices.Contains(s.Event, ""):
		return wrong(join(key, "event"), "one of the names is empty")
	}
	for name, edges := range s.Bins {
		if len(edges) < 2 || !slices.IsSorted(edges) || len(slices.Compact(slices.Clone(edges))) < len(edges) {
			return wrong(join(key, "bins."+name), "%v are not the increasing edges of a bin or more", edges)
		}
	}
	return nil
}

// checkSimulate is CheckSimulation of a card that has a simulation.
func (c *Card) checkSimulate() error {
	if reflect.ValueOf(c.Simulate).IsZero() {
		return nil
	}
	return c.CheckSimulation()
}
