// Package card reads the analysis card: one YAML text that says which events,
// which columns, how they are prepared, which flow, how it is trained and what
// is made of it. Everything but the events and the features has a default:
//
//	files: [jets.csv]
//	features: [mass, pt]
//
// A key that does not exist, a value of the wrong type and a value that cannot
// be are errors of one line that name the file, the line, the column, the key
// and what to do.
package card

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
)

// Card is an analysis. The zero value of a field means its default.
type Card struct {
	// Name is used for the files that a run writes. Default: the card's file name without its ending.
	Name string `yaml:"name,omitempty"`
	// Title stands above the report. Default: the name.
	Title string `yaml:"title,omitempty"`

	// Files hold the events; patterns such as run*.csv are allowed, and relative paths count from Dir.
	Files []string `yaml:"files,omitempty"`
	// Reading says how the files are read; its keys stand among those of the card.
	query.Reading `yaml:",inline"`
	// Table holds the events instead; no YAML says so.
	Table *events.Table `yaml:"-"`
	// Toy draws the events instead from a distribution whose density is known.
	Toy Toy `yaml:"toy,omitempty"`

	// Define makes columns from others, in this order.
	Define Definitions `yaml:"define,omitempty"`
	// Restore makes columns of the events that are generated, from their features, context and each other, in this order: what Define took apart.
	Restore Definitions `yaml:"restore,omitempty"`
	// Where keeps the events for which an expression is true. Default: all.
	Where string `yaml:"where,omitempty"`
	// Missing says which cells of features and context have no value and are modelled as such; see prep.Missing.
	Missing prep.Missing `yaml:"missing,omitempty"`
	// DropNaN leaves out events with a missing feature, context or weight, which are an error otherwise.
	DropNaN bool `yaml:"drop_nan,omitempty"`

	// DropDependent keeps features that follow from others, as copies, multiples or sums, out of the flow, and puts them back
	// in what is generated.
	DropDependent bool `yaml:"drop_dependent,omitempty"`

	// Features are the columns modelled, Context those conditioned on. A card may write either as a map
	// from name to unit. Default features of a toy: x1 and x2.
	Features []string `yaml:"features,omitempty"`
	Context  []string `yaml:"context,omitempty"`
	// ContextSets are sets of objects conditioned on, as many as an event has.
	ContextSets []events.Set `yaml:"context_sets,omitempty"`
	// Weight names the column of event weights. Default: all events weigh 1.
	Weight string `yaml:"weight,omitempty"`
	// Units of columns, where the file knows none or another; Labels are their names in plots.
	Units  map[string]string `yaml:"units,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty"`

	// Prepare maps each feature, PrepareContext each context column, to what a flow learns easily. Default: auto.
	Prepare        prep.Spec `yaml:"prepare,omitempty"`
	PrepareContext prep.Spec `yaml:"prepare_context,omitempty"`
	// Range is where the values of a feature or context column can lie, both ends included, as [-2.5, 2.5]; null for an
	// end that is open. Events beyond are an error, and none is generated.
	Range map[string]prep.Limits `yaml:"range,omitempty"`

	// Simplex lists features that are fractions and sum to 1, a list for each simplex: of K, the flow sees K-1 (see prep.Share).
	Simplex [][]string `yaml:"simplex,omitempty"`

	Flow flow.Spec `yaml:"flow,omitempty"`
	// BaseModel is the file of a trained flow of the same features and context, relative to Dir: its density is the base of Flow, which learns the
	// transport between that and the density of the events (arXiv:2211.02487), in its preparation.
	BaseModel string `yaml:"base_model,omitempty"`
	// Categorical is the network of the categorical features, where there are some.
	Categorical Categorical `yaml:"categorical,omitempty"`

	// Flows are several for the same events, in place of Flow: each is trained, and one page compares them. See Each.
	Flows Flows `yaml:"flows,omitempty"`
	// Mixture has several such flows, each of which counts as a gating network of the context says. Default: one flow.
	Mixture Mixture      `yaml:"mixture,omitempty"`
	Train   train.Config `yaml:"train,omitempty"`
	Sample  Sample       `yaml:"sample,omitempty"`
	Compare Compare      `yaml:"compare,omitempty"`
	Plots   Plots        `yaml:"plots,omitempty"`

	// Anomaly is a search for a resonance, which no run does; see CheckAnomaly.
	Anomaly Anomaly `yaml:"anomaly,omitempty"`
	// Background is an estimate of a background, which no run makes; see CheckBackground.
	Background Background `yaml:"background,omitempty"`
	// Unfold takes detector effects out of data, which no run does; see CheckUnfold.
	Unfold Unfold `yaml:"unfold,omitempty"`

	// Profiles are variants of the card; Use chooses one. YAML leaves them out: what is recorded is what ran.
	Profiles Profiles `yaml:"profiles,omitempty"`

	// Seed of all random numbers. A card that says nothing gets 1.
	Seed uint64 `yaml:"seed"`
	// Threads used. Default: all.
	Threads int `yaml:"threads,omitempty"`
	// Memory bounds what the events take: a training on more of them reads them anew each epoch. Default 2GB.
	Memory Bytes `yaml:"memory,omitempty"`

	// Dir is the folder that relative paths in Files count from: the card's.
	Dir string `yaml:"-"`
}

