package root

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// cursor walks through big-endian bytes. The first error stays, and every value
// after it is 0, so that a caller checks once.
type cursor struct {
	buf []byte
	pos int
	err error

	// Of a record with references: the place of buf[0], counted from the
	// record's key as references are, and what was met so far.
	origin  int
	classes map[uint32]string
	objects map[uint32]any
	depth   int
}

var errShort = errors.New("ends in the middle of a value")

// take returns the next n bytes, or nil.
func (c *cursor) take(n int) []byte {
	if c.err == nil && (n < 0 || n > len(c.buf)-c.pos) {
		c.err = errShort
	}
	if c.err != nil {
		return nil
	}
	b := c.buf[c.pos : c.pos+n]
	c.pos += n
	return b
}

func (c *cursor) u8() uint8 {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) i32() int   { return int(int32(c.u32())) }
func (c *cursor) i64() int64 { return int64(c.u64()) }

// place is a position in the file: 4 bytes, or 8 in a record that is `big`.
func (c *cursor) place(big bool) int64 {
	if big {
		return c.i64()
	}
	return int64(c.i32())
}

// text is a string after its length: a byte, or 255 and four.
func (c *cursor) text() string {
	n := int(c.u8())
	if n == 255 {
		n = c.i32()
	}
	return string(c.take(n))
}

// i32s reads n integers, which must be there.
func (c *cursor) i32s(n int) []int32 {
	b := c.take(atMost(n, 4))
	if b == nil {
		return nil
	}
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(binary.BigEndian.Uint32(b[4*i:]))
	}
	return out
}

func (c *cursor) i64s(n int) []int64 {
	b := c.take(atMost(n, 8))
	if b == nil {
		return nil
	}
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(binary.BigEndian.Uint64(b[8*i:]))
	}
	return out
}

// atMost is n*size, or -1 where that overflows or n is negative.
func atMost(n, size int) int {
	if n < 0 || n > math.MaxInt32 {
		return -1
	}
	return n * size
}

// A byte count and a class tag carry these bits (TBufferFile.cxx).
const (
	byteCountBit = 0x40000000
	newClass     = 0xffffffff
	classBit     = 0x80000000
	mapOffset    = 2
)

// object enters a streamed object: its version, and where it ends.
func (c *cursor) object() (version, end int) {
	count := c.u32()
	end = c.pos + int(count&^byteCountBit)
	version = int(c.u16())
	if c.err == nil && (count&byteCountBit == 0 || end > len(c.buf) || end < c.pos) {
		c.fail("an object without a believable length")
	}
	return version, end
}

// leave goes to the end of an object, whatever of it was read.
func (c *cursor) leave(end int) {
	if c.err != nil {
		return
	}
	if c.pos > end {
		c.fail("an object is longer than it says")
		return
	}
	c.pos = end
}

// skip passes an object.
func (c *cursor) skip() {
	_, end := c.object()
	c.leave(end)
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// named reads a TNamed.
func (c *cursor) named() (name, title string) {
	_, end := c.object()
	c.base()
	name, title = c.text(), c.text()
	c.leave(end)
	return name, title
}

// base reads a TObject, of which nothing matters here.
func (c *cursor) base() {
	if c.u16()&(byteCountBit>>16) != 0 { // a byte count came first
		c.take(4)
	}
	c.take(4)
	const referenced = 1 << 4
	if bits := c.u32(); bits&referenced != 0 {
		c.take(2)
	}
}

// array reads a TObjArray with read for its objects.
func (c *cursor) array(read func(i int, class string) any) {
	version, end := c.object()
	if version > 2 {
		c.base()
	}
	if version > 1 {
		c.text()
	}
	n := c.i32()
	c.take(4)
	for i := 0; i < n && c.err == nil; i++ {
		c.pointer(func(class string) any { return read(i, class) })
	}
	c.leave(end)
}

// pointer reads an object that may be null, or one that came before. A new one
// is read by read, which may leave any of it unread.
func (c *cursor) pointer(read func(class string) any) any {
	const deepest = 50 // branches in branches; real files have a handful
	if c.depth++; c.depth > deepest {
		c.fail("objects are nested more than %d deep", deepest)
	}
	defer func() { c.depth-- }()
	begin := c.pos
	tag, end := c.u32(), -1
	tagAt := begin
	if tag&byteCountBit != 0 && tag != newClass {
		end = c.pos + int(tag&^byteCountBit)
		tagAt = c.pos
		tag = c.u32()
	}
	if c.err != nil || tag == 0 {
		return nil
	}
	if tag&classBit == 0 {
		if o, met := c.objects[tag]; met {
			return o
		}
		return unknown{}
	}
	if end < 0 || end > len(c.buf) {
		c.fail("an object without a believable length")
		return nil
	}
	var class string
	if tag == newClass {
		class = c.cString()
		c.classes[c.reference(tagAt)] = class
	} else if class = c.classes[tag&^classBit]; class == "" {
		c.fail("an object of a class that was not named before")
	}
	if c.err != nil {
		return nil
	}
	o := read(class)
	c.objects[c.reference(begin)] = o
	c.leave(end)
	return o
}

// unknown is what a pointer leads to that was not read.
type unknown struct{}

func (c *cursor) reference(pos int) uint32 { return uint32(pos + c.origin + mapOffset) }

// cString is the name of a class, ended by a zero.
func (c *cursor) cString() string {
	for i := c.pos; i < len(c.buf); i++ {
		if c.buf[i] == 0 {
			s := string(c.buf[c.pos:i])
			c.pos = i + 1
			return s
		}
	}
	c.fail("a class without a name")
	return ""
}
