package rntuple

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// cursor walks through little-endian bytes. The first error stays, for all cursors of an envelope, and every value after it
// is 0, so that a caller checks once.
type cursor struct {
	buf []byte
	*failure
}

type failure struct{ err error }

func newCursor(b []byte) cursor { return cursor{b, new(failure)} }

var errShort = errors.New("ends in the middle of a value")

func (f *failure) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// take returns the next n bytes, or nil.
func (c *cursor) take(n uint64) []byte {
	if c.err == nil && n > uint64(len(c.buf)) {
		c.err = errShort
	}
	if c.err != nil {
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) i64() int64   { return int64(c.u64()) }
func (c *cursor) f64() float64 { return math.Float64frombits(c.u64()) }
func (c *cursor) text() string { return string(c.take(uint64(c.u32()))) }

// frame enters a frame: what is in it, and whether it is a list. Whatever of it stays unread is passed.
func (c *cursor) frame() (in cursor, list bool) {
	const head = 8
	size := c.i64()
	if list = size < 0; list {
		size = -size
	}
	if c.err == nil && size < head {
		c.fail("has a frame of %d bytes", size)
	}
	return cursor{c.take(uint64(size) - head), c.failure}, list
}

func (c *cursor) record() cursor {
	in, list := c.frame()
	if list {
		c.fail("has a list where a record is due")
	}
	return in
}

// list enters a list of n items, each of at least shortest bytes.
func (c *cursor) list(shortest int) (in cursor, n int) {
	in, list := c.frame()
	if !list {
		c.fail("has a record where a list is due")
	}
	claim := in.u32()
	if c.err == nil && uint64(claim)*uint64(shortest) > uint64(len(in.buf)) {
		c.fail("claims %d items in %d bytes", claim, len(in.buf))
	}
	if c.err != nil {
		return in, 0
	}
	return in, int(claim)
}

// place is where packed bytes lie in the file.
type place struct {
	at, length int64
	kind       uint8 // 0, or that of a storage other than a file
}

// locator reads where bytes lie: a length and a place, or after a negative length a kind and what it takes.
func (c *cursor) locator() place {
	const large = 1
	head := int32(c.u32())
	if head >= 0 {
		return place{at: c.i64(), length: int64(head)}
	}
	size, kind := uint64(head&0xffff), uint8(head>>24)&0x7f
	if size < 4 {
		c.fail("has a locator of %d bytes", size)
		return place{}
	}
	in := cursor{c.take(size - 4), c.failure}
	if kind == large {
		length := in.i64()
		return place{at: in.i64(), length: length}
	}
	return place{kind: kind}
}
