package root

import (
	"encoding/binary"
	"math"
	"slices"
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

// plainTypes are the numbers by their names: the class of a leaf, the code of a member (TVirtualStreamerInfo.h,
// EReadWrite), and those of C++.
var plainTypes = []struct {
	number
	names []string
}{
	{plain(column.Bool, 1), []string{"TLeafO", "18", "bool", "Bool_t"}},
	{plain(column.Int, 1), []string{"TLeafB", "1", "char", "Char_t", "signed char"}},
	{plain(column.Int, 2), []string{"TLeafS", "2", "short", "Short_t"}},
	{plain(column.Int, 4), []string{"TLeafI", "3", "6", "int", "Int_t"}},
	{plain(column.Int, 8), []string{"TLeafL", "TLeafG", "4", "16", "long", "Long64_t", "long long"}},
	{plain(column.Uint, 1), []string{"11", "unsigned char", "UChar_t"}},
	{plain(column.Uint, 2), []string{"12", "unsigned short", "UShort_t"}},
	{plain(column.Uint, 4), []string{"13", "unsigned int", "UInt_t"}},
	{plain(column.Uint, 8), []string{"14", "17", "unsigned long", "ULong64_t", "unsigned long long"}},
	{plain(column.Float, 4), []string{"TLeafF", "5", "float", "Float_t"}},
	{plain(column.Float, 8), []string{"TLeafD", "8", "double", "Double_t"}},
}

func plainType(name string) (n number, ok bool) {
	for _, t := range plainTypes {
		if slices.Contains(t.names, name) {
			return t.number, true
		}
	}
	return n, false
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
		return plainType(strconv.Itoa(member))
	case l.class == "TLeafC":
		return number{}, true
	}
	n, ok = plainType(l.class) // where the leaf says so, integers are without a sign
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

var angles = map[string]float64{"pi": math.Pi, "twopi": 2 * math.Pi, "2pi": 2 * math.Pi, "2*pi": 2 * math.Pi, "pi/2": math.Pi / 2, "pi/4": math.Pi / 4}

// bound reads an end of a range: a number, or a multiple of pi.
func bound(s string) (x float64, ok bool) {
	s = strings.TrimSpace(s)
	sign := 1.0
	if rest, minus := strings.CutPrefix(s, "-"); minus {
		s, sign = rest, -1
	}
	if x, ok = angles[s]; ok {
		return sign * x, true
	}
	x, err := strconv.ParseFloat(s, 64)
	return sign * x, err == nil
}