// Toy is a distribution of known density, or a simulator of pairs of parameters and observables.
type Toy struct {
	Name   string `yaml:"name,omitempty"`   // one of toy.Names
	Events int    `yaml:"events,omitempty"` // default 20000
	// Noise is the width of the moons. Default 0.05.
	Noise float64 `yaml:"noise,omitempty"`
	// Standardised shifts and scales each column to mean 0 and variance 1.
	Standardised bool `yaml:"standardised,omitempty"`
}

// Categorical is the network that gives the probabilities of categorical features.
type Categorical struct {
	Hidden  []int   `yaml:"hidden,omitempty"`  // widths of its hidden layers, default [128, 128]
	Dropout float64 `yaml:"dropout,omitempty"` // fraction of their units left out in training; default that of the flow, negative for none
}

// Mixture is p(x|c) = sum_k g_k(c) p_k(x|c), each p_k a flow as under flow.
type Mixture struct {
	Components int      `yaml:"components,omitempty"` // 2 to 100
	Gate       mix.Gate `yaml:"gate,omitempty"`
}

// Options are the toy's own.
func (t Toy) Options() toy.Options {
	return toy.Options{Noise: t.Noise, Standardise: t.Standardised}
}

// Definitions are written as a map from name to expression, and keep their order.
type Definitions = query.Definitions

// Sample says which events are drawn from the trained model.
type Sample struct {
	// Events is how many; 0, written `same`, for as many as were given.
	Events Count `yaml:"events,omitempty"`
	// File that holds them, in any format that can be written. Default sample.parquet.
	File string `yaml:"file,omitempty"`
	// Context fixes context columns, by numbers or names, or ContextFile gives a row for each event. Default: those of the data.
	Context     map[string]any `yaml:"context,omitempty"`
	ContextFile string         `yaml:"context_file,omitempty"`
	// Within is how far beyond the trained range they may lie, in units of it: others are drawn again. Default 0.5.
	Within Within `yaml:"within,omitempty"`
}

// Within is how far beyond the trained range an event may be drawn, in units of that: 0 stands for the default, and what is
// written as 0 is the smallest number above it; none is infinity.
type Within float64

// Count is a number of events, where `same` (0) means as many as there are.
type Count int

// Compare says how generated events are compared with the data.
type Compare struct {
	Columns []string `yaml:"columns,omitempty"` // default: all features
	Bins    int      `yaml:"bins,omitempty"`    // of a histogram; default 50
	Cuts    []string `yaml:"cuts,omitempty"`    // selections of features and context, after each of which the events are compared again
	Corner  []string `yaml:"corner,omitempty"`  // features and context to draw in pairs, 2 to 8
	Tests   string   `yaml:"tests,omitempty"`   // TestsOfColumns or TestsOfAll, the default
}

// The tests of a comparison.
const (
	TestsOfAll     = "all"     // those of columns, and those of all columns together
	TestsOfColumns = "columns" // those of columns, one by one, and of their correlations
)

// Plots asks for pictures that not every report needs.
type Plots struct {
	Steps   bool `yaml:"steps,omitempty"`   // the data after each transform of the flow, for two features
	Latent  bool `yaml:"latent,omitempty"`  // the data in the latent space
	Density bool `yaml:"density,omitempty"` // the density beside the true one, where that is known, for two features
}

// Portable is the card as models and pages keep it: an absolute path says more of a machine than of the analysis, and loses its folder.
func (c *Card) Portable() *Card {
	p := *c
	p.Files, p.Background.Simulation.Files = slices.Clone(c.Files), slices.Clone(c.Background.Simulation.Files)
	paths := []*string{&p.Sample.File, &p.Sample.ContextFile, &p.BaseModel}
	p.Unfold.Data, p.Unfold.PriorFiles = slices.Clone(c.Unfold.Data), slices.Clone(c.Unfold.PriorFiles)
	for _, files := range [][]string{p.Files, p.Background.Simulation.Files, p.Unfold.Data, p.Unfold.PriorFiles} {
		for i := range files {
			paths = append(paths, &files[i])
		}
	}
	for _, path := range paths {
		if filepath.IsAbs(*path) {
			*path = events.Base(*path)
		}
	}
	return &p
}

// SampleFile is where the events drawn go.
func (c *Card) SampleFile() string { return cmp.Or(c.Sample.File, "sample.parquet") }

// Paths are the files as the program opens them: relative ones joined to Dir.
func (c *Card) Paths() []string {
	return c.paths(c.Files)
}

// SimulationPaths are the files of the simulation of an estimate, likewise.
func (c *Card) SimulationPaths() []string { return c.paths(c.Background.Simulation.Files) }

func (c *Card) paths(files []string) []string {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = c.path(f)
	}
	return paths
}

func (c *Card) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(c.Dir, file)
}

// BaseFile is BaseModel as the program opens it.
func (c *Card) BaseFile() string { return c.path(c.BaseModel) }

// Inputs are all files that a training or an analysis reads: Paths, the base model, and those of another simulation and of data.
func (c *Card) Inputs() []string {
	data, prior := c.UnfoldInputs()
	paths := slices.Concat(c.Paths(), c.SimulationPaths(), data, prior)
	if c.BaseModel != "" {
		paths = append(paths, c.BaseFile())
	}
	return paths
}
