package hdf5

import (
	"fmt"
	"strconv"
)

// source is where a column comes from: a field of a data set, and its column
// where that is a matrix.
type source struct {
	name, unit string
	set        *dataset
	field      int
	across     int64
	missing    string // a text that stands for no value
}

// sources lists the columns of a table.
func (r *Reader) sources(t *table) ([]source, error) {
	if t.frame != nil {
		return r.frameSources(t.frame)
	}
	var all []source
	for _, n := range t.sets {
		d, err := r.open(n.path)
		if err != nil {
			return nil, err
		}
		name := n.path
		if t.prefix != "" {
			name = name[len(t.prefix)+1:]
		}
		of, err := r.setSources(n, d, name, len(t.sets) == 1)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
		if len(all) > mostColumns {
			return nil, fmt.Errorf("has more than %d columns", mostColumns)
		}
	}
	return all, nil
}

// setSources lists the columns of a data set; only says that it is the whole table.
func (r *Reader) setSources(n *node, d *dataset, name string, only bool) ([]source, error) {
	switch {
	case n.structures() && only:
		return r.columnsOf(d, d.names("")), nil
	case n.structures():
		return r.columnsOf(d, d.names(name+"/")), nil
	case !n.matrix():
		return r.columnsOf(d, []string{name}), nil
	}
	names, err := r.columnNames(n, d)
	if only {
		name = "col"
	}
	for i := len(names); int64(i) < d.columns; i++ {
		names = append(names, name+strconv.Itoa(i))
	}
	return r.columnsOf(d, names), err
}

// names of its fields.
func (d *dataset) names(prefix string) []string {
	var all []string
	for _, f := range d.fields {
		all = append(all, prefix+f.name)
	}
	return all
}

// columnNames are those that a matrix's attribute holds, or a data set of texts
// beside it; nil where there are none.
func (r *Reader) columnNames(n *node, d *dataset) ([]string, error) {
	var given []string
	err := do(func(l *library) error {
		for _, name := range labelNames {
			if given = l.attribute(d.id, name); int64(len(given)) == d.columns {
				return nil
			}
		}
		given = nil
		return nil
	})
	if given != nil || err != nil || n.parent == nil {
		return given, err
	}
	if label := n.label(n.parent.labels()); label != nil {
		return r.texts(label.path)
	}
	return nil, nil
}

// columnsOf makes a column of each field of each of a data set's columns.
func (r *Reader) columnsOf(d *dataset, names []string) []source {
	var all []source
	for i, name := range names {
		s := source{name: name, set: d, field: i % len(d.fields), across: int64(i / len(d.fields))}
		if why := d.fields[s.field].why; why != "" {
			r.skip(name, why)
			continue
		}
		switch {
		case len(d.units) == len(names):
			s.unit = d.units[i]
		case len(d.units) == 1 && len(d.fields) == 1:
			s.unit = d.units[0]
		}
		all = append(all, s)
	}
	return all
}

func (r *Reader) skip(name, why string) {
	r.Left = append(r.Left, fmt.Sprintf("column %q %s", name, why))
}
