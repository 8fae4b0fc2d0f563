package stats

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// selection is the columns of a table that are compared, with the weights of its events.
type selection struct {
	columns []*events.Column
	from    []column.Exact // what the values of each column are counted from
	weights []float64      // nil where all are 1
	len     int
}

func selectColumns(t *events.Table, names []string) (*selection, error) {
	s := &selection{len: t.Len()}
	var missing []string
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("column %q is named twice", name)
		}
		c, err := t.Column(name)
		switch {
		case err != nil:
			missing = append(missing, fmt.Sprintf("%q", name))
		case c.Type == events.Text:
			return nil, fmt.Errorf("column %q holds text%s; only numbers can be compared", name, c.Because())
		default:
			s.columns = append(s.columns, c)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("no column %s; there is %s", strings.Join(missing, ", "), strings.Join(t.Names(), ", "))
	}
	s.from = make([]column.Exact, len(names))
	var err error
	s.weights, err = t.Weights()
	return s, err
}

// selectBoth takes columns of two tables, those of numbers that both have where none are named.
func selectBoth(ref, gen *events.Table, columns []string) (r, g *selection, err error) {
	if len(columns) == 0 {
		if columns = commonColumns(ref, gen); len(columns) == 0 {
			return nil, nil, fmt.Errorf("stats: the reference and the generated table have no column of numbers in common")
		}
	}
	if n := len(columns); n > mostColumns {
		return nil, nil, fmt.Errorf("stats: the correlations of %d columns take gigabytes; name those to compare, at most %d", n, mostColumns)
	}
	if r, err = selectColumns(ref, columns); err != nil {
		return nil, nil, fmt.Errorf("stats: the reference table: %w", err)
	}
	if g, err = selectColumns(gen, columns); err != nil {
		return nil, nil, fmt.Errorf("stats: the generated table: %w", err)
	}
	for k := range columns {
		r.from[k] = Origin(r.columns[k], g.columns[k])
		g.from[k] = r.from[k]
	}
	return r, g, nil
}

func commonColumns(ref, gen *events.Table) (names []string) {
	for i := range ref.Columns {
		c := &ref.Columns[i]
		k := column.Find(gen.Columns, c.Name, i)
		if k >= 0 && c.Type != events.Text && gen.Columns[k].Type != events.Text && c.Name != ref.Weight && c.Name != gen.Weight {
			names = append(names, c.Name)
		}
	}
	return names
}

// Origin is what to count the values of columns from, so that float64 tells them apart: 0, or, where an integer is beyond
// 2^53, the first value of its column.
func Origin(columns ...*events.Column) column.Exact {
	for _, c := range columns {
		if c.Type != events.Int64 && c.Type != events.Uint64 {
			continue
		}
		for i := range c.Len() {
			if math.Abs(c.Float(i)) > 1<<53 {
				return c.Exact(0)
			}
		}
	}
	return column.Exact{}
}

// total is the sum of weights.
func (s *selection) total() float64 {
	if s.weights == nil {
		return float64(s.len)
	}
	return sum(s.weights)
}

// effective is the effective number of events.
func (s *selection) effective() float64 {
	if s.weights == nil {
		return float64(s.len)
	}
	return effective(sum(s.weights), squares(s.weights))
}

// finite gives column k, counted from its origin, without the events in which it is NaN or infinite, of which there are skipped.
func (s *selection) finite(k int) (x, w []float64, skipped int) {
	c := s.columns[k]
	x = make([]float64, 0, s.len)
	if s.weights != nil {
		w = make([]float64, 0, s.len)
	}
	for i := range s.len {
		v := c.Exact(i).Minus(s.from[k])
		if !finite(v) {
			skipped++
			continue
		}
		x = append(x, v)
		if s.weights != nil {
			w = append(w, s.weights[i])
		}
	}
	return x, w, skipped
}
