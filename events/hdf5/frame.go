package hdf5

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// frameSources lists the columns of a frame of pandas (pandas/io/pytables.py).
func (r *Reader) frameSources(n *node) ([]source, error) {
	switch n.frame {
	case "frame":
		return r.fixedSources(n)
	case "frame_table":
		return r.tableSources(n)
	}
	return nil, fmt.Errorf("%q is a %q of pandas, and not a frame; save a DataFrame", n.path, n.frame)
}

// fixedSources lists the columns of a frame of format "fixed": blocks of columns
// of one type, each a matrix with a list of names beside it, and the order of
// all names in axis0.
func (r *Reader) fixedSources(n *node) ([]source, error) {
	var all []source
	for i := 0; ; i++ {
		values := n.child(fmt.Sprintf("block%d_values", i))
		items := n.child(fmt.Sprintf("block%d_items", i))
		if values != nil && items == nil {
			r.Left.Add("block", values.path, "has columns whose names are of several levels (a MultiIndex), which are not read; join them in pandas")
			continue
		}
		if values == nil {
			break
		}
		all = append(all, r.block(values, items)...)
	}
	if axis := n.child("axis0"); axis != nil {
		if order, err := r.texts(axis.path); err == nil {
			inOrder(all, order)
		}
	}
	return all, nil
}

// block lists the columns of one block.
func (r *Reader) block(values, items *node) []source {
	names, err := r.texts(items.path)
	if err != nil {
		r.Left.Add("block", values.path, err.Error())
		return nil
	}
	var d *dataset
	if !values.plain() || values.class == classVariable {
		err = errors.New("holds Python objects; save texts in a frame of format \"table\"")
	} else if d, err = r.open(values.path); err == nil && d.columns != int64(len(names)) {
		err = fmt.Errorf("is one of %d, and the block has %d", len(names), d.columns)
	}
	if err != nil {
		for _, name := range names {
			r.skip(name, err.Error())
		}
		return nil
	}
	all := r.columnsOf(d, names)
	if kind := r.one(d.id, "value_type"); kind != "" {
		for i := range all {
			all[i].gap = gapOf(kind)
		}
	}
	return all
}

// gapOf is the integer that stands for no value where pandas keeps values of that kind as integers; nil where there is none.
func gapOf(kind string) *int64 {
	none := int64(math.MinInt64)
	if strings.HasPrefix(kind, "datetime64") || strings.HasPrefix(kind, "timedelta64") {
		return &none
	}
	if none = -1; kind == "category" {
		return &none
	}
	return nil
}

// one is an attribute of a single value, "" where there is none.
func (r *Reader) one(object int64, name string) (value string) {
	_ = do(func(l *library) error {
		value = l.one(object, name)
		return nil
	})
	return value
}

// inOrder sorts columns as names has them; those that it lacks come last.
func inOrder(all []source, names []string) {
	place := make(map[string]int, len(names))
	for i, name := range names {
		place[name] = i + 1
	}
	of := func(s source) int {
		if i := place[s.name]; i > 0 {
			return i
		}
		return len(names) + 1
	}
	slices.SortStableFunc(all, func(a, b source) int { return of(a) - of(b) })
}

// tableSources lists the columns of a frame of format "table": one data set of
// structures, whose members are the index, blocks of columns of one type, and
// columns of their own.
func (r *Reader) tableSources(n *node) ([]source, error) {
	t := n.child("table")
	if t == nil || !t.structures() {
		return nil, fmt.Errorf("frame %q has no table", n.path)
	}
	d, err := r.open(t.path)
	if err != nil {
		return nil, fmt.Errorf("frame %q %w", n.path, err)
	}
	meta, err := r.tableMeta(n, d)
	if err != nil {
		return nil, err
	}
	all := r.columnsOf(d, []string{""})
	all = slices.DeleteFunc(all, func(s source) bool { return slices.Contains(meta.index, s.name) })
	for i := range all {
		all[i].missing, all[i].gap = meta.missing, meta.gaps[all[i].name]
		if name, ok := meta.names[all[i].name]; ok {
			all[i].name = name
		}
	}
	inOrder(all, meta.order)
	return all, nil
}

// tableMeta is what pandas notes about a frame of format "table".
type tableMeta struct {
	index   []string          // members that are the index
	names   map[string]string // of columns in blocks, by block and number
	order   []string          // of the columns
	missing string            // the text for no value
	gaps    map[string]*int64 // the integers for no value, by the member
}

func (r *Reader) tableMeta(n *node, d *dataset) (tableMeta, error) {
	m := tableMeta{names: map[string]string{}, missing: "nan", gaps: map[string]*int64{}}
	err := do(func(l *library) error {
		id := l.objectOpen(r.file, n.path, 0)
		if id < 0 {
			return l.failed(fmt.Sprintf("frame %q cannot be opened", n.path))
		}
		defer l.objectClose(id)
		m.index = indexNames(l.one(id, "index_cols"))
		m.order = axisNames(l.one(id, "non_index_axes"))
		if missing := l.one(id, "nan_rep"); missing != "" {
			m.missing = missing
		}
		gap := func(member string) *int64 {
			if none := gapOf(l.one(d.id, member+"_meta")); none != nil {
				return none
			}
			return gapOf(l.one(d.id, member+"_dtype"))
		}
		for _, f := range d.fields {
			m.gaps[f.name] = gap(f.name)
		}
		for i := 0; ; i++ {
			block := "values_block_" + strconv.Itoa(i)
			kind := l.one(d.id, block+"_kind")
			if kind == "" {
				return nil
			}
			// Names that are no texts, such as numbers of NumPy, stay unread:
			// their columns are called by block and number.
			names := spelled(unpickle(kind))
			for k, name := range names {
				m.names[block+strconv.Itoa(k)], m.gaps[block+strconv.Itoa(k)] = name, gap(block)
			}
			if len(names) == 1 {
				m.names[block] = names[0]
			}
		}
	})
	return m, err
}

// indexNames are the members of the index: the list holds pairs of a number and a name.
func indexNames(pickled string) []string {
	names := []string{"index"}
	for _, p := range items(unpickle(pickled)) {
		if pair := items(p); len(pair) == 2 {
			if name, ok := pair[1].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// axisNames are the columns: the list holds one pair of the axis and its names.
func axisNames(pickled string) []string {
	if axes := items(unpickle(pickled)); len(axes) == 1 {
		if pair := items(axes[0]); len(pair) == 2 {
			return spelled(pair[1])
		}
	}
	return nil
}

// child finds a member of the group.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.path == path.Join(n.path, name) {
			return c
		}
	}
	return nil
}
