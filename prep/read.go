package prep

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// numbers are those of the column in t, of a column of names its codes: all finite, or missing where they may be.
func (c *Column) numbers(t *events.Table) (*events.Column, error) { return c.in(t, c.Missing) }

func (c *Column) in(t *events.Table, missingToo bool) (*events.Column, error) {
	col, err := t.Column(c.Name)
	if err == nil {
		if col = c.coded(col); col.Type == events.Text {
			_, err = col.Floats(nil)
		}
	}
	if err == nil {
		err = missing(col, missingToo)
	}
	if err != nil {
		return nil, fmt.Errorf("prep: %w", err)
	}
	return col, nil
}

// missing is an error if any value is infinite, or NaN, as an empty text is, where none may be missing.
func missing(c *events.Column, may bool) error {
	all, first := 0, 0
	what := "missing (NaN)"
	if c.Type == events.Text {
		what = "missing (empty)"
	}
	remedy := "--drop-nan drops these events, --missing model has them modelled"
	for i := range c.Len() {
		v := c.Float(i)
		if v-v == 0 || may && v != v || c.Type == events.Text && c.Str[i] != "" {
			continue
		}
		if v == v {
			what, remedy = "infinite or missing (NaN)", "select finite values"
		}
		if all++; all == 1 {
			first = i
		}
	}
	if all == 0 {
		return nil
	}
	return fmt.Errorf("column %q: %d of %d values are %s, the first in row %d; %s", c.Name, all, c.Len(), what, first+1, remedy)
}

