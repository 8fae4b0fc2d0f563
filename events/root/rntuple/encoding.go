package rntuple

import (
	"encoding/binary"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// encoding is how a column spells values.
type encoding struct {
	bits   int           // of a value in a page; 0: any
	number column.Number // what expand makes of it, little-endian; unknown where it cannot be read
	expand func(dst, src []byte, p *physical)
	ends   bool // the ends of the lists of a cluster
}

// encodings go by the number of their type.
var encodings = []encoding{
	0x00: {1, column.Number{Kind: column.Bool, Size: 1}, truths, false},
	0x01: {8, column.Number{Kind: column.Uint, Size: 1}, nil, false},
	0x02: {8, column.Number{Kind: column.Int, Size: 1}, nil, false},
	0x03: {8, column.Number{Kind: column.Int, Size: 1}, nil, false},
	0x04: {8, column.Number{Kind: column.Uint, Size: 1}, nil, false},
	0x05: {16, column.Number{Kind: column.Int, Size: 2}, nil, false},
	0x06: {16, column.Number{Kind: column.Uint, Size: 2}, nil, false},
	0x07: {32, column.Number{Kind: column.Int, Size: 4}, nil, false},
	0x08: {32, column.Number{Kind: column.Uint, Size: 4}, nil, false},
	0x09: {64, column.Number{Kind: column.Int, Size: 8}, nil, false},
	0x0a: {64, column.Number{Kind: column.Uint, Size: 8}, nil, false},
	0x0b: {16, column.Number{Kind: column.Float, Size: 2}, nil, false},
	0x0c: {32, column.Number{Kind: column.Float, Size: 4}, nil, false},
	0x0d: {64, column.Number{Kind: column.Float, Size: 8}, nil, false},
	0x0e: {32, column.Number{Kind: column.Uint, Size: 4}, nil, true},
	0x0f: {64, column.Number{Kind: column.Int, Size: 8}, nil, true},
	0x10: {bits: 96}, // which of several types
	0x11: {16, column.Number{Kind: column.Int, Size: 2}, zigzag16, false},
	0x12: {16, column.Number{Kind: column.Uint, Size: 2}, split16, false},
	0x13: {32, column.Number{Kind: column.Int, Size: 4}, zigzag32, false},
	0x14: {32, column.Number{Kind: column.Uint, Size: 4}, split32, false},
	0x15: {64, column.Number{Kind: column.Int, Size: 8}, zigzag64, false},
	0x16: {64, column.Number{Kind: column.Uint, Size: 8}, split64, false},
	0x17: {16, column.Number{Kind: column.Float, Size: 2}, split16, false},
	0x18: {32, column.Number{Kind: column.Float, Size: 4}, split32, false},
	0x19: {64, column.Number{Kind: column.Float, Size: 8}, split64, false},
	0x1a: {32, column.Number{Kind: column.Uint, Size: 4}, deltas32, true},
	0x1b: {64, column.Number{Kind: column.Int, Size: 8}, deltas64, true},
	0x1c: {0, column.Number{Kind: column.Float, Size: 4}, truncated, false},
	0x1d: {0, column.Number{Kind: column.Float, Size: 4}, quantised, false},
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

func split16(dst, src []byte, _ *physical) {
	n := len(src) / 2
	a, b := src[:n], src[n:][:n]
	for i := range a {
		binary.LittleEndian.PutUint16(dst[2*i:], uint16(a[i])|uint16(b[i])<<8)
	}
}

func split32(dst, src []byte, _ *physical) {
	n := len(src) / 4
	a, b, c, d := src[:n], src[n:][:n], src[2*n:][:n], src[3*n:][:n]
	for i := range a {
		binary.LittleEndian.PutUint32(dst[4*i:], uint32(a[i])|uint32(b[i])<<8|uint32(c[i])<<16|uint32(d[i])<<24)
	}
}

func split64(dst, src []byte, _ *physical) {
	n := len(src) / 8
	a, b, c, d := src[:n], src[n:][:n], src[2*n:][:n], src[3*n:][:n]
	e, f, g, h := src[4*n:][:n], src[5*n:][:n], src[6*n:][:n], src[7*n:][:n]
	for i := range a {
		low := uint32(a[i]) | uint32(b[i])<<8 | uint32(c[i])<<16 | uint32(d[i])<<24
		high := uint32(e[i]) | uint32(f[i])<<8 | uint32(g[i])<<16 | uint32(h[i])<<24
		binary.LittleEndian.PutUint64(dst[8*i:], uint64(low)|uint64(high)<<32)
	}
}

// Zigzag numbers are 2x where x is not negative, else -2x-1.

func zigzag16(dst, src []byte, p *physical) {
	split16(dst, src, p)
	for ; len(dst) >= 2; dst = dst[2:] {
		v := binary.LittleEndian.Uint16(dst)
		binary.LittleEndian.PutUint16(dst, v>>1^-(v&1))
	}
}

func zigzag32(dst, src []byte, p *physical) {
	split32(dst, src, p)
	for ; len(dst) >= 4; dst = dst[4:] {
		v := binary.LittleEndian.Uint32(dst)
		binary.LittleEndian.PutUint32(dst, v>>1^-(v&1))
	}
}

func zigzag64(dst, src []byte, p *physical) {
	split64(dst, src, p)
	for ; len(dst) >= 8; dst = dst[8:] {
		v := binary.LittleEndian.Uint64(dst)
		binary.LittleEndian.PutUint64(dst, v>>1^-(v&1))
	}
}

// Deltas are the differences of the numbers, from 0.

func deltas32(dst, src []byte, p *physical) {
	split32(dst, src, p)
	for sum := uint32(0); len(dst) >= 4; dst = dst[4:] {
		sum += binary.LittleEndian.Uint32(dst)
		binary.LittleEndian.PutUint32(dst, sum)
	}
}

func deltas64(dst, src []byte, p *physical) {
	split64(dst, src, p)
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
