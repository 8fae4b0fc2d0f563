package parquet

import (
	"errors"
	"fmt"
	"math"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/events/column"
)

// plan leaves out the row groups in which, by their statistics, no event can be
// within the limits.
func (r *Reader) plan(limits []column.Limit) error {
	at := int64(0)
	for _, group := range r.meta.Metadata().RowGroups {
		if group.NumRows < 0 || at+group.NumRows < at {
			return errors.New("damaged metadata: a row group of impossible size")
		}
		r.borders = append(r.borders, at)
		if group.NumRows > 0 && len(limits) > 0 && r.excluded(&group, limits) {
			r.gaps = append(r.gaps, column.Gap{First: at, Events: group.NumRows})
		}
		at += group.NumRows
	}
	r.borders = append(r.borders, at)
	if at != r.rows {
		return fmt.Errorf("damaged metadata: %d rows in all, but %d in its row groups", r.rows, at)
	}
	return nil
}

// excluded says whether no event of a row group is within the limits.
func (r *Reader) excluded(g *format.RowGroup, limits []column.Limit) bool {
	for i := range r.leaves {
		l := &r.leaves[i]
		k := l.column.Index()
		if k < 0 || k >= len(g.Columns) {
			return false
		}
		s := r.statistics(l, &g.Columns[k].MetaData, g.NumRows)
		for _, limit := range limits {
			if limit.Column == l.name && (s.missing || s.known && limit.Excludes(s.low, s.high)) {
				return true
			}
		}
	}
	return false
}

// statistics are the least and the greatest value of a column in a row group, as
// the reader returns them.
type statistics struct {
	known     bool
	low, high float64
	missing   bool // every value is
}

func (r *Reader) statistics(l *leaf, chunk *format.ColumnMetaData, rows int64) (s statistics) {
	given := &chunk.Statistics
	s.missing = given.NullCount == rows
	orders := r.meta.Metadata().ColumnOrders
	if i := l.column.Index(); i >= len(orders) {
		return s // without an order of values there is no least one
	} else if _, ok := orders[i].Value.(*format.TypeDefinedOrder); !ok {
		return s
	}
	low, _, ok1 := l.kind.plainNumber(given.MinValue)
	_, high, ok2 := l.kind.plainNumber(given.MaxValue)
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
	if k.scale != 0 || k.physical == pq.Boolean || k.physical == pq.Int96 || !k.Known() || len(b) != k.Size {
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
