package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
)

// folded are the generated objects in the order of their events, of which each comes where its first object does.
type folded struct {
	table   *events.Table
	first   []int    // the first object of each event, and their number
	objects []string // columns of the generated objects
	singles []string // and of events
}

func (f *folded) len() int { return len(f.first) - 1 }

// upTo is the event before which some more objects than that end, from event e on.
func (f *folded) upTo(e, objects int) int {
	to, _ := slices.BinarySearch(f.first, f.first[e]+objects)
	return min(max(to, e+1), f.len())
}

// fold puts the objects of an event together by the columns that tell it; drawn are columns of the model.
func fold(t *events.Table, plan card.Simulate, drawn []string, notice func(string)) (f folded, err error) {
	ids := make([]*events.Column, len(plan.Event))
	for k, name := range plan.Event {
		if ids[k], err = t.Column(name); err != nil {
			return f, fmt.Errorf("%w; it tells the event of an object (simulate.event)", err)
		}
	}
	numbers, event := map[string]int{}, make([]int, t.Len())
	var key []byte
	for i := range event {
		key = key[:0]
		for _, c := range ids {
			key = append(append(key, c.Format(i)...), 0)
		}
		n, known := numbers[string(key)]
		if !known {
			n = len(numbers)
			numbers[string(key)] = n
		}
		event[i] = n
	}
	rows := make([]int32, t.Len())
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(event[a], event[b]) })
	for k, i := range rows {
		if event[i] == len(f.first) {
			f.first = append(f.first, k)
		}
	}
	f.first = append(f.first, len(rows))
	f.table = t.Take(rows)
	f.sort(plan, drawn, notice)
	return f, nil
}

// sort tells the columns of objects from those of events. What is neither is left out, which is said.
func (f *folded) sort(plan card.Simulate, drawn []string, notice func(string)) {
	counter := "n" + plan.Generated
	for k := range f.table.Columns {
		c := &f.table.Columns[k]
		switch {
		case strings.HasPrefix(c.Name, plan.Generated+"_") && c.Type == events.Text:
			notice(fmt.Sprintf("column %q holds text, which a branch of many values cannot: it is left out", c.Name))
		case strings.HasPrefix(c.Name, plan.Generated+"_"):
			f.objects = append(f.objects, c.Name)
		case strings.HasPrefix(c.Name, plan.Reconstructed+"_"), slices.Contains(drawn, c.Name), c.Name == "n"+plan.Reconstructed, c.Name == "draw", c.Name == "weight":
		case c.Name == counter:
			if n := f.differ(c); n > 0 {
				notice(fmt.Sprintf("%q is not the number of generated objects in %d of %s: the branch of that name holds their number", counter, n, say.Count(uint64(f.len()), "event")))
			}
		case f.within(c) >= 0 && !slices.Contains(plan.Event, c.Name):
			notice(fmt.Sprintf("column %q is left out: it is not called %s_..., and its values differ within an event (the first in event %d)", c.Name, plan.Generated, f.within(c)+1))
		default:
			f.singles = append(f.singles, c.Name)
		}
	}
}

// differ is in how many events c is not the number of objects.
func (f *folded) differ(c *events.Column) (n int) {
	for e := range f.len() {
		if c.Float(f.first[e]) != float64(f.first[e+1]-f.first[e]) {
			n++
		}
	}
	return n
}

// within is the first event whose objects have different values of c; -1 for none.
func (f *folded) within(c *events.Column) int {
	for e := range f.len() {
		for i := f.first[e] + 1; i < f.first[e+1]; i++ {
			if c.Type == events.Text && c.Str[i] != c.Str[i-1] || c.Type != events.Text && c.Float(i) != c.Float(i-1) {
				return e
			}
		}
	}
	return -1
}

// assembly puts the draws of a block of events together.
type assembly struct {
	run    *run
	from   int // the first event
	tables []source
	fakes  [][]int32 // by event and draw: rows of the last table
}

// source is a table of draws.
type source struct {
	*events.Table
	exists *events.Column // nil where all do
	object []*events.Column
	order  *events.Column
}

func (b *assembly) add(t *events.Table, exists string, objects []object) {
	s := source{Table: t}
	s.exists, _ = t.Column(exists)
	s.order, _ = t.Column(b.run.plan.Order)
	for _, o := range objects {
		c, _ := t.Column(o.name)
		s.object = append(s.object, c)
	}
	b.tables = append(b.tables, s)
}

