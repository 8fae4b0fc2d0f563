package parquet

import "github.com/sluice-hep/sluice/events/column"

// Mark is the place of the next event: the first of a row group, or the end.
func (r *Reader) Mark() (column.Mark, bool) {
	return column.Mark{Row: r.row}, r.borders.At(r.row)
}

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	if !r.borders.At(m.Row) {
		return column.ErrMark
	}
	r.enter(m.Row)
	return nil
}
