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
	if n.structures() {
		prefix := name + "/"
		if only {
			prefix = ""
		}
		return r.fieldSources(d, prefix, 0), nil
	}
	if !n.matrix() {
		return r.plainSources(d, []string{name}), nil
	}
	if only {
		name = "col"
	}
	names := make([]string, d.columns)
	for i := range names {
		names[i] = name + strconv.Itoa(i)
	}
	given, err := r.columnNames(n, d)
	if err != nil {
		return nil, err
	}
	if given != nil {
		names = given
	}
	return r.plainSources(d, names), nil
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

// plainSources makes a column of each of a data set's columns.
func (r *Reader) plainSources(d *dataset, names []string) []source {
	var all []source
	for i, name := range names {
		if why := d.fields[0].why; why != "" {
			r.skip(name, why)
			continue
		}
		s := source{name: name, set: d, across: int64(i)}
		switch len(d.units) {
		case 1:
			s.unit = d.units[0]
		case len(names):
			s.unit = d.units[i]
		}
		all = append(all, s)
	}
	return all
}

// fieldSources makes a column of each field of a structure, from the first one.
func (r *Reader) fieldSources(d *dataset, prefix string, first int) []source {
	var all []source
	for k := first; k < len(d.fields); k++ {
		f := &d.fields[k]
		if f.why != "" {
			r.skip(prefix+f.name, f.why)
			continue
		}
		s := source{name: prefix + f.name, set: d, field: k}
		if len(d.units) == len(d.fields) {
			s.unit = d.units[k]
		}
		all = append(all, s)
	}
	return all
}

func (r *Reader) skip(name, why string) {
	r.Left = append(r.Left, fmt.Sprintf("column %q %s", name, why))
}
