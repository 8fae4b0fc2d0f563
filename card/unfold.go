package card

import (
	"cmp"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/toy"
)

// Unfold takes the effects of a detector out of data. The events of the card are the simulation: its features are what is true, its context what is
// measured, and its flow the density of the former given the latter.
type Unfold struct {
	// Data are files of what was measured, the context columns by their names; or Toy draws them.
	Data []string `yaml:"data,omitempty"`
	Toy  Toy      `yaml:"toy,omitempty"`
	// Table holds the data instead; no YAML says so.
	Table *events.Table `yaml:"-"`
	// DataWeight is the column of their weights. Default: all weigh 1.
	DataWeight string `yaml:"data_weight,omitempty"`
	// Known says that the data are simulated too: they have the features, and what is unfolded is held against these.
	Known bool `yaml:"known,omitempty"`

	// PassTruth is a column of the simulation that is 1 for events that are to be unfolded to, and 0 for others, which are fakes where they are measured;
	// PassReco is 1 for those that are measured. Data that have the latter are those where it is 1. Default: all are.
	PassTruth string `yaml:"pass_truth,omitempty"`
	PassReco  string `yaml:"pass_reco,omitempty"`

	// Fakes is what becomes of them: `weighed` (the default), each has the mean weight of events of its measurement, as fits those that are like true ones;
	// `subtracted`, their number is that of the simulation, Luminosity (default 1) times their weights, as fits noise.
	Fakes      string  `yaml:"fakes,omitempty"`
	Luminosity float64 `yaml:"luminosity,omitempty"`

	Methods    []string `yaml:"methods,omitempty"`    // of UnfoldMethods; default all
	Iterations int      `yaml:"iterations,omitempty"` // default 4
	Draws      int      `yaml:"draws,omitempty"`      // of the flow for an event of the data; default 4
	FineTune   int      `yaml:"fine_tune,omitempty"`  // epochs of the flow in each iteration after the first; default 5
	Networks   int      `yaml:"networks,omitempty"`   // that make a classifier, which is their mean, where no bootstrap is meant; default 2
	Replicas   int      `yaml:"replicas,omitempty"`   // of data and simulation, by whose scatter errors are told; default 40

	// Bins is how many a column has, each with as many events of the simulation; default 8. Edges gives those of a column.
	Bins  int                  `yaml:"bins,omitempty"`
	Edges map[string][]float64 `yaml:"edges,omitempty"`
	// Pairs says by which context column a feature is measured, for the unfolding by a matrix and pictures of the migration. Default: those of the same
	// place, where there are as many of both.
	Pairs map[string]string `yaml:"pairs,omitempty"`

	// Prior weighs the simulation anew by an expression of its columns, and PriorFiles are another simulation: what is unfolded with that differs by what
	// the simulation's truth matters. Default: neither.
	Prior      string   `yaml:"prior,omitempty"`
	PriorFiles []string `yaml:"prior_files,omitempty"`
}

// UnfoldMethods are the methods that learn. The iterative unfolding by a matrix stands beside them where features have Pairs.
func UnfoldMethods() []string { return []string{"iterated", "omnifold"} }

