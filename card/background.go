package card

import (
	"reflect"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/prep"
)

// Background is the estimate of a background in a region of interest from events in control regions: of the shapes of the features by a flow that is
// given the context, the control variables; of the number of events by (extended) ABCD.
type Background struct {
	// Regions are the bins of two control variables, conditions by name: each of the first with each of the second is a region, called by both names.
	Regions []Definitions `yaml:"regions,omitempty"`
	// Signal is the region of interest; Control are the others that anything is learned from, default all.
	Signal  string   `yaml:"signal,omitempty"`
	Control []string `yaml:"control,omitempty"`
	// Closure are the control regions that are predicted without themselves; default all.
	Closure []string `yaml:"closure,omitempty"`
	// Yield is how the number of events follows from those of the control regions: abcd, of independent variables, the default, or extended.
	Yield string `yaml:"yield,omitempty"`
	// Simulation are events that are carried to data; without them the features are drawn given the control variables.
	Simulation Simulated `yaml:"simulation,omitempty"`

	Draws     int                `yaml:"draws,omitempty"`     // for each event of a region, where features are drawn; default 10
	Bins      int                `yaml:"bins,omitempty"`      // of each feature in the chi2 of a closure, of equal content; default 40
	Bootstrap int                `yaml:"bootstrap,omitempty"` // resamplings that check the error of the yield; default 500
	Templates map[string]Binning `yaml:"templates,omitempty"` // of features; default all
	// Search is the feature that is searched for a resonance over the estimate; default none.
	Search string `yaml:"search,omitempty"`
	// Label is 1 for events that are no background, where that is known: it only says the truth beside the estimate.
	Label string `yaml:"label,omitempty"`
}

// Simulated says which events are simulated. What is not said is as for the data.
type Simulated struct {
	Files  []string `yaml:"files,omitempty"`
	Where  string   `yaml:"where,omitempty"`
	Weight string   `yaml:"weight,omitempty"`
	// Flow is that of the simulation's density, on which the flow of the card is then learned; default the same composition. Training by mmd needs none.
	Flow flow.Spec `yaml:"flow,omitempty"`
}

// IsZero says whether there is no simulation.
func (s Simulated) IsZero() bool { return reflect.ValueOf(s).IsZero() }

// Binning is a histogram's.
type Binning struct {
	Bins  int         `yaml:"bins,omitempty"`  // default 30
	Range prep.Limits `yaml:"range,omitempty"` // default that of the estimate, but for a thousandth of it on either side
}

// Yields are the ways from the numbers of control regions to that of another.
func Yields() []string { return []string{"abcd", "extended"} }

const backgroundForm = `write regions: [{7j: njet == 7, 9j: njet >= 9}, {2b: nb == 2, 3b: nb >= 3}] and signal: 9j 3b`

// CheckBackground is an error where the card describes no estimate.
func (c *Card) CheckBackground() error {
	b := &c.Background
	const key = "background"
	in := func(name string) string { return join(key, name) }
	if len(b.Regions) != 2 {
		return wrong(in("regions"), "there are the bins of %d variables, and an estimate takes those of two; %s", len(b.Regions), backgroundForm)
	}
	all := b.Names()
	seen := map[string]bool{}
	for _, v := range b.Regions {
		for _, bin := range v {
			switch {
			case bin.Name == "" || strings.TrimSpace(bin.Expr) == "":
				return wrong(in("regions"), "one of the bins has no name or no condition; %s", backgroundForm)
			case seen[bin.Name]:
				return wrong(in("regions"), "%q names two bins; give each a name of its own", bin.Name)
			}
			seen[bin.Name] = true
		}
	}
	switch {
	case len(b.Regions[0]) < 2 || len(b.Regions[1]) < 2:
		return wrong(in("regions"), "%d x %d bins make %d regions, and an estimate takes 4 or more, from two bins or more of either variable", len(b.Regions[0]), len(b.Regions[1]), len(all))
	case b.Signal == "":
		return wrong(in("signal"), "missing: which is the region of interest? There are %s", strings.Join(all, ", "))
	case !slices.Contains(all, b.Signal):
		return wrong(in("signal"), "there is no region %q; %s", b.Signal, suggest(b.Signal, all))
	case len(c.Context) == 0 || len(c.ContextSets) > 0:
		return wrong("context", "an estimate is given the control variables, as in context: [njet, nb]; name them there")
	case len(c.Flows) > 0 || c.BaseModel != "":
		return wrong(key, "an estimate takes one flow: take flows and base_model out")
	case slices.Contains(slices.Concat(c.Features, c.Context), b.Label) && b.Label != "":
		return wrong(in("label"), "%q is a feature or the context; the label must not be seen", b.Label)
	}
	for _, list := range []struct {
		name    string
		regions []string
		of      []string
	}{{"control", b.Control, all}, {"closure", b.Closure, b.Controls()}} {
		for i, name := range list.regions {
			switch {
			case name == b.Signal:
				return wrong(in(list.name), "%q is the region of interest, from which nothing may be learned: take it out", name)
			case !slices.Contains(list.of, name):
				return wrong(in(list.name), "there is no control region %q; %s", name, suggest(name, slices.Clone(list.of)))
			case slices.Contains(list.regions[:i], name):
				return wrong(in(list.name), "%q comes twice; take one out", name)
			}
		}
	}
	if n := len(b.Controls()); n < 3 {
		return wrong(in("control"), "%d control regions and one of interest are fewer than the 4 that an estimate takes", n)
	}
	return c.checkEstimate()
}

