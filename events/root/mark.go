package root

import (
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// coarsest are the events at which baskets begin of the branch that has the fewest,
// and the end. Mostly the baskets of all branches begin there, as ROOT ends them
// together (clusters); else reading from there unpacks at most the rest of a basket
// a branch in vain, and the others' are the shorter ones.
func (r *Reader) coarsest() column.Borders {
	fewest := slices.MinFunc(r.sources, func(a, b *source) int { return len(a.branch.baskets) - len(b.branch.baskets) })
	var all column.Borders
	for _, k := range fewest.branch.baskets {
		all = append(all, k.first)
	}
	return append(all, r.tree.entries)
}

// Mark is the place of the next event or object: of the first where a basket begins.
// An object's Offset is its event.
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