// CheckUnfold is an error where the card describes no unfolding.
func (c *Card) CheckUnfold() error {
	const key = "unfold"
	u := &c.Unfold
	sources := 0
	for _, is := range []bool{len(u.Data) > 0, u.Toy != Toy{}, u.Table != nil} {
		if is {
			sources++
		}
	}
	switch {
	case sources == 0:
		return wrong(key, "there are no data; write unfold: {data: [measured.parquet]}")
	case sources > 1:
		return wrong(join(key, "data"), "data come from files or from a toy, not from both; take one out")
	case u.Toy != Toy{} && toy.Check(u.Toy.Name, u.Toy.Options()) != nil:
		return wrong(join(key, "toy.name"), "there is no toy %q; %s", u.Toy.Name, suggest(u.Toy.Name, toy.Names()))
	case len(c.Context) == 0 || len(c.ContextSets) > 0:
		return wrong("context", "an unfolding takes what is measured for context: name its columns, as in context: {pt_reco: GeV}, and no sets of objects")
	case len(c.Flows) > 0 || c.Mixture.Components > 0 || c.BaseModel != "" || c.Train.Ensemble > 1 || !c.Missing.IsZero():
		return wrong(key, "an unfolding takes one flow of columns without missing cells: take flows, mixture, base_model, train.ensemble and missing out")
	case u.Fakes != "" && u.Fakes != "weighed" && u.Fakes != "subtracted":
		return wrong(join(key, "fakes"), "%q is neither weighed nor subtracted", u.Fakes)
	case u.Luminosity != 0 && (u.Fakes != "subtracted" || !(u.Luminosity > 0 && u.Luminosity < math.Inf(1))):
		return wrong(join(key, "luminosity"), "%g: it is what the weights of the simulation are multiplied by to be events of the data, above 0, and goes with fakes: subtracted", u.Luminosity)
	case u.Prior != "" && len(u.PriorFiles) > 0:
		return wrong(join(key, "prior_files"), "stands beside prior; take one out")
	}
	for _, name := range nonEmpty(u.PassTruth, u.PassReco) {
		if slices.Contains(c.Used(), name) {
			return wrong(key, "%q is a feature, a context column or the weight; what says which events pass is neither", name)
		}
	}
	if u.Prior != "" {
		if _, err := formula.Names(u.Prior); err != nil {
			return wrong(join(key, "prior"), "%v", err)
		}
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{{"iterations", u.Iterations, 1, 100}, {"draws", u.Draws, 1, 1000}, {"fine_tune", u.FineTune, 1, 1e6}, {"networks", u.Networks, 1, 1000}, {"replicas", u.Replicas, 2, 10_000}, {"bins", u.Bins, 2, 1000}} {
		if n.value != 0 && (n.value < n.low || n.value > n.high) {
			return wrong(join(key, n.name), "%d is not between %d and %d", n.value, n.low, n.high)
		}
	}
	return u.checkColumns(c)
}

// checkColumns looks at what is said of single columns, and at the methods.
func (u *Unfold) checkColumns(c *Card) error {
	for i, m := range u.Methods {
		if err := oneOf("unfold.methods", m, "methods", UnfoldMethods()); err != nil {
			return wrong("unfold.methods", "there is no method %q; %s", m, suggest(m, UnfoldMethods()))
		}
		if slices.Contains(u.Methods[:i], m) {
			return wrong("unfold.methods", "%s comes twice; take one out", m)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Edges)) {
		key := join("unfold.edges", name)
		if err := oneOf(key, name, "features", c.Features); err != nil {
			return err
		}
		e := u.Edges[name]
		if len(e) < 3 {
			return wrong(key, "%d edges make no histogram; give 3 or more", len(e))
		}
		for i := range e[1:] {
			if !(e[i] < e[i+1]) {
				return wrong(key, "%g is not below %g; edges ascend", e[i], e[i+1])
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Pairs)) {
		key := join("unfold.pairs", name)
		if err := oneOf(key, name, "features", c.Features); err != nil {
			return err
		}
		if err := oneOf(key, u.Pairs[name], "context", c.Context); err != nil {
			return err
		}
	}
	return nil
}

// Unfolding is the unfolding with its defaults.
func (c *Card) Unfolding() Unfold {
	u := c.Unfold
	if u.Methods == nil {
		u.Methods = UnfoldMethods()
	}
	u.Luminosity = cmp.Or(u.Luminosity, 1)
	for _, n := range []struct {
		to    *int
		value int
	}{{&u.Iterations, 4}, {&u.Draws, 4}, {&u.FineTune, 5}, {&u.Networks, 2}, {&u.Replicas, 40}, {&u.Bins, 8}} {
		if *n.to == 0 {
			*n.to = n.value
		}
	}
	if u.Pairs == nil && len(c.Features) == len(c.Context) {
		u.Pairs = map[string]string{}
		for i, name := range c.Features {
			u.Pairs[name] = c.Context[i]
		}
	}
	return u
}

// checkUnfolding is CheckUnfold of a card that has an unfolding.
func (c *Card) checkUnfolding() error {
	if reflect.ValueOf(c.Unfold).IsZero() {
		return nil
	}
	return c.CheckUnfold()
}

// UnfoldInputs are the files of the data and of another simulation, as the program opens them.
func (c *Card) UnfoldInputs() (data, prior []string) {
	for _, f := range c.Unfold.Data {
		data = append(data, c.path(f))
	}
	for _, f := range c.Unfold.PriorFiles {
		prior = append(prior, c.path(f))
	}
	return data, prior
}

// DataQuery asks for the data: of files, of a table, or drawn from a toy with another seed than the simulation's. With more it asks for so many times as many
// events of that toy, of a seed of their own.
func (c *Card) DataQuery(more int) (query.Query, error) {
	own := *c
	files, _ := c.UnfoldInputs()
	own.Files, own.Toy, own.Table = files, c.Unfold.Toy, c.Unfold.Table
	if own.Seed++; more > 0 {
		own.Seed++
		own.Toy.Events = more * cmp.Or(own.Toy.Events, toyEvents)
	}
	return own.AnalysisQuery("")
}
