package prep

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events/profile"
)

// Spec says how columns are prepared. A card writes it as `auto`, as one list of
// steps for every column, or as a map from column to either of these, where `*`
// stands for the columns not named (default auto):
//
//	prepare: [minmax, {clip: {b: 1e-6}}, logit, standardise]
//	prepare: {pt: [log, standardise], njets: auto, "*": [standardise]}
//
// The zero value is auto.
type Spec struct {
	All     []StepSpec            // for every column that Columns does not name; nil is auto
	Columns map[string][]StepSpec // by column; nil is auto
	// Ranges are the limits of columns that auto prepares, where they are known. They are no part of what a card writes
	// under prepare.
	Ranges map[string]Limits
	// Seen is what is known of columns from more events than the preparation is fitted on: auto goes by it. No part of a card either.
	Seen map[string]profile.Summary
	// Missing says which cells have no value, and Mixed that the density is one of mixed tables: then a column of a few values is a category, and single
	// values of many events, and cells without one, are codes beside it. No part of it either.
	Missing Missing
	Mixed   bool
	// Circles are the columns that the flow can take as angles on [-pi, pi] whose ends are one point: auto prepares an angle for that. No part
	// of a card.
	Circles map[string]bool
	// Simplex lists columns that are fractions and sum to 1, a list for each simplex. No part of it either.
	Simplex [][]string
}

// Limits are the lowest and the highest value that a column can have, infinite where there is none.
type Limits struct{ Low, High float64 }

// StepSpec is one step in a card, not fitted: its kind and its options.
type StepSpec struct {
	Kind    string
	Options map[string]float64 // 1 and 0 stand for true and false
}

// Of returns the steps for a column; nil is auto.
func (s Spec) Of(column string) []StepSpec {
	if steps, ok := s.Columns[column]; ok {
		return steps
	}
	return s.All
}

// IsZero reports whether every column is prepared automatically.
func (s Spec) IsZero() bool { return s.All == nil && len(s.Columns) == 0 }

// Validate reports the first step or option that does not exist or cannot be.
func (s Spec) Validate() error {
	if _, err := build(s.All); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Columns)) {
		if _, err := build(s.Columns[name]); err != nil {
			return fmt.Errorf("column %q: %w", name, err)
		}
	}
	return nil
}

