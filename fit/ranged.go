package fit

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// ranged counts, among all events, those with a value beyond the range that is stated for its column.
type ranged struct {
	*query.Rows
	limits map[string]prep.Limits

	column string // of the first such value
	first  string // its place and itself
	values int    // of this column
}

func (r *ranged) Next() (feed.Block, error) {
	b, err := r.Rows.Next()
	if err != nil || len(r.limits) == 0 {
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
func (r *ranged) outside() error {
	if r.values == 0 {
		return nil
	}
	l := r.limits[r.column]
	return fmt.Errorf("%s is the first of %d values outside the range stated, %g to %g; widen it (range), or select these events away (where)",
		r.first, r.values, l.Low, l.High)
}
