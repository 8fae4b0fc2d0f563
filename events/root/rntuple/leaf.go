package rntuple

import (
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// leaf is what of a field makes a column. Of an event, or of item i of its list, the value is number i*stride+offset of those
// of a source.
type leaf struct {
	name   string
	title  string
	shape  shape
	values *source
	ends   *source // of lists, optional values and texts
	at     spot
	item   spot // of the list in the event

	counter   string // of a list: what counts its values
	element   int    // of a list: the value that is wanted; -1: all
	projected bool
}

// shape is how many values of a leaf an event has.
type shape uint8

const (
	one      shape = iota
	optional       // none or one
	list           // any number
	count          // one: how many a list has
	text           // a string
	serial         // the number of the event, which is no value
)

// spot is where in a row of stride values something lies.
type spot struct{ stride, offset int64 }

// inside is the spot of value i of n of what lies at s.
func (s spot) inside(n, i int64) spot { return spot{s.stride * n, s.offset*n + i} }

// source is the column of a field, of which each cluster has one of several representations.
type source struct {
	columns []int // numbers of physical columns
	native  column.Type
	per     int64 // values an event; 0: as many as the lists have
	reading
}

// rows makes the values so many an event, or says why they are not.
func (s *source) rows(per int64) (why string) {
	if s.per != 0 && s.per != per {
		return fmt.Sprintf("shares values with a field that has %d of them an event, and not %d", s.per, per)
	}
	s.per = per
	return ""
}

// leaves is what an RNTuple offers.
type leaves struct {
	*schema
	flat    []leaf
	lists   []leaf
	left    column.LeftOut
	full    bool
	sources map[int]*source // by the first of their columns
	counted map[*source]string
}

// Bounds of what a few bytes can claim: the values of an array that make columns, the columns of a table, the depth of fields
// in fields, and the letters of a name.
const (
	mostElements = 4096
	mostColumns  = 1 << 16
	deepest      = 50
	longestName  = 1000
)

func (s *schema) leaves() *leaves {
	all := &leaves{schema: s, sources: make(map[int]*source), counted: make(map[*source]string)}
	for _, i := range s.top {
		all.add(i, leaf{name: s.nodes[i].name, at: spot{1, 0}, element: -1, projected: s.nodes[i].projected}, 0)
	}
	all.flat, all.lists = onceEach(all.flat), onceEach(all.lists)
	for i, name := range namesOf(all.lists) {
		l := &all.lists[i]
		if l.name = name; all.counted[l.ends] != "" {
			l.counter = all.counted[l.ends]
		}
	}
	return all
}

func namesOf(all []leaf) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	return column.Unique(names)
}

// onceEach drops leaves whose values another leaf has too, under the name that a projected field gives them.
func onceEach(all []leaf) []leaf {
	type values struct {
		values, ends *source
		at, item     spot
		shape        shape
	}
	of := func(l *leaf) values { return values{l.values, l.ends, l.at, l.item, l.shape} }
	projected := make(map[values]bool)
	for i := range all {
		if all[i].projected {
			projected[of(&all[i])] = true
		}
	}
	var once []leaf
	for i := range all {
		if all[i].projected || !projected[of(&all[i])] {
			once = append(once, all[i])
		}
	}
	return once
}

func (s *leaves) skip(name, format string, args ...any) {
	s.left.Add("column", name, fmt.Sprintf(format, args...))
}

// add adds what field i makes of columns; l is what is known of them from the fields it lies in.
func (s *leaves) add(i int, l leaf, depth int) {
	n := &s.nodes[i]
	if n.title != "" {
		l.title = n.title
	}
	switch {
	case s.full:
	case len(s.flat)+len(s.lists) >= mostColumns:
		s.full = true
		s.skip(l.name, "and what follows are left out: there are more than %d columns", mostColumns)
	case depth > deepest:
		s.skip(l.name, "lies more than %d fields deep", deepest)
	case len(l.name) > longestName:
		s.skip(l.name[:40]+"...", "has a name of %d letters", len(l.name))
	case n.role == roleRecord:
		s.record(n, l, depth)
	case n.role == roleCollection:
		s.collection(n, l, depth)
	case n.role == roleVariant:
		s.skip(l.name, "holds values of several types (%s), which cannot be read", n.typeName)
	case n.role == roleStreamer:
		s.skip(l.name, "holds objects (%s), which cannot be read", n.typeName)
	case n.role != roleLeaf:
		s.skip(l.name, "is of an unknown kind (%d)", n.role)
	case n.repeats > 0:
		s.array(n, l, depth)
	default:
		s.value(n, l, depth)
	}
}

// record adds the members of a structure, and those of its base classes, which are called :_0, :_1, ...
func (s *leaves) record(n *node, l leaf, depth int) {
	name := l.name
	for _, c := range n.children {
		if l.name = name + "." + s.nodes[c].name; strings.HasPrefix(s.nodes[c].name, ":") {
			l.name = name
		}
		s.add(c, l, depth+1)
	}
	if len(n.children) == 0 {
		s.skip(name, "is a structure without members")
	}
}

