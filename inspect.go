package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
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
	profile.Summary
	Prepare []string `json:"prepare"` // empty for a column that a flow would not see
	Why     string   `json:"why"`
}

// InspectFiles describes every column of files read as one table, in memory that does not grow with them. Where flatten
// is not empty, a row is an object of that name in a ROOT file.
func InspectFiles(ctx context.Context, files []string, flatten string) (*Inspection, error) {
	all, skipped, err := profile.SummariseFiles(ctx, files, events.Options{Flatten: flatten})
	if ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return nil, input(err)
	}
	r := &Inspection{Columns: []InspectedColumn{}, Skipped: skipped}
	for _, s := range all {
		r.Rows = s.Count
		c := InspectedColumn{Summary: s, Prepare: []string{}}
		c.choose()
		r.Columns = append(r.Columns, c)
	}
	return r, nil
}

// choose says what the automatic preparation does with the finite values.
func (c *InspectedColumn) choose() {
	finite := c.Summary
	finite.Count -= c.NaN + c.Inf
	switch {
	case c.Kind == profile.KindText:
		c.Why = "text: not a feature"
	case finite.Count == 0:
		c.Why = "no finite value: not a feature"
	case c.Kind == profile.KindConstant: // nothing to model by itself
		c.Why = "the same value in every event: dropped, and put back in what is generated"
	default:
		steps, why := prep.Auto(finite)
		for _, s := range steps {
			c.Prepare = append(c.Prepare, s.Kind)
		}
		c.Why = why
	}
}
