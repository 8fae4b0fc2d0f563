package events

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// arrays is what a reader is whose files hold columns of several values an event, as many in every event.
type arrays interface{ Arrays() []column.Array }

// flatten opens a file for a row an object: of the array of that name, and of all others of as many objects.
func (f *format) flatten(file, key string, o Options) (column.Reader, error) {
	list, err := f.open(file, key, Options{})
	if err != nil {
		return nil, err
	}
	defer list.Close()
	r, err := newObjects(list, o)
	if err != nil {
		return nil, err
	}
	if r.Reader, err = f.open(file, key, Options{Columns: r.wanted, Types: r.types}); err != nil {
		return nil, err
	}
	for k, from := range r.from {
		if from != nil {
			c := r.Reader.Columns()[from[0]]
			r.columns[k].Type, r.columns[k].Unit, r.columns[k].Odd = c.Type, c.Unit, c.Odd
		}
	}
	return r, nil
}

// objects is a row for each of the objects that every event has, from a reader of the elements of arrays. Columns of the
// event that are asked for are repeated.
type objects struct {
	column.Reader
	per     int // objects of an event
	columns []Column
	from    [][]int // of each column the places of its values in a row of Reader: one for each object, one for all, none for the event
	ready   *Table  // not yet returned; nil: nothing
	row     int64   // objects made

	wanted []string // columns of Reader
	types  map[string]Type
}

// offered is a column that can be asked for.
type offered struct {
	name string
	from []string // see objects
}

// newObjects plans which elements to read.
func newObjects(list column.Reader, o Options) (*objects, error) {
	in, ok := list.(arrays)
	if !ok {
		return nil, errors.New("holds one value of a column an event")
	}
	of := in.Arrays()
	i := slices.IndexFunc(of, func(a column.Array) bool { return a.Group == o.Flatten || a.Name == o.Flatten })
	if i < 0 {
		var names []string
		for _, a := range of {
			if !slices.Contains(names, a.Group) {
				names = append(names, a.Group)
			}
		}
		if names == nil {
			return nil, errors.New("holds nothing to flatten: every column has one value an event")
		}
		return nil, fmt.Errorf("holds nothing to flatten as %q; there is %s", o.Flatten, strings.Join(names, ", "))
	}
	r := &objects{per: int(of[i].Dims[0]), types: map[string]Type{}}
	all := []offered{{name: "event"}}
	values := int64(0)
	for _, a := range of {
		if a.Dims[0] != int64(r.per) {
			continue
		}
		if values += a.Values(); values > mostValues {
			return nil, fmt.Errorf("holds %d values of %q and those beside it an event, and %d are the most to flatten", values, o.Flatten, mostValues)
		}
		all = append(all, r.columnsOf(&a)...)
	}
	own := len(all)
	for _, c := range list.Columns() {
		all = append(all, offered{c.Name, []string{c.Name}})
	}
	for _, name := range o.Columns {
		if slices.ContainsFunc(of, func(a column.Array) bool { _, is := a.Place(name); return is }) {
			all = append(all, offered{name, []string{name}})
		}
	}
	return r, r.choose(all, own, o)
}

// mostValues are those of an event that are flattened.
const mostValues = 1 << 18

// columnsOf are those of an object: the array itself, or name0, name1, ... where it has more dimensions.
func (r *objects) columnsOf(a *column.Array) []offered {
	width := int(a.Values()) / r.per
	all := make([]offered, width)
	for k := range all {
		all[k].name = a.Name
		if len(a.Dims) > 1 {
			all[k].name += fmt.Sprint(k)
		}
		for p := range r.per {
			all[k].from = append(all[k].from, a.Element(int64(p*width+k)))
		}
	}
	return all
}

// choose takes the wanted columns, the own of the objects where nothing is said.
func (r *objects) choose(all []offered, own int, o Options) error {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	names = column.Unique(names)
	if o.Columns == nil {
		o.Columns = names[:own]
	}
	picked, err := column.Pick(names, o.Columns)
	if err != nil {
		return err
	}
	place := map[string]int{}
	for _, i := range picked {
		c := Column{Name: names[i], Type: Int64}
		t, given := o.Types[c.Name]
		if given {
			c.Type = t
		}
		var from []int
		for _, name := range all[i].from {
			if _, has := place[name]; !has {
				place[name] = len(r.wanted)
				r.wanted = append(r.wanted, name)
			}
			if from = append(from, place[name]); given {
				r.types[name] = t
			}
		}
		r.columns, r.from = append(r.columns, c), append(r.from, from)
	}
	if len(r.wanted) == 0 { // the number of events matters all the same
		r.wanted = all[1].from[:1]
	}
	return nil
}

// Columns gives name, unit and type of each column.
func (r *objects) Columns() []Column { return r.columns }

// Rows is the number of objects.
func (r *objects) Rows() int64 { return r.Reader.Rows() * int64(r.per) }

// Read returns the next objects, at most n.
func (r *objects) Read(n int) ([]Column, error) {
	if r.ready == nil {
		if err := r.expand(max(1, n/r.per)); err != nil {
			return nil, err
		}
	}
	all := r.ready
	if r.ready = nil; n < all.Len() {
		r.ready = all.Slice(n, all.Len())
		all = all.Slice(0, n)
	}
	return all.Columns, nil
}

// expand makes the objects of the next n events.
func (r *objects) expand(n int) error {
	at, _ := r.Reader.Mark()
	block, err := r.Reader.Read(n)
	if err != nil {
		return err
	}
	n = block[0].Len()
	r.ready = &Table{}
	for k, c := range r.columns {
		out := column.New(c.Name, c.Unit, c.Type, n*r.per)
		if r.from[k] == nil {
			out = column.New(c.Name, "", Int64, n*r.per)
			for i := range out.I64 {
				out.I64[i] = at.Row + int64(i/r.per)
			}
			if out, err = column.Settle(out, c.Type, r.row); err != nil {
				return err
			}
		}
		for p := 0; r.from[k] != nil && p < r.per; p++ {
			of := &block[r.from[k][p%len(r.from[k])]]
			every(out.F32, of.F32, p, r.per)
			every(out.F64, of.F64, p, r.per)
			every(out.I64, of.I64, p, r.per)
			every(out.U64, of.U64, p, r.per)
			every(out.Str, of.Str, p, r.per)
		}
		r.ready.Columns = append(r.ready.Columns, out)
	}
	r.row += int64(n * r.per)
	return nil
}

// every puts values at place first, and step further each.
func every[T any](dst, values []T, first, step int) {
	for i, v := range values {
		dst[first+i*step] = v
	}
}

// Mark is the place of the next object: one of an event begins where all of it are still to come.
func (r *objects) Mark() (column.Mark, bool) {
	m, ok := r.Reader.Mark()
	return m, ok && r.ready == nil
}

// Seek goes on at a place that Mark gave.
func (r *objects) Seek(m column.Mark) error {
	r.ready, r.row = nil, m.Row*int64(r.per)
	return r.Reader.Seek(m)
}
