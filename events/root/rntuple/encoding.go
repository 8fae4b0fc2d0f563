package rntuple

import (
	"encoding/binary"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// encoding is how a column spells values.
type encoding struct {
	bits   int                                 // of a value in a page; 0: any
	number column.Number                       // of the values made plain, little-endian; unknown where it cannot be read
	whole  func(dst, src []byte, p *physical)  // makes plain numbers of a page; nil: they are
	part   func(dst, src []byte, first, n int) // makes them of values of a page of n, from first on; nil: they are
	ends   bool                                // the ends of the lists of a cluster
}

var (
	truth1    = column.Number{Kind: column.Bool, Size: 1}
	integer1  = column.Number{Kind: column.Int, Size: 1}
	integer2  = column.Number{Kind: column.Int, Size: 2}
	integer4  = column.Number{Kind: column.Int, Size: 4}
	integer8  = column.Number{Kind: column.Int, Size: 8}
	unsigned1 = column.Number{Kind: column.Uint, Size: 1}
	unsigned2 = column.Number{Kind: column.Uint, Size: 2}
	unsigned4 = column.Number{Kind: column.Uint, Size: 4}
	unsigned8 = column.Number{Kind: column.Uint, Size: 8}
	float2    = column.Number{Kind: column.Float, Size: 2}
	float4    = column.Number{Kind: column.Float, Size: 4}
	float8    = column.Number{Kind: column.Float, Size: 8}
)

// encodings go by the number of their type.
var encodings = []encoding{
	0x00: {bits: 1, number: truth1, whole: truths},
	0x01: {bits: 8, number: unsigned1},
	0x02: {bits: 8, number: integer1},
	0x03: {bits: 8, number: integer1},
	0x04: {bits: 8, number: unsigned1},
	0x05: {bits: 16, number: integer2},
	0x06: {bits: 16, number: unsigned2},
	0x07: {bits: 32, number: integer4},
	0x08: {bits: 32, number: unsigned4},
	0x09: {bits: 64, number: integer8},
	0x0a: {bits: 64, number: unsigned8},
	0x0b: {bits: 16, number: float2},
	0x0c: {bits: 32, number: float4},
	0x0d: {bits: 64, number: float8},
	0x0e: {bits: 32, number: unsigned4, ends: true},
	0x0f: {bits: 64, number: integer8, ends: true},
	0x10: {bits: 96}, // which of several types
	0x11: {bits: 16, number: integer2, part: zigzag16},
	0x12: {bits: 16, number: unsigned2, part: split16},
	0x13: {bits: 32, number: integer4, part: zigzag32},
	0x14: {bits: 32, number: unsigned4, part: split32},
	0x15: {bits: 64, number: integer8, part: zigzag64},
	0x16: {bits: 64, number: unsigned8, part: split64},
	0x17: {bits: 16, number: float2, part: split16},
	0x18: {bits: 32, number: float4, part: split32},
	0x19: {bits: 64, number: float8, part: split64},
	0x1a: {bits: 32, number: unsigned4, whole: deltas32, ends: true},
	0x1b: {bits: 64, number: integer8, whole: deltas64, ends: true},
	0x1c: {number: float4, whole: truncated},
	0x1d: {number: float4, whole: quantised},
}

// encodingOf is that of a column, whose field has a type; the zero value where it is not known.
func encodingOf(p *physical, typeName string) encoding {
	const trunc, quant = 0x1c, 0x1d
	if int(p.kind) >= len(encodings) {
		return encoding{}
	}
	e := encodings[p.kind]
	switch {
	case e.bits != 0 && e.bits != p.bits,
		p.kind == trunc && (p.bits < 10 || p.bits > 31),
		p.kind == quant && (p.bits < 1 || p.bits > 32):
		return encoding{}
	case p.kind == quant && typeName == "double":
		e.number.Size = 8
	}
	return e
}

// packedSize is the length of n values in a page.
func (p *physical) packedSize(n int64) int64 { return (n*int64(p.bits) + 7) / 8 }

// truths makes a byte of every bit, of which the lowest come first.
func truths(dst, src []byte, _ *physical) {
	for i := range dst {
		dst[i] = src[i/8] >> (i % 8) & 1
	}
}

// Split values lie with all their first bytes first, then all their second bytes, and so on.

func split16(dst, src []byte, first, n int) {
	count := len(dst) / 2
	a, b := src[first:][:count], src[n+first:][:count]
	for i := range a {
		binary.LittleEndian.PutUint16(dst[2*i:], uint16(a[i])|uint16(b[i])<<8)
	}
}

func split32(dst, src []byte, first, n int) {
	count := len(dst) / 4
	a, b, c, d := src[first:][:count], src[n+first:][:count], src[2*n+first:][:count], src[3*n+first:][:count]
	i := 0
	for ; i+8 <= count; i += 8 {
		transpose(dst[4*i:], le64(a[i:]), le64(b[i:]), le64(c[i:]), le64(d[i:]))
	}
	for ; i < count; i++ {
		binary.LittleEndian.PutUint32(dst[4*i:], uint32(a[i])|uint32(b[i])<<8|uint32(c[i])<<16|uint32(d[i])<<24)
	}
}

// transpose puts byte i of a, b, c and d together as word i of dst, for eight of them: first pairs of bytes, of even and of odd i,
// then pairs of those.
func transpose(dst []byte, a, b, c, d uint64) {
	const bytes, words, low = 0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 1<<32 - 1
	abEven, abOdd := a&bytes|b&bytes<<8, a>>8&bytes|b&^bytes
	cdEven, cdOdd := c&bytes|d&bytes<<8, c>>8&bytes|d&^bytes
	w04, w26 := abEven&words|cdEven&words<<16, abEven>>16&words|cdEven&^words
	w15, w37 := abOdd&words|cdOdd&words<<16, abOdd>>16&words|cdOdd&^words
	dst = dst[:32]
	binary.LittleEndian.PutUint64(dst, w04&low|w15<<32)
	binary.LittleEndian.PutUint64(dst[8:], w26&low|w37<<32)
	binary.LittleEndian.PutUint64(dst[16:], w04>>32|w15&^low)
	binary.LittleEndian.PutUint64(dst[24:], w26>>32|w37&^low)
}

func split64(dst, src []byte, first, n int) {
	count := len(dst) / 8
	a, b, c, d := src[first:][:count], src[n+first:][:count], src[2*n+first:][:count], src[3*n+first:][:count]
	e, f, g, h := src[4*n+first:][:count], src[5*n+first:][:count], src[6*n+first:][:count], src[7*n+first:][:count]
	for i := range a {
		low := uint32(a[i]) | uint32(b[i])<<8 | uint32(c[i])<<16 | uint32(d[i])<<24
		high := uint32(e[i]) | uint32(f[i])<<8 | uint32(g[i])<<16 | uint32(h[i])<<24
		binary.LittleEndian.PutUint64(dst[8*i:], uint64(low)|uint64(high)<<32)
	}
}

// Zigzag numbers are 2x where x is not negative, else -2x-1.

func zigzag16(dst, src []byte, first, n int) {
	split16(dst, src, first, n)
	for ; len(dst) >= 2; dst = dst[2:] {
		v := binary.LittleEndian.Uint16(dst)
		binary.LittleEndian.PutUint16(dst, v>>1^-(v&1))
	}
}

func zigzag32(dst, src []byte, first, n int) {
	split32(dst, src, first, n)
	for ; len(dst) >= 4; dst = dst[4:] {
		v := binary.LittleEndian.Uint32(dst)
		binary.LittleEndian.PutUint32(dst, v>>1^-(v&1))
	}
}

func zigzag64(dst, src []byte, first, n int) {
	split64(dst, src, first, n)
	for ; len(dst) >= 8; dst = dst[8:] {
		v := binary.LittleEndian.Uint64(dst)
		binary.LittleEndian.PutUint64(dst, v>>1^-(v&1))
	}
}

// Deltas are the differences of the numbers, from 0.

func deltas32(dst, src []byte, _ *physical) {
	split32(dst, src, 0, len(dst)/4)
	for sum := uint32(0); len(dst) >= 4; dst = dst[4:] {
		sum += binary.LittleEndian.Uint32(dst)
		binary.LittleEndian.PutUint32(dst, sum)
	}
}

func deltas64(dst, src []byte, _ *physical) {
	split64(dst, src, 0, len(dst)/8)
	for sum := uint64(0); len(dst) >= 8; dst = dst[8:] {
		sum += binary.LittleEndian.Uint64(dst)
		binary.LittleEndian.PutUint64(dst, sum)
	}
}

// truncated floats are the highest bits of a float32.
func truncated(dst, src []byte, p *physical) {
	unused := 32 - p.bits
	p.words(src, len(dst)/4, func(i int, v uint32) { binary.LittleEndian.PutUint32(dst[4*i:], v<<unused) })
}

// quantised floats are the steps from the low end of a range, of which the last is the high end.
func quantised(dst, src []byte, p *physical) {
	scale := (p.high - p.low) / float64(uint64(1)<<p.bits-1)
	size := p.number.Size
	p.words(src, len(dst)/size, func(i int, v uint32) {
		x := float64(float64(v)*scale) + p.low // two roundings on every CPU, as ROOT's
		if size == 4 {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(float32(x)))
		} else {
			binary.LittleEndian.PutUint64(dst[8*i:], math.Float64bits(x))
		}
	})
}

// words gives n numbers of some bits each, one after the other from the lowest bit on.
func (p *physical) words(src []byte, n int, use func(i int, v uint32)) {
	width := p.bits
	var held uint64
	have := 0
	for i := range n {
		for ; have < width; have += 8 {
			held |= uint64(src[0]) << have
			src = src[1:]
		}
		use(i, uint32(held&(1<<width-1)))
		held >>= width
		have -= width
	}
}
