package root

import (
	"errors"
	"fmt"
)

// tree is the description of a TTree: its branches, and where their values lie.
type tree struct {
	entries  int64
	bytes    int64 // of all values, unpacked, as the file has it
	branches []*branch
}

// branch is a TBranch or TBranchElement.
type branch struct {
	name, title string
	why         string // it cannot be read; "" where it can
	entries     int64
	hasOffsets  bool // baskets end with the places of their entries
	jagged      bool // which differ in length
	baskets     []basket
	leaves      []*leaf
	branches    []*branch

	// Of a TBranchElement: the class, or the type of a plain member.
	class            string
	version          int
	checksum         uint32
	id, kind, member int
}

// leaf is a TLeaf: a value, or several, in every entry of its branch.
type leaf struct {
	class       string
	name, title string
	length      int // values an entry
	unsigned    bool
	counter     string // the leaf that counts its values; "" where their number is fixed
}

// basket is a run of entries that lie together.
type basket struct {
	first, end int64
	at         int64 // of its record
	length     int

	embedded *values // in the tree's own record
}

// readTree reads the description of a tree.
func (f *file) readTree(k *key, l func() layouts) (*tree, error) {
	raw, err := f.record(k)
	if err != nil {
		return nil, err
	}
	c := objectsIn(raw, k.head)
	end := len(raw)
	if k.class != "TTree" { // TNtuple is a TTree and some more
		_, end = c.object()
	}
	t := c.tree(l)
	c.leave(end)
	switch c.err {
	case nil:
		return t, nil
	case errShort:
		return nil, errors.New("its description is cut short")
	}
	return nil, fmt.Errorf("its description: %w", c.err)
}

// tree reads a TTree as far as its branches (TTree.h).
func (c *cursor) tree(l func() layouts) *tree {
	version, end := c.object()
	t := new(tree)
	if version >= 16 {
		t.entries, t.bytes = c.treeHead(version)
	} else {
		t.entries, t.bytes = c.extent(l()[byVersion("TTree", version)])
	}
	t.branches = present(list(c, c.branch))
	c.leave(end)
	if c.err == nil && t.entries < 0 {
		c.fail("%d events", t.entries)
	}
	return t
}

// treeHead reads what precedes the branches in versions that have not changed since, also in files that were not closed
// and so describe nothing. It returns the number of events and of their bytes.
func (c *cursor) treeHead(version int) (events, bytes int64) {
	since := func(first, length int) int { // of what came with version first
		if version < first {
			return 0
		}
		return length
	}
	for range 4 { // name, line, fill, marker
		c.skip()
	}
	events, bytes = c.i64(), c.i64()
	c.take(2*8 + since(18, 8))                   // other sizes
	c.take(8)                                    // weight: of a whole tree, for drawing; no column of weights
	c.take(3*4 + since(17, 4))                   // timer, scan, update, default length of offsets
	clusters := int(int32(c.uint(since(19, 4)))) // of another length
	c.take(4*8 + since(18, 8) + 8)               // limits
	c.take(since(19, 2) + 2*atMost(clusters, 8)) // the clusters
	if version >= 20 {
		c.skip() // features
	}
	return events, bytes
}

// branch reads a branch of any class.
func (c *cursor) branch(class string) *branch {
	b := new(branch)
	switch class {
	case "TBranch":
		c.plainBranch(b)
	case "TBranchElement":
		c.elementBranch(b)
	case "TBranchObject":
		c.object()
		c.plainBranch(b)
		b.why = "holds objects, which cannot be read"
	default:
		b.name, b.why = class, "is a branch that cannot be read"
	}
	return b
}

// plainBranch reads a TBranch (TBranch.h; before version 10 TBranch.cxx, whose Streamer still knows how Geant4 writes).
func (c *cursor) plainBranch(b *branch) {
	version, end := c.object()
	if version < 6 {
		c.fail("branches of version %d, written by a ROOT before 3; write them again with a newer one", version)
		return
	}
	old := version < 10 // counts are of type double, or 4 bytes, as are places
	count := c.i64
	if old {
		count = func() int64 { return int64(c.f64()) }
	}
	b.name, b.title = c.named()
	if version > 7 {
		c.skip() // fill
	}
	c.take(2 * 4) // codec, size
	b.hasOffsets = c.i32() > 0
	written := c.i32()
	c.take(4)
	if !old {
		c.take(4)
	}
	if version >= 13 {
		c.skip() // features
	}
	c.take(4)
	room := c.i32()
	if version > 6 {
		c.take(4)
	}
	b.entries = count()
	if version >= 11 {
		if first := c.i64(); first != 0 {
			b.why = fmt.Sprintf("begins at event %d", first)
		}
	}
	c.take(2 * 8)
	b.branches = present(list(c, c.branch))
	b.leaves = present(list(c, c.leaf))
	inside := list(c, c.embedded)
	lengths := c.numbers(room, false)
	entries := c.numbers(room, !old)
	places := c.numbers(room, !old)
	if other := c.text(); other != "" {
		b.why = fmt.Sprintf("keeps its values in another file (%s)", other)
	}
	c.leave(end)
	if c.err == nil && !b.list(written, lengths, entries, places, inside) && b.why == "" {
		b.why = "has a list of baskets that does not add up"
	}
}

