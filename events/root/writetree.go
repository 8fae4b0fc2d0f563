package root

import (
	"errors"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// outBranch is a branch being written.
type outBranch struct {
	column.Column               // name, unit and type
	size          int           // bytes a value; 0 for text
	longest       int           // text
	narrow        bool          // 32 bits
	tree          string        // its name
	place         int           // among the columns of a block
	counter       *outBranch    // of a column of many values an event, what counts them; else nil
	counts        bool          // the values of other branches
	most          int64         // that it counts
	waiting       column.Column // of such a column, values that are not yet in a basket

	values  []byte
	offsets []int // of events in values, where they differ in length

	// Of the baskets written, heads included.
	places           []int64
	lengths          []int32
	unpacked, packed int64 // bytes
}

// varies says whether events differ in length.
func (b *outBranch) varies() bool { return b.Type == column.Text || b.counter != nil }

// add appends values to the basket.
func (b *outBranch) add(c *column.Column) error {
	switch {
	case b.narrow:
		return b.addNarrow(c.I64)
	case c.Type != column.Text:
		b.values = c.Type.Number(true).Append(b.values, c)
	}
	for _, s := range c.Str {
		b.offsets = append(b.offsets, len(b.values))
		b.longest = max(b.longest, len(s))
		p := put{b: b.values}
		p.text(s)
		b.values = p.b
	}
	if len(b.values) > math.MaxInt32/4 {
		return errors.New("column \"" + b.Name + "\": its texts are too long for a basket")
	}
	return nil
}

// bufferSize is what a reader makes room for at first: ROOT's own default.
const bufferSize = 32000

// headSize is the length of a basket's head: a key and 19 bytes.
func (b *outBranch) headSize() int {
	return headLength("TBasket", b.Name, b.tree) + 19
}

// payload is a basket before packing: where events differ in length their beginnings follow.
func (b *outBranch) payload() []byte {
	if !b.varies() {
		return b.values
	}
	list := []int32{int32(len(b.offsets) + 1)}
	head := b.headSize()
	for _, at := range append(b.offsets, len(b.values)) {
		list = append(list, int32(at+head))
	}
	p := put{b: b.values}
	p.add(list)
	return p.b
}

// head is the head of the basket (TBasket.cxx) of events that is to lie at a place; the next one begins.
func (b *outBranch) head(at int64, events, packed int) []byte {
	k := key{class: "TBasket", name: b.Name, title: b.tree, at: at, head: b.headSize(), size: len(b.values)}
	perEvent := b.size
	if b.varies() {
		k.size += 4 * (events + 2)
		perEvent = events + 1 // entries in the list of beginnings
	}
	k.length = k.head + packed
	p := new(put)
	p.key(k)
	p.add(uint16(3), max(bufferSize, k.head+k.size), perEvent, events, k.head+len(b.values), uint8(0))
	b.places, b.lengths = append(b.places, at), append(b.lengths, int32(k.length))
	b.unpacked += int64(k.head + k.size)
	b.packed += int64(k.length)
	b.values, b.offsets = b.values[:0], b.offsets[:0]
	return p.b
}

// tree is the TTree (TTree.h, version 20).
func (w *Writer) tree() []byte {
	p := &put{origin: headLength("TTree", w.options.Tree, ""), classes: make(map[string]uint32)}
	var unpacked, packed int64
	for _, b := range w.branches {
		unpacked += b.unpacked
		packed += b.packed
	}
	p.object(20, func() {
		p.named(w.options.Tree, "")
		p.attributes()
		p.add(w.rows, unpacked, packed, packed, packed) // bytes: packed, saved, flushed
		p.add(float64(1))                               // weight
		p.add(0, 25, 0)                                 // timer, scan, update
		p.add(1000, 0)                                  // default length of the list of beginnings; clusters of another length
		p.add([]int64{1000000000000, 1000000000000, 0})
		p.add([]int64{-300000000, int64(w.clusters.Events), 1000000}) // save, in bytes; flush, in events; to estimate
		p.add(uint16(0))
		p.features()
		leaves := make([]uint32, len(w.branches))
		p.array(len(w.branches), func(i int) {
			p.pointer("TBranch", func() { leaves[i] = w.putBranch(p, w.branches[i], leaves) })
		})
		p.array(len(leaves), func(i int) { p.add(leaves[i]) })
		p.add(0)          // aliases
		p.add(0, 0)       // index values and index, an empty TArrayD and TArrayI
		p.add(0, 0, 0, 0) // tree index, friends, user's list, branch of references
	})
	return p.b
}

// attributes are those of what can be drawn: the colour, style and width of a line, the filling, the marker.
func (p *put) attributes() {
	p.object(2, func() { p.add([]uint16{602, 1, 1}) })
	p.fill()
	p.object(2, func() { p.add([]uint16{1, 1}, float32(1)) })
}

func (p *put) fill() { p.object(2, func() { p.add(uint16(0), uint16(1001)) }) }

// features is an empty ROOT::TIOFeatures, which goes by its checksum.
func (p *put) features() {
	p.object(0, func() { p.add(0x1aa12f10, uint8(0)) })
}

// leafTypes are how ROOT names the types, in titles and as classes.
var leafTypes = map[column.Type]struct {
	letter, class string
	unsigned      uint8
}{
	column.Float32: {"F", "TLeafF", 0}, column.Float64: {"D", "TLeafD", 0}, column.Int64: {"L", "TLeafL", 0},
	column.Uint64: {"l", "TLeafL", 1}, column.Text: {"C", "TLeafC", 0},
}

// leafType is how ROOT names that of a branch.
func (b *outBranch) leafType() (letter, class string, unsigned uint8) {
	if b.narrow {
		return "I", "TLeafI", 0
	}
	t := leafTypes[b.Type]
	return t.letter, t.class, t.unsigned
}

// putBranch writes a TBranch (TBranch.h, version 13) and returns the reference of its
// leaf; leaves are those of the branches before it.
func (w *Writer) putBranch(p *put, b *outBranch, leaves []uint32) (leaf uint32) {
	n := len(b.places)
	room := max(n+1, 10)
	beginnings := 0
	if b.varies() {
		beginnings = 1000
	}
	title, counter := b.Name, uint32(0)
	if b.counter != nil {
		title, counter = b.Name+"["+b.counter.Name+"]", leaves[slices.Index(w.branches, b.counter)]
	}
	letter, _, _ := b.leafType()
	p.object(13, func() {
		p.named(b.Name, titled(title+"/"+letter, b.Unit))
		p.fill()
		p.add(compression, bufferSize, beginnings, n, w.rows)
		p.features()
		p.add(0, room, 0, w.rows, int64(0), b.unpacked, b.packed)
		p.array(0, nil)
		p.array(1, func(int) { leaf = b.leaf(p, title, counter) })
		p.array(0, nil)
		p.add(uint8(1), b.lengths, make([]int32, room-n))
		p.add(uint8(1), w.firsts, w.rows, make([]int64, room-n-1))
		p.add(uint8(1), b.places, make([]int64, room-n), "")
	})
	return leaf
}

// leaf writes the leaf of the branch (TLeaf.h), whose values the leaf counter counts, if that is not 0, and returns its reference.
func (b *outBranch) leaf(p *put, title string, counter uint32) uint32 {
	length, size := 1, b.size
	if b.Type == column.Text {
		length, size = b.longest+1, 1
	}
	ranged := uint8(0)
	if b.counts {
		ranged = 1
	}
	_, class, unsigned := b.leafType()
	return p.pointer(class, func() {
		p.object(1, func() {
			p.object(2, func() {
				p.named(b.Name, title)
				p.add(length, size, 0, ranged, unsigned, counter)
			})
			switch { // the shortest and the longest; or the lowest and the highest value, 0 unless the leaf counts
			case b.Type == column.Text:
				p.add(0, length)
			case b.counts:
				p.add(0, int(b.most))
			default:
				p.add(make([]byte, 2*b.size))
			}
		})
	})
}