// build makes the unfitted steps of a chain.
func build(specs []StepSpec) (Steps, error) {
	if len(specs) > maxSteps {
		return nil, fmt.Errorf("%d steps; at most %d can follow each other", len(specs), maxSteps)
	}
	var steps Steps
	for _, s := range specs {
		k, err := findKind(s.Kind)
		if err != nil {
			return nil, err
		}
		o := &options{given: s.Options}
		step := k.build(o)
		if err := o.close(); err != nil {
			return nil, fmt.Errorf("step %q: %w", s.Kind, err)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// options hands out the options of a step and remembers what was asked for.
type options struct {
	given map[string]float64
	known []string
	err   error
}

func (o *options) number(name string, def, lo, hi float64) float64 {
	o.known = append(o.known, name)
	v, ok := o.given[name]
	if !ok {
		return def
	}
	if !(v >= lo && v <= hi) && o.err == nil {
		o.err = fmt.Errorf("%s: %g is not between %g and %g", name, v, lo, hi)
	}
	return v
}

func (o *options) count(name string, def, lo, hi int) int {
	v := o.number(name, float64(def), float64(lo), float64(hi))
	if v != math.Trunc(v) && o.err == nil {
		o.err = fmt.Errorf("%s: %g is not a whole number", name, v)
	}
	return int(v)
}

func (o *options) flag(name string) bool { return o.number(name, 0, 0, 1) != 0 }

// limits are the options low and high, infinite where they are not given.
func (o *options) limits() (low, high float64) {
	low = o.number("low", math.Inf(-1), -math.MaxFloat64, math.MaxFloat64)
	high = o.number("high", math.Inf(1), -math.MaxFloat64, math.MaxFloat64)
	o.ordered(low, high)
	return low, high
}

func (o *options) ordered(low, high float64) {
	if !(low < high) && o.err == nil {
		o.err = fmt.Errorf("low: %g is not below high, which is %g", low, high)
	}
}

func (o *options) close() error {
	if o.err != nil {
		return o.err
	}
	for _, name := range slices.Sorted(maps.Keys(o.given)) {
		switch {
		case len(o.known) == 0:
			return fmt.Errorf("%q is not an option: it has none", name)
		case !slices.Contains(o.known, name):
			return fmt.Errorf("%q is not an option; there is %s", name, strings.Join(o.known, ", "))
		}
	}
	return nil
}

// MarshalJSON writes the form of the card.
func (s Spec) MarshalJSON() ([]byte, error) { return json.Marshal(s.plain()) }

// MarshalYAML writes the form of the card.
func (s Spec) MarshalYAML() (any, error) { return s.plain(), nil }

// UnmarshalYAML reads the form of the card.
func (s *Spec) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	return s.parse(v)
}

// UnmarshalJSON reads the form of the card.
func (s *Spec) UnmarshalJSON(data []byte) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	return s.parse(v)
}

// plain is the specification as strings, lists and maps.
func (s Spec) plain() any {
	if len(s.Columns) == 0 {
		return plainSteps(s.All)
	}
	m := map[string]any{}
	for name, steps := range s.Columns {
		m[name] = plainSteps(steps)
	}
	if s.All != nil {
		m["*"] = plainSteps(s.All)
	}
	return m
}

// String is the step as a card writes it.
func (s StepSpec) String() string {
	if len(s.Options) == 0 {
		return s.Kind
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{%s: {", s.Kind)
	for i, name := range slices.Sorted(maps.Keys(s.Options)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: %s", name, strconv.FormatFloat(s.Options[name], 'g', -1, 64))
	}
	return b.String() + "}}"
}

func plainSteps(steps []StepSpec) any {
	if steps == nil {
		return "auto"
	}
	list := make([]any, len(steps))
	for i, s := range steps {
		list[i] = s.Kind
		if len(s.Options) > 0 {
			list[i] = map[string]any{s.Kind: s.Options}
		}
	}
	return list
}

func (s *Spec) parse(v any) error {
	var out Spec
	if m, ok := v.(map[string]any); ok {
		out.Columns = map[string][]StepSpec{}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			steps, err := parseSteps(m[name])
			if err != nil {
				return fmt.Errorf("column %q: %w", name, err)
			}
			if name == "*" {
				out.All = steps
			} else {
				out.Columns[name] = steps
			}
		}
	} else {
		var err error
		if out.All, err = parseSteps(v); err != nil {
			return err
		}
	}
	if err := out.Validate(); err != nil {
		return err
	}
	*s = out
	return nil
}

func parseSteps(v any) ([]StepSpec, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "auto" {
			return nil, nil
		}
		return nil, fmt.Errorf("%q is not a preparation; write auto or a list of steps: %s", v, strings.Join(Kinds(), ", "))
	case []any:
		steps := make([]StepSpec, 0, len(v))
		for i, e := range v {
			s, err := parseStep(e)
			if err != nil {
				return nil, fmt.Errorf("step %d: %w", i+1, err)
			}
			steps = append(steps, s)
		}
		return steps, nil
	}
	return nil, fmt.Errorf("a preparation is auto or a list of steps, not %v", v)
}

// parseStep reads `logit` or `{clip: {b: 1e-6}}`.
func parseStep(v any) (StepSpec, error) {
	if name, ok := v.(string); ok {
		return StepSpec{Kind: name}, nil
	}
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return StepSpec{}, fmt.Errorf("a step is a name or {name: {option: value}}, not %v", v)
	}
	var s StepSpec
	for name, o := range m {
		s.Kind = name
		opts, ok := o.(map[string]any)
		if !ok && o != nil {
			return s, fmt.Errorf("%s: options are written {option: value}, not %v", name, o)
		}
		for key, val := range opts {
			x, err := number(val)
			if err != nil {
				return s, fmt.Errorf("%s: %s: %w", name, key, err)
			}
			if s.Options == nil {
				s.Options = map[string]float64{}
			}
			s.Options[key] = x
		}
	}
	return s, nil
}

func number(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case uint64:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case int:
		return float64(v), nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string: // goccy/go-yaml reads 1e-6, without a point, as text
		if x, err := strconv.ParseFloat(v, 64); err == nil {
			return x, nil
		}
	}
	return 0, fmt.Errorf("%v is not a number", v)
}
