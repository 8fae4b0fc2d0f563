package rntuple

import (
	"fmt"
	"io"
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// objects reads a row an object. Columns of events that were asked for are repeated for each object of the event.
type objects struct {
	group   []leaf  // the lists that are read whole
	sources [][]int // of group, those of the same source
	ends    []*source
	chosen  column.Choice
	from    []int // of each column: 0 the event, k > 0 group[k-1], k < 0 picked[-k-1]

	ready []column.Column // not yet returned
	row   int64           // objects made
}

const eventColumn = "event"

// flatten chooses the columns of objects.
func (r *Reader) flatten(all *leaves, opts Options) error {
	at, err := all.named().Flatten(opts.Flatten)
	if err != nil {
		return err
	}
	group := make([]leaf, len(at))
	for i, k := range at {
		group[i] = all.lists[k]
	}
	r.objects = &objects{}
	names := column.Unique(append([]string{eventColumn}, namesOf(group)...))
	wanted := opts.Columns
	if wanted == nil {
		wanted = names
	}
	flat := namesOf(all.flat)
	for _, name := range wanted {
		if i := slices.Index(names, name); i == 0 {
			err = r.object(0, name, "", column.Int64, opts.Types)
		} else if i > 0 {
			l := &group[i-1]
			r.take(*l)
			err = r.object(len(r.objects.group), name, opts.unit(l), l.native(), opts.Types)
		} else if i := slices.Index(flat, name); i >= 0 {
			l := all.flat[i]
			l.name = name
			if err = r.use(l, opts); err == nil {
				last := r.chosen.Columns[len(r.chosen.Columns)-1]
				err = r.object(-len(r.picked), name, last.Unit, last.Type, nil)
			}
		} else if err = all.unreadable(name); err == nil {
			err = column.Missing(name, append(names, flat...))
		}
		if err != nil {
			return err
		}
	}
	if len(r.objects.group) == 0 { // at least one says how many objects there are
		r.take(group[0])
	}
	return nil
}

// object adds a column of objects.
func (r *Reader) object(from int, name, unit string, native column.Type, types map[string]column.Type) error {
	r.objects.from = append(r.objects.from, from)
	return r.objects.chosen.Add(name, unit, native, types)
}

// take has a list read whole.
func (r *Reader) take(l leaf) {
	o := r.objects
	k := len(o.group)
	o.group = append(o.group, l)
	if !slices.Contains(o.ends, l.ends) {
		o.ends = append(o.ends, l.ends)
	}
	for i, g := range o.sources {
		if o.group[g[0]].values == l.values {
			o.sources[i] = append(g, k)
			return
		}
	}
	o.sources = append(o.sources, []int{k})
}

// readObjects returns the next objects, at most n.
func (r *Reader) readObjects(n int) ([]column.Column, error) {
	o := r.objects
	for o.empty() {
		const most = 1 << 13 // events at once
		m := int(min(int64(n), most, r.events-r.row, r.bearable()))
		if m == 0 {
			return nil, io.EOF
		}
		m, err := r.expand(r.borders.Within(r.row, m))
		if err != nil {
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

// expand makes the objects of the next m events ready, or of fewer, and says of how many.
func (r *Reader) expand(m int) (int, error) {
	o := r.objects
	parts := r.parts(m)
	ends, err := r.readEnds(o.ends, parts)
	if err != nil {
		return 0, err
	}
	const most = 1 << 18 // objects at once
	counts := o.group[0].counts(m, parts, ends)
	sum := int64(0)
	for i, n := range counts {
		if sum += n; sum > most && i > 0 {
			return r.expand(i)
		}
	}
	for k := range o.group[1:] {
		l, others := &o.group[k+1], o.group[k+1].counts(m, parts, ends)
		for i, n := range counts {
			if n != others[i] {
				return 0, fmt.Errorf("event %d holds %d values of %q and %d of %q", r.row+int64(i)+1, n, o.group[0].name, others[i], l.name)
			}
		}
	}
	values := make([]column.Column, len(o.group))
	err = r.workers.Each(len(o.sources), func(w *worker, i int) (err error) {
		for _, k := range o.sources[i] {
			if values[k], err = r.gather(w, &o.group[k], parts, ends); err != nil {
				return fmt.Errorf("column %q: %w", o.group[k].name, err)
			}
		}
		return nil
	})
	var flat []column.Column
	if err == nil && len(r.picked) > 0 {
		flat, err = r.readEvents(m)
	}
	if err != nil {
		return 0, err
	}
	o.ready = o.repeat(values, flat, counts, r.row)
	if err := o.chosen.Settle(o.ready, o.row); err != nil {
		return 0, err
	}
	o.row += int64(o.ready[0].Len())
	return m, nil
}

// counts is how many values each of m events has.
func (l *leaf) counts(m int, parts []part, ends spans) []int64 {
	counts := make([]int64, m)
	l.lengths(counts, parts, ends)
	return counts
}

// gather reads all values of the lists of a leaf.
func (r *Reader) gather(w *worker, l *leaf, parts []part, ends spans) (c column.Column, err error) {
	c.Type = l.native()
	for _, p := range parts {
		at := ends[l.ends][p]
		last := len(at) - 1
		decoded, err := r.all(w, l.values, []*leaf{l}, p.cluster, at[0], at[last])
		if err != nil {
			return c, err
		}
		for k := int(l.item.offset); k < last; k += int(l.item.stride) {
			if l.item.stride == 1 { // one after the other
				c.Append(&decoded[0])
				break
			}
			part := decoded[0].Slice(int(at[k]-at[0]), int(at[k+1]-at[0]))
			c.Append(&part)
		}
	}
	return c, nil
}

// repeat gives each object the values of its event, the first of which is number row, beside its own.
func (o *objects) repeat(values, flat []column.Column, counts []int64, row int64) []column.Column {
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
