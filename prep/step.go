package prep

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Step is one increasing map x -> y of the values of a column.
//
// Steps are made by a Spec, or restored from JSON by a Pipeline, and are safe for
// concurrent use once fitted. Apply and Invert take any finite input and give
// finite output, also outside the range that Fit saw.
type Step interface {
	// Kind is the name of the map in a card.
	Kind() string
	// Fit sets the map's parameters from training values and their weights (nil: all 1; negative
	// weights count as 0). It changes neither.
	Fit(x, w []float64) error
	// Apply replaces each x by y and adds log|dy/dx| to logDet unless that is nil.
	Apply(x, logDet []float64)
	// Invert replaces each y by x and adds log|dx/dy| to logDet unless that is nil.
	Invert(y, logDet []float64)

	// check says whether restored parameters can be (finite, ordered, of equal lengths), and makes of them what
	// Apply and Invert look up.
	check() error
}

// limited is a step whose inverse gives values from low to high.
type limited interface{ limits() (low, high float64) }

// Randomised is a step that spreads repeated values over cells. Its Apply takes the middle of each cell.
type Randomised interface {
	Step
	// ApplyNoise is Apply with u[i] in (0, 1) saying where in its cell event i goes.
	ApplyNoise(x, u, logDet []float64)
	// places marks the events whose place depends on u.
	places(x []float64, marked []bool)
}

// kind is an entry of the registry of steps.
type kind struct {
	name  string
	build func(o *options) Step
}

// kinds is every step there is; the compliance suite runs over it.
var kinds = []kind{
	{"minmax", func(*options) Step { return &minmax{} }},
	{"clip", func(o *options) Step { return &clip{B: o.number("b", 1e-6, 1e-15, 0.5)} }},
	{"logit", func(*options) Step { return &logit{} }},
	{"standardise", func(*options) Step { return &standardise{} }},
	{"log", func(o *options) Step {
		return &logarithm{Offset: o.number("offset", 0, -math.MaxFloat64, math.MaxFloat64)}
	}},
	{"asinh", func(*options) Step { return &asinh{} }},
	{"dequantise", func(o *options) Step {
		return &dequantise{Scaled: o.flag("scaled"), Step: o.number("step", 0, 1e-12, 1e12), Offset: o.number("offset", 0, -1e12, 1e12)}
	}},
	{"round", func(o *options) Step {
		return &round{Step: o.number("step", 0.001, 1e-12, 1e12), Offset: o.number("offset", 0, -1e12, 1e12)}
	}},
	{"periodic", func(o *options) Step {
		s := &periodic{Low: o.number("low", -math.Pi, -1e12, 1e12), High: o.number("high", math.Pi, -1e12, 1e12), Circle: o.flag("circle")}
		o.ordered(s.Low, s.High)
		return s
	}},
	{"category", func(*options) Step { return &category{} }},
	{"atoms", func(o *options) Step { return &atoms{spread{Above: o.number("above", 0.01, 1e-6, 1)}} }},
	{"levels", func(*options) Step { return &levels{} }},
	{"classes", func(o *options) Step { return &classes{Most: o.count("most", manyClasses, 2, mostClasses)} }},
	{"spread", func(o *options) Step { return &spread{Above: o.number("above", 0.01, 1e-6, 1)} }},
	{"quantile", func(o *options) Step {
		low, high := o.limits()
		return &quantile{Knots: o.count("knots", 128, 2, maxKnots), low: low, high: high}
	}},
}

// Kinds lists the names of all steps.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

func findKind(name string) (*kind, error) {
	if i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name }); i >= 0 {
		return &kinds[i], nil
	}
	return nil, fmt.Errorf("%q is not a preparation step; there is %s", name, strings.Join(Kinds(), ", "))
}

// stepJSON is a fitted step in a model.
type stepJSON struct {
	Kind  string          `json:"kind"`
	State json.RawMessage `json:"state"`
}

// Steps is a chain of steps: the first acts first on the user's values.
type Steps []Step

// MarshalJSON writes kinds and fitted parameters.
func (s Steps) MarshalJSON() ([]byte, error) {
	out := make([]stepJSON, len(s))
	for i, step := range s {
		state, err := json.Marshal(step)
		if err != nil {
			return nil, fmt.Errorf("prep: step %q: %w", step.Kind(), err)
		}
		out[i] = stepJSON{step.Kind(), state}
	}
	return json.Marshal(out)
}

// UnmarshalJSON restores a chain; parameters that no fit could have given are errors.
func (s *Steps) UnmarshalJSON(data []byte) error {
	var in []stepJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if len(in) > maxSteps {
		return fmt.Errorf("prep: a chain of %d steps; at most %d can be", len(in), maxSteps)
	}
	steps := make(Steps, len(in))
	for i, j := range in {
		k, err := findKind(j.Kind)
		if err != nil {
			return fmt.Errorf("prep: %w", err)
		}
		steps[i] = k.build(&options{})
		if len(j.State) == 0 {
			return fmt.Errorf("prep: step %q has no state", j.Kind)
		}
		if err := json.Unmarshal(j.State, steps[i]); err != nil {
			return fmt.Errorf("prep: step %q: %w", j.Kind, err)
		}
		if err := steps[i].check(); err != nil {
			return fmt.Errorf("prep: step %q: %w", j.Kind, err)
		}
	}
	*s = steps
	return nil
}

// maxSteps is the longest chain of one column; it also keeps the noise of two steps apart.
const maxSteps = 16

// rowError is a value that a step cannot take.
type rowError struct {
	row    int // from 0
	reason string
}

func (e *rowError) Error() string { return fmt.Sprintf("row %d: %s", e.row+1, e.reason) }

// weight is event i's weight in a fit: 1 without weights, and never negative.
func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return max(w[i], 0)
}

func finite(v ...float64) bool {
	for _, x := range v {
		if x-x != 0 {
			return false
		}
	}
	return true
}

// require is what a check finds wrong unless all is right.
func require(right bool, wrong string) error {
	if right {
		return nil
	}
	return errors.New(wrong)
}