func (s *source) has(i int) bool { return s.exists == nil || s.exists.Float(i) > 0.5 }

// values are those of a column of the objects that exist.
func (s *source) values(name string) (x []float64) {
	c, _ := s.Column(name)
	for i := range s.Len() {
		if s.has(i) {
			x = append(x, c.Float(i))
		}
	}
	return x
}

// placed is an object of an event: a row of a table, with its place among the generated ones, -1 for none.
type placed struct {
	table, row, generated int
	order                 float64
}

// columns are those of the events from e to before to, each event as often as it is drawn.
func (b *assembly) columns(e, to int) []events.Column {
	r := b.run
	out := make([]events.Column, len(r.objects))
	for k, o := range r.objects {
		out[k] = events.Column{Name: o.name, Unit: o.unit}
		if o.integer {
			out[k].Type = events.Int64
		}
	}
	index, number := events.Column{Name: r.index(), Type: events.Int64}, events.Column{Name: "n" + r.plan.Reconstructed, Type: events.Int64}
	generated, draw := events.Column{Name: "n" + r.plan.Generated, Type: events.Int64}, events.Column{Name: "draw", Type: events.Int64}
	var singles, objects []int32
	for n := e; n < to; n++ {
		for d := range r.Draws {
			found := b.event(n, d)
			for _, p := range found {
				b.append(out, p)
				index.I64 = append(index.I64, int64(p.generated))
			}
			b.fill(found)
			b.count(found, d)
			number.I64, draw.I64 = append(number.I64, int64(len(found))), append(draw.I64, int64(d))
			generated.I64 = append(generated.I64, int64(r.events.first[n+1]-r.events.first[n]))
			singles = append(singles, int32(r.events.first[n]))
			for i := r.events.first[n]; i < r.events.first[n+1]; i++ {
				objects = append(objects, int32(i))
			}
		}
		for _, s := range r.spectra {
			s.end(r.weight())
		}
	}
	all := b.taken(r.events.singles, singles)
	if r.Draws > 1 {
		weight := events.Column{Name: "weight", F32: make([]float32, len(singles))}
		for i := range weight.F32 {
			weight.F32[i] = float32(r.weight())
		}
		all = append(all, draw, weight)
	}
	all = append(append(all, generated), b.taken(r.events.objects, objects)...)
	return append(append(append(all, number), out...), index)
}

func (b *assembly) taken(names []string, rows []int32) (columns []events.Column) {
	for _, name := range names {
		c, _ := b.run.events.table.Column(name)
		columns = append(columns, c.Take(rows))
	}
	return columns
}

// event are the objects of a draw of an event, in order.
func (b *assembly) event(n, d int) (found []placed) {
	r := b.run
	first := r.events.first[b.from]
	for i := r.events.first[n]; i < r.events.first[n+1]; i++ {
		if s := &b.tables[d]; s.has(i - first) {
			found = append(found, placed{d, i - first, i - r.events.first[n], s.order.Float(i - first)})
		}
	}
	if b.fakes != nil {
		last := len(b.tables) - 1
		for _, row := range b.fakes[(n-b.from)*r.Draws+d] {
			found = append(found, placed{last, int(row), -1, b.tables[last].order.Float(int(row))})
		}
	}
	slices.SortStableFunc(found, func(a, b placed) int { return cmp.Compare(b.order, a.order) })
	return found
}

// count counts the objects of a draw of an event.
func (b *assembly) count(found []placed, d int) {
	r, fakes := b.run, 0
	for _, p := range found {
		if p.generated < 0 {
			fakes++
		}
	}
	r.result.Reconstructed += len(found) - fakes
	r.result.Fakes += fakes
	if d == 0 {
		r.counts[0], r.counts[1] = append(r.counts[0], len(found)-fakes), append(r.counts[1], fakes)
	}
}

// append adds the values of an object to the columns, and counts those that it lacks.
func (b *assembly) append(out []events.Column, p placed) {
	for k, c := range b.tables[p.table].object {
		v := c.Float(p.row)
		if math.IsNaN(v) {
			b.run.result.Lacking++
		}
		switch {
		case out[k].Type == events.Int64 && math.IsNaN(v):
			out[k].I64 = append(out[k].I64, -1)
		case out[k].Type == events.Int64:
			out[k].I64 = append(out[k].I64, int64(v))
		default:
			out[k].F32 = append(out[k].F32, float32(v))
		}
	}
}