// collection adds what its items hold.
func (s *leaves) collection(n *node, l leaf, depth int) {
	ends, why := s.source(n, 0)
	switch {
	case why == "" && !s.columns[ends.columns[0]].ends || len(n.children) != 1:
		why = "is a list that does not say how long it is"
	case why == "" && l.ends != nil:
		why = "holds any number of lists an event, which cannot be read"
	}
	if why == "" {
		why = ends.rows(l.at.stride)
	}
	if why != "" {
		s.skip(l.name, "%s", why)
		return
	}
	l.ends, l.item, l.at = ends, l.at, spot{1, 0}
	l.shape = list
	if strings.HasPrefix(n.typeName, "std::optional<") || strings.HasPrefix(n.typeName, "std::unique_ptr<") {
		l.shape, l.element = optional, 0
	} else if s.nodes[n.children[0]].role == roleRecord {
		l.counter = l.name
	}
	s.add(n.children[0], l, depth+1)
}

// array adds a column for each value of a field of fixed length; bits have one column, other values are a field.
func (s *leaves) array(n *node, l leaf, depth int) {
	switch {
	case n.repeats > mostElements || int64(n.repeats)*l.at.stride > mostElements:
		s.skip(l.name, "holds %d values an event, more than the %d that make columns", n.repeats*uint64(l.at.stride), mostElements)
		return
	case l.shape == list:
		s.skip(l.name, "holds any number of arrays an event, which cannot be read")
		return
	}
	name, at, had, notes := l.name, l.at, len(s.flat)+len(s.lists), len(s.left)
	for i := range int64(n.repeats) {
		l.name, l.at = fmt.Sprintf("%s[%d]", name, i), at.inside(int64(n.repeats), i)
		if len(n.children) == 1 {
			s.add(n.children[0], l, depth+1)
		} else {
			s.value(n, l, depth)
		}
		if len(s.flat)+len(s.lists) == had { // as all others then
			for k := range s.left[notes:] {
				s.left[notes+k].Name = strings.Replace(s.left[notes+k].Name, l.name, name, 1)
			}
			return
		}
	}
}

// value adds a field without a structure.
func (s *leaves) value(n *node, l leaf, depth int) {
	if len(n.columns) == 0 && len(n.children) == 1 { // an atomic or an enumeration
		s.add(n.children[0], l, depth+1)
		return
	}
	values, why := s.source(n, 0)
	if why != "" {
		s.skip(l.name, "%s", why)
		return
	}
	ends := s.columns[values.columns[0]].ends
	if ends || l.ends == nil {
		if why := values.rows(l.at.stride); why != "" {
			s.skip(l.name, "%s", why)
			return
		}
	}
	switch {
	case ends && strings.HasPrefix(n.typeName, "ROOT::RNTupleCardinality<") && l.ends == nil:
		l.shape, l.ends, l.item = count, values, l.at
		if l.at.stride == 1 {
			s.counted[values] = l.name
		}
	case ends && n.typeName == "std::string" && l.ends == nil:
		l.shape, l.ends, l.item, l.at = text, values, l.at, spot{1, 0}
		if l.values, why = s.source(n, 1); why != "" {
			s.skip(l.name, "%s", why)
			return
		}
		s.flat = append(s.flat, l)
		return
	case ends:
		s.skip(l.name, "holds any number of values (%s), which cannot be read", n.typeName)
		return
	}
	l.values = values
	if l.shape == list {
		s.lists = append(s.lists, l)
	} else {
		s.flat = append(s.flat, l)
	}
}

// source is column k of a field, or why there is none.
func (s *leaves) source(n *node, k int) (src *source, why string) {
	src = new(source)
	for _, columns := range n.columns {
		if len(columns) <= k {
			return nil, "lacks a column of its values"
		}
		p := &s.columns[columns[k]]
		if !p.number.Known() || k > 0 && p.number.Size != 1 { // the second column is of letters
			return nil, fmt.Sprintf("holds values of type %d of %d bits, which are not known here", p.kind, p.bits)
		}
		t := p.number.Native()
		if len(src.columns) > 0 {
			t, _ = column.Common(src.native, t)
		}
		src.native = t
		src.columns = append(src.columns, columns[k])
	}
	if len(src.columns) == 0 {
		return nil, "holds no values"
	}
	if old := s.sources[src.columns[0]]; old != nil {
		return old, ""
	}
	s.sources[src.columns[0]] = src
	return src, ""
}

// native is the type of column that holds every value, a missing one included.
func (l *leaf) native() column.Type {
	switch {
	case l.shape == text:
		return column.Text
	case l.shape == count || l.shape == serial:
		return column.Int64
	case l.ends != nil && l.element >= 0:
		return l.values.native.WithMissing()
	}
	return l.values.native
}

// whole says whether all values of a list are wanted, a row each.
func (l *leaf) whole() bool { return l.shape == list && l.element < 0 }

// many are the lists for those who name them.
func (s *leaves) many() column.Jagged {
	all := make(column.Jagged, len(s.lists))
	for i := range s.lists {
		all[i] = column.Many{Name: s.lists[i].name, Counter: s.lists[i].counter}
	}
	return all
}
