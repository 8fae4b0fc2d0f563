package sluice

import (
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
)

// Inspection is what a table of events looks like.
type Inspection struct {
	Rows    int               `json:"rows"`
	Columns []InspectedColumn `json:"columns"`
	Skipped []string          `json:"skipped,omitempty"` // columns that cannot be read, and why
}

// InspectedColumn is a column with the preparation that `auto` would choose for it as a feature.
type InspectedColumn struct {
	events.Summary
	Prepare []string `json:"prepare"` // empty for a column that a flow would not see
	Why     string   `json:"why"`
}

// InspectFiles reads files as one table and describes every column. Where flatten is not empty, a row is an object
// of that name in a ROOT file.
func InspectFiles(files []string, flatten string) (*Inspection, error) {
	opts := events.Options{Flatten: flatten}
	t, err := events.ReadAll(files, opts)
	if err != nil {
		return nil, input(err)
	}
	r := &Inspection{Rows: t.Len(), Columns: []InspectedColumn{}}
	if _, r.Skipped, err = events.Peek(files, opts); err != nil {
		return nil, input(err)
	}
	for i, s := range events.Summarise(t) {
		c := InspectedColumn{Summary: s, Prepare: []string{}}
		c.choose(&t.Columns[i])
		r.Columns = append(r.Columns, c)
	}
	return r, nil
}

// choose fits the automatic preparation to the finite values.
func (c *InspectedColumn) choose(x *events.Column) {
	if c.Kind == events.KindText {
		c.Why = "text: not a feature"
		return
	}
	var rows []int32
	for i := range x.Len() {
		if v := x.Float(i); !math.IsNaN(v) && !math.IsInf(v, 0) {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) == 0 {
		c.Why = "no finite value: not a feature"
		return
	}
	p, _, err := prep.Fit(&events.Table{Columns: []events.Column{x.Take(rows)}}, []string{x.Name}, prep.Spec{}, 1)
	if err != nil { // one column, constant: nothing to model by itself
		c.Why = "the same value in every event: dropped, and put back in what is generated"
		return
	}
	for _, s := range p.Columns[0].Steps {
		c.Prepare = append(c.Prepare, s.Kind())
	}
	c.Why = p.Columns[0].Why
}
