package hdf5

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// table is what one key names: data sets that make one table of events.
type table struct {
	key    string
	rows   int64
	sets   []*node // of columns and arrays, or one of structures and arrays
	frame  *node   // or a frame of pandas
	prefix string  // group whose name the names of columns do not repeat
}

func (t *table) String() string {
	if t.frame != nil {
		return fmt.Sprintf("%s (a pandas frame%s)", t.key, t.frame.events())
	}
	return fmt.Sprintf("%s (%d events)", t.key, t.rows)
}

// events says how many events a frame has, where that is plain.
func (n *node) events() string {
	for _, c := range n.children {
		if name := c.base(); name == "table" && len(c.dims) == 1 || strings.HasSuffix(name, "_values") && len(c.dims) == 2 {
			return fmt.Sprintf(" of %d events", c.dims[0])
		}
	}
	return ""
}

// bytes is the size of the table.
func (t *table) bytes() int64 {
	if t.frame != nil {
		return t.frame.bytes()
	}
	sum := int64(0)
	for _, n := range t.sets {
		sum += n.bytes()
	}
	return sum
}

// bytes is the size of the values in a data set or group.
func (n *node) bytes() int64 {
	sum := int64(0)
	if len(n.dims) > 0 {
		sum = n.dims[0] * n.width() * n.size
	}
	for _, c := range n.children {
		sum += c.bytes()
	}
	return sum
}

// width is how many values an event has.
func (n *node) width() int64 {
	width := int64(1)
	for _, d := range n.dims[1:] {
		width *= d
	}
	return width
}

// readable tells whether the data set may be some columns.
func (n *node) readable() bool { return !n.group && n.why == "" && len(n.dims) > 0 }

// plain tells whether the data set can be a column or a matrix.
func (n *node) plain() bool {
	return n.readable() && len(n.dims) <= 2 && (n.class != classCompound || n.complex)
}

// structures tells whether the data set is a list of structures.
func (n *node) structures() bool {
	return n.readable() && n.class == classCompound && !n.complex && n.width() == 1
}

// array tells whether an event has several objects in the data set: structures, or rows of numbers.
func (n *node) array() bool { return n.readable() && !n.plain() && !n.structures() }

func (n *node) matrix() bool { return n.plain() && len(n.dims) == 2 && n.dims[1] != 1 }

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

// names are the labels that name columns of matrices in the group n.
func (n *node) names() []*node {
	labels := n.labels()
	var used []*node // at most one a name in labelNames
	for _, c := range n.children {
		if c.matrix() {
			if found := c.label(labels); found != nil && !slices.Contains(used, found) {
				used = append(used, found)
			}
		}
	}
	return used
}

