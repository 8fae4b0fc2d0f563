package apply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/prep"
)

// rangeWatch counts, block by block, the events outside the range that a model was trained in. A journal keeps the counts.
type rangeWatch struct {
	p      *prep.Pipeline
	Events int          // seen
	Ranges []prep.Range // by column of the pipeline
	// Surplus is that of each set of objects.
	Surplus []events.Surplus
}

func newRangeWatch(p *prep.Pipeline) *rangeWatch {
	w := &rangeWatch{p: p}
	for i := range p.Columns {
		c := &p.Columns[i]
		r := prep.Range{Column: c.Name, Unit: c.Unit}
		r.Min, r.Max = c.Trained()
		w.Ranges = append(w.Ranges, r)
	}
	for i := range p.Sets {
		s := &p.Sets[i]
		w.Surplus = append(w.Surplus, events.Surplus{Set: s.Set})
		for k := range s.Objects.Columns {
			c := &s.Objects.Columns[k]
			r := prep.Range{Column: s.Variable(c), Unit: c.Unit}
			r.Min, r.Max = c.Trained()
			w.Ranges = append(w.Ranges, r)
		}
	}
	return w
}

// watch returns how many events of t lie outside.
func (w *rangeWatch) watch(t *events.Table) (int, error) {
	n, found, err := w.p.OutOfRange(t)
	for _, f := range found {
		for i := range w.Ranges {
			if w.Ranges[i].Column == f.Column {
				w.Ranges[i].Add(f, w.Events)
			}
		}
	}
	w.Events += t.Len()
	for i := range w.Surplus {
		if err := w.Surplus[i].Add(t); err != nil {
			return n, err
		}
	}
	return n, err
}

// Outside is how many events of t lie outside the range that a model was trained in, which o.Warn is told.
func Outside(p *prep.Pipeline, t *events.Table, o Options) (int, error) {
	w := newRangeWatch(p)
	n, err := w.watch(t)
	if err == nil {
		warn(o.Warn, w)
	}
	return n, err
}

// mostColumns out of range are named, those with the most events.
const mostColumns = 8

// warn says which columns were out of range: in one line, and in one for each that had values which no event can have.
func warn(tell func(line string), watches ...*rangeWatch) {
	var beyond []prep.Range
	seen := 0
	for _, w := range watches {
		for i := range w.Surplus {
			if line := w.Surplus[i].Say(); line != "" {
				tell(line)
			}
		}
		for _, r := range w.Ranges {
			seen = w.Events
			if r.Below+r.Above > 0 {
				beyond = append(beyond, r)
			}
			if r.Unseen > 0 {
				tell(fmt.Sprintf("column %q: %d of %s have a value that the model does not know, the first (%s) in event %d: it is taken for %s",
					r.Column, r.Unseen, say.Count(w.Events, "event"), r.Value, r.First+1, r.Taken))
			}
		}
	}
	if len(beyond) == 0 {
		return
	}
	slices.SortStableFunc(beyond, func(a, b prep.Range) int { return b.Below + b.Above - a.Below - a.Above })
	more := ""
	if n := len(beyond) - mostColumns; n > 0 {
		more = " and in " + say.Count(n, "column") + " more"
		beyond = beyond[:mostColumns]
	}
	parts := make([]string, len(beyond))
	for i, r := range beyond {
		reach := strings.TrimSpace(fmt.Sprintf("%.6g to %.6g %s", r.Min, r.Max, r.Unit))
		parts[i] = fmt.Sprintf("%d in %q (%s)", r.Below+r.Above, r.Column, reach)
	}
	tell(fmt.Sprintf("of %s some lie outside the trained range, where the model extrapolates: %s%s", say.Count(seen, "event"), strings.Join(parts, ", "), more))
}
