package hdf5

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// table is what one key names: data sets that make one table of events.
type table struct {
	key    string
	rows   int64
	sets   []*node // data sets of one or two dimensions, or one of structures
	frame  *node   // or a frame of pandas
	prefix string  // group whose name the names of columns do not repeat
}

func (t *table) String() string {
	if t.frame != nil {
		return fmt.Sprintf("%s (a pandas frame)", t.key)
	}
	return fmt.Sprintf("%s (%d events)", t.key, t.rows)
}

// plain tells whether the data set can be a column or a matrix.
func (n *node) plain() bool {
	return !n.group && n.why == "" && (len(n.dims) == 1 || len(n.dims) == 2) && n.class != classCompound
}

// structures tells whether the data set is a list of structures.
func (n *node) structures() bool {
	return !n.group && n.why == "" && n.class == classCompound && (len(n.dims) == 1 || len(n.dims) == 2 && n.dims[1] == 1)
}

func (n *node) matrix() bool { return len(n.dims) == 2 && n.dims[1] != 1 }

// labelNames are what a data set of the names of a matrix's columns is called.
var labelNames = []string{"columns", "column_names", "names", "feature_names", "features"}

// labels finds, among the members of the group n, those that may be names of
// the columns of a matrix.
func (n *node) labels() []*node {
	var all []*node
	for _, c := range n.children {
		if c.plain() && c.class == classString && len(c.dims) == 1 && slices.Contains(labelNames, c.base()) {
			all = append(all, c)
		}
	}
	return all
}

// label is the one of them that fits.
func (n *node) label(labels []*node) *node {
	for _, c := range labels {
		if c.dims[0] == n.dims[1] {
			return c
		}
	}
	return nil
}

// columns lists the plain data sets below n that are no names of columns and
// belong to no frame.
func (n *node) columns(all []*node) []*node {
	labels := n.labels()
	var used []*node // at most one a name in labelNames
	for _, c := range n.children {
		if c.plain() && c.matrix() {
			if found := c.label(labels); found != nil && !slices.Contains(used, found) {
				used = append(used, found)
			}
		}
	}
	for _, c := range n.children {
		switch {
		case c.group && c.frame == "":
			all = c.columns(all)
		case c.plain() && !slices.Contains(used, c):
			all = append(all, c)
		}
	}
	return all
}

// tables lists the tables below n.
func (n *node) tables(all []*table) []*table {
	if first := n.child("block0_values"); n.frame == "frame" && first != nil && first.again {
		return all // another face of data sets that are listed already
	}
	if n.frame != "" {
		return append(all, &table{key: n.path, frame: n})
	}
	sets := n.columns(nil)
	joined := len(sets) > 0 && n.oneTable(sets)
	if joined {
		all = append(all, newTable(n, sets))
	}
	for _, c := range n.children {
		switch {
		case c.structures():
			all = append(all, newTable(c, []*node{c}))
		case c.group && !joined:
			all = c.tables(all)
		case c.group:
			all = c.special(all)
		}
	}
	if joined {
		return all
	}
	// Not all are of one length: each matrix is a table, and so are the columns
	// of this group itself.
	var own []*node
	for _, c := range sets {
		switch {
		case c.parent != n:
		case c.matrix():
			all = append(all, newTable(c, []*node{c}))
		default:
			own = append(own, c)
		}
	}
	if len(own) > 0 && sameLength(own) == nil {
		return append(all, newTable(n, own))
	}
	for _, c := range own {
		all = append(all, newTable(c, []*node{c}))
	}
	return all
}

// special lists the frames and structures below n.
func (n *node) special(all []*table) []*table {
	for _, t := range n.tables(nil) {
		if t.frame != nil || t.sets[0].structures() {
			all = append(all, t)
		}
	}
	return all
}

// oneTable tells whether sets are plainly columns of one table: of one length,
// and if there is a matrix, one only and all in one group.
func (n *node) oneTable(sets []*node) bool {
	if sameLength(sets) != nil {
		return false
	}
	matrices, own := 0, 0
	for _, c := range sets {
		if c.matrix() {
			matrices++
		}
		if c.parent == n {
			own++
		}
	}
	return matrices == 0 || matrices == 1 && own == len(sets)
}

func sameLength(sets []*node) error {
	for _, c := range sets {
		if c.dims[0] != sets[0].dims[0] {
			return fmt.Errorf("%q has %d events and %q has %d; name one, as in file.h5:%s",
				sets[0].path, sets[0].dims[0], c.path, c.dims[0], c.path)
		}
	}
	return nil
}

// newTable is the table of sets below at, which is a group or the only set.
func newTable(at *node, sets []*node) *table {
	if len(sets) == 1 {
		at = sets[0]
	}
	t := &table{key: at.path, sets: sets, rows: sets[0].dims[0], prefix: at.path}
	if !at.group {
		t.prefix, _ = cutLast(at.path)
	}
	// events/pt, events/eta: the key is events, the columns are pt, eta.
	within := func(c *node) bool {
		return c.group && !slices.ContainsFunc(sets, func(s *node) bool { return !strings.HasPrefix(s.path, c.path+"/") })
	}
	for i := slices.IndexFunc(at.children, within); i >= 0; i = slices.IndexFunc(at.children, within) {
		at = at.children[i]
		t.key, t.prefix = at.path, at.path
	}
	if t.key == "" {
		t.key = "/"
	}
	return t
}

func cutLast(path string) (group, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

// pick finds the table of a key, or the only one.
func pick(root *node, key string) (*table, error) {
	all := root.tables(nil)
	if key == "" {
		switch len(all) {
		case 0:
			return nil, errors.New("holds no table: no data set of one or two dimensions, and no frame")
		case 1:
			return all[0], nil
		}
		return nil, fmt.Errorf("holds %d tables; name one, as in file.h5:%s; there are %s", len(all), all[0].key, list(all))
	}
	trimmed := strings.Trim(key, "/")
	for _, t := range all {
		if strings.Trim(t.key, "/") == trimmed {
			return t, nil
		}
	}
	n := root.find(trimmed)
	switch {
	case n == nil:
		return nil, fmt.Errorf("holds no %q; there is %s", key, list(all))
	case n.why != "":
		return nil, fmt.Errorf("data set %q %s", key, n.why)
	case n.plain() || n.structures():
		return newTable(n, []*node{n}), nil
	case !n.group:
		return nil, fmt.Errorf("data set %q has %d dimensions, and a table has 1 or 2", key, len(n.dims))
	case n.frame != "": // another face of data sets that are listed
		return &table{key: n.path, frame: n}, nil
	}
	sets := n.columns(nil)
	if len(sets) == 0 {
		if inside := n.tables(nil); len(inside) == 1 {
			return inside[0], nil
		}
		return nil, fmt.Errorf("group %q holds no table by itself; there is %s", key, list(all))
	}
	if err := sameLength(sets); err != nil {
		return nil, fmt.Errorf("group %q is no table: %w", key, err)
	}
	return newTable(n, sets), nil
}

func list(all []*table) string {
	const most = 20 // a line, not a page
	names := make([]string, 0, most+1)
	for _, t := range all[:min(most, len(all))] {
		names = append(names, t.String())
	}
	if len(all) > most {
		names = append(names, fmt.Sprintf("%d more", len(all)-most))
	}
	if len(all) == 0 {
		return "no table"
	}
	return strings.Join(names, ", ")
}

// find the object of that path.
func (n *node) find(path string) *node {
	if n.path == path {
		return n
	}
	for _, c := range n.children {
		if found := c.find(path); found != nil {
			return found
		}
	}
	return nil
}
