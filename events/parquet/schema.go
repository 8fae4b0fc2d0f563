package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// node is a leaf of a file, or a structure.
type node struct {
	*element
	inner []*node
	index int  // among the leaves; of a structure of the first that follows
	most  byte // the definition level where a value is there
}

func (n *node) leaf() bool { return n.physical.given }

func (n *node) repeated() bool { return n.repetition == some[int32](repeated) }

// schema makes the tree of the elements of a file.
type schema struct {
	left   []element
	leaves int
}

// tree is the root, and the number of leaves.
func tree(elements []element) (*node, int, error) {
	s := schema{left: elements}
	root, err := s.node(0, 0)
	if err == nil && len(s.left) > 0 {
		err = errors.New("damaged metadata: columns that belong to no structure")
	}
	return root, s.leaves, err
}

// node takes the next element, and those inside of it.
func (s *schema) node(depth int, most byte) (*node, error) {
	if len(s.left) == 0 {
		return nil, errors.New("damaged metadata: a structure with fewer members than it says")
	}
	if depth > 100 {
		return nil, errors.New("damaged metadata: structures 100 deep")
	}
	n := &node{element: &s.left[0], index: s.leaves, most: most}
	s.left = s.left[1:]
	if depth > 0 && n.repetition.given && n.repetition.v != required {
		n.most++
	}
	if n.leaf() {
		s.leaves++
		return n, nil
	}
	for range max(n.members.v, 0) {
		member, err := s.node(depth+1, n.most)
		if err != nil {
			return nil, err
		}
		n.inner = append(n.inner, member)
	}
	return n, nil
}

// flat are the columns of a file that have one value an event, members of structures too, and those that are left out.
type flat struct {
	names  []string
	leaves []leaf
	out    column.LeftOut
	index  []string // columns that are but the numbers of the rows
}

// add adds a column, or the members of a structure.
func (f *flat) add(n *node, name string, wanted []string) {
	switch {
	case n.repeated():
		f.out.Add("column", name, "is a list in every event")
	case n.leaf():
		f.leaf(n, name, wanted)
	case len(n.inner) == 0 || len(n.inner) == 1 && n.inner[0].repeated(): // a list, or a map
		f.out.Add("column", name, "is nested")
	default:
		for _, member := range n.inner {
			f.add(member, name+"."+strings.TrimSpace(member.name), wanted)
		}
	}
}

func (f *flat) leaf(n *node, name string, wanted []string) {
	k, why := kindOf(n.element)
	if slices.Contains(f.index, name) && !slices.Contains(wanted, name) {
		why = "is the index of a frame of pandas"
	}
	if why != "" {
		f.out.Add("column", name, why)
		return
	}
	f.names = append(f.names, name)
	f.leaves = append(f.leaves, leaf{kind: k, index: n.index, most: n.most})
}

// refused says why a wanted column cannot be had.
func (f *flat) refused(wanted []string) error {
	return column.Without(f.names, wanted, func(name string) error {
		if because := f.out.Because(name); because != nil {
			return fmt.Errorf("%w; only one value an event can be read", because)
		}
		return nil
	})
}

// index are the columns into which pandas put an index without a name.
func (m *metadata) index() (names []string) {
	var frame struct {
		Index []any `json:"index_columns"`
	}
	if json.Unmarshal([]byte(m.lookup("pandas")), &frame) != nil {
		return nil
	}
	for _, v := range frame.Index {
		if name, ok := v.(string); ok && strings.HasPrefix(name, "__index_level_") {
			names = append(names, name)
		}
	}
	return names
}
