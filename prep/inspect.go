package prep

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/await"
)

// Inspection is what a table of events looks like.
type Inspection struct {
	Rows    int               `json:"rows"`
	Columns []InspectedColumn `json:"columns"`
	Skipped column.LeftOut    `json:"skipped,omitempty"` // what cannot be read, and why
	Notes   []string          `json:"notes,omitempty"`   // what was guessed of text files, and what of their lines was left out
}

// InspectedColumn is a column with the preparation that `auto` would choose for it as a feature.
type InspectedColumn struct {
	profile.Summary
	Prepare []string `json:"prepare"` // empty for a column that a flow would not see
	Plan    string   `json:"plan"`    // the same with the options, as a card writes it
	Why     string   `json:"why"`
}

// Inspect describes every column of files read as one table, in memory that does not grow with them, and what Auto would do with
// each. When ctx ends, so does the reading.
func Inspect(ctx context.Context, files []string, opts events.Options) (*Inspection, error) {
	return await.Do(ctx, strings.Join(files, ", "), func() (*Inspection, error) { return inspect(ctx, files, opts) })
}

func inspect(ctx context.Context, files []string, opts events.Options) (*Inspection, error) {
	var first *events.Table
	all, skipped, notes, err := profile.SummariseFiles(ctx, files, opts, func(t *events.Table) { first = some(t) })
	if err != nil {
		return nil, err
	}
	r := &Inspection{Columns: []InspectedColumn{}, Skipped: skipped, Notes: notes}
	for _, s := range all {
		r.Rows = s.Count
		if line := FarNotice(s); line != "" {
			r.Notes = append(r.Notes, line)
		}
		steps, why := Plan(s)
		if s.Kind != profile.KindText && s.Count == s.NaN+s.Inf {
			s.Kind, steps, why = profile.KindEmpty, nil, "no values"
		}
		names := []string{}
		for _, step := range steps {
			names = append(names, step.Kind)
		}
		r.Columns = append(r.Columns, InspectedColumn{s, names, inBrackets(steps), why})
	}
	if first == nil {
		return r, nil
	}
	for i := range r.Columns {
		r.Columns[i].close(first)
	}
	lines, err := connections(first, r.Columns)
	if err != nil {
		return nil, err
	}
	inOrder, err := ordered(first, r.Columns)
	r.Notes = slices.Concat(r.Notes, lines, inOrder)
	return r, err
}

// close shows an angle as the circle that it is in a training of a flow that closes around it, as the first events of files are.
func (c *InspectedColumn) close(first *events.Table) {
	if c.NaN+c.Inf > 0 || !c.Angle && c.Kind != profile.KindAtoms {
		return
	}
	p, _, err := Fit(first, []string{c.Name}, Spec{
		Mixed: true, Circles: map[string]bool{c.Name: true}, Seen: map[string]profile.Summary{c.Name: c.Summary},
	}, 0)
	if err != nil || !p.Columns[0].Circle() {
		return // which a training says
	}
	fitted := &p.Columns[0]
	c.Prepare, c.Plan, c.Why = nil, inBrackets(fitted.Spec), fitted.Chose
	for _, step := range fitted.Spec {
		c.Prepare = append(c.Prepare, step.Kind)
	}
}

// inBrackets are steps as a card writes them.
func inBrackets(steps []StepSpec) string {
	text := make([]string, len(steps))
	for i, step := range steps {
		text[i] = step.String()
	}
	return "[" + strings.Join(text, ", ") + "]"
}
