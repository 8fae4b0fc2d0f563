package hdf5

import "github.com/sluice-hep/sluice/events/column"

// Mark is the place of the next event: any where the values are not in chunks, else
// the first event of a chunk. Where data sets have chunks of different sizes the
// largest count: of the others little is unpacked in vain.
func (r *Reader) Mark() (column.Mark, bool) {
	return column.Mark{Row: r.row}, r.chunk == 0 || r.row%r.chunk == 0 || r.row == r.rows
}

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	if m.Row < 0 || m.Row > r.rows {
		return column.ErrMark
	}
	r.row = m.Row
	return nil
}
