package prep

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
)

const (
	mostConnected = 1 << 15 // events of files are looked at for what their columns tell of each other,
	mostNumbers   = 1 << 22 // or so many values
)

// some are a copy of the first events of a table.
func some(t *events.Table) *events.Table {
	rows := make([]int32, min(t.Len(), mostConnected, mostNumbers/max(len(t.Columns), 1)))
	for i := range rows {
		rows[i] = int32(i)
	}
	return t.Take(rows)
}

// connections say which columns of a few values follow from others, and which marks come together, in the first events of files. A training says it
// of all.
func connections(t *events.Table, columns []InspectedColumn) ([]string, error) {
	p := &Pipeline{Mixed: true}
	for i := range columns {
		c := Column{Name: columns[i].Name, Kind: columns[i].Kind}
		s := &columns[i]
		has := func(step string) bool { return slices.Contains(s.Prepare, step) }
		if s.NaN+s.Inf > 0 || !has("atoms") && !has("dequantise") && !has("category") {
			continue
		}
		if s.Kind == profile.KindText {
			col, err := t.Column(c.Name)
			if err != nil {
				return nil, err
			}
			c.Type, c.Names = s.Type, namesOf(col, nil)
			c.index()
		}
		x, err := c.values(t)
		if err != nil {
			return nil, err
		}
		switch step := (&category{}); {
		case has("atoms"):
			c.Own = &Marked{}
			for _, a := range s.Atoms {
				c.Own.Marks = append(c.Own.Marks, a.Value)
			}
		case has("dequantise"):
			c.Own = &Marked{Marks: apart(x)}
		case step.Fit(x, nil) == nil:
			c.Steps = Steps{step}
		}
		p.Columns = append(p.Columns, c)
	}
	if len(p.Columns) < 2 {
		return nil, nil
	}
	said, err := p.Functions(t)
	if err != nil {
		return nil, err
	}
	values, _, err := p.valuesOf(t, nil)
	if err != nil {
		return nil, err
	}
	marks, err := p.findMarks(values, nil, nil)
	return firstOnly(append(said, marks...), t, columns), err
}

// ordered says which columns are in order in the first events of files.
func ordered(t *events.Table, columns []InspectedColumn) (said []string, err error) {
	values, names := make([][]float64, len(columns)), make([]string, len(columns))
	for i := range columns {
		s := &columns[i]
		c := Column{Name: s.Name, Kind: s.Kind}
		if names[i] = c.Name; len(s.Prepare) == 0 || s.NaN+s.Inf > 0 || s.Kind == profile.KindText {
			continue
		}
		if values[i], err = c.values(t); err != nil {
			return nil, err
		}
		if slices.Contains(s.Prepare, "atoms") {
			for e, v := range values[i] {
				if slices.ContainsFunc(s.Atoms, func(a profile.Atom) bool { return a.Value == v }) {
					values[i][e] = math.NaN()
				}
			}
		}
	}
	return firstOnly(saysOrders(names, orders(values, nil)), t, columns), nil
}

// firstOnly are lines on the first events of files, which say so where these are not all.
func firstOnly(said []string, t *events.Table, columns []InspectedColumn) []string {
	for i := range said {
		if t.Len() < columns[0].Count {
			said[i] = fmt.Sprintf("in the first %d events: %s", t.Len(), said[i])
		}
	}
	return said
}
