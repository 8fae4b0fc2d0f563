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

// leaves are the numbers of the classes of leaves; where the leaf says so, integers are without a sign.
var leaves = map[string]number{
	"TLeafO": plain(column.Bool, 1), "TLeafB": plain(column.Int, 1), "TLeafS": plain(column.Int, 2), "TLeafI": plain(column.Int, 4),
	"TLeafL": plain(column.Int, 8), "TLeafG": plain(column.Int, 8), "TLeafF": plain(column.Float, 4), "TLeafD": plain(column.Float, 8),
	"TLeafC": {},
}

// members are those of the members of a class, whose types have numbers (TVirtualStreamerInfo.h, EReadWrite).
var members = map[int]number{
	1: plain(column.Int, 1), 2: plain(column.Int, 2), 3: plain(column.Int, 4), 6: plain(column.Int, 4),
	4: plain(column.Int, 8), 16: plain(column.Int, 8), 5: plain(column.Float, 4), 8: plain(column.Float, 8),
	11: plain(column.Uint, 1), 12: plain(column.Uint, 2), 13: plain(column.Uint, 4), 14: plain(column.Uint, 8), 17: plain(column.Uint, 8),
	18: plain(column.Bool, 1),
}

// leafNumber gives the number that a leaf holds; ok is false where it is none.
func leafNumber(l *leaf, member int) (n number, ok bool) {
	if member > 20 && member < 40 { // an array
		member -= 20
	}
	element := l.class == "TLeafElement"
	switch {
	case l.class == "TLeafD32", element && member == 9:
		return shortFloat(l.title, 0)
	case l.class == "TLeafF16", element && member == 19:
		return shortFloat(l.title, 12)
	case element:
		n, ok = members[member]
		return n, ok
	}
	n, ok = leaves[l.class]
	if c, is := n.decoder.(column.Number); is && c.Kind == column.Int && l.unsigned {
		return plain(column.Uint, n.size), true
	}
	return n, ok
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
