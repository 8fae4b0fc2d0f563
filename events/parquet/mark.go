package parquet

import (
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// Mark is the place of the next event: the first of a row group, or the end.
func (r *Reader) Mark() (column.Mark, bool) {
	return column.Mark{Row: r.row}, r.borders.At(r.row)
}

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	if !r.borders.At(m.Row) {
		return column.ErrMark
	}
	// Between runs, as at the end, the place is the end of what was read.
	r.next, _ = slices.BinarySearchFunc(r.runs, m.Row, func(x run, row int64) int {
		if x.end <= row {
			return -1
		}
		return 1
	})
	r.row, r.end = m.Row, m.Row
	if r.next == len(r.runs) || r.runs[r.next].first >= m.Row {
		return nil
	}
	here := r.runs[r.next]
	here.first = m.Row
	here.group, _ = slices.BinarySearch(r.firsts, m.Row)
	r.enter(here)
	r.next++
	return nil
}
