package root

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// objects reads a row an object. Columns of events that were asked for are
// repeated for each object of the event.
type objects struct {
	group  []*member
	chosen column.Choice
	from   []int // of each column: 0 the event, k > 0 member k-1, k < 0 picked[-k-1]

	ready []column.Column // not yet returned
	row   int64           // objects made
}

// member is a jagged column that is read whole.
type member struct {
	field
	held   int // the basket in values; -1: none
	values values
}

const eventColumn = "event"

// flatten chooses the columns of objects.
func (r *Reader) flatten(all *fields, opts Options) error {
	group, err := all.groupOf(opts.Flatten)
	if err != nil {
		return err
	}
	r.objects = &objects{}
	names := append([]string{eventColumn}, namesOf(group)...)
	names = column.Unique(names)
	wanted := opts.Columns
	if wanted == nil {
		wanted = names
	}
	flat := namesOf(all.flat)
	for _, name := range wanted {
		if i := slices.Index(names, name); i >= 0 {
			err = r.member(i, name, group, opts)
		} else if i := slices.Index(flat, name); i >= 0 {
			f := all.flat[i]
			f.name = name
			r.objects.from = append(r.objects.from, -len(r.picked)-1)
			if err = r.use(f, opts); err == nil {
				last := r.chosen.Columns[len(r.chosen.Columns)-1]
				err = r.objects.chosen.Add(name, last.Unit, last.Type, nil)
			}
		} else if err = all.unreadable(name); err == nil {
			err = column.Missing(name, append(names, flat...))
		}
		if err != nil {
			return err
		}
	}
	if len(r.objects.group) == 0 { // at least one says how many objects there are
		r.count(group[0])
	}
	return nil
}

// member adds column i of the group; 0 is the event.
func (r *Reader) member(i int, name string, group []field, opts Options) error {
	o := r.objects
	if i == 0 {
		o.from = append(o.from, 0)
		return o.chosen.Add(name, "", column.Int64, opts.Types)
	}
	f := group[i-1]
	r.count(f)
	o.from = append(o.from, len(o.group))
	return o.chosen.Add(name, unitIn(f.branch.title), f.native(), opts.Types)
}

// count has a jagged column read.
func (r *Reader) count(f field) {
	r.objects.group = append(r.objects.group, &member{field: f, held: -1})
}

// groupOf finds the jagged columns that go by a name.
func (s *fields) groupOf(name string) ([]field, error) {
	for _, counter := range []string{name, "n" + name, "N" + name, name + "_n", "n_" + name, name + "_"} {
		if g := s.counted(func(f *field) bool { return f.counter != "" && strings.EqualFold(f.counter, counter) }); g != nil {
			return g, nil
		}
	}
	for i := range s.jagged {
		if f := &s.jagged[i]; f.name == name && f.counter != "" {
			return s.counted(func(g *field) bool { return g.counter == f.counter }), nil
		}
	}
	vector := func(f *field) bool {
		return f.counter == "" && (f.name == name || strings.HasPrefix(f.name, name+"_") || strings.HasPrefix(f.name, name+"."))
	}
	if g := s.counted(vector); g != nil {
		return g, nil
	}
	var groups []string
	for i := range s.jagged {
		if g := s.jagged[i].group(); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	if groups == nil {
		return nil, fmt.Errorf("holds nothing to flatten: every column has one value an event")
	}
	return nil, fmt.Errorf("holds nothing to flatten as %q; there is %s", name, some(groups))
}

func (s *fields) counted(by func(*field) bool) []field {
	var g []field
	for i := range s.jagged {
		if by(&s.jagged[i]) {
			g = append(g, s.jagged[i])
		}
	}
	return g
}

// readObjects returns the next objects, at most n.
func (r *Reader) readObjects(n int) ([]column.Column, error) {
	o := r.objects
	for o.empty() {
		const most = 1 << 13 // events at once
		m := int(min(int64(n), most, r.tree.entries-r.row))
		if m == 0 {
			return nil, io.EOF
		}
		m = r.borders.Within(r.row, m)
		if err := r.expand(m); err != nil {
			return nil, err
		}
		r.row += int64(m)
	}
	n = min(n, o.ready[0].Len())
	out := make([]column.Column, len(o.ready))
	for k := range out {
		c := &o.ready[k]
		out[k], o.ready[k] = c.Slice(0, n), c.Slice(n, c.Len())
	}
	return out, nil
}

func (o *objects) empty() bool { return len(o.ready) == 0 || o.ready[0].Len() == 0 }

// expand makes the objects of the next m events ready.
func (r *Reader) expand(m int) error {
	o := r.objects
	values := make([]column.Column, len(o.group))
	counts := make([][]int32, len(o.group))
	todo := make([]func(*worker) error, len(o.group))
	for k, g := range o.group {
		todo[k] = func(w *worker) (err error) {
			values[k], counts[k], err = r.gather(w, g, m)
			return err
		}
	}
	if err := r.each(todo); err != nil {
		return err
	}
	for k := range counts[1:] {
		if i := differ(counts[0], counts[k+1]); i >= 0 {
			return fmt.Errorf("event %d holds %d values of %q and %d of %q", r.row+int64(i)+1,
				counts[0][i], o.group[0].name, counts[k+1][i], o.group[k+1].name)
		}
	}
	var flat []column.Column
	if len(r.picked) > 0 {
		var err error
		if flat, err = r.readEvents(m); err != nil {
			return err
		}
	}
	o.ready = o.repeat(values, flat, counts[0], r.row)
	if err := o.chosen.Settle(o.ready, o.row); err != nil {
		return err
	}
	o.row += int64(o.ready[0].Len())
	return nil
}

// repeat gives each object the values of its event, the first of which is number row, beside its own.
func (o *objects) repeat(values, flat []column.Column, counts []int32, row int64) []column.Column {
	var of []int32 // the event of each object, from 0
	for i, n := range counts {
		for range n {
			of = append(of, int32(i))
		}
	}
	out := make([]column.Column, len(o.from))
	for k, from := range o.from {
		switch {
		case from > 0:
			out[k] = values[from-1]
		case from < 0:
			out[k] = flat[-from-1].Take(of)
		default:
			out[k] = column.New("", "", column.Int64, len(of))
			for i, e := range of {
				out[k].I64[i] = row + int64(e)
			}
		}
		out[k].Name, out[k].Unit = o.chosen.Columns[k].Name, o.chosen.Columns[k].Unit
	}
	return out
}

func differ(a, b []int32) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// gather reads all values of m events, and how many each has.
func (r *Reader) gather(w *worker, g *member, m int) (c column.Column, counts []int32, err error) {
	c.Type = g.native()
	counts = make([]int32, 0, m)
	end := r.row + int64(m)
	for i := g.branch.basketOf(r.row); i < len(g.branch.baskets) && g.branch.baskets[i].first < end; i++ {
		k := &g.branch.baskets[i]
		if i != g.held {
			g.held = -1
			if g.values, err = r.load(w, g.branch, k); err != nil {
				return c, nil, err
			}
			g.held = i
			w.raw, w.room = nil, nil // g.values lies in them
		}
		for e := max(k.first, r.row); e < min(k.end, end); e++ {
			b, err := g.many(g.values, e-k.first)
			if err != nil {
				return c, nil, fmt.Errorf("column %q: event %d: %w", g.name, e+1, err)
			}
			part := c.Extend(len(b) / g.size)
			g.Decode(&part, b, g.size)
			counts = append(counts, int32(len(b)/g.size))
		}
	}
	return c, counts, nil
}
