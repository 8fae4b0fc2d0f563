package apply

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
)

// rangeWatch counts, block by block, the events outside the range that a model was trained in.
type rangeWatch struct {
	p      *prep.Pipeline
	ranges []prep.Range // by column of the pipeline
	events int          // seen
}

func newRangeWatch(p *prep.Pipeline) *rangeWatch {
	w := &rangeWatch{p: p}
	for i := range p.Columns {
		c := &p.Columns[i]
		w.ranges = append(w.ranges, prep.Range{Column: c.Name, Unit: c.Unit, Min: c.Min, Max: c.Max})
	}
	return w
}

// watch returns how many events of t lie outside.
func (w *rangeWatch) watch(t *events.Table) (int, error) {
	n, found, err := w.p.OutOfRange(t)
	for _, f := range found {
		for i := range w.ranges {
			if w.ranges[i].Column == f.Column {
				w.ranges[i].Add(f, w.events)
			}
		}
	}
	w.events += t.Len()
	return n, err
}

// warn says which columns were out of range.
func (w *rangeWatch) warn(tell func(line string)) {
	for _, r := range w.ranges {
		if n := r.Below + r.Above; n > 0 {
			reach := strings.TrimSpace(fmt.Sprintf("%.6g to %.6g %s", r.Min, r.Max, r.Unit))
			tell(fmt.Sprintf("column %q: %d of %d events lie outside the trained range, %s: there the model extrapolates",
				r.Column, n, w.events, reach))
		}
		if r.Unseen > 0 {
			tell(fmt.Sprintf("column %q: %d of %d events have a value that the model does not know, the first (%s) in event %d: it is taken for %s",
				r.Column, r.Unseen, w.events, r.Value, r.First+1, r.Taken))
		}
	}
}

// watched is what a rangeWatch has counted.
type watched struct {
	Events int
	Ranges []prep.Range
}

// MarshalJSON writes the counts of w.
func (w *rangeWatch) MarshalJSON() ([]byte, error) { return json.Marshal(watched{w.events, w.ranges}) }

// UnmarshalJSON takes up counts of the same columns.
func (w *rangeWatch) UnmarshalJSON(text []byte) error {
	var in watched
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if len(in.Ranges) != len(w.ranges) {
		return fmt.Errorf("ranges of %d columns, not of %d", len(in.Ranges), len(w.ranges))
	}
	w.events, w.ranges = in.Events, in.Ranges
	return nil
}
