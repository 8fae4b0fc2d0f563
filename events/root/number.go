package root

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// number is how a leaf spells a value.
type number struct {
	decoder     // nil: a text
	size    int // bytes a value; 0 for text
}

// decoder turns values, each stride bytes after the other, into a column of the native type.
type decoder interface {
	Native() column.Type
	Decode(dst *column.Column, raw []byte, stride int)
}

func plain(k column.Kind, size int) number {
	return number{column.Number{Kind: k, Size: size, Big: true}, size}
}

// truncated is a float of 3 bytes, exponent, then sign and mantissa of that many bits: Double32_t and Float16_t in short
// form (TBufferFile.cxx, WriteDouble32).
type truncated struct{ bits int }

// Native is the type that holds every value.
func (truncated) Native() column.Type { return column.Float32 }

// Decode decodes to dst.
func (t truncated) Decode(dst *column.Column, raw []byte, stride int) {
	for i := range dst.F32 {
		b := raw[i*stride:]
		mantissa := uint32(b[1])<<8 | uint32(b[2])
		f := math.Float32frombits(uint32(b[0])<<23 | mantissa&(1<<(t.bits+1)-1)<<(23-t.bits))
		if mantissa&(1<<(t.bits+1)) != 0 {
			f = -f
		}
		dst.F32[i] = f
	}
}

// ranged is an integer of 4 bytes that stands for stored/factor + low.
type ranged struct{ factor, low float64 }

// Native is the type that holds every value.
func (ranged) Native() column.Type { return column.Float64 }

// Decode decodes to dst.
func (r ranged) Decode(dst *column.Column, raw []byte, stride int) {
	for i := range dst.F64 {
		dst.F64[i] = float64(binary.BigEndian.Uint32(raw[i*stride:]))/r.factor + r.low
	}
}

// leafNumber gives the number that a leaf holds; ok is false where it is none.
func leafNumber(l *leaf, member int) (n number, ok bool) {
	sign := column.Int
	if l.unsigned {
		sign = column.Uint
	}
	switch l.class {
	case "TLeafO":
		return plain(column.Bool, 1), true
	case "TLeafB":
		return plain(sign, 1), true
	case "TLeafS":
		return plain(sign, 2), true
	case "TLeafI":
		return plain(sign, 4), true
	case "TLeafL", "TLeafG":
		return plain(sign, 8), true
	case "TLeafF":
		return plain(column.Float, 4), true
	case "TLeafD":
		return plain(column.Float, 8), true
	case "TLeafD32":
		return shortFloat(l.title, 0)
	case "TLeafF16":
		return shortFloat(l.title, 12)
	case "TLeafC":
		return number{}, true
	case "TLeafElement":
		return memberNumber(member, l)
	}
	return n, false
}

// memberNumber is the same for a member of a class, whose type has a number
// (TVirtualStreamerInfo.h, EReadWrite); 20 more mark an array.
func memberNumber(member int, l *leaf) (n number, ok bool) {
	if member > 20 && member < 40 {
		member -= 20
	}
	switch member {
	case 1:
		return plain(column.Int, 1), true
	case 2:
		return plain(column.Int, 2), true
	case 3, 6:
		return plain(column.Int, 4), true
	case 4, 16:
		return plain(column.Int, 8), true
	case 5:
		return plain(column.Float, 4), true
	case 8:
		return plain(column.Float, 8), true
	case 9:
		return shortFloat(l.title, 0)
	case 11:
		return plain(column.Uint, 1), true
	case 18:
		return plain(column.Bool, 1), true
	case 12:
		return plain(column.Uint, 2), true
	case 13:
		return plain(column.Uint, 4), true
	case 14, 17:
		return plain(column.Uint, 8), true
	case 19:
		return shortFloat(l.title, 12)
	}
	return n, false
}

// shortFloat reads the range [low, high, bits] from the title of a Double32_t
// (full: 0) or Float16_t (full: 12 bits of mantissa).
func shortFloat(title string, full int) (n number, ok bool) {
	whole := plain(column.Float, 4)
	if full > 0 {
		whole = number{truncated{full}, 3}
	}
	open, end := strings.LastIndexByte(title, '['), strings.LastIndexByte(title, ']')
	if open < 0 || end < open || !strings.Contains(title[open:end], ",") {
		return whole, true
	}
	parts := strings.Split(title[open+1:end], ",")
	low, ok1 := bound(parts[0])
	high, ok2 := bound(parts[1])
	bits := 32
	if len(parts) > 2 {
		b, err := strconv.Atoi(strings.TrimSpace(parts[2]))
		if err != nil || b < 2 || b > 32 {
			return n, false
		}
		bits = b
	}
	switch {
	case !ok1 || !ok2 || len(parts) > 3:
		return n, false
	case low < high:
		steps := float64(uint64(1) << bits)
		if bits == 32 {
			steps = math.MaxUint32
		}
		return number{ranged{steps / (high - low), low}, 4}, true
	case bits < 15:
		return number{truncated{bits}, 3}, true
	}
	return whole, true
}

// bound reads an end of a range: a number, or a multiple of pi.
func bound(s string) (x float64, ok bool) {
	s = strings.TrimSpace(s)
	sign := 1.0
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		s, sign = rest, -1
	}
	switch s {
	case "pi":
		return sign * math.Pi, true
	case "twopi", "2pi", "2*pi":
		return sign * 2 * math.Pi, true
	case "pi/2":
		return sign * math.Pi / 2, true
	case "pi/4":
		return sign * math.Pi / 4, true
	}
	x, err := strconv.ParseFloat(s, 64)
	return sign * x, err == nil
}
