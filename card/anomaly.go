package card

import (
	"cmp"
	"math"
	"reflect"
	"slices"

	"github.com/sluice-hep/sluice/prep"
)

// Anomaly is a search for a resonance in a window of one column, by what its events look like in the features: the flow of the card is
// the density of the background in these, given that column, which is the only context.
type Anomaly struct {
	// SignalRegion is the window of the context column, low end included, and Sidebands the events beside it that background is learned from; default
	// all others.
	SignalRegion prep.Limits `yaml:"signal_region,omitempty"`
	Sidebands    prep.Limits `yaml:"sidebands,omitempty"`
	// Label is 1 for signal events, where that is known, and 0 for others.
	Label string `yaml:"label,omitempty"`
	// SignalEvents is how many labelled signal events stay in the signal region, the others being thinned in all places by the same factor; `same`
	// (0), the default, for as many as there are. Of several numbers each is searched for, and the first is what is shown in full. BackgroundOnly
	// takes out all.
	SignalEvents   Counts `yaml:"signal_events,omitempty"`
	BackgroundOnly bool   `yaml:"background_only,omitempty"`

	Methods []string `yaml:"methods,omitempty"` // of AnomalyMethods; default all that the events allow
	Seeds   int      `yaml:"seeds,omitempty"`   // thinnings and trainings, each of its own seed; default 1
	Folds   int      `yaml:"folds,omitempty"`   // of the events, each scored by what the others trained; default 5
	// Samples is how many background events CATHODE draws for an event of the signal region; default 4.
	Samples int `yaml:"samples,omitempty"`
	// Nearby is how wide the sidebands of CWoLa are, on either side; default half the signal region.
	Nearby float64 `yaml:"nearby,omitempty"`
	// Networks is how many make a classifier, which is their mean; default 5.
	Networks int `yaml:"networks,omitempty"`
	// SignalEpochs are those of the densities learned in the signal region, where events are fewer than in the sidebands; default those of train.
	SignalEpochs int `yaml:"signal_epochs,omitempty"`

	Experiments int `yaml:"experiments,omitempty"` // pseudo-experiments of a hunt; default 1000

	Slide Slide `yaml:"slide,omitempty"` // other signal regions to search in
	// Pseudo is how many searches are made in events without signal, drawn from the background: their global p should be uniform.
	Pseudo int `yaml:"pseudo,omitempty"`
}

// Slide are signal regions of a width side by side, or apart, from one mass to another: each has for sidebands what the card's has, beside it.
type Slide struct {
	From  float64 `yaml:"from,omitempty"`
	To    float64 `yaml:"to,omitempty"`
	Width float64 `yaml:"width,omitempty"` // default that of the signal region
	Step  float64 `yaml:"step,omitempty"`  // from one low end to the next; default the width
}

// Windows are the signal regions.
func (s Slide) Windows() (all []prep.Limits) {
	if s.Step <= 0 {
		return nil
	}
	for k := range mostWindows + 1 {
		low := s.From + float64(k)*s.Step
		if low+s.Width > s.To+1e-9*s.Width {
			break
		}
		all = append(all, prep.Limits{Low: round(low), High: round(low + s.Width)})
	}
	return all
}

const mostWindows = 1000

// round takes away what adding steps did to the last digits.
func round(x float64) float64 { return math.Round(x*1e9) / 1e9 }

// Counts are numbers of events, of which one may be written without brackets.
type Counts []Count

// AnomalyMethods are the methods of a search, the limits that labels allow last.
func AnomalyMethods() []string {
	return []string{"anode", "r-anode", "cathode", "lacathode", "cwola", "idealised", "supervised"}
}

