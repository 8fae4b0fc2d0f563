package prep

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events"
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
		single := slices.Contains(s.Prepare, "atoms")
		if s.NaN+s.Inf > 0 || !single && !slices.Contains(s.Prepare, "category") {
			continue
		}
		x, err := c.values(t)
		if err != nil {
			return nil, err
		}
		if step := (&category{}); single {
			c.Own = &Marked{}
			for _, a := range s.Atoms {
				c.Own.Marks = append(c.Own.Marks, a.Value)
			}
		} else if step.Fit(x, nil) == nil {
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
	said = append(said, marks...)
	for i := range said {
		if t.Len() < columns[0].Count {
			said[i] = fmt.Sprintf("in the first %d events: %s", t.Len(), said[i])
		}
	}
	return said, err
}
