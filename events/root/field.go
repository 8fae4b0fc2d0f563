package root

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/sluice-hep/sluice/events/column"
)

// field is what of a branch makes a column.
type field struct {
	name   string
	short  string // without the branches that it is in, which may stand for several
	full   string // with the outermost of them, as ROOT's full names have it
	branch *branch
	number
	offset, stride int // of the value in an entry, and the length of an entry

	head    int    // bytes before any number of values
	counter string // the leaf that counts them; "" for a vector
	element int    // the one wanted; -1: all
}

// jagged says whether an entry has any number of values.
func (f *field) jagged() bool { return f.branch != nil && f.branch.jagged }

// whole says whether all of them are wanted.
func (f *field) whole() bool { return f.jagged() && f.element < 0 }

// fields is what a tree offers.
type fields struct {
	layouts func() layouts
	flat    []field
	jagged  []field
	left    column.LeftOut
}

func (t *tree) fields(l func() layouts) *fields {
	s := &fields{layouts: l}
	for _, f := range named(t.branches) {
		s.add(f, t.entries)
	}
	return s
}

func (s *fields) skip(f field, format string, args ...any) {
	s.left.Add("column", f.name, fmt.Sprintf(format, args...))
}

// add adds what a branch offers, which is all of f so far.
func (s *fields) add(f field, entries int64) {
	b := f.branch
	var member *element
	class := b.class
	if class != "" {
		member = s.layouts().of(b)
	}
	if member != nil && member.class != "" {
		class = member.class
	}
	of := collection.FindStringSubmatch(class)
	each := b.kind == 31 || b.kind == 41
	switch {
	case b.why != "":
		s.skip(f, "%s", b.why)
	case b.entries != entries:
		s.skip(f, "holds %d of the tree's %d events", b.entries, entries)
	case len(b.leaves) == 0:
		s.skip(f, "holds no values")
	case of != nil && !each && b.hasOffsets:
		s.vector(f, of[1])
	case b.class != "" && b.kind != 0 && !each: // neither a member, nor one of each object
		s.skip(f, "holds objects (%s), which cannot be read", class)
	case len(b.leaves) == 1:
		s.one(f, member, class)
	default:
		s.several(f)
	}
}

// collection is a class of any number of plain values; all of these lie in files as a std::vector does.
var collection = regexp.MustCompile(`^(?:std::)?(?:vector|deque|list|set|multiset|unordered_set|(?:ROOT::(?:VecOps::|Internal::VecOps::)?)?RVec) *< *([a-zA-Z][^<>,]*[^<>, ]) *(?:,.*)?>$`)

func (s *fields) vector(f field, of string) {
	n, ok := plainType(of)
	if !ok {
		s.skip(f, "holds any number of objects (%s) an event, which cannot be read", of)
		return
	}
	f.number = n
	f.head = 10 // length, version, number of values
	s.addJagged(f)
}

func (s *fields) addJagged(f field) {
	f.branch.jagged, f.element = true, -1
	s.jagged = append(s.jagged, f)
}

// one adds the only leaf of a branch.
func (s *fields) one(f field, member *element, class string) {
	b := f.branch
	l := b.leaves[0]
	n, ok := leafNumber(l, b.member, member)
	f.number = n
	each := b.kind == 31 || b.kind == 41
	switch {
	case !ok && l.class == "TLeafElement" && b.member%20 >= 9 && b.member%10 == 9 && b.member < 40:
		s.skip(f, "holds a Double32_t or Float16_t, whose range the file does not describe")
	case !ok && l.class == "TLeafElement":
		s.skip(f, "holds objects (%s), which cannot be read", class)
	case !ok:
		s.skip(f, "holds objects (%s %s), which cannot be read", l.class, l.title)
	case n.decoder == nil:
		s.flat = append(s.flat, f)
	case (l.counter != "" || each) && (l.length > 1 || l.counter == ""):
		s.skip(f, "holds any number of arrays an event, which cannot be read")
	case l.counter != "" && !b.hasOffsets:
		s.skip(f, "holds any number of values an event, and not where they begin")
	case l.counter != "":
		f.counter = l.counter
		s.addJagged(f)
	default:
		f.stride = n.size * l.length
		s.array(f, l)
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
		s.skip(f, "holds %d values an event, more than the %d that make columns", l.length, mostElements)
	case len(s.flat)+l.length > mostColumns:
		s.skip(f, "is left out: there are more than %d columns", mostColumns)
	default:
		shape := shapeOf(l)
		for i := range l.length {
			s.flat = append(s.flat, f.part(indices(i, shape)))
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
func (s *fields) several(f field) {
	offset := 0
	first := len(s.flat)
	for _, l := range f.branch.leaves {
		n, ok := leafNumber(l, f.branch.member, nil)
		if !ok || n.decoder == nil || l.counter != "" || l.class == "TLeafElement" || l.length > mostElements {
			s.flat = s.flat[:first]
			s.skip(f, "is a list of leaves with %s %q in it, which cannot be read", l.class, l.title)
			return
		}
		g := f.part("." + l.name)
		g.number, g.offset = n, offset
		s.array(g, l)
		offset += n.size * l.length
	}
	for i := range s.flat[first:] {
		s.flat[first+i].stride = offset
	}
}

// leftOut is what makes no column of events.
func (s *fields) leftOut() column.LeftOut { return s.many().Leave(slices.Clone(s.left)) }

// many are the jagged columns, for those who name them.
func (s *fields) many() column.Jagged {
	all := make(column.Jagged, len(s.jagged))
	for i := range s.jagged {
		all[i] = column.Many{Name: s.jagged[i].name, Full: s.jagged[i].full, Counter: s.jagged[i].counter}
	}
	return all
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
