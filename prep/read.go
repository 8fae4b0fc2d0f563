package prep

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// column is the named column of t with its values as float64, all finite.
func column(t *events.Table, name string) (*events.Column, []float64, error) {
	c, err := t.Column(name)
	if err != nil {
		return nil, nil, fmt.Errorf("prep: %w", err)
	}
	x, err := c.Floats(make([]float64, 0, c.Len()))
	if err != nil {
		return nil, nil, fmt.Errorf("prep: %w", err)
	}
	return c, x, missing(name, x)
}

// missing is an error if any value is NaN or infinite.
func missing(name string, x []float64) error {
	var nans, infs int
	first := -1
	for i, v := range x {
		if finite(v) {
			continue
		}
		if v != v {
			nans++
		} else {
			infs++
		}
		if first < 0 {
			first = i
		}
	}
	switch {
	case infs > 0:
		return fmt.Errorf("prep: column %q: %d of %d values are infinite or missing (NaN), the first in row %d; select finite values", name, nans+infs, len(x), first+1)
	case nans > 0:
		return fmt.Errorf("prep: column %q: %d of %d values are missing (NaN), the first in row %d; --drop-nan drops these events", name, nans, len(x), first+1)
	}
	return nil
}

// weights are t's event weights; nil where all are 1.
func weights(t *events.Table) ([]float64, error) {
	if t.Weight == "" {
		return nil, nil
	}
	_, w, err := column(t, t.Weight)
	if err != nil {
		return nil, err
	}
	for _, v := range w {
		if v > 0 {
			return w, nil
		}
	}
	return nil, fmt.Errorf("prep: weight %q: no event has a positive weight", t.Weight)
}

// checkNames refuses a column named twice, and steps for a column that is not prepared.
func checkNames(names []string, spec Spec) error {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("prep: column %q is named twice", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Columns)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("prep: column %q is to be prepared but not used; there is %s", name, strings.Join(names, ", "))
		}
	}
	if err := spec.Validate(); err != nil {
		return fmt.Errorf("prep: %w", err)
	}
	return nil
}

// Range says how many events lie outside the trained range of a column.
type Range struct {
	Column   string
	Unit     string
	Min, Max float64 // trained range
	Below    int     // events below Min
	Above    int     // events above Max
}

// OutOfRange counts the events of t with any value outside its trained range, and says in which columns. A
// model knows nothing there: its answer is an extrapolation.
func (p *Pipeline) OutOfRange(t *events.Table) (int, []Range, error) {
	out := make([]bool, t.Len())
	var ranges []Range
	for i := range p.Columns {
		c := &p.Columns[i]
		_, x, err := column(t, c.Name)
		if err != nil {
			return 0, nil, err
		}
		r := Range{Column: c.Name, Unit: c.Unit, Min: c.Min, Max: c.Max}
		for j, v := range x {
			if v < c.Min {
				r.Below++
				out[j] = true
			} else if v > c.Max {
				r.Above++
				out[j] = true
			}
		}
		if r.Below+r.Above > 0 {
			ranges = append(ranges, r)
		}
	}
	n := 0
	for _, o := range out {
		if o {
			n++
		}
	}
	return n, ranges, nil
}
