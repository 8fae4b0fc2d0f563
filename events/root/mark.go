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
