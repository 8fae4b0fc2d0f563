package uhi

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Axis is one dimension of a histogram: bins between edges, or, where Categories are set, one bin a category.
type Axis struct {
	Edges               []float64 // increasing, one more than bins
	Underflow, Overflow bool      // whether there are bins below the first and above the last edge
	Circular            bool
	Categories          []string // with Overflow, a bin for all others stands after them
	Metadata            Metadata // "name", "label" and "unit" among them
}

// Metadata are strings, booleans and numbers, float64 when read.
type Metadata map[string]any

// Len is the number of bins, those of underflow and overflow among them.
func (a *Axis) Len() int {
	n := len(a.Categories)
	if a.Categories == nil {
		n = len(a.Edges) - 1
	}
	for _, more := range []bool{a.Underflow, a.Overflow} {
		if more {
			n++
		}
	}
	return n
}

// Check is an error where the axis cannot be one.
func (a *Axis) Check() error {
	if a.Categories != nil {
		for i, c := range a.Categories {
			if slices.Contains(a.Categories[:i], c) {
				return fmt.Errorf("category %q stands twice", c)
			}
		}
		if len(a.Categories) == 0 {
			return fmt.Errorf("an axis of no categories")
		}
		if len(a.Edges) > 0 || a.Underflow || a.Circular {
			return fmt.Errorf("an axis of categories has no edges, no underflow and no circle")
		}
		return a.Metadata.check()
	}
	if len(a.Edges) < 2 {
		return fmt.Errorf("an axis needs at least 2 edges, not %d", len(a.Edges))
	}
	for i, e := range a.Edges {
		if e-e != 0 {
			return fmt.Errorf("edge %d, %g, is not finite", i, e)
		}
		if i > 0 && !(e > a.Edges[i-1]) {
			return fmt.Errorf("edges %d and %d, %g and %g, do not increase", i-1, i, a.Edges[i-1], e)
		}
	}
	return a.Metadata.check()
}

func (m Metadata) check() error {
	for name, v := range m {
		switch v := v.(type) {
		case string, bool, int:
		case float64:
			if v-v != 0 {
				return fmt.Errorf("metadata %q, %g, is not finite", name, v)
			}
		default:
			return fmt.Errorf("metadata %q is a %T: there may be strings, numbers and booleans", name, v)
		}
	}
	return nil
}

// Regular tells whether all bins have one width, to the rounding of their edges.
func (a *Axis) Regular() bool {
	n := len(a.Edges) - 1
	low, high := a.Edges[0], a.Edges[n]
	for i, e := range a.Edges {
		if math.Abs(e-evenly(low, high, i, n)) > 1e-12*max(math.Abs(low), math.Abs(high)) {
			return false
		}
	}
	return true
}

// evenly is edge i of n even bins, as boost-histogram has it.
func evenly(low, high float64, i, n int) float64 {
	z := float64(i) / float64(n)
	return (1-z)*low + z*high
}

// axis is the schema's: all kinds in one, told apart by type.
type axis struct {
	Type       string            `json:"type"`
	Lower      *float64          `json:"lower,omitempty"`
	Upper      *float64          `json:"upper,omitempty"`
	Bins       *int              `json:"bins,omitempty"`
	Edges      []float64         `json:"edges,omitempty"`
	Categories []json.RawMessage `json:"categories,omitempty"`
	Underflow  *bool             `json:"underflow,omitempty"`
	Overflow   *bool             `json:"overflow,omitempty"`
	Circular   *bool             `json:"circular,omitempty"`
	Flow       *bool             `json:"flow,omitempty"`
	Metadata   Metadata          `json:"metadata,omitempty"`
}

// MarshalJSON writes an axis: "regular" where the bins have one width, else "variable", or "category_str".
func (a Axis) MarshalJSON() ([]byte, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	w := axis{Metadata: a.Metadata}
	switch n := len(a.Edges) - 1; {
	case a.Categories != nil:
		w.Type, w.Flow = "category_str", &a.Overflow
		for _, c := range a.Categories {
			text, err := json.Marshal(c)
			if err != nil {
				return nil, err
			}
			w.Categories = append(w.Categories, text)
		}
		return json.Marshal(w)
	case a.Regular():
		w.Type, w.Lower, w.Upper, w.Bins = "regular", &a.Edges[0], &a.Edges[n], &n
	default:
		w.Type, w.Edges = "variable", a.Edges
	}
	w.Underflow, w.Overflow, w.Circular = &a.Underflow, &a.Overflow, &a.Circular
	return json.Marshal(w)
}

// UnmarshalJSON reads an axis of any kind; categories that are integers become text.
func (a *Axis) UnmarshalJSON(text []byte) error {
	var r axis
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	is := func(b *bool) bool { return b != nil && *b }
	*a = Axis{Underflow: is(r.Underflow), Overflow: is(r.Overflow) || is(r.Flow), Circular: is(r.Circular), Metadata: r.Metadata}
	switch r.Type {
	case "regular":
		if r.Lower == nil || r.Upper == nil || r.Bins == nil || *r.Bins < 1 || *r.Bins > maxBins {
			return fmt.Errorf("a regular axis needs lower, upper and between 1 and %d bins", maxBins)
		}
		for i := range *r.Bins + 1 {
			a.Edges = append(a.Edges, evenly(*r.Lower, *r.Upper, i, *r.Bins))
		}
	case "variable":
		a.Edges = r.Edges
	case "boolean":
		a.Categories = []string{"false", "true"}
	case "category_str", "category_int":
		a.Categories = []string{}
		for _, c := range r.Categories {
			name := string(c)
			if r.Type == "category_str" {
				if err := json.Unmarshal(c, &name); err != nil {
					return err
				}
			}
			a.Categories = append(a.Categories, name)
		}
	default:
		return fmt.Errorf("no axis of type %q; there is regular, variable, category_str, category_int, boolean", r.Type)
	}
	return a.Check()
}

// maxBins is the most that an axis of a few numbers may ask to be made.
const maxBins = 10_000_000
