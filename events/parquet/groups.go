package parquet

import (
	"errors"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// plan leaves out the row groups in which, by their statistics, no event can be
// within the limits.
func (r *Reader) plan(limits []column.Limit) error {
	at := int64(0)
	for i := range r.meta.groups {
		g := &r.meta.groups[i]
		if g.rows < 0 || at+g.rows < at {
			return errors.New("damaged metadata: a row group of impossible size")
		}
		r.borders = append(r.borders, at)
		if g.rows > 0 && len(limits) > 0 && r.excluded(g, limits) {
			r.gaps = append(r.gaps, column.Gap{First: at, Events: g.rows})
		}
		at += g.rows
	}
	r.borders = append(r.borders, at)
	if at != r.meta.rows {
		return fmt.Errorf("damaged metadata: %d rows in all, but %d in its row groups", r.meta.rows, at)
	}
	return nil
}

// excluded says whether no event of a row group is within the limits.
func (r *Reader) excluded(g *group, limits []column.Limit) bool {
	for i := range r.leaves {
		l := &r.leaves[i]
		s := r.interval(l, &g.columns[l.index].pages.statistics, g.rows)
		for _, limit := range limits {
			if limit.Column == l.name && (s.missing || s.known && limit.Excludes(s.low, s.high)) {
				return true
			}
		}
	}
	return false
}

// interval is from the least to the greatest value of a column in a row group, as
// the reader returns them.
type interval struct {
	known     bool
	low, high float64
	missing   bool // every value is
}

func (r *Reader) interval(l *leaf, given *statistics, rows int64) (s interval) {
	s.missing = given.nulls == rows
	if l.index >= len(r.meta.orders) || r.meta.orders[l.index].ofType == nil {
		return s // without an order of values there is no least one
	}
	low, _, ok1 := l.kind.plainNumber(given.min)
	_, high, ok2 := l.kind.plainNumber(given.max)
	if !ok1 || !ok2 || !(low <= high) { // NaN, too
		return s
	}
	if l.typ == column.Float32 { // as narrowed, which keeps the order
		low, high = float64(float32(low)), float64(float32(high))
	}
	s.known, s.low, s.high = true, low, high
	return s
}

// plainNumber is a number as statistics hold it, and the ends of an interval around it: both itself, unless it is an integer
// that float64 rounds. ok is false for what is no number.
func (k kind) plainNumber(b []byte) (low, high float64, ok bool) {
	if k.scale != 0 || k.physical == boolean || k.physical == int96 || !k.Known() || len(b) != k.Size {
		return 0, 0, false
	}
	one := column.New("", "", k.Native(), 1)
	k.Decode(&one, b, 0)
	v, exact := one.Nearest(0)
	if exact {
		return v, v, true
	}
	return math.Nextafter(v, math.Inf(-1)), math.Nextafter(v, math.Inf(1)), true
}
