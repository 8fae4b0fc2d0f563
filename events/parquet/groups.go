package parquet

import (
	"encoding/binary"
	"math"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/events/column"
)

// run is a row of row groups that are read one after the other.
type run struct {
	group      int   // the first
	first, end int64 // events of the file
}

// plan leaves out the row groups in which, by their statistics, no event can be
// within the limits.
func (r *Reader) plan(limits []column.Limit) {
	at := int64(0)
	for g, group := range r.meta.Metadata().RowGroups {
		end := at + group.NumRows
		last := len(r.runs) - 1
		r.firsts = append(r.firsts, at)
		if end > at {
			r.borders = append(r.borders, at)
		}
		switch {
		case group.NumRows > 0 && len(limits) > 0 && r.excluded(&group, limits):
			r.gaps = append(r.gaps, column.Gap{First: at, Events: group.NumRows})
		case last >= 0 && r.runs[last].end == at:
			r.runs[last].end = end
		default:
			r.runs = append(r.runs, run{group: g, first: at, end: end})
		}
		at = end
	}
	r.borders = append(r.borders, at)
}

// excluded says whether a row group can be left out without anyone noticing: no
// event in it is within the limits, and no value in it would give its column
// another type.
func (r *Reader) excluded(g *format.RowGroup, limits []column.Limit) bool {
	outside := false
	for i := range r.leaves {
		l := &r.leaves[i]
		k := l.column.Index()
		if k < 0 || k >= len(g.Columns) {
			return false
		}
		s := r.statistics(l, &g.Columns[k].MetaData, g.NumRows)
		if !l.harmless(s) {
			return false
		}
		for _, limit := range limits {
			if limit.Column == l.name && (s.missing || s.known && limit.Excludes(s.low, s.high)) {
				outside = true
			}
		}
	}
	return outside
}

// statistics are the least and the greatest value of a column in a row group, as
// the reader returns them.
type statistics struct {
	known     bool
	low, high float64
	missing   bool // every value is
	some      bool // some values are
}

func (r *Reader) statistics(l *leaf, chunk *format.ColumnMetaData, rows int64) (s statistics) {
	given := &chunk.Statistics
	s.some = given.NullCount > 0
	s.missing = given.NullCount == rows
	orders := r.meta.Metadata().ColumnOrders
	if i := l.column.Index(); i >= len(orders) {
		return s // without an order of values there is no least one
	} else if _, ok := orders[i].Value.(*format.TypeDefinedOrder); !ok {
		return s
	}
	low, ok1 := l.kind.plainNumber(given.MinValue)
	high, ok2 := l.kind.plainNumber(given.MaxValue)
	if !ok1 || !ok2 || !(low <= high) { // NaN, too
		return s
	}
	if l.typ == column.Float32 { // as narrowed, which keeps the order
		low, high = float64(float32(low)), float64(float32(high))
	}
	s.known, s.low, s.high = true, low, high
	return s
}

// harmless says that no value in the row group contradicts the type of the column.
func (l *leaf) harmless(s statistics) bool {
	switch {
	case l.typ == column.Int64 && l.kind.native != column.Int64:
		return false
	case l.typ == column.Int64:
		return s.known && !s.some && s.high < math.MaxInt64 // which only unsigned ones reach
	case l.kind.physical == pq.Double && l.typ == column.Float32, l.kind.scale != 0:
		return s.missing || s.known && !math.IsInf(s.low, 0) && !math.IsInf(s.high, 0)
	}
	return true
}

// plainNumber is a number as statistics hold it; false for what is none.
func (k kind) plainNumber(b []byte) (float64, bool) {
	if k.scale != 0 {
		return 0, false
	}
	switch {
	case k.physical == pq.Float && len(b) == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), true
	case k.physical == pq.Double && len(b) == 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), true
	case k.physical == pq.Int32 && len(b) == 4 && k.unsigned:
		return float64(binary.LittleEndian.Uint32(b)), true
	case k.physical == pq.Int32 && len(b) == 4:
		return float64(int32(binary.LittleEndian.Uint32(b))), true
	case k.physical == pq.Int64 && len(b) == 8 && k.unsigned:
		return float64(binary.LittleEndian.Uint64(b)), true
	case k.physical == pq.Int64 && len(b) == 8:
		return float64(int64(binary.LittleEndian.Uint64(b))), true
	}
	return 0, false
}