// weights are t's event weights, in any unit; nil where all are 1.
func weights(t *events.Table) ([]float64, error) {
	w, err := t.Weights()
	if err != nil {
		return nil, fmt.Errorf("prep: %w", err)
	}
	if w == nil || slices.ContainsFunc(w, func(v float64) bool { return v > 0 }) {
		return w, nil
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
	// Unseen counts the events with a value that is none of those a column can have: not one of its few values, or not
	// whole where all were. First is the number of the first of them, from 0, Value its value, and Taken what such a value
	// is taken for.
	Unseen int
	First  int
	Value  string
	Taken  string
}

// listed is a step that knows which values there are.
type listed interface {
	has(v float64) bool
	taken() string // what another is taken for
}

// Add joins the counts of the events that follow after r's, of which there were n.
func (r *Range) Add(next Range, n int) {
	if r.Unseen == 0 && next.Unseen > 0 {
		r.First, r.Value, r.Taken = n+next.First, next.Value, next.Taken
	}
	r.Below += next.Below
	r.Above += next.Above
	r.Unseen += next.Unseen
}

// Outside is the number of all events counted.
func (r *Range) Outside() int { return r.Below + r.Above + r.Unseen }

// OutOfRange counts the events of t with any value outside its trained range, or that is none of those that the column
// can have, and says in which columns. A model knows nothing there: its answer is an
// extrapolation.
func (p *Pipeline) OutOfRange(t *events.Table) (int, []Range, error) {
	out := make([]bool, t.Len())
	var ranges []Range
	for i := range p.Columns {
		c := &p.Columns[i]
		col, err := c.numbers(t)
		if err != nil {
			return 0, nil, err
		}
		r := c.outside(col, out)
		switch {
		case c.Follows != nil:
			r, err = p.disagree(c, t, out)
		case c.Told != nil:
			err = p.strangers(c, t, &r, out)
		case p.Marks != nil && p.Marks.Columns[0] == c.Name:
			err = p.Marks.unknown(p, t, &r, out)
		}
		if err != nil {
			return 0, nil, err
		}
		if r.Unseen > 0 && c.Names != nil {
			c.sayUnseen(&r, t)
		}
		if r.Outside() > 0 {
			ranges = append(ranges, r)
		}
	}
	for i := range p.Sets {
		found, err := p.Sets[i].outOfRange(t, out)
		if err != nil {
			return 0, nil, err
		}
		ranges = append(ranges, found...)
	}
	n := 0
	for _, o := range out {
		if o {
			n++
		}
	}
	return n, ranges, nil
}

// marks are the values that many events hold, by which a range is not measured.
func (c *Column) marks() (marks []float64) {
	if s, ok := c.first().(*spread); ok {
		for _, a := range s.Atom {
			marks = append(marks, a+c.Origin.Float())
		}
	}
	for _, m := range c.lacks() {
		marks = append(marks, m+c.Origin.Float())
	}
	return marks
}

// Trained is the range that the column was trained in: all turns of an angle are, and values of many events at its ends, as -999, are
// not.
func (c *Column) Trained() (low, high float64) {
	if s, ok := c.first().(*spread); ok && len(s.After) == len(s.Atom) && len(s.Before) == len(s.Atom) {
		low, high, from := c.Min, c.Max, c.Origin.Float()
		for k, a := range s.Atom {
			if a+from == low {
				low = s.After[k] + from
			}
		}
		for k, a := range slices.Backward(s.Atom) {
			if a+from == high {
				high = s.Before[k] + from
			}
		}
		if low < high {
			return low, high
		}
	}
	if len(c.Steps) > 0 {
		if p, ok := c.Steps[0].(*periodic); ok {
			return min(c.Min, p.Low+c.Origin.Float()), max(c.Max, p.High+c.Origin.Float())
		}
	}
	return c.Min, c.Max
}

// slack is how far beyond its range a value still lies in it: by the rounding of its type, and by that of a text of six decimals
// where it is an angle.
func (c *Column) slack(r *Range, col *events.Column) (low, high float64) {
	if len(c.Steps) > 0 {
		if p, ok := c.Steps[0].(*periodic); ok {
			turn := p.High - p.Low
			return r.Min - 1e-6*turn, r.Max + 1e-6*turn
		}
	}
	if col.Type == events.Float32 || c.Type == events.Float32.String() {
		return float64(math.Nextafter32(float32(r.Min), float32(math.Inf(-1)))), float64(math.Nextafter32(float32(r.Max), float32(math.Inf(1))))
	}
	return math.Nextafter(r.Min, math.Inf(-1)), math.Nextafter(r.Max, math.Inf(1))
}

// has tells whether a step knows the value of event i.
func (c *Column) has(few listed, col *events.Column, i int) bool {
	if v := col.Float(i); v != v {
		return few.has(missingValue)
	}
	return few.has(col.Exact(i).Minus(c.Origin))
}

// outside counts the values of one column beyond its range and marks their events.
func (c *Column) outside(col *events.Column, out []bool) Range {
	r := Range{Column: c.Name, Unit: c.Unit}
	r.Min, r.Max = c.Trained()
	low, high := c.slack(&r, col)
	few, _ := c.first().(listed)
	marks, within := c.marks(), c.rounding()
	for i := range out {
		switch v := col.Float(i); {
		case among(marks, v, within) >= 0, v != v && c.fewValues() == nil:
			continue
		case few != nil && !c.has(few, col, i), c.Names != nil && v > high:
			if r.Unseen++; r.Unseen == 1 {
				r.First, r.Value = i, valueText(col, i)
				if few != nil {
					r.Taken = few.taken()
				}
			}
		case v < low:
			r.Below++
		case v > high:
			r.Above++
		default:
			continue
		}
		out[i] = true
	}
	return r
}

func valueText(col *events.Column, i int) string {
	if v := col.Float(i); v != v {
		return "missing"
	}
	return exactText(col, i)
}

// exactText is value i with all its digits, or the name that it is.
func exactText(col *events.Column, i int) string {
	if col.Type == events.Text {
		return strconv.Quote(col.Str[i])
	}
	return col.Exact(i).String()
}

// sayUnseen says of a column of names what the first that training had not is, in t, and what it is taken for.
func (c *Column) sayUnseen(r *Range, t *events.Table) {
	if col, err := t.Column(c.Name); err == nil {
		r.Value = exactText(col, r.First)
	}
	switch {
	case c.Constant():
		r.Taken = c.Names[0]
	case c.fewValues() != nil || c.classes() != nil:
		r.Taken = "the rarest of the names that it knows"
	}
}
