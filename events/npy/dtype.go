package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-hep/sluice/events/column"
)

const (
	longestRecord = 1 << 28 // bytes of one event
	mostColumns   = 1 << 16
)

// dtype is the type of one value.
type dtype struct {
	kind byte   // f i u b S U M, V for anything else
	size int    // bytes
	big  bool   // most significant byte first
	why  string // why such values are left out; "" where they are read
}

// field is one value of each record, and where it goes.
type field struct {
	name   string
	offset int
	dtype
	column int // place among the columns returned
}

// parseType reads a type such as <f4, |b1, >U12 or <M8[ns].
func parseType(v any) (dtype, error) {
	if list, ok := v.([]any); ok { // a structure within a structure
		var inner header
		if err := inner.describe(list); err != nil {
			return dtype{}, err
		}
		return dtype{kind: 'V', size: inner.record, why: "is a structure in a structure"}, nil
	}
	s, ok := v.(string)
	if !ok || len(s) < 2 {
		return dtype{}, errors.New("descr is missing")
	}
	var d dtype
	if strings.IndexByte("<>=|", s[0]) >= 0 {
		d.big = s[0] == '>'
		s = s[1:]
	}
	if s == "?" {
		s = "b1"
	}
	d.kind = s[0]
	number, _, _ := strings.Cut(s[1:], "[")
	size, err := strconv.Atoi(number)
	if d.kind == 'O' {
		return d, errors.New("holds Python objects, which are programs in disguise and are not read; save plain numbers")
	}
	if err != nil || size <= 0 || size > longestRecord/4 {
		return d, fmt.Errorf("the type %q is not known", s)
	}
	d.size = size
	if d.kind == 'U' {
		d.size *= 4 // UTF-32
	}
	if _, known := d.native(); !known {
		d.why = fmt.Sprintf("has the type %q", s)
		d.kind = 'V'
	}
	return d, nil
}

// native is the type that holds the values without loss.
func (d dtype) native() (column.Type, bool) {
	switch d.kind {
	case 'f':
		if d.size == 8 {
			return column.Float64, true
		}
		return column.Float32, d.size == 2 || d.size == 4
	case 'b':
		return column.Float32, d.size == 1
	case 'i', 'u':
		if d.size <= 2 {
			return column.Float32, true
		}
		return column.Int64, d.size == 4 || d.size == 8
	case 'M', 'm':
		return column.Int64, d.size == 8
	case 'S', 'U':
		return column.Text, true
	}
	return column.Float32, false
}

// decode reads the field from the records in raw, which are stride bytes apart,
// into a column of its native type. A uint64 above the int64 ends it with the
// index of the event, else it returns -1.
func (f *field) decode(c *column.Column, raw []byte, stride int) int {
	at := f.offset
	switch {
	case f.kind == 'S' || f.kind == 'U':
		for i := range c.Str {
			c.Str[i] = f.text(raw[at+i*stride:][:f.size])
		}
	case c.Type == column.Float64 && f.kind == 'f':
		for i := range c.F64 {
			c.F64[i] = math.Float64frombits(f.bits64(raw[at+i*stride:]))
		}
	case c.Type == column.Float64: // uint64 that int64 does not hold
		for i := range c.F64 {
			c.F64[i] = float64(f.bits64(raw[at+i*stride:]))
		}
	case c.Type == column.Int64:
		return f.integers(c.I64, raw[at:], stride)
	case f.kind == 'f' && f.size == 4:
		for i := range c.F32 {
			c.F32[i] = math.Float32frombits(f.bits32(raw[at+i*stride:]))
		}
	default:
		f.small(c.F32, raw[at:], stride)
	}
	return -1
}

// small reads what has at most 16 bits.
func (f *field) small(out []float32, raw []byte, stride int) {
	for i := range out {
		b := raw[i*stride:]
		switch {
		case f.size == 1 && f.kind == 'i':
			out[i] = float32(int8(b[0]))
		case f.size == 1:
			out[i] = float32(b[0])
		case f.kind == 'f':
			out[i] = column.Half(f.bits16(b))
		case f.kind == 'i':
			out[i] = float32(int16(f.bits16(b)))
		default:
			out[i] = float32(f.bits16(b))
		}
	}
}

func (f *field) integers(out []int64, raw []byte, stride int) int {
	for i := range out {
		b := raw[i*stride:]
		switch {
		case f.size == 4 && f.kind == 'u':
			out[i] = int64(f.bits32(b))
		case f.size == 4:
			out[i] = int64(int32(f.bits32(b)))
		default:
			out[i] = int64(f.bits64(b))
			if f.kind == 'u' && out[i] < 0 {
				return i
			}
		}
	}
	return -1
}

func (f *field) bits16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if f.big {
		return bits.ReverseBytes16(v)
	}
	return v
}

func (f *field) bits32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if f.big {
		return bits.ReverseBytes32(v)
	}
	return v
}

func (f *field) bits64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if f.big {
		return bits.ReverseBytes64(v)
	}
	return v
}

// text is a string padded with zeros: bytes, or UTF-32.
func (f *field) text(b []byte) string {
	if f.kind == 'S' {
		return strings.ToValidUTF8(strings.TrimRight(string(b), "\x00"), "\uFFFD")
	}
	out := make([]byte, 0, len(b)/4)
	for i := 0; i < len(b); i += 4 {
		r := f.bits32(b[i:])
		if r == 0 {
			break
		}
		out = utf8.AppendRune(out, rune(min(r, utf8.MaxRune+1)))
	}
	return string(out)
}
