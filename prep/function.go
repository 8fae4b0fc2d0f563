package prep

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// Table gives a value for each of those that another column has, as the charge for the number of a particle.
type Table struct {
	From []float64 `json:"from"` // in order
	To   []float64 `json:"to"`
}

// at is the value for v, or for the nearest that the table has.
func (t *Table) at(v float64) float64 {
	k, ok := slices.BinarySearch(t.From, v)
	if !ok {
		k = nearest(t.From, k, v)
	}
	return t.To[k]
}

func (t *Table) check() error {
	return require(len(t.From) > 0 && len(t.From) == len(t.To) && len(t.From) <= maxLevels && finite(t.From...) && finite(t.To...) && increasing(t.From),
		"a table from other values to those of the column is not one")
}

// leastEvidence is how improbable, in nats, it must be that a column without connection to another follows from it by chance.
const leastEvidence = 20

// coded are the values of a column of a few, each by its place among them.
type coded struct {
	*Column
	index int
	value []float64
	code  []int
	share []float64 // of the events
}

// Functions leaves the features of a few values out of the flow that are told by another such feature, in all events of t and of others: Invert puts them back,
// and their probability, given that other, is 1. It says so, a line each.
func (p *Pipeline) Functions(t *events.Table, others ...*events.Table) (said []string, err error) {
	values, rest, err := p.valuesOf(t, others)
	if err != nil {
		return nil, err
	}
	var all []coded
	for i := range p.Columns {
		if p.Columns[i].fewValues() != nil && values[i] != nil {
			all = append(all, newCoded(&p.Columns[i], i, values[i]))
		}
	}
	// What follows from others has no more values than they have: the first of a chain comes first.
	slices.SortStableFunc(all, func(a, b coded) int { return cmp.Compare(len(b.value), len(a.value)) })
	for k := range all {
		for j := range all[:k] {
			if all[j].Follows != nil {
				continue
			}
			table := all[k].from(&all[j])
			if table == nil || slices.ContainsFunc(rest, func(v [][]float64) bool { return table.broken(v[all[k].index], v[all[j].index]) }) {
				continue
			}
			d := Dependent{Column: all[k].Name, Relation: Relation{Terms: []Term{{all[j].Name, 1}}, Table: table}}
			d.Says = fmt.Sprintf("%s follows from %s (%s)", all[k].Name, all[j].Name, table.text(all[k].Column, all[j].Column))
			p.LeaveOut(d)
			said = append(said, all[k].Why)
			break
		}
	}
	return said, nil
}

func newCoded(c *Column, i int, x []float64) coded {
	k := coded{Column: c, index: i, value: slices.Compact(slices.Sorted(slices.Values(x))), code: make([]int, len(x))}
	k.share = make([]float64, len(k.value))
	for e, v := range x {
		k.code[e], _ = slices.BinarySearch(k.value, v)
		k.share[k.code[e]] += 1 / float64(len(x))
	}
	return k
}

// from is the table by which the column follows from another, nil where an event is against it or the events do not tell.
func (c *coded) from(by *coded) *Table {
	to := slices.Repeat([]int{-1}, len(by.value))
	evidence := 0.0
	for e, b := range by.code {
		switch to[b] {
		case -1: // as it may be
			to[b] = c.code[e]
		case c.code[e]:
			evidence -= math.Log(c.share[c.code[e]])
		default:
			return nil
		}
	}
	if evidence < leastEvidence {
		return nil
	}
	t := &Table{From: by.value}
	for _, k := range to {
		t.To = append(t.To, c.value[k])
	}
	return t
}

// broken says that an event of values x is against the table.
func (t *Table) broken(x, by []float64) bool {
	for e, v := range by {
		if k, ok := slices.BinarySearch(t.From, v); ok && x[e] != t.To[k] {
			return true
		}
	}
	return false
}

// text is the table in words.
func (t *Table) text(to, from *Column) string {
	const most = 8
	if slices.Equal(t.From, t.To) && slices.Equal(from.Names, to.Names) {
		return "the same values"
	}
	var pairs []string
	for k, v := range t.From[:min(len(t.From), most)] {
		pairs = append(pairs, from.spelled(v)+": "+to.spelled(t.To[k]))
	}
	if n := len(t.From) - most; n > 0 {
		pairs = append(pairs, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(pairs, ", ")
}
