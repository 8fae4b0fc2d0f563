package rntuple

import (
	"fmt"
	"io"
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// objects are the rows where a row is an object. Columns of events that were asked for are repeated for each object.
type objects struct {
	asked int             // columns; one more is read where none of these says how many objects there are
	ready []column.Column // not yet returned
	row   int64           // objects made
}

// flatten chooses the columns of objects.
func (r *Reader) flatten(all *leaves, opts Options) error {
	at, err := all.named().Flatten(opts.Flatten)
	if err != nil {
		return err
	}
	offered := []leaf{{name: "event", shape: serial}}
	for _, k := range at {
		offered = append(offered, all.lists[k])
	}
	wanted := opts.Columns
	if wanted == nil {
		wanted = namesOf(offered)
	}
	first := offered[1]
	if err := r.choose(all, append(offered, all.flat...), wanted, opts); err != nil {
		return err
	}
	r.objects = &objects{asked: len(wanted)}
	if !slices.ContainsFunc(r.picked, func(l leaf) bool { return l.whole() }) {
		return r.use(first, Options{})
	}
	return nil
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
	parts := r.parts(m)
	ends, err := r.readEnds(parts)
	if err != nil {
		return 0, err
	}
	counts, err := r.counts(m, parts, ends)
	if err != nil {
		return 0, err
	}
	const most = 1 << 18 // objects at once
	var of []int32       // the event of each object, from 0
	for i, n := range counts {
		if int64(len(of))+n > most && i > 0 {
			return r.expand(i)
		}
		if n > r.most()/16 {
			return 0, fmt.Errorf("event %d claims %d objects, which is beyond belief for a file of %d bytes", r.row+int64(i)+1, n, r.store.Size())
		}
		for range n {
			of = append(of, int32(i))
		}
	}
	out, err := r.readValues(m, parts, ends)
	if err != nil {
		return 0, err
	}
	o := r.objects
	for k := range out {
		switch l := &r.picked[k]; {
		case l.shape == serial:
			out[k] = column.New(l.name, "", column.Int64, len(of))
			for i, e := range of {
				out[k].I64[i] = r.row + int64(e)
			}
		case !l.whole():
			out[k] = out[k].Take(of)
		}
	}
	if err := r.chosen.Settle(out, o.row); err != nil {
		return 0, err
	}
	o.ready = out[:o.asked]
	o.row += int64(len(of))
	return m, nil
}

// counts is how many objects each of m events has, which all lists that are read whole agree on.
func (r *Reader) counts(m int, parts []part, ends spans) (counts []int64, err error) {
	var first *leaf
	for k := range r.picked {
		l := &r.picked[k]
		if !l.whole() {
			continue
		}
		here := make([]int64, m)
		l.lengths(here, parts, ends)
		if first == nil {
			first, counts = l, here
		}
		for i, n := range here {
			if n != counts[i] {
				return nil, fmt.Errorf("event %d holds %d values of %q and %d of %q", r.row+int64(i)+1, counts[i], first.name, n, l.name)
			}
		}
	}
	return counts, nil
}
