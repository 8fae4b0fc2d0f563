package hdf5

import (
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

// mostObjects bounds what is listed of a file.
const mostObjects = 1 << 17

// node is a group or a data set.
type node struct {
	path     string // without a slash in front; "" for the root
	group    bool
	frame    string // what pandas calls the group: "frame", "frame_table"; "" for no frame
	children []*node
	parent   *node
	again    bool // it is listed under another name too

	dims    []int64
	class   int32  // of the type of its values
	complex bool   // they are structures of the members r and i
	size    int64  // bytes of one
	why     string // why it cannot be read
}

// base is the last part of the path.
func (n *node) base() string { return path.Base(n.path) }

// tree lists the objects of a file: data sets under each of their names, groups
// only where their first name is, so that links that lead back end.
type tree struct {
	l     *library
	file  int64
	seen  map[uint64]bool // by address
	count int
	left  *column.LeftOut
}

func (l *library) tree(file int64, left *column.LeftOut) (*node, error) {
	t := &tree{l: l, file: file, seen: map[uint64]bool{}, left: left}
	root := &node{group: true}
	var info [64]uint64 // H5O_info_t: the second word is the address
	if l.objectInfo != nil && l.objectInfo(file, unsafe.Pointer(&info)) >= 0 {
		t.seen[info[1]] = true
	}
	return root, t.walk(root, 0)
}

// walk lists the group n: its data sets and plain groups first, so that a set
// that is also part of a frame counts as a column of its own.
func (t *tree) walk(n *node, depth int) error {
	if depth > deepest {
		t.left.Add("group", n.path, fmt.Sprintf("is %d deep", depth))
		return nil
	}
	names, err := t.names(n)
	if err != nil {
		t.left.Add("group", n.path, err.Error())
	}
	var groups []*node
	for _, name := range names {
		child := &node{path: path.Join(n.path, name), parent: n}
		if strings.HasPrefix(name, "_i_") {
			if n.frame == "" {
				t.left.Add("group", child.path, "is an index of PyTables")
			}
			continue
		}
		ok, err := t.look(child)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		n.children = append(n.children, child)
		if child.group {
			groups = append(groups, child)
		}
	}
	slices.SortStableFunc(groups, func(a, b *node) int { return min(1, len(a.frame)) - min(1, len(b.frame)) })
	for _, g := range groups {
		if err := t.walk(g, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// names of the members of a group, in the order in which they were made where
// the file has it, else sorted.
func (t *tree) names(n *node) ([]string, error) {
	id := t.l.objectOpen(t.file, "/"+n.path, 0)
	if id < 0 {
		return nil, t.l.failed("cannot be opened")
	}
	defer t.l.objectClose(id)
	var info [8]uint64 // H5G_info_t: the second word is the number of links, the third their last number
	if t.l.groupInfo(id, unsafe.Pointer(&info)) < 0 {
		return nil, t.l.failed("cannot be read")
	}
	if info[1] > mostObjects {
		return nil, fmt.Errorf("claims %d members, and %d are the most", info[1], mostObjects)
	}
	const byName, byNumber, increasing = 0, 1, 0
	index := int32(byName)
	if info[2] > 0 {
		index = byNumber
	}
	var names []string
	for i := range info[1] {
		var name [1024]byte
		size := t.l.linkName(id, ".", index, increasing, i, unsafe.Pointer(&name), uintptr(len(name)), 0)
		if size < 0 {
			return names, t.l.failed("cannot be read to its end")
		}
		if size >= int64(len(name)) {
			t.left.Add("group", n.path, fmt.Sprintf("has a member whose name has %d bytes, number %d", size, i))
			continue
		}
		names = append(names, string(name[:size]))
	}
	return names, nil
}

// look finds out what n is; false where it is left out.
func (t *tree) look(n *node) (bool, error) {
	var info [8]uint64 // H5L_info_t: the kind of link first, the address fourth
	if t.l.linkInfo(t.file, n.path, unsafe.Pointer(&info), 0) < 0 {
		n.why = t.l.failed("cannot be read").Error()
		return true, nil
	}
	const hard = 0
	if int32(binary.NativeEndian.Uint32((*[4]byte)(unsafe.Pointer(&info))[:])) != hard {
		t.left.Add("name", n.path, "is a link to another name or file and not followed")
		return false, nil
	}
	if t.count++; t.count > mostObjects {
		return false, fmt.Errorf("holds more than %d objects", mostObjects)
	}
	n.again = t.seen[info[3]]
	t.seen[info[3]] = true
	id := t.l.objectOpen(t.file, n.path, 0)
	if id < 0 {
		n.why = t.l.failed("cannot be opened").Error()
		return true, nil
	}
	defer t.l.objectClose(id)
	const group, set = 2, 5 // H5I_type_t
	switch t.l.objectKind(id) {
	case group:
		n.group = true
		n.frame = t.l.one(id, "pandas_type")
		if n.again {
			t.left.Add("name", n.path, "is another one of a group that is listed")
			return false, nil
		}
	case set:
		t.shape(n, id)
	default: // a named type
		return false, nil
	}
	return true, nil
}

func (t *tree) shape(n *node, id int64) {
	space, kind := t.l.setSpace(id), t.l.setType(id)
	if space < 0 || kind < 0 {
		n.why = t.l.failed("has no readable shape and type").Error()
	} else {
		n.dims, n.class, n.size = t.l.lengths(space), t.l.typeClass(kind), int64(t.l.typeSize(kind))
		n.complex = n.class == classCompound && t.l.typeMembers(kind) == 2 && t.l.member(kind, 0) == "r" && t.l.member(kind, 1) == "i"
	}
	t.l.spaceClose(space)
	t.l.typeClose(kind)
}
