package prep

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
)

// Set is the preparation of the objects of a context: one of each variable, fitted on all objects that there are and the same for
// each. Of an event a flow sees the variables of one object after the other, and their number; what stands where there is no
// object is not read.
type Set struct {
	events.Set
	Objects *Pipeline `json:"objects"` // of the variables of one object
}

// mostObjects of a set.
const mostObjects = 4096

// Dim is the number of columns that the flow sees.
func (s *Set) Dim() int { return s.Most*s.Objects.Dim() + 1 }

// pooled are the objects of a set in the events of t, a row each, with the weights of their events; each is number at[row] of
// all that there could be, of which every event has Most. count is how many an event has.
func pooled(s events.Set, t *events.Table) (all *events.Table, at []int, count []int, err error) {
	all = &events.Table{}
	number, err := (&Column{Name: s.Count}).numbers(t)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range t.Len() {
		n := number.Float(i)
		if n < 0 || n != math.Trunc(n) {
			return nil, nil, nil, fmt.Errorf("prep: column %q: row %d: %g is no number of objects", s.Count, i+1, n)
		}
		count = append(count, int(min(n, float64(s.Most))))
		for k := range count[i] {
			at = append(at, i*s.Most+k)
		}
	}
	columns := make([]*events.Column, s.Most)
	for _, v := range s.Variables {
		c := events.Column{Name: v, Type: events.Float64, F64: make([]float64, len(at))}
		for k := range columns {
			if columns[k], err = t.Column(s.Column(v, k)); err != nil {
				return nil, nil, nil, fmt.Errorf("prep: %w", err)
			}
			c.Unit = columns[0].Unit
		}
		for row, place := range at {
			from, i := columns[place%s.Most], place/s.Most
			if from.Type == events.Text {
				return nil, nil, nil, fmt.Errorf("prep: column %q holds text, not numbers", from.Name)
			}
			if c.F64[row] = from.Float(i); !finite(c.F64[row]) {
				return nil, nil, nil, fmt.Errorf("prep: column %q: row %d is %g, where %s says that there are %g objects", from.Name, i+1, c.F64[row], s.Count, number.Float(i))
			}
		}
		all.Columns = append(all.Columns, c)
	}
	if t.Weight == "" {
		return all, at, count, nil
	}
	w, err := t.Column(t.Weight)
	if err != nil {
		return nil, nil, nil, err
	}
	c := events.Column{Name: "weight of its event", Type: events.Float64}
	for _, place := range at {
		c.F64 = append(c.F64, w.Float(place/s.Most))
	}
	all.Columns, all.Weight = append(all.Columns, c), c.Name
	return all, at, count, nil
}

// fitSets fits the preparation of sets of objects.
func (p *Pipeline) fitSets(t *events.Table, sets []events.Set, spec Spec) error {
	for _, of := range sets {
		objects, at, _, err := pooled(of, t)
		if err == nil && len(at) == 0 {
			err = fmt.Errorf("prep: %q is 0 in every event: there are no %s to learn from", of.Count, of.Name)
		}
		if err != nil {
			return err
		}
		s := Set{Set: of}
		if s.Objects, _, err = FitContext(objects, of.Variables, spec.only(of.Variables)); err != nil {
			return err
		}
		if s.Objects.Dim() == 0 {
			return fmt.Errorf("prep: every variable of %s has one value: there is nothing to learn of them", of.Name)
		}
		p.Sets = append(p.Sets, s)
	}
	return nil
}

// only is the specification of those columns.
func (s Spec) only(names []string) Spec {
	of := map[string][]StepSpec{}
	for name, steps := range s.Columns {
		if slices.Contains(names, name) {
			of[name] = steps
		}
	}
	s.Columns = of
	return s
}

// apply sets the columns of the flow.
func (s *Set) apply(t *events.Table, cols [][]float32) error {
	objects, at, count, err := pooled(s.Set, t)
	if err != nil {
		return err
	}
	x, _, err := s.Objects.Apply(objects, nil)
	if err != nil {
		return err
	}
	for d := range x {
		for row, place := range at {
			cols[place%s.Most*len(x)+d][place/s.Most] = x[d][row]
		}
	}
	for i, n := range count {
		cols[len(cols)-1][i] = float32(n)
	}
	return nil
}

// outOfRange is that of a pipeline: events with an object out of the range are marked, and the objects counted.
func (s *Set) outOfRange(t *events.Table, out []bool) (ranges []Range, err error) {
	objects, at, _, err := pooled(s.Set, t)
	if err != nil {
		return nil, err
	}
	for i := range s.Objects.Columns {
		c, beyond := &s.Objects.Columns[i], make([]bool, len(at))
		col, err := objects.Column(c.Name)
		if err != nil {
			return nil, err
		}
		r := c.outside(col, beyond)
		r.Column = s.Variable(c)
		for row, is := range beyond {
			if place := at[row] / s.Most; is {
				out[place] = true
				if r.Unseen > 0 && r.First == row {
					r.First = place
				}
			}
		}
		if r.Outside() > 0 {
			ranges = append(ranges, r)
		}
	}
	return ranges, nil
}

// Variable is the name of one of the variables for people.
func (s *Set) Variable(c *Column) string { return s.Name + ": " + c.Name }

// checkSets refuses those that no fit could have given.
func (p *Pipeline) checkSets() error {
	for _, s := range p.Sets {
		if !p.Noiseless || s.Objects == nil || s.Most < 1 || s.Most > mostObjects || !s.Objects.Noiseless || s.Objects.Sets != nil ||
			s.Objects.Dim() == 0 || !slices.Equal(s.Objects.Names(), s.Variables) {
			return fmt.Errorf("prep: the objects of %q cannot be", s.Name)
		}
	}
	return nil
}

// Single are the columns of which an event has one, not those of objects.
func (p *Pipeline) Single() []string { return (&Pipeline{Columns: p.Columns}).Names() }

// unique is names without those that come again.
func unique(names []string) (once []string) {
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			once = append(once, name)
		}
		seen[name] = true
	}
	return once
}
