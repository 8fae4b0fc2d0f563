package rntuple

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// Options says what to read.
type Options struct {
	Columns []string                  // only these, `NAME[i]` for one value of many included; nil: all
	Types   map[string]column.Type    // columns whose type is given
	Flatten string                    // a row of every object instead of every event; see column.Jagged.Flatten
	Unit    func(title string) string // the unit that the description of a field names
}

// Reader reads the events of one RNTuple block by block.
type Reader struct {
	store    Store
	longest  int64 // record of the file
	schema   schema
	clusters []cluster

	column.Walk
	picked  []leaf
	ends    []*source // of lists, that picked needs
	values  []*wanted // that picked needs
	workers column.Crew[worker]
}

// Open opens the RNTuple whose anchor, an object of class ROOT::RNTuple, is given. The reader closes the store, unless Open
// fails.
func Open(store Store, anchor []byte, opts Options) (*Reader, error) {
	a, err := readAnchor(anchor)
	if err != nil {
		return nil, err
	}
	r := &Reader{store: store, longest: a.longest}
	if err := r.describe(a); err != nil {
		return nil, err
	}
	all := r.schema.leaves()
	all.flat, all.lists = r.complete(all, all.flat), r.complete(all, all.lists)
	if opts.Flatten != "" {
		err = r.flatten(all, opts)
	} else {
		err = r.pick(all, opts)
	}
	if err == nil {
		err = r.release()
	}
	return r, err
}

// Extent is how many events the RNTuple of that anchor holds, and the bytes of their pages, unpacked.
func Extent(store Store, anchor []byte) (bytes, events int64, err error) {
	a, err := readAnchor(anchor)
	if err != nil {
		return 0, 0, err
	}
	r := &Reader{store: store, longest: a.longest}
	err = r.describe(a)
	for _, c := range r.clusters {
		for k := range min(len(c.columns), len(r.schema.columns)) {
			bytes += r.schema.columns[k].packedSize(c.columns[k].values())
		}
	}
	return bytes, r.Events, err
}

// complete drops the leaves of which values are not there.
func (r *Reader) complete(all *leaves, some []leaf) []leaf {
	return slices.DeleteFunc(some, func(l leaf) bool {
		why := ""
		if l.ends != nil {
			why = r.check(l.ends)
		}
		if why == "" {
			why = r.check(l.values)
		}
		if why != "" {
			all.skip(l.name, "%s", why)
		}
		return why != ""
	})
}

// release forgets the pages of other columns, and refuses those of which not one of each column can be held.
func (r *Reader) release() error {
	wanted := make([]bool, len(r.schema.columns))
	longest := make([]int64, len(r.schema.columns))
	sources := slices.Clone(r.ends)
	for _, v := range r.values {
		sources = append(sources, v.source)
	}
	for _, s := range sources {
		for _, k := range s.columns {
			wanted[k] = true
		}
	}
	for i := range r.clusters {
		for k := range r.clusters[i].columns {
			p := &r.clusters[i].columns[k]
			if k >= len(wanted) || !wanted[k] {
				p.list = nil
			}
			begin := int64(0)
			for _, at := range p.list {
				longest[k] = max(longest[k], (at.end-begin)*int64(r.schema.columns[k].number.Size))
				begin = at.end
			}
		}
	}
	sum := int64(0)
	for _, n := range longest {
		if sum += n; sum > 4*r.most() {
			return fmt.Errorf("claims pages of %d bytes, which is beyond belief for a file of %d", sum, r.store.Size())
		}
	}
	return nil
}

// pick chooses the columns of events.
func (r *Reader) pick(all *leaves, opts Options) error {
	left := all.many().Leave(slices.Clone(all.left))
	if opts.Columns == nil { // who names columns wants no others
		r.Left = left
	}
	if len(all.flat) > 0 || opts.Columns != nil {
		return r.choose(all, all.flat, opts.Columns, opts)
	}
	if len(left) == 0 {
		return errors.New("holds no columns")
	}
	return fmt.Errorf("holds no column that can be read: %s", strings.Join(left.Say(false), "; "))
}

