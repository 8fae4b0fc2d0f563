package root

import (
	"errors"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// outBranch is a branch being written.
type outBranch struct {
	column.Column     // name, unit and type
	size          int // bytes an event; 0 for text
	longest       int // text

	values  []byte
	offsets []int // of texts in values

	// Of the baskets written, heads included.
	places           []int64
	lengths          []int
	unpacked, packed int64 // bytes
}

func newBranch(c *column.Column) *outBranch {
	return &outBranch{Column: c.Slice(0, 0), size: c.Type.Number(true).Size}
}

// add appends values to the basket.
func (b *outBranch) add(c *column.Column) error {
	if c.Type != column.Text {
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
	return headLength("TBasket", b.Name, treeName) + 19
}

// payload is a basket before packing: for text the beginnings follow.
func (b *outBranch) payload() []byte {
	if b.Type != column.Text {
		return b.values
	}
	head := b.headSize()
	p := put{b: b.values}
	p.i32(len(b.offsets) + 1)
	for _, at := range append(b.offsets, len(b.values)) {
		p.i32(at + head)
	}
	return p.b
}

// basket is the record (TBasket.cxx) of events that is to lie at a place; the next one begins.
func (b *outBranch) basket(at int64, events int, packed []byte) []byte {
	k := key{class: "TBasket", name: b.Name, title: treeName, at: at, head: b.headSize(), size: len(b.values)}
	perEvent := b.size
	if b.Type == column.Text {
		k.size += 4 * (events + 2)
		perEvent = events + 1 // entries in the list of beginnings
	}
	k.length = k.head + len(packed)
	p := new(put)
	p.key(k)
	p.u16(3)
	p.i32(max(bufferSize, k.head+k.size), perEvent, events, k.head+len(b.values))
	p.u8(0)
	b.places, b.lengths = append(b.places, at), append(b.lengths, k.length)
	b.unpacked += int64(k.head + k.size)
	b.packed += int64(k.length)
	b.values, b.offsets = b.values[:0], b.offsets[:0]
	return append(p.b, packed...)
}

// tree is the TTree (TTree.h, version 20).
func (w *Writer) tree() []byte {
	p := &put{origin: headLength("TTree", treeName, ""), classes: make(map[string]uint32)}
	var unpacked, packed int64
	for _, b := range w.branches {
		unpacked += b.unpacked
		packed += b.packed
	}
	p.object(20, func() {
		p.named(treeName, "")
		p.object(2, func() { p.u16(602, 1, 1) }) // line: colour, style, width
		p.fill()
		p.object(2, func() { p.u16(1, 1); p.u32(math.Float32bits(1)) }) // marker
		p.i64(w.rows, unpacked, packed, packed, packed)                 // bytes: packed, saved, flushed
		p.i64(int64(math.Float64bits(1)))                               // weight
		p.i32(0, 25, 0)                                                 // timer, scan, update
		p.i32(1000, 0)                                                  // default length of the list of beginnings; clusters of another length
		p.i64(1000000000000, 1000000000000, 0)
		p.i64(-300000000, int64(w.clusters.Events), 1000000) // save, in bytes; flush, in events; to estimate
		p.zeros(2)
		p.features()
		leaves := make([]uint32, len(w.branches))
		p.array(len(w.branches), func(i int) {
			p.pointer("TBranch", func() { leaves[i] = w.putBranch(p, w.branches[i]) })
		})
		p.array(len(leaves), func(i int) { p.u32(leaves[i]) })
		p.i32(0)          // aliases
		p.i32(0, 0)       // index values and index, an empty TArrayD and TArrayI
		p.i32(0, 0, 0, 0) // tree index, friends, user's list, branch of references
	})
	return p.b
}

func (p *put) fill() { p.object(2, func() { p.u16(0, 1001) }) }

// features is an empty ROOT::TIOFeatures, which goes by its checksum.
func (p *put) features() {
	p.object(0, func() { p.u32(0x1aa12f10); p.u8(0) })
}

// leafTypes are how ROOT names the types, in titles and as classes.
var leafTypes = map[column.Type]struct{ letter, class string }{
	column.Float32: {"F", "TLeafF"}, column.Float64: {"D", "TLeafD"}, column.Int64: {"L", "TLeafL"},
	column.Uint64: {"l", "TLeafL"}, column.Text: {"C", "TLeafC"},
}

// putBranch writes a TBranch (TBranch.h, version 13) and returns the reference of its
// leaf.
func (w *Writer) putBranch(p *put, b *outBranch) (leaf uint32) {
	n := len(b.places)
	room := max(n+1, 10)
	beginnings := 0
	if b.Type == column.Text {
		beginnings = 1000
	}
	p.object(13, func() {
		p.named(b.Name, titled(b.Name+"/"+leafTypes[b.Type].letter, b.Unit))
		p.fill()
		p.i32(compression, bufferSize, beginnings, n)
		p.i64(w.rows)
		p.features()
		p.i32(0, room, 0)
		p.i64(w.rows, 0, b.unpacked, b.packed)
		p.array(0, nil)
		p.array(1, func(int) { leaf = b.leaf(p) })
		p.array(0, nil)
		p.u8(1)
		p.i32(b.lengths...)
		p.zeros(4 * (room - n))
		p.u8(1)
		p.i64(append(w.firsts, w.rows)...)
		p.zeros(8 * (room - n - 1))
		p.u8(1)
		p.i64(b.places...)
		p.zeros(8 * (room - n))
		p.text("")
	})
	return leaf
}

// leaf writes the leaf of the branch (TLeaf.h) and returns its reference.
func (b *outBranch) leaf(p *put) uint32 {
	length, size, unsigned := 1, b.size, uint8(0)
	if b.Type == column.Uint64 {
		unsigned = 1
	}
	if b.Type == column.Text {
		length, size = b.longest+1, 1
	}
	return p.pointer(leafTypes[b.Type].class, func() {
		p.object(1, func() {
			p.object(2, func() {
				p.named(b.Name, b.Name)
				p.i32(length, size, 0)
				p.u8(0)
				p.u8(unsigned)
				p.u32(0)
			})
			if b.Type == column.Text { // the shortest and the longest
				p.i32(0, length)
			} else { // lowest and highest value, unless the leaf counts: 0
				p.zeros(2 * b.size)
			}
		})
	})
}
