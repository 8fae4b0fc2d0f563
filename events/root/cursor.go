package root

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"
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

// uint reads n bytes as a number.
func (c *cursor) uint(n int) (v uint64) {
	for _, b := range c.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (c *cursor) u8() uint8   { return uint8(c.uint(1)) }
func (c *cursor) u16() uint16 { return uint16(c.uint(2)) }
func (c *cursor) u32() uint32 { return uint32(c.uint(4)) }
func (c *cursor) i32() int    { return int(int32(c.u32())) }
func (c *cursor) i64() int64  { return int64(c.uint(8)) }

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

// integers reads n of them, which must be there.
func integers[T int32 | int64](c *cursor, n int) []T {
	size := int(unsafe.Sizeof(T(0)))
	b := c.take(atMost(n, size))
	out := make([]T, len(b)/size)
	for i := range out {
		if size == 4 {
			out[i] = T(binary.BigEndian.Uint32(b[4*i:]))
		} else {
			out[i] = T(binary.BigEndian.Uint64(b[8*i:]))
		}
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
	if c.pos > end {
		c.fail("an object is longer than it says")
	}
	if c.err == nil {
		c.pos = end
	}
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

// list reads a TObjArray with read for its new objects. In the place of others is nil.
func list[T any](c *cursor, read func(class string) *T) []*T {
	version, end := c.object()
	if version > 2 {
		c.base()
	}
	if version > 1 {
		c.text()
	}
	n := c.i32()
	c.take(4)
	var all []*T
	for i := 0; i < n && c.err == nil; i++ {
		all = append(all, nil)
		c.pointer(func(class string) any { all[i] = read(class); return all[i] })
	}
	c.leave(end)
	return all
}

// present are those of a list that are not nil.
func present[T any](all []*T) []*T {
	return slices.DeleteFunc(all, func(x *T) bool { return x == nil })
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
	name, _, ended := bytes.Cut(c.buf[c.pos:], []byte{0})
	if !ended {
		c.fail("a class without a name")
		return ""
	}
	c.pos += len(name) + 1
	return string(name)
}
