package feed

import (
	"cmp"
	"slices"

	"github.com/sluice-hep/sluice/events"
)

// keeper holds the events whose digests lie in a range; of more than the limit those with the smallest, which are a random
// sample of them that depends neither on the order of the events nor on how they are read (a bottom-k sketch: Cohen and
// Kaplan, PODC 2007).
type keeper struct {
	from, to uint64 // digests in [from, to) are kept; to falls where there are too many
	limit    int

	columns []kept
	digests []uint64
	section []int32 // of the files, that each event comes from
}

// kept is a column as float64, and the type that holds what was seen of it, whether kept or not.
type kept struct {
	events.Column
	seen   bool
	values []float64
}

func newKeeper(columns []string, from, to uint64, limit int) *keeper {
	k := &keeper{from: from, to: to, limit: limit, columns: make([]kept, len(columns))}
	for i, name := range columns {
		k.columns[i].Name = name
	}
	return k
}

func (k *keeper) len() int { return len(k.digests) }

func (k *keeper) takes(digest uint64) bool { return digest >= k.from && digest < k.to }

// add keeps the events of columns that belong here. It returns those, in columns, that were kept and no longer are.
func (k *keeper) add(columns []*events.Column, digests []uint64, section int) (dropped [][]float64) {
	var rows []int
	for i, d := range digests {
		if k.takes(d) {
			rows = append(rows, i)
			k.digests = append(k.digests, d)
			k.section = append(k.section, int32(section))
		}
	}
	for j, from := range columns {
		c := &k.columns[j]
		if c.Unit = from.Unit; !c.seen {
			c.Type, c.seen = from.Type, true
		} else if c.Type != from.Type {
			c.Type = events.Float64
		}
		for _, i := range rows {
			c.values = append(c.values, from.Float(i))
		}
	}
	if k.len() > k.limit+k.limit/4 {
		return k.shrink()
	}
	return nil
}

// shrink drops what is beyond the limit, the largest digests, and returns it in columns.
func (k *keeper) shrink() (dropped [][]float64) {
	if k.len() <= k.limit {
		return nil
	}
	sorted := slices.Clone(k.digests)
	slices.Sort(sorted)
	k.to = sorted[k.limit]
	for j := range k.columns {
		var out []float64
		k.columns[j].values, out = split(k.columns[j].values, k.digests, k.to)
		dropped = append(dropped, out)
	}
	k.section, _ = split(k.section, k.digests, k.to)
	k.digests = slices.DeleteFunc(k.digests, func(d uint64) bool { return d >= k.to })
	return dropped
}

// split moves the values whose digest is to or more out of x.
func split[T any](x []T, digests []uint64, to uint64) (in, out []T) {
	in = x[:0]
	for i, d := range digests {
		if d < to {
			in = append(in, x[i])
		} else {
			out = append(out, x[i])
		}
	}
	return in, out
}

// table is what is kept, in the order of the digests, with further events, one after the other, behind it.
func (k *keeper) table(weight string, more []float64) *events.Table {
	order := make([]int32, k.len())
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(k.digests[a], k.digests[b]) })
	t := &events.Table{Weight: weight}
	for j, c := range k.columns {
		x := make([]float64, 0, len(order)+len(more)/len(k.columns))
		for _, i := range order {
			x = append(x, c.values[i])
		}
		for i := j; i < len(more); i += len(k.columns) {
			x = append(x, more[i])
		}
		t.Columns = append(t.Columns, typed(c.Column, x))
	}
	return t
}

// typed is a column of values x with the name, unit and type of c.
func typed(c events.Column, x []float64) events.Column {
	switch c.Type {
	case events.Float64:
		c.F64 = x
	case events.Int64:
		for _, v := range x {
			c.I64 = append(c.I64, int64(v))
		}
	default:
		for _, v := range x {
			c.F32 = append(c.F32, float32(v))
		}
	}
	return c
}
