package fit

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// watched are the events of a card on their way: it describes the columns to prepare, and counts the events with a value
// beyond the range that is stated for its column.
type watched struct {
	*query.Rows
	names   []string // of the features and the context
	many    bool     // files
	limits  map[string]prep.Limits
	profile profile.Summariser

	column string // of the first such value
	first  string // its place and itself
	values int    // of this column
}

func (r *watched) Next() (feed.Block, error) {
	b, err := r.Rows.Next()
	if err != nil {
		return b, err
	}
	t, err := only(b.Table, r.names)
	if err != nil {
		return b, err
	}
	file := ""
	if r.many {
		file = r.Path()
	}
	if err := r.profile.Add(t, file, b.Rows); err != nil {
		return b, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.limits)) {
		c, err := b.Column(name)
		if err != nil || r.values > 0 && name != r.column {
			continue
		}
		for i := range c.Len() {
			if v := c.Float(i); v < r.limits[name].Low || v > r.limits[name].High {
				if r.values++; r.values == 1 {
					r.column, r.first = name, fmt.Sprintf("row %d: column %q: %s", b.Rows[i]+1, name, c.Format(i))
					if path := r.Path(); path != "" {
						r.first = path + ": " + r.first
					}
				}
			}
		}
	}
	return b, nil
}

// outside is an error if any value lies beyond.
func (r *watched) outside() error {
	if r.values == 0 {
		return nil
	}
	l := r.limits[r.column]
	return fmt.Errorf("%s is the first of %d values outside the range stated, %g to %g; widen it (range), or select these events away (where)",
		r.first, r.values, l.Low, l.High)
}

// only is the table of those columns.
func only(t *events.Table, names []string) (*events.Table, error) {
	some := &events.Table{}
	for _, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		some.Columns = append(some.Columns, *c)
	}
	return some, nil
}

// seen describes the columns of all events, by name. Those in memory are counted again where that is needed.
func (r *watched) seen(s *feed.Survey) (map[string]profile.Summary, error) {
	if s.Whole() && r.profile.Unsure() {
		t, err := only(s.All.Table, r.names)
		if err != nil {
			return nil, err
		}
		if err := r.profile.Recount(t); err != nil {
			return nil, err
		}
	}
	all := map[string]profile.Summary{}
	for _, c := range r.profile.Summaries() {
		all[c.Name] = c
	}
	return all, nil
}
