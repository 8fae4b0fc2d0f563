package root

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// field is what of a branch makes a column.
type field struct {
	name   string
	branch *branch
	number
	offset, stride int // of the value in an entry, and the length of an entry

	head    int    // bytes before them
	counter string // the leaf that counts them; "" for a vector
	element int    // the one wanted; -1: all
}

// jagged says whether an entry has any number of values.
func (f *field) jagged() bool { return f.branch != nil && f.branch.jagged }

// whole says whether all of them are wanted.
func (f *field) whole() bool { return f.jagged() && f.element < 0 }

// fields is what a tree offers.
type fields struct {
	flat    []field
	jagged  []field
	skipped []string
}

func (t *tree) fields() *fields {
	s := new(fields)
	for _, b := range t.branches {
		s.add(b, t.entries)
	}
	return s
}

func (s *fields) skip(name, why string) {
	s.skipped = append(s.skipped, fmt.Sprintf("column %q %s", name, why))
}

func (s *fields) add(b *branch, entries int64) {
	name := b.name
	if b.class != "" { // members are named `jets.`, and `fMatrix[3][3]`
		name, _, _ = strings.Cut(strings.TrimSuffix(name, "."), "[")
	}
	switch {
	case len(b.branches) > 0: // a split object: its members are the columns
		for _, m := range b.branches {
			s.add(m, entries)
		}
	case b.why != "":
		s.skip(name, b.why)
	case b.entries != entries:
		s.skip(name, fmt.Sprintf("holds %d of the tree's %d events", b.entries, entries))
	case len(b.leaves) == 0:
		s.skip(name, "holds no values")
	case b.class != "" && strings.HasPrefix(b.class, "vector<"):
		s.vector(b, name)
	case b.class != "" && b.kind != 0 && b.kind != 31 && b.kind != 41: // a member, or one of each object
		s.skip(name, fmt.Sprintf("holds objects (%s), which cannot be read", b.class))
	case len(b.leaves) == 1:
		s.one(b, name)
	default:
		s.several(b, name)
	}
}

func (s *fields) vector(b *branch, name string) {
	of := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(b.class, "vector<"), ">"))
	n, ok := plainType(of)
	if !ok || !b.hasOffsets {
		s.skip(name, fmt.Sprintf("holds objects (%s), which cannot be read", b.class))
		return
	}
	const head = 10 // length, version, number of values
	s.addJagged(field{name: name, branch: b, number: n, head: head})
}

func (s *fields) addJagged(f field) {
	f.branch.jagged, f.element = true, -1
	s.jagged = append(s.jagged, f)
}

// one adds the only leaf of a branch.
func (s *fields) one(b *branch, name string) {
	l := b.leaves[0]
	n, ok := leafNumber(l, b.member)
	each := b.kind == 31 || b.kind == 41
	switch {
	case !ok:
		what := b.class
		if what == "" || l.class != "TLeafElement" {
			what = l.class + " " + l.title
		}
		s.skip(name, fmt.Sprintf("holds objects (%s), which cannot be read", what))
	case n.decoder == nil:
		s.flat = append(s.flat, field{name: name, branch: b, number: n})
	case (l.counter != "" || each) && (l.length > 1 || l.counter == ""):
		s.skip(name, "holds any number of arrays an event, which cannot be read")
	case l.counter != "" && !b.hasOffsets:
		s.skip(name, "holds any number of values an event, and not where they begin")
	case l.counter != "":
		s.addJagged(field{name: name, branch: b, number: n, counter: l.counter})
	default:
		s.array(field{name: name, branch: b, number: n, stride: n.size * l.length}, l)
	}
}

// mostElements bounds the columns that one array makes, and mostColumns those of
// a tree: a few bytes can claim arrays of any length.
const (
	mostElements = 4096
	mostColumns  = 1 << 16
)

