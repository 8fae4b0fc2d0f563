package root

import (
	"errors"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// outBranch is a branch being written.
type outBranch struct {
	name    string
	unit    string
	kind    column.Type
	size    int // bytes an event; 0 for text
	longest int // text

	values  []byte
	offsets []int // of texts in values
	count   int   // events in values

	entries, places []int64
	lengths         []int
	total           int64 // events
	unpacked        int64 // bytes, keys included
	packed          int64
}

func newBranch(c *column.Column) *outBranch {
	return &outBranch{name: c.Name, unit: c.Unit, kind: c.Type, size: c.Type.Number(true).Size}
}

// add appends values to the basket.
func (b *outBranch) add(c *column.Column) error {
	b.count += c.Len()
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
		return errors.New("column \"" + b.name + "\": its texts are too long for a basket")
	}
	return nil
}

// bufferSize is what a reader makes room for at first: ROOT's own default.
const bufferSize = 32000

// headSize is the length of a basket's head: a key and 19 bytes.
func (b *outBranch) headSize() int {
	return headLength("TBasket", b.name, treeName) + 19
}

// payload is a basket before packing: for text the beginnings follow.
func (b *outBranch) payload() []byte {
	if b.kind != column.Text {
		return b.values
	}
	head := b.headSize()
	p := put{b: b.values}
	p.i32(b.count + 1)
	for _, at := range b.offsets {
		p.i32(at + head)
	}
	p.i32(len(b.values) + head)
	return p.b
}

// head is the head of the basket (TBasket.cxx) that is to lie at a place.
func (b *outBranch) head(at int64, packed int) []byte {
	k := key{class: "TBasket", name: b.name, title: treeName, at: at, head: b.headSize(), size: len(b.values)}
	perEvent := b.size
	if b.kind == column.Text {
		k.size += 4 * (b.count + 2)
		perEvent = b.count + 1 // entries in the list of beginnings
	}
	k.length = k.head + packed
	p := new(put)
	p.key(k)
	p.u16(3)
	p.i32(max(bufferSize, k.head+k.size))
	p.i32(perEvent)
	p.i32(b.count)
	p.i32(k.head + len(b.values))
	p.u8(0)
	b.unpacked += int64(k.head + k.size)
	return p.b
}

// written notes where the basket lies, and begins the next.
func (b *outBranch) written(at int64, length int) {
	b.places = append(b.places, at)
	b.lengths = append(b.lengths, length)
	b.entries = append(b.entries, b.total)
	b.total += int64(b.count)
	b.packed += int64(length)
	b.values, b.offsets, b.count = b.values[:0], b.offsets[:0], 0
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
		p.object(2, func() { p.u16(602); p.u16(1); p.u16(1) }) // line: colour, style, width
		p.fill()
		p.object(2, func() { p.u16(1); p.u16(1); p.u32(math.Float32bits(1)) }) // marker
		p.i64(w.rows)
		p.i64(unpacked)
		p.i64(packed)
		p.i64(packed) // saved
		p.i64(packed) // flushed
		p.f64(1)      // weight
		p.i32(0)      // timer
		p.i32(25)     // scan
		p.i32(0)      // update
		p.i32(1000)   // default length of the list of beginnings
		p.i32(0)      // clusters of another length
		p.i64(1000000000000)
		p.i64(1000000000000)
		p.i64(0)
		p.i64(-300000000)               // save
		p.i64(int64(w.clusters.Events)) // flush, in events
		p.i64(1000000)
		p.u8(0)
		p.u8(0)
		p.features()
		leaves := make([]uint32, len(w.branches))
		p.array(len(w.branches), func(i int) {
			p.pointer("TBranch", func() { leaves[i] = w.branches[i].put(p) })
		})
		p.array(len(leaves), func(i int) { p.u32(leaves[i]) })
		p.u32(0) // aliases
		p.i32(0) // index values, an empty TArrayD
		p.i32(0) // index, an empty TArrayI
		for range 4 {
			p.u32(0) // tree index, friends, user's list, branch of references
		}
	})
	return p.b
}

func (p *put) fill() { p.object(2, func() { p.u16(0); p.u16(1001) }) }

// features is an empty ROOT::TIOFeatures, which goes by its checksum.
func (p *put) features() {
	p.object(0, func() {
		p.u32(0x1aa12f10)
		p.u8(0)
	})
}

// rootType is how ROOT names the type, in titles and as a class.
func (b *outBranch) rootType() (letter, class string) {
	switch b.kind {
	case column.Float32:
		return "F", "TLeafF"
	case column.Float64:
		return "D", "TLeafD"
	case column.Int64:
		return "L", "TLeafL"
	case column.Uint64:
		return "l", "TLeafL"
	}
	return "C", "TLeafC"
}

// put writes a TBranch (TBranch.h, version 13) and returns the reference of its
// leaf.
func (b *outBranch) put(p *put) (leaf uint32) {
	letter, _ := b.rootType()
	n := len(b.places)
	room := max(n+1, 10)
	beginnings := 0
	if b.kind == column.Text {
		beginnings = 1000
	}
	p.object(13, func() {
		p.named(b.name, titled(b.name+"/"+letter, b.unit))
		p.fill()
		p.i32(compression)
		p.i32(bufferSize)
		p.i32(beginnings)
		p.i32(n)
		p.i64(b.total)
		p.features()
		p.i32(0)
		p.i32(room)
		p.i32(0)
		p.i64(b.total)
		p.i64(0)
		p.i64(b.unpacked)
		p.i64(b.packed)
		p.array(0, nil)
		p.array(1, func(int) { leaf = b.leaf(p) })
		p.array(0, nil)
		p.u8(1)
		for _, v := range b.lengths {
			p.i32(v)
		}
		p.zeros(4 * (room - n))
		p.u8(1)
		for _, v := range b.entries {
			p.i64(v)
		}
		p.i64(b.total)
		p.zeros(8 * (room - n - 1))
		p.u8(1)
		for _, v := range b.places {
			p.i64(v)
		}
		p.zeros(8 * (room - n))
		p.text("")
	})
	return leaf
}

// leaf writes the leaf of the branch (TLeaf.h) and returns its reference.
func (b *outBranch) leaf(p *put) uint32 {
	_, class := b.rootType()
	length, size, unsigned := 1, b.size, uint8(0)
	if b.kind == column.Uint64 {
		unsigned = 1
	}
	if b.kind == column.Text {
		length, size = b.longest+1, 1
	}
	return p.pointer(class, func() {
		p.object(1, func() {
			p.object(2, func() {
				p.named(b.name, b.name)
				p.i32(length)
				p.i32(size)
				p.i32(0)
				p.u8(0)
				p.u8(unsigned)
				p.u32(0)
			})
			if b.kind == column.Text { // the shortest and the longest
				p.i32(0)
				p.i32(length)
			} else { // lowest and highest value, unless the leaf counts: 0
				p.zeros(2 * b.size)
			}
		})
	})
}