// choose adds the wanted columns of those that are offered, and of elements of lists; all that are offered where wanted is nil.
func (r *Reader) choose(all *leaves, offered []leaf, wanted []string, opts Options) error {
	names, many := namesOf(offered), all.many()
	for _, name := range wanted {
		if slices.Contains(names, name) {
			continue
		}
		if k, i, ok := many.Element(name); ok {
			l := all.lists[k]
			l.element = i
			offered, names = append(offered, l), append(names, name)
		}
	}
	if err := column.Without(names, wanted, func(name string) error { return many.Unreadable(name, all.left) }); err != nil {
		return err
	}
	picked, err := column.Pick(names, wanted)
	if err != nil {
		return err
	}
	for _, i := range picked {
		l := offered[i]
		l.name = names[i]
		if err := r.use(l, opts); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) unit(l *leaf) string {
	if o.Unit == nil {
		return ""
	}
	return o.Unit(l.title)
}

// wanted is a source and the leaves that have its values, together those of the same lists; nil stands for none.
type wanted struct {
	*source
	leaves map[*source][]int // of Reader.picked
}

// use adds a column of events.
func (r *Reader) use(l leaf, opts Options) error {
	native := l.native()
	if l.values != nil && l.ends != nil && l.element >= 0 {
		native = column.Lacking(l.name, l.values.native, opts.Types)
	}
	if err := r.Chosen.Add(l.name, opts.unit(&l), native, opts.Types); err != nil {
		return err
	}
	k := len(r.picked)
	r.picked = append(r.picked, l)
	if l.shape == serial {
		return nil
	}
	if l.ends != nil && !slices.Contains(r.ends, l.ends) {
		r.ends = append(r.ends, l.ends)
	}
	if l.shape == count {
		return nil
	}
	i := slices.IndexFunc(r.values, func(v *wanted) bool { return v.source == l.values })
	if i < 0 {
		i = len(r.values)
		r.values = append(r.values, &wanted{l.values, make(map[*source][]int)})
	}
	v := r.values[i]
	v.leaves[l.ends] = append(v.leaves[l.ends], k)
	return nil
}

// Close closes the file, and gives back the memory of the pages that Read holds; of a reader that is dropped, the collector does.
func (r *Reader) Close() error {
	for _, s := range r.ends {
		s.forget()
	}
	for _, v := range r.values {
		v.forget()
	}
	return r.store.Close()
}

// Read returns the next events, or objects, at most n, and no part of a cluster behind whole ones. It holds a page of each column until
// Close.
func (r *Reader) Read(n int) ([]column.Column, error) {
	if r.Objects != nil {
		return r.ReadObjects(n, r.bearable(), r.expand)
	}
	n, err := r.Next(int64(n), r.bearable())
	if err != nil {
		return nil, err
	}
	parts := r.parts(n)
	ends, err := r.readEnds(parts)
	if err != nil {
		return nil, err
	}
	out, err := r.readValues(n, parts, ends)
	if err != nil {
		return nil, err
	}
	if err := r.Chosen.Settle(out, r.Row); err != nil {
		return nil, err
	}
	r.Row += int64(n)
	return out, nil
}

// bearable is how many events at once take no more memory than the file justifies, and little beside the pages that are held.
func (r *Reader) bearable() int64 {
	const (
		bytes  = 16 // a value, before and after its type is settled
		values = 1 << 19
		events = 1 << 12
	)
	per := int64(max(1, len(r.picked)))
	for _, s := range r.ends {
		per += s.per
	}
	return max(1, min(r.most()/(bytes*per), max(events, values/per)))
}

// part is events [from, to) of a cluster, of which the first is event at of a block.
type part struct {
	cluster  int
	from, to int64
	at       int
}

// parts are those of the next n events.
func (r *Reader) parts(n int) (all []part) {
	i, found := slices.BinarySearch(r.Borders, r.Row)
	if !found {
		i--
	}
	for at := 0; at < n; i++ {
		c := &r.clusters[i]
		p := part{cluster: i, from: r.Row + int64(at) - c.first, at: at}
		p.to = min(c.events, p.from+int64(n-at))
		all = append(all, p)
		at += int(p.to - p.from)
	}
	return all
}

// spans are, for each part of a block, the beginnings of the lists of a source, and then the end of the last.
type spans map[*source]map[part][]int64

// readEnds reads where the lists of parts of a block begin and end.
func (r *Reader) readEnds(parts []part) (spans, error) {
	all := make([]map[part][]int64, len(r.ends))
	err := r.workers.Each(len(r.ends), func(w *worker, i int) (err error) {
		all[i] = make(map[part][]int64, len(parts))
		for _, p := range parts {
			if all[i][p], err = r.span(w, r.ends[i], p); err != nil {
				return err
			}
		}
		return nil
	})
	ends := make(spans, len(r.ends))
	for i, s := range r.ends {
		ends[s] = all[i]
	}
	return ends, err
}

// readValues reads a block of n events, in the types of the file.
func (r *Reader) readValues(n int, parts []part, ends spans) ([]column.Column, error) {
	out := r.Chosen.Block(n)
	for k := range r.picked {
		switch l := &r.picked[k]; {
		case l.shape == count:
			l.lengths(out[k].I64, parts, ends)
		case l.whole():
			out[k] = out[k].Slice(0, 0)
		case l.shape == serial:
			for i := range out[k].I64 {
				out[k].I64[i] = r.Row + int64(i)
			}
		}
	}
	return out, r.workers.Each(len(r.values), func(w *worker, i int) error {
		for _, p := range parts {
			if err := r.fill(w, r.values[i], p, ends, out); err != nil {
				return err
			}
		}
		return nil
	})
}

// span reads the beginnings of the lists of a part, of which the first of each cluster begins at 0.
func (r *Reader) span(w *worker, s *source, p part) ([]int64, error) {
	first, end := p.from*s.per, p.to*s.per
	at := make([]int64, end-first+1)
	c := column.Column{Type: column.Int64, I64: at}
	if first--; first < 0 {
		first, c.I64 = 0, at[1:]
	}
	err := r.decode(w, s, p.cluster, first, c.Len(), 1, []target{{0, &c}})
	for i := 1; i < len(at) && err == nil; i++ {
		if at[i] < at[i-1] || at[0] < 0 {
			err = fmt.Errorf("%s has a list that ends before it begins", r.clusters[p.cluster].name())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the lengths of field %q: %w", r.schema.nodes[r.schema.columns[s.columns[0]].field].name, err)
	}
	return at, nil
}

// target is a column that takes the values offset, offset+stride, ... of a run.
type target struct {
	offset int64
	to     *column.Column
}

// decode decodes n rows of stride values each, from row first of a cluster on.
func (r *Reader) decode(w *worker, s *source, k int, first int64, n int, stride int64, targets []target) error {
	from, end := first*stride, (first+int64(n))*stride
	return r.visit(w, s, k, from, end, func(v run) error {
		for _, t := range targets {
			i := max(0, (v.first-from-t.offset+stride-1)/stride) // the first row whose value is in the run
			j := max(i, (v.end-from-t.offset+stride-1)/stride)
			if v.plain == nil || i == j { // columns begin as zeros
				continue
			}
			part := t.to.Slice(int(i), int(j))
			raw := v.plain[(from+i*stride+t.offset-v.first)*int64(v.number.Size):]
			if err := decode(v.number, &part, raw, int(stride)*v.number.Size, v.first); err != nil {
				return err
			}
		}
		return nil
	})
}

// decode decodes numbers, of which the first is value row of its cluster, to a column that holds other numbers too.
func decode(n column.Number, dst *column.Column, raw []byte, stride int, row int64) error {
	if n.Native() == dst.Type {
		n.Decode(dst, raw, stride)
		return nil
	}
	c := column.New(dst.Name, "", n.Native(), dst.Len())
	n.Decode(&c, raw, stride)
	c, err := column.Settle(c, dst.Type, row)
	copy(dst.F64, c.F64)
	copy(dst.I64, c.I64)
	copy(dst.U64, c.U64)
	return err
}