func (c *Card) checkEstimate() error {
	b := &c.Background
	in := func(name string) string { return join("background", name) }
	if b.Yield != "" && !slices.Contains(Yields(), b.Yield) {
		return wrong(in("yield"), "there is no way %q; %s", b.Yield, suggest(b.Yield, Yields()))
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{{"draws", b.Draws, 1, 1000}, {"bins", b.Bins, 2, 1000}, {"bootstrap", b.Bootstrap, 10, 100_000}} {
		if n.value != 0 && (n.value < n.low || n.value > n.high) {
			return wrong(in(n.name), "%d is not between %d and %d", n.value, n.low, n.high)
		}
	}
	for name, t := range b.Templates {
		if err := oneOf(join(in("templates"), name), name, "features", c.Features); err != nil {
			return err
		}
		if t.Bins != 0 && (t.Bins < 1 || t.Bins > 10_000) {
			return wrong(join(in("templates"), name), "%d bins are not between 1 and 10000", t.Bins)
		}
		if none := (prep.Limits{}); t.Range != none && !(finite(t.Range) && t.Range.Low < t.Range.High) {
			return wrong(join(in("templates"), name), "the range takes two numbers, the lower first")
		}
	}
	if b.Search != "" {
		if err := oneOf(in("search"), b.Search, "features", c.Features); err != nil {
			return err
		}
	}
	return nil
}

// Names are the regions, those of a bin of the first variable together.
func (b *Background) Names() (names []string) {
	for _, x := range b.Regions[0] {
		for _, y := range b.Regions[1] {
			names = append(names, x.Name+" "+y.Name)
		}
	}
	return names
}

// Controls are the control regions, in the order of Names.
func (b *Background) Controls() []string {
	return slices.DeleteFunc(b.Names(), func(name string) bool {
		return name == b.Signal || b.Control != nil && !slices.Contains(b.Control, name)
	})
}

// Estimate is the estimate with its defaults.
func (c *Card) Estimate() Background {
	b := c.Background
	for _, n := range []struct {
		to    *int
		value int
	}{{&b.Draws, 10}, {&b.Bins, 40}, {&b.Bootstrap, 500}} {
		if *n.to == 0 {
			*n.to = n.value
		}
	}
	b.Control = b.Controls()
	if b.Closure == nil {
		b.Closure = b.Control
	}
	if b.Yield == "" {
		b.Yield = Yields()[0]
	}
	own := map[string]Binning{}
	for name, t := range b.Templates {
		own[name] = t
	}
	for _, name := range c.Features {
		if _, ok := own[name]; b.Templates != nil && !ok && name != b.Search {
			continue
		}
		t := own[name]
		if t.Bins == 0 {
			t.Bins = 30
		}
		own[name] = t
	}
	b.Templates = own
	return b
}

// checkBackground is CheckBackground of a card that has an estimate.
func (c *Card) checkBackground() error {
	if reflect.ValueOf(c.Background).IsZero() {
		return nil
	}
	return c.CheckBackground()
}
