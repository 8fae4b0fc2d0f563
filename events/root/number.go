package root

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"

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
	{plain(column.Float, 4), []string{"TLeafF", "5", "float", "Float_t", "Double32_t"}},
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

// leafNumber gives the number that a leaf holds, of a member that the file describes as e; ok is false where it is none, or
// one of a range that is not described.
func leafNumber(l *leaf, member int, e *element) (n number, ok bool) {
	if member > 20 && member < 40 { // an array
		member -= 20
	}
	element := l.class == "TLeafElement"
	switch {
	case element && e != nil && member == 9:
		return e.span.number(0)
	case element && e != nil && member == 19:
		return e.span.number(12)
	case element:
		return plainType(strconv.Itoa(member))
	case l.class == "TLeafC":
		return number{}, true
	case l.class == "TLeafD32":
		return spanIn(l.title).number(0)
	case l.class == "TLeafF16":
		return spanIn(l.title).number(12)
	}
	n, ok = plainType(l.class) // where the leaf says so, integers are without a sign
	if c, is := n.decoder.(column.Number); is && c.Kind == column.Int && l.unsigned {
		return plain(column.Uint, n.size), true
	}
	return n, ok
}
