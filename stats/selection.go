package stats

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// selection is the columns of a table that are compared, with the weights of its events.
type selection struct {
	columns []*events.Column
	weights []float64 // nil where all are 1
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
			return nil, fmt.Errorf("column %q holds text; only numbers can be compared", name)
		default:
			s.columns = append(s.columns, c)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("no column %s; there is %s", strings.Join(missing, ", "), strings.Join(t.Names(), ", "))
	}
	var err error
	s.weights, err = t.Weights()
	return s, err
}

func (s *selection) weightsOf(first, rows int) []float64 {
	if s.weights == nil {
		return nil
	}
	return s.weights[first : first+rows]
}

// finite gives column k without the events in which it is NaN or infinite, of which there are skipped.
func (s *selection) finite(k int) (x, w []float64, skipped int) {
	c := s.columns[k]
	x = make([]float64, 0, s.len)
	if s.weights != nil {
		w = make([]float64, 0, s.len)
	}
	for i := range s.len {
		v := c.Float(i)
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
