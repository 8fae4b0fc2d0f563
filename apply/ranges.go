package apply

import (
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
)

// rangeWatch counts, block by block, the events outside the range that a model was trained in. A journal keeps the counts.
type rangeWatch struct {
	p      *prep.Pipeline
	Events int          // seen
	Ranges []prep.Range // by column of the pipeline
}

func newRangeWatch(p *prep.Pipeline) *rangeWatch {
	w := &rangeWatch{p: p}
	for i := range p.Columns {
		c := &p.Columns[i]
		w.Ranges = append(w.Ranges, prep.Range{Column: c.Name, Unit: c.Unit, Min: c.Min, Max: c.Max})
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
	return n, err
}

// warn says which columns were out of range.
func (w *rangeWatch) warn(tell func(line string)) {
	for _, r := range w.Ranges {
		if n := r.Below + r.Above; n > 0 {
			reach := strings.TrimSpace(fmt.Sprintf("%.6g to %.6g %s", r.Min, r.Max, r.Unit))
			tell(fmt.Sprintf("column %q: %d of %d events lie outside the trained range, %s: there the model extrapolates",
				r.Column, n, w.Events, reach))
		}
		if r.Unseen > 0 {
			tell(fmt.Sprintf("column %q: %d of %d events have a value that the model does not know, the first (%s) in event %d: it is taken for %s",
				r.Column, r.Unseen, w.Events, r.Value, r.First+1, r.Taken))
		}
	}
}
