package prep

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// An order is a column that is at most another in every event.
type order struct {
	low, high int
	share     float64 // of the events that would be against it, were the columns independent
}

const (
	leastOrdered = 0.001 // of the events would be against an order, were the columns independent,
	mostOrdered  = 4     // orders named
)

// Ordered says, in a line, which features are at most another in all events of t and of others though independent ones would not be, as the
// momenta of jets in order are: a flow knows of it only what it learns. A mark is no value here.
func (p *Pipeline) Ordered(t *events.Table, others ...*events.Table) (said []string, err error) {
	values, rest, err := p.valuesOf(t, others)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(p.Columns))
	for i := range p.Columns {
		c := &p.Columns[i]
		names[i] = c.Name
		marks, within := c.lacks(), c.rounding()
		if c.Names != nil { // of which none is more than another
			values[i] = nil
			continue
		}
		for _, v := range append(rest, values) {
			for e, x := range v[i] {
				if among(marks, x, within) >= 0 {
					v[i][e] = math.NaN()
				}
			}
		}
	}
	return saysOrders(names, orders(values, rest)), nil
}

// orders are those of columns, nil for one that is not looked at, without those that follow from two others, the least likely first. NaN stands for no value.
func orders(values [][]float64, rest [][][]float64) (found []order) {
	holds := func(low, high int) bool {
		return !broken(values[low], values[high]) && broken(values[high], values[low]) &&
			!slices.ContainsFunc(rest, func(v [][]float64) bool { return broken(v[low], v[high]) })
	}
	least, most := make([]float64, len(values)), make([]float64, len(values))
	for i, x := range values {
		least[i], most[i] = math.Inf(1), math.Inf(-1)
		for _, v := range x {
			if v == v {
				least[i], most[i] = min(least[i], v), max(most[i], v)
			}
		}
	}
	for i := range values {
		for j := range values { // of columns that do not overlap, or have no values, there is no order to tell
			if i == j || most[i] <= least[j] || most[i] > most[j] || least[i] > least[j] || !holds(i, j) {
				continue
			}
			if share := against(values[i], values[j]); share > 0 {
				found = append(found, order{i, j, share})
			}
		}
	}
	is := func(low, high int) bool {
		return slices.ContainsFunc(found, func(o order) bool { return o.low == low && o.high == high })
	}
	slices.SortStableFunc(found, func(a, b order) int { return cmp.Compare(b.share, a.share) })
	return slices.DeleteFunc(slices.Clone(found), func(o order) bool {
		return slices.ContainsFunc(found, func(p order) bool { return p.low == o.low && is(p.high, o.high) })
	})
}

// broken says that an event is against x <= y.
func broken(x, y []float64) bool {
	for e, v := range x {
		if v > y[e] {
			return true
		}
	}
	return false
}

// against is the share of the pairs of values of different events that are against x <= y; 0 where too few are to tell.
func against(x, y []float64) float64 {
	n := min(len(x), mostConnected)
	are, pairs := 0., 0.
	for e, v := range x[:n] {
		switch w := y[(e+n/2)%n]; {
		case v > w:
			are++
			pairs++
		case v <= w:
			pairs++
		}
	}
	if are < max(leastEvidence, leastOrdered*pairs) {
		return 0
	}
	return are / pairs
}

func saysOrders(names []string, found []order) []string {
	if len(found) == 0 {
		return nil
	}
	var text []string
	for _, o := range found[:min(len(found), mostOrdered)] {
		text = append(text, names[o.low]+" <= "+names[o.high])
	}
	if n := len(found) - mostOrdered; n > 0 {
		text = append(text, fmt.Sprintf("and %d more", n))
	}
	o := found[0]
	return []string{fmt.Sprintf("in all events %s: some generated ones will be against it; a difference in place of the larger keeps to it (define: {d: %s - %s}, range: {d: [0, null]})",
		strings.Join(text, ", "), names[o.high], names[o.low])}
}