// columns lists the plain data sets and arrays below n that are no names of columns and
// belong to no frame.
func (n *node) columns(all []*node) []*node {
	used := n.names()
	for _, c := range n.children {
		switch {
		case c.group && c.frame == "":
			all = c.columns(all)
		case (c.plain() || c.array()) && !slices.Contains(used, c):
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
	more := n.more()
	sets := slices.DeleteFunc(n.columns(nil), func(c *node) bool { return c.parent == n && c.array() && more[c.dims[0]] != nil })
	joined := n.oneTable(sets)
	if joined {
		all = append(all, newTable(n, ofOneLength(sets)))
	}
	for _, c := range n.children {
		switch {
		case c.structures():
			all = append(all, newTable(c, append([]*node{c}, more[c.dims[0]]...)))
		case c.group && !joined:
			all = c.tables(all)
		case c.group:
			all = c.special(all)
		}
	}
	if joined {
		return all
	}
	// Not one table: the columns of this group itself are one, and so is each matrix of several.
	own := slices.DeleteFunc(sets, func(c *node) bool { return c.parent != n })
	var columns *table
	if n.oneTable(own) {
		columns = newTable(n, ofOneLength(own))
		all = append(all, columns)
	}
	for _, c := range own {
		if columns == nil || c.dims[0] != columns.rows {
			all = append(all, newTable(c, []*node{c}))
		}
	}
	return all
}

// more are arrays in n that have more of the same events as structures beside them, by the number of these.
func (n *node) more() map[int64][]*node {
	structures, plain := map[int64]bool{}, map[int64]bool{}
	for _, c := range n.children {
		switch {
		case c.structures():
			structures[c.dims[0]] = true
		case c.plain():
			plain[c.dims[0]] = true
		}
	}
	more := map[int64][]*node{}
	for _, c := range n.children {
		if c.array() && structures[c.dims[0]] && !plain[c.dims[0]] {
			more[c.dims[0]] = append(more[c.dims[0]], c)
		}
	}
	return more
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

// oneTable tells whether sets are plainly columns of one table: all in one group, with
// one matrix at most, or simple columns of one length.
func (n *node) oneTable(sets []*node) bool {
	own, matrices, arrays := 0, 0, 0
	for _, c := range sets {
		switch {
		case c.matrix():
			matrices++
		case c.array():
			arrays++
		}
		if c.parent == n {
			own++
		}
	}
	plain := matrices+arrays == 0 && len(ofOneLength(sets)) == len(sets)
	return len(sets) > 0 && (plain || own == len(sets) && matrices <= 1)
}

// ofOneLength are those of sets that make a table; see [column.Length].
func ofOneLength(sets []*node) []*node {
	var rows, columns []int64
	for _, c := range sets {
		width := c.width()
		if c.matrix() && width > mostColumns || width > mostValues { // which cannot be read
			width = 0
		}
		rows, columns = append(rows, c.dims[0]), append(columns, width)
	}
	length := column.Length(rows, columns)
	return slices.DeleteFunc(slices.Clone(sets), func(c *node) bool { return c.dims[0] != length })
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

// pick finds the table of a key, or the only one, and notes in left what else there is below the key.
func pick(root *node, key string, left *column.LeftOut) (*table, error) {
	all := root.tables(nil)
	slices.SortStableFunc(all, func(a, b *table) int { return cmp.Compare(b.bytes(), a.bytes()) })
	trimmed := strings.Trim(key, "/")
	n := root.find(trimmed)
	i := slices.IndexFunc(all, func(t *table) bool { return strings.Trim(t.key, "/") == trimmed })
	switch {
	case key == "" && (len(all) == 1 || len(all) > 1 && all[0].bytes() > 0 && all[1].bytes() == 0): // empty ones are no choice
		i = 0
	case key == "" && len(all) > 1:
		return nil, fmt.Errorf("holds %d tables; name one, as in file.h5:%s; there are %s", len(all), all[0].key, list(all))
	case key == "":
		(&table{}).others(root, left)
		return nil, fmt.Errorf("holds no table: %s", strings.Join(append(left.Say(false), "no data set whose first dimension counts events"), "; "))
	case i >= 0:
	case n == nil:
		return nil, fmt.Errorf("holds no %q; there is %s", key, list(all))
	case n.why != "":
		return nil, fmt.Errorf("data set %q %s", key, n.why)
	case n.readable():
		return newTable(n, []*node{n}), nil
	case !n.group:
		return nil, fmt.Errorf("data set %q has 0 dimensions, and the first of a table counts events", key)
	case n.frame != "": // another face of data sets that are listed
		return &table{key: n.path, frame: n}, nil
	default:
		return n.pick(key, all, left)
	}
	if n == nil || key == "" {
		n = root
	}
	all[i].others(n, left)
	return all[i], nil
}

// pick is the table that the group n is when it is named.
func (n *node) pick(key string, all []*table, left *column.LeftOut) (*table, error) {
	sets := n.columns(nil)
	if len(sets) == 0 {
		if inside := n.tables(nil); len(inside) == 1 {
			return inside[0], nil
		}
		return nil, fmt.Errorf("group %q holds no table by itself; there is %s", key, list(all))
	}
	t := newTable(n, ofOneLength(sets))
	t.others(n, left)
	return t, nil
}

const alone = "is a table of its own; name it, as in file.h5:NAME"

// others notes what is below n and not in the table.
func (t *table) others(n *node, left *column.LeftOut) {
	mine := map[*node]bool{t.frame: true}
	for _, c := range slices.Concat(t.sets, n.names()) {
		mine[c] = true
	}
	for _, c := range n.children {
		switch {
		case mine[n] || mine[c]:
		case c.why != "":
			left.Add("data set", c.path, c.why)
		case c.frame != "":
			if len(c.tables(nil)) > 0 {
				left.Add("frame", c.path, alone)
			}
		case c.group:
			t.others(c, left)
		case len(c.dims) == 0:
			left.Add("data set", c.path, "is a single value or none")
		case c.dims[0] != t.rows:
			left.Add("data set", c.path, fmt.Sprintf("has %d events and the table %d; name it alone, as in file.h5:NAME", c.dims[0], t.rows))
		default:
			left.Add("data set", c.path, alone)
		}
	}
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