// CheckAnomaly is an error where the card describes no search.
func (c *Card) CheckAnomaly() error {
	a := &c.Anomaly
	none := prep.Limits{}
	const key = "anomaly"
	switch {
	case a.SignalRegion == none:
		return wrong(key, "there is no search without signal_region; write anomaly: {signal_region: [3.3, 3.7]}")
	case !finite(a.SignalRegion):
		return wrong(join(key, "signal_region"), "both ends must be numbers")
	case a.Sidebands != none && !(a.Sidebands.Low < a.SignalRegion.Low && a.SignalRegion.High < a.Sidebands.High):
		return wrong(join(key, "sidebands"), "from %g to %g leave no events on both sides of the signal region, %g to %g", a.Sidebands.Low, a.Sidebands.High, a.SignalRegion.Low, a.SignalRegion.High)
	case len(c.Context) != 1 || len(c.ContextSets) > 0:
		return wrong("context", "a search has one context column, that of its signal region, as in context: {mjj: TeV}; there are %d", len(c.Given()))
	case len(c.Flows) > 0 || c.Mixture.Components > 0 || c.BaseModel != "" || c.Weight != "" || c.Train.Ensemble > 1:
		return wrong(key, "a search takes one flow and events without weights: take flows, mixture, base_model, train.ensemble and weight out")
	case a.Label == "" && (a.thins() || a.BackgroundOnly):
		return wrong(join(key, "label"), "missing; to thin the signal (signal_events, background_only) it must be known")
	case a.thins() && a.BackgroundOnly:
		return wrong(join(key, "background_only"), "stands beside signal_events; take one out")
	case slices.Contains(slices.Concat(c.Features, c.Context), a.Label):
		return wrong(join(key, "label"), "%q is a feature or the context; the label must not be seen", a.Label)
	case a.Nearby < 0:
		return wrong(join(key, "nearby"), "%g is not above 0", a.Nearby)
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{{"seeds", a.Seeds, 0, 1000}, {"folds", a.Folds, 2, 100}, {"samples", a.Samples, 1, 1000}, {"networks", a.Networks, 1, 1000}, {"signal_epochs", a.SignalEpochs, 1, 1e6}, {"pseudo", a.Pseudo, leastPseudo, 1e6}, {"experiments", a.Experiments, leastPseudo, 1e6}} {
		if n.value != 0 && (n.value < n.low || n.value > n.high) {
			return wrong(join(key, n.name), "%d is not between %d and %d", n.value, max(n.low, 1), n.high)
		}
	}
	for i, n := range a.SignalEvents {
		if n < 0 || slices.Contains(a.SignalEvents[:i], n) {
			return wrong(join(key, "signal_events"), "%d is not 1 or more, or same, or comes twice", n)
		}
	}
	return cmp.Or(a.checkMethods(), c.checkSlide())
}

// thins says whether signal is taken out for a number of events to stay.
func (a *Anomaly) thins() bool {
	return slices.ContainsFunc(a.SignalEvents, func(n Count) bool { return n != 0 })
}

// leastPseudo is how few global p tell nothing of their distribution.
const leastPseudo = 10

// checkSlide is an error where signal regions overlap, since the global p counts them as independent, or have no events on both sides.
func (c *Card) checkSlide() error {
	const key = "anomaly.slide"
	if c.Anomaly.Slide == (Slide{}) {
		return nil
	}
	a := c.Search()
	s := a.Slide
	for _, v := range []float64{s.From, s.To, s.Width, s.Step} {
		if v-v != 0 {
			return wrong(key, "all must be numbers")
		}
	}
	switch windows := len(s.Windows()); {
	case s.Width <= 0 || s.Step <= 0 || windows == 0:
		return wrong(key, "from %g to %g is no signal region of width %g in steps of %g", s.From, s.To, s.Width, s.Step)
	case windows > mostWindows:
		return wrong(key, "there would be more than %d signal regions; take a longer step", mostWindows)
	case s.Step < s.Width*(1-1e-9):
		return wrong(join(key, "step"), "signal regions of width %g in steps of %g overlap, and the global p of all counts each as independent: set step to %g or more", s.Width, s.Step, s.Width)
	case a.Sidebands != prep.Limits{} && (s.From <= a.Sidebands.Low || s.To >= a.Sidebands.High):
		return wrong(key, "from %g to %g leave no events on both sides within the sidebands, %g to %g", s.From, s.To, a.Sidebands.Low, a.Sidebands.High)
	}
	return nil
}

func (a *Anomaly) checkMethods() error {
	const key = "anomaly.methods"
	for i, m := range a.Methods {
		switch {
		case !slices.Contains(AnomalyMethods(), m):
			return wrong(key, "there is no method %q; %s", m, suggest(m, AnomalyMethods()))
		case slices.Contains(a.Methods[:i], m):
			return wrong(key, "%s comes twice; take one out", m)
		case a.Label == "" && NeedsLabels(m):
			return wrong(key, "%s is a limit that knows which events are signal: name the column that says so (anomaly.label), or leave it out", m)
		case a.BackgroundOnly && NeedsLabels(m):
			return wrong(key, "%s learns from signal events, and background_only takes these out: leave one out", m)
		}
	}
	return nil
}

// NeedsLabels says whether a method of a search is a limit, which knows which events are signal.
func NeedsLabels(method string) bool { return method == "idealised" || method == "supervised" }

// Search is the search with its defaults.
func (c *Card) Search() Anomaly {
	a := c.Anomaly
	if a.Methods == nil {
		for _, m := range AnomalyMethods() {
			if !NeedsLabels(m) || a.Label != "" && !a.BackgroundOnly {
				a.Methods = append(a.Methods, m)
			}
		}
	}
	for _, n := range []struct {
		to    *int
		value int
	}{{&a.Seeds, 1}, {&a.Folds, 5}, {&a.Samples, 4}, {&a.Networks, 5}, {&a.Experiments, 1000}, {&a.SignalEpochs, c.Train.WithDefaults().Epochs}} {
		if *n.to == 0 {
			*n.to = n.value
		}
	}
	width := a.SignalRegion.High - a.SignalRegion.Low
	if a.Nearby == 0 {
		a.Nearby = width / 2
	}
	if a.Slide != (Slide{}) {
		a.Slide.Width = cmp.Or(a.Slide.Width, round(width))
		a.Slide.Step = cmp.Or(a.Slide.Step, a.Slide.Width)
	}
	if len(a.SignalEvents) == 0 {
		a.SignalEvents = Counts{0}
	}
	return a
}

// checkSearch is CheckAnomaly of a card that has a search.
func (c *Card) checkSearch() error {
	if reflect.ValueOf(c.Anomaly).IsZero() {
		return nil
	}
	return c.CheckAnomaly()
}

func finite(l prep.Limits) bool { return l.Low-l.Low == 0 && l.High-l.High == 0 }
