package npy

import (
	"io"

	"github.com/sluice-hep/sluice/events/column"
)

// Mark is the place of the next event. A packed array has none between its first
// event and its end.
func (r *Reader) Mark() (column.Mark, bool) {
	return column.Mark{Row: r.row}, r.begins(r.row)
}

func (r *Reader) begins(row int64) bool { return !r.packed || row == 0 || row == r.rows }

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	if m.Row < 0 || m.Row > r.rows || !r.begins(m.Row) {
		return column.ErrMark
	}
	for k := range r.parts {
		if err := r.parts[k].seek(m.Row); err != nil {
			return err
		}
	}
	r.row = m.Row
	return nil
}

func (p *part) seek(row int64) (err error) {
	switch {
	case p.again == nil:
		_, err = p.in.(io.Seeker).Seek(row*int64(p.record), io.SeekStart)
	case row == 0:
		p.in, err = p.again()
	}
	return err
}