// numbers reads n numbers of 4 bytes, or 8 if they are long or say so.
func (c *cursor) numbers(n int, long bool) []int64 {
	if kind := c.u8(); long || kind == 2 {
		return integers[int64](c, n)
	}
	var all []int64
	for _, v := range integers[int32](c, n) {
		all = append(all, int64(v))
	}
	return all
}

// list makes the list of baskets, and says whether each follows on the other.
func (b *branch) list(written int, lengths, entries, places []int64, inside []*values) bool {
	if b.entries < 0 || written < 0 || written > len(entries) {
		return false
	}
	next := int64(0)
	for i := 0; i < len(entries) && i <= written && next < b.entries; i++ {
		k := basket{first: entries[i], end: b.entries, at: places[i], length: int(lengths[i])}
		if i < len(inside) {
			k.embedded = inside[i]
		}
		if i < written && i+1 < len(entries) {
			k.end = entries[i+1]
		}
		if k.first != next || k.end < k.first || k.end > b.entries {
			return false
		}
		if k.end > k.first {
			b.baskets = append(b.baskets, k)
		}
		next = k.end
	}
	return next == b.entries
}

// elementBranch reads a TBranchElement (TBranchElement.h).
func (c *cursor) elementBranch(b *branch) {
	version, end := c.object()
	c.plainBranch(b)
	b.class = c.text()
	if version > 1 {
		c.text()
		c.text()
		b.checksum = c.u32()
	}
	if version < 10 {
		b.version = c.i32()
	} else {
		b.version = int(int16(c.u16()))
	}
	b.id, b.kind, b.member = c.i32(), c.i32(), c.i32()
	c.leave(end)
}

// leaf reads a leaf of any class, all of which begin with a TLeaf (TLeaf.h).
func (c *cursor) leaf(class string) *leaf {
	l := &leaf{class: class}
	c.object()
	_, end := c.object()
	l.name, l.title = c.named()
	l.length = max(1, c.i32())
	c.take(2 * 4)
	c.take(1)
	l.unsigned = c.u8() != 0
	switch by := c.pointer(func(class string) any { return c.leaf(class) }).(type) {
	case nil:
	case *leaf:
		l.counter = by.name
	default:
		c.fail("a leaf counted by what is no leaf")
	}
	c.leave(end)
	return l
}

// basketHead reads what follows the key of a basket (TBasket.cxx): the number of its entries, and where their values end.
func (c *cursor) basketHead() (version uint16, entries, last int) {
	version = c.u16()
	c.take(4)
	if c.i32() < 0 {
		c.take(1) // features
	}
	return version, c.i32(), c.i32()
}

// embedded reads a basket in place; nil where its record lies elsewhere.
func (c *cursor) embedded(class string) *values {
	if class != "TBasket" {
		return nil
	}
	k := c.anyKey()
	version, n, last := c.basketHead()
	flag := int(c.u8())
	e := new(values)
	if flag < 80 && flag != 0 && flag%10 != 2 && n > 0 {
		e.offsets = integers[int32](c, c.i32())
		if flag > 20 && flag < 40 {
			for i := range e.offsets {
				e.offsets[i] &= 0xffffff // the rest are displacements
			}
		}
		if flag > 40 {
			c.take(atMost(c.i32(), 4))
		}
	}
	if flag != 1 && flag <= 10 {
		return nil
	}
	if version <= 1 {
		last = c.i32()
	}
	e.bytes = c.take(last)
	if c.err != nil || k.head > len(e.bytes) {
		c.fail("a basket shorter than its head")
		return nil
	}
	e.bytes = e.bytes[k.head:]
	e.behind(k.head)
	return e
}
