package root

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// objects are the rows where a row is an object. Columns of events that were asked for are repeated for each object of
// the event.
type objects struct {
	asked int             // columns; one more is read where none of these says how many objects there are
	ready []column.Column // not yet returned
	row   int64           // objects made
}

// theEvent is the column of the numbers of the events, which lie in no branch.
var theEvent = field{name: "event", number: plain(column.Int, 8)}

// flatten chooses the columns of objects.
func (r *Reader) flatten(all *fields, opts Options) error {
	group, err := all.groupOf(opts.Flatten)
	if err != nil {
		return err
	}
	offered := append([]field{theEvent}, group...)
	wanted := opts.Columns
	if wanted == nil {
		wanted = namesOf(offered)
	}
	if err := r.choose(all, append(offered, all.flat...), wanted, opts.Types); err != nil {
		return err
	}
	r.objects = &objects{asked: len(wanted)}
	if !slices.ContainsFunc(r.picked, func(f field) bool { return f.whole() }) {
		return r.use(group[0], nil)
	}
	return nil
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
	groups, _ := s.groups()
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
	out, parts, err := r.readEvents(m)
	if err != nil {
		return err
	}
	counts, err := r.counts(parts)
	if err != nil {
		return err
	}
	var of []int32 // the event of each object, from 0
	for i, n := range counts {
		for range n {
			of = append(of, int32(i))
		}
	}
	for k := range out {
		f, c := &r.picked[k], &out[k]
		if f.whole() {
			*c = c.Slice(0, 0)
			for _, p := range parts[k] {
				c.Append(&p.Column)
			}
			continue
		}
		if f.branch == nil {
			for i := range m {
				c.I64[i] = r.row + int64(i)
			}
		}
		if *c, err = column.Settle(*c, r.chosen.Columns[k].Type, r.row); err != nil {
			return err
		}
		*c = c.Take(of)
	}
	if err := r.chosen.Settle(out, r.objects.row); err != nil {
		return err
	}
	r.objects.ready = out[:r.objects.asked]
	r.objects.row += int64(len(of))
	return nil
}

// counts is how many objects each event has, on which all columns of objects must agree.
func (r *Reader) counts(parts [][]part) (counts []int32, err error) {
	first := -1
	for k := range parts {
		if !r.picked[k].whole() {
			continue
		}
		var own []int32
		for _, p := range parts[k] {
			own = append(own, p.counts...)
		}
		if first < 0 {
			first, counts = k, own
		}
		for i, n := range own {
			if n != counts[i] {
				return nil, fmt.Errorf("event %d holds %d values of %q and %d of %q", r.row+int64(i)+1,
					counts[i], r.picked[first].name, n, r.picked[k].name)
			}
		}
	}
	return counts, nil
}
