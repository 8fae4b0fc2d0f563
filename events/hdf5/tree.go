package hdf5

import (
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"unsafe"
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

	dims  []int64
	class int32  // of the type of its values
	why   string // why it cannot be read
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
	left  []string // what is left out, and why
}

func (l *library) tree(file int64) (*node, []string, error) {
	t := &tree{l: l, file: file, seen: map[uint64]bool{}}
	root := &node{group: true}
	var info [64]uint64 // H5O_info_t: the second word is the address
	if l.objectInfo != nil && l.objectInfo(file, unsafe.Pointer(&info)) >= 0 {
		t.seen[info[1]] = true
	}
	if err := t.walk(root, 0); err != nil {
		return nil, nil, err
	}
	return root, t.left, nil
}

// walk lists the group n: its data sets and plain groups first, so that a set
// that is also part of a frame counts as a column of its own.
func (t *tree) walk(n *node, depth int) error {
	if depth > deepest {
		_, err := t.leave("group %q is %d deep", n.path, depth)
		return err
	}
	names, err := t.names(n)
	if err != nil {
		return err
	}
	var groups []*node
	for _, name := range names {
		child := &node{path: path.Join(n.path, name), parent: n}
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
		return nil, t.l.failed(fmt.Sprintf("group %q cannot be opened", n.path))
	}
	defer t.l.objectClose(id)
	var info [8]uint64 // H5G_info_t: the second word is the number of links, the third their last number
	if t.l.groupInfo(id, unsafe.Pointer(&info)) < 0 {
		return nil, t.l.failed(fmt.Sprintf("group %q cannot be read", n.path))
	}
	if info[1] > mostObjects {
		return nil, fmt.Errorf("group %q claims %d members, and %d are the most", n.path, info[1], mostObjects)
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
			return nil, t.l.failed(fmt.Sprintf("group %q cannot be read", n.path))
		}
		if size >= int64(len(name)) {
			t.leave("member %d of group %q has a name of %d bytes", i, n.path, size)
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
		return false, t.l.failed(fmt.Sprintf("%q cannot be read", n.path))
	}
	const hard = 0
	if int32(binary.NativeEndian.Uint32((*[4]byte)(unsafe.Pointer(&info))[:])) != hard {
		return t.leave("%q is a link to another name or file and not followed", n.path)
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
			return t.leave("%q is another name of a group that is listed", n.path)
		}
	case set:
		t.shape(n, id)
	default: // a named type
		return false, nil
	}
	return true, nil
}

func (t *tree) leave(why string, args ...any) (bool, error) {
	t.left = append(t.left, fmt.Sprintf(why, args...))
	return false, nil
}

func (t *tree) shape(n *node, id int64) {
	space, kind := t.l.setSpace(id), t.l.setType(id)
	if space < 0 || kind < 0 {
		n.why = t.l.failed("has no readable shape and type").Error()
	} else {
		n.dims, n.class = t.l.lengths(space), t.l.typeClass(kind)
	}
	t.l.spaceClose(space)
	t.l.typeClose(kind)
}
