package hdf5

import (
	"fmt"
	"strconv"

	"github.com/sluice-hep/sluice/events/column"
)

// source is where a column comes from: a field of one of the values that an event has in a data set.
type source struct {
	name, unit string
	set        *dataset
	field      int
	across     int64
	missing    string // a text that stands for no value
	gap        *int64 // an integer that does
}

// sources lists the columns of a table. What cannot be read is left out, for its neighbours' sake.
func (r *Reader) sources(t *table) (all []source, err error) {
	if t.frame != nil {
		return r.frameSources(t.frame)
	}
	for _, n := range t.sets {
		name := n.path
		if t.prefix != "" {
			name = name[len(t.prefix)+1:]
		}
		d, err := r.open(n.path)
		if err != nil {
			r.skip(name, err.Error())
			continue
		}
		all = append(all, r.setSources(n, d, name, len(t.sets) == 1)...)
		if len(all) > mostColumns {
			return nil, fmt.Errorf("has more than %d columns", mostColumns)
		}
	}
	return all, nil
}

// setSources lists the columns of a data set; only says that it is the whole table.
func (r *Reader) setSources(n *node, d *dataset, name string, only bool) []source {
	switch {
	case n.array():
		r.array(n, d, name)
		return nil
	case n.structures():
		return r.columnsOf(d, []string{""})
	case n.complex && only && !n.matrix():
		return r.columnsOf(d, []string{""})
	case !n.matrix():
		return r.columnsOf(d, []string{n.stem(name)})
	}
	names := r.columnNames(n, d)
	stem := name
	if only {
		stem = "col"
	}
	if names == nil && n.class != classCompound && len(d.fields) == 1 && d.fields[0].why == "" {
		r.Many = append(r.Many, column.Array{Name: name, Group: name, Dims: d.dims, Stem: stem})
		r.many = append(r.many, source{})
	}
	for i := len(names); int64(i) < d.columns; i++ {
		names = append(names, n.stem(stem+strconv.Itoa(i)))
	}
	return r.columnsOf(d, names)
}

// stem of the names of the columns that a value in a data set of that name makes.
func (n *node) stem(name string) string {
	if n.class == classCompound {
		return name + "/"
	}
	return name
}

// array notes the columns of a data set that have several values an event.
func (r *Reader) array(n *node, d *dataset, name string) {
	if d.columns == 0 {
		r.skip(name, "has no values")
		return
	}
	for _, s := range r.columnsOf(d, []string{n.stem(name)}) {
		r.Many = append(r.Many, column.Array{Name: s.name, Group: name, Dims: d.dims})
		r.many = append(r.many, s)
	}
}

// elements adds those of arrays that are wanted; see [column.Head].
func (r *Reader) elements(all []source, wanted []string) []source {
	for _, e := range r.Elements(wanted, len(all) == 0) {
		s := r.many[e.Array]
		s.name, s.across = e.Name, e.Place
		all = append(all, s)
	}
	return all
}

// columnNames are those that a matrix's attribute holds, or a data set of texts
// beside it; nil where there are none.
func (r *Reader) columnNames(n *node, d *dataset) []string {
	var given []string
	fits := func() bool { return int64(len(given)) == d.columns }
	err := do(func(l *library) error {
		for i := 0; i < len(labelNames) && !fits(); i++ {
			given = l.attribute(d.id, labelNames[i])
		}
		return nil
	})
	if label := n.label(n.parent.labels()); err == nil && !fits() && label != nil {
		if given, err = r.texts(label.path); err != nil {
			r.Left.Add("data set", label.path, err.Error())
		}
	}
	if !fits() {
		return nil
	}
	return given
}

// columnsOf makes a column of each field of each of the values of an event that are named.
func (r *Reader) columnsOf(d *dataset, names []string) []source {
	var all []source
	for i, name := range names {
		for k, f := range d.fields {
			s := source{name: name + f.name, set: d, field: k, across: int64(i)}
			if f.why != "" {
				r.skip(s.name, f.why)
				continue
			}
			switch {
			case len(d.units) == len(names)*len(d.fields):
				s.unit = d.units[i*len(d.fields)+k]
			case len(d.units) == 1 && len(d.fields) == 1:
				s.unit = d.units[0]
			}
			all = append(all, s)
		}
	}
	return all
}

func (r *Reader) skip(name, why string) { r.Left.Add("column", name, why) }

// missing says whether a column of integers may have missing values.
func (r *Reader) missing(s source, types map[string]column.Type) (some bool, odd string, err error) {
	if s.gap == nil {
		return false, "", nil
	}
	inner, gap := r.inside(), *s.gap
	s.gap = nil
	if err := inner.choose([]source{s}, Options{}); err != nil {
		return false, "", err
	}
	return column.MayMiss(s.name, types, inner.Read, gap)
}
