package rntuple

import "github.com/sluice-hep/sluice/events/column"

// Mark is the place of the next event or object: of the first of a cluster.
func (r *Reader) Mark() (column.Mark, bool) { return r.objects.Mark(r.row, r.borders) }

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	event, err := r.objects.Seek(m, r.borders)
	if err == nil {
		r.row = event
	}
	return err
}