// array adds a column for every value of a leaf of fixed length.
func (s *fields) array(f field, l *leaf) {
	switch {
	case l.length == 1:
		s.flat = append(s.flat, f)
	case l.length > mostElements:
		s.skip(f.name, fmt.Sprintf("holds %d values an event, more than the %d that make columns", l.length, mostElements))
	case len(s.flat)+l.length > mostColumns:
		s.skip(f.name, fmt.Sprintf("is left out: there are more than %d columns", mostColumns))
	default:
		name, shape := f.name, shapeOf(l)
		for i := range l.length {
			f.name = name + indices(i, shape)
			s.flat = append(s.flat, f)
			f.offset += f.size
		}
	}
}

var dimension = regexp.MustCompile(`\[(\d+)\]`)

// shapeOf reads the dimensions of an array from its title, `x[2][3]`.
func shapeOf(l *leaf) []int {
	var shape []int
	product := 1
	for _, m := range dimension.FindAllStringSubmatch(l.title, 8) {
		n, _ := strconv.Atoi(m[1])
		shape = append(shape, n)
		product *= n
	}
	if product != l.length {
		return []int{l.length}
	}
	return shape
}

// indices spells the place of value i in an array, the last index running first.
func indices(i int, shape []int) string {
	var text string
	for k := len(shape) - 1; k >= 0; k-- {
		text = fmt.Sprintf("[%d]%s", i%shape[k], text)
		i /= shape[k]
	}
	return text
}

// several adds the leaves of a list, `x/F:y:n/I`, which lie one after the other.
func (s *fields) several(b *branch, name string) {
	offset := 0
	first := len(s.flat)
	for _, l := range b.leaves {
		n, ok := leafNumber(l, b.member)
		if !ok || n.decoder == nil || l.counter != "" || l.class == "TLeafElement" || l.length > mostElements {
			s.flat = s.flat[:first]
			s.skip(name, fmt.Sprintf("is a list of leaves with %s %q in it, which cannot be read", l.class, l.title))
			return
		}
		s.array(field{name: name + "." + l.name, branch: b, number: n, offset: offset}, l)
		offset += n.size * l.length
	}
	for i := range s.flat[first:] {
		s.flat[first+i].stride = offset
	}
}

// notes says what is left out, one line for all values that are counted together.
func (s *fields) notes() []string {
	notes := s.skipped
	order, groups := s.groups()
	for _, g := range order {
		names := groups[g]
		hold := "columns " + some(names) + " hold"
		if len(names) == 1 {
			hold = "column " + names[0] + " holds"
		}
		notes = append(notes, fmt.Sprintf("%s any number of values an event; name %s[0] for the first, or flatten %s", hold, names[0], g))
	}
	return notes
}

// groups are the names of the jagged columns by that of their group, which come in order.
func (s *fields) groups() (order []string, names map[string][]string) {
	names = make(map[string][]string)
	for i := range s.jagged {
		g := s.jagged[i].group()
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], s.jagged[i].name)
	}
	return order, names
}

// group is the name by which a jagged column is flattened: that of its counter
// without a leading n, or its own.
func (f *field) group() string {
	c := f.counter
	switch {
	case c == "":
		return f.name
	case len(c) > 1 && (c[0] == 'n' || c[0] == 'N') && c[1] >= 'A' && c[1] <= 'Z':
		return c[1:]
	}
	return strings.TrimSuffix(c, "_")
}

// refuse is the answer to a jagged column asked for as it is.
func (f *field) refuse() error {
	return fmt.Errorf("column %q holds any number of values an event; name %s[0] for the first, or flatten %s", f.name, f.name, f.group())
}

// native is the type of column that holds every value, a missing one included.
func (f *field) native() column.Type {
	switch {
	case f.decoder == nil:
		return column.Text
	case f.jagged() && f.element >= 0:
		return f.Native().WithMissing()
	}
	return f.Native()
}

var oneOf = regexp.MustCompile(`^([^\[]*)\[(\d{1,9})\]$`)

// elementOf finds `NAME[i]` among the jagged columns.
func (s *fields) elementOf(name string) (f field, ok bool) {
	m := oneOf.FindStringSubmatch(name)
	if m == nil {
		return f, false
	}
	i, _ := strconv.Atoi(m[2])
	for _, f := range s.jagged {
		if f.name == m[1] {
			f.name, f.element = name, i
			return f, true
		}
	}
	return f, false
}
