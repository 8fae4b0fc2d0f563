package rntuple

import "github.com/sluice-hep/sluice/events/column"

// Mark is the place of the next event or object: of the first of a cluster. An object's Offset is its event.
func (r *Reader) Mark() (column.Mark, bool) {
	ok := r.borders.At(r.row)
	if o := r.objects; o != nil {
		return column.Mark{Row: o.row, Offset: r.row}, ok && o.empty()
	}
	return column.Mark{Row: r.row}, ok
}

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	event := m.Row
	if r.objects != nil {
		event = m.Offset
	}
	if m.Row < 0 || !r.borders.At(event) {
		return column.ErrMark
	}
	r.row = event
	if o := r.objects; o != nil {
		o.row, o.ready = m.Row, nil
	}
	return nil
}
