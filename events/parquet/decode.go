package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// kind is how the values of a column are to be understood.
type kind struct {
	physical      int32
	length        int     // bytes of a value; 0: they vary
	column.Number         // that of the values and, in their lowest bits, of what they are stored as; none for text
	scale         float64 // decimals: 10 to the power of the scale; else 0
	rounded       bool    // times of 96 bits, to float64
}

// stored are the numbers of the physical types. Times of 96 bits become nanoseconds.
var stored = map[int32]column.Number{
	boolean: {Kind: column.Bool, Size: 1}, float: {Kind: column.Float, Size: 4}, double: {Kind: column.Float, Size: 8},
	int32s: {Kind: column.Int, Size: 4}, int64s: {Kind: column.Int, Size: 8}, int96: {Kind: column.Int, Size: 8},
}

// kindOf says what a column holds, or why it is left out.
func kindOf(e *element) (k kind, why string) {
	k.physical = e.physical.v
	k.Number = stored[k.physical]
	switch k.length = k.Size; k.physical {
	case int96:
		k.length = 12
	case fixedLenByteArray:
		k.length = int(e.length.v)
	}
	k.annotate(e)
	switch {
	case k.physical < boolean || k.physical > fixedLenByteArray:
		return k, fmt.Sprintf("is of type %d, which is not known", k.physical)
	case k.physical == fixedLenByteArray && (k.length <= 0 || !k.Known() && k.scale == 0):
		return k, "holds bytes that are no number"
	}
	return k, ""
}

// native is the type that holds every value.
func (k kind) native() column.Type {
	switch {
	case k.scale != 0 || k.rounded:
		return column.Float64
	case k.physical == byteArray:
		return column.Text
	}
	return k.Native()
}

// annotate heeds what the file says beside the physical type, in the new manner
// or in the old.
func (k *kind) annotate(e *element) {
	decimal := func(scale int32) {
		if scale >= 0 && scale <= 76 && (k.Kind == column.Int || k.physical == byteArray || k.physical == fixedLenByteArray) {
			k.scale = math.Pow10(int(scale))
		}
	}
	unsigned := false
	if l := e.logical; l != nil {
		switch {
		case l.integer != nil:
			unsigned = !l.integer.signed
		case l.decimal != nil:
			decimal(l.decimal.scale)
		case l.half != nil && k.physical == fixedLenByteArray && k.length == 2:
			k.Number = column.Number{Kind: column.Float, Size: 2}
		}
	} else if c := e.converted; c.given {
		switch {
		case c.v == convertedDecimal:
			decimal(e.scale.v)
		case c.v >= convertedUint8 && c.v <= convertedUint64:
			unsigned = true
		}
	}
	if unsigned && (k.physical == int32s || k.physical == int64s) {
		k.Kind = column.Uint
	}
}

// memory is what the values of a page are decoded into, for as long as the next page of the column is not.
type memory struct {
	raw    []byte
	column column.Column
}

// of is a column of n values of a type of numbers.
func (m *memory) of(t column.Type, n int) column.Column {
	if m.column.Type != t || m.column.Len() < n {
		m.column = column.New("", "", t, n)
	}
	return m.column.Slice(0, n)
}

// values decodes n values, in any encoding but those of a dictionary, to a column of the native type, which may lie in memory.
func (k kind) values(m *memory, data []byte, n int, code int32) (c column.Column, err error) {
	switch {
	case n == 0:
		return column.Column{Type: k.native()}, nil
	case k.physical == boolean:
		return k.truths(data, n, code)
	case k.physical == byteArray:
		t, err := textsOf(data, n, code)
		if err != nil || k.scale == 0 {
			return t.column(), err
		}
		return k.scaled(decimals(n, t.at)), nil
	}
	raw, err := k.flat(m, data, n, code)
	switch {
	case err != nil:
		return c, err
	case k.physical == int96:
		return k.times(raw, n)
	case k.scale != 0 && k.physical == fixedLenByteArray:
		return k.scaled(decimals(n, func(i int) []byte { return raw[i*k.length:][:k.length] })), nil
	}
	c = m.of(k.Native(), n)
	k.Decode(&c, raw, k.length)
	if k.scale != 0 {
		return k.scaled(c), nil
	}
	return c, nil
}

// flat are n values of a fixed length, one after the other.
func (k kind) flat(m *memory, data []byte, n int, code int32) ([]byte, error) {
	size := int64(n) * int64(k.length)
	switch {
	case code == deltaBinary && (k.physical == int32s || k.physical == int64s):
		return k.fromDeltas(m, data, n)
	case code == deltaTexts && k.physical == fixedLenByteArray:
		t, err := textsOf(data, n, code)
		for i := 0; i < n && err == nil; i++ {
			if len(t.at(i)) != k.length {
				err = fmt.Errorf("damaged: a value of %d bytes among those of %d", len(t.at(i)), k.length)
			}
		}
		return t.data, err
	case code != plain && code != streamSplit || code == streamSplit && k.physical == int96:
		return nil, unknown(code)
	case size > int64(len(data)):
		return nil, errShort
	case code == plain:
		return data, nil
	}
	raw, stride := codec.Room(&m.raw, int(size)), len(data)/k.length // of each byte of all values
	for j := range k.length {
		stream := data[j*stride:][:n]
		for i, b := range stream {
			raw[i*k.length+j] = b
		}
	}
	return raw, nil
}

func unknown(code int32) error {
	return fmt.Errorf("values in the encoding %d are not supported for this type; write the file with another", code)
}

// fromDeltas are integers that are packed by their differences.
func (k kind) fromDeltas(m *memory, data []byte, n int) ([]byte, error) {
	all := make([]int64, n)
	if _, err := deltas(all, data); err != nil {
		return nil, err
	}
	raw := codec.Room(&m.raw, n*k.length)
	for i, v := range all {
		if k.length == 4 {
			binary.LittleEndian.PutUint32(raw[4*i:], uint32(v))
		} else {
			binary.LittleEndian.PutUint64(raw[8*i:], uint64(v))
		}
	}
	return raw, nil
}

// truths are bits, the lowest first; in runs their length, of 4 bytes, comes before them.
func (k kind) truths(data []byte, n int, code int32) (column.Column, error) {
	c := column.New("", "", column.Int64, n)
	switch {
	case code == rle:
		if len(data) < 4 {
			return c, errShort
		}
		bits := make([]byte, n)
		err := hybrid(bits, 1, data[4:])
		k.Decode(&c, bits, 1)
		return c, err
	case code != plain:
		return c, unknown(code)
	case len(data)*8 < n:
		return c, errShort
	}
	for i := range n {
		c.I64[i] = int64(data[i/8] >> (i % 8) & 1)
	}
	return c, nil
}

// scaled are decimals as numbers.
func (k kind) scaled(c column.Column) column.Column {
	out := column.New("", "", column.Float64, c.Len())
	for i := range out.F64 {
		out.F64[i] = c.Float(i) / k.scale
	}
	return out
}

// times are nanoseconds since 1970 of the old time of 96 bits: nanoseconds of the day, and the Julian day.
func (k kind) times(data []byte, n int) (column.Column, error) {
	c := column.New("", "", k.native(), n)
	for i := range n {
		julian := binary.LittleEndian.Uint32(data[12*i+8:])
		day, ns := sinceEpoch(julian), int64(binary.LittleEndian.Uint64(data[12*i:]))
		switch {
		case k.rounded:
			c.F64[i] = float64(day)*86400e9 + float64(ns)
			if int32(julian) < 0 { // Spark's microseconds of 64 bits overflow where it counts Julian days, late in its calendar
				c.F64[i] += 0x1p64 * 1000
			}
		case !held(day, ns):
			return c, errors.New("damaged: a time beyond those that the file was searched for")
		default:
			c.I64[i] = day*86400e9 + ns
		}
	}
	return c, nil
}

// sinceEpoch is a Julian day counted from 1970-01-01.
func sinceEpoch(julian uint32) int64 { return int64(int32(julian)) - 2440588 }

// held says whether nanoseconds of 64 bits hold a time.
func held(day, ns int64) bool {
	const most = math.MaxInt64/86400_000_000_000 - 1
	return -most <= day && day <= most && 0 <= ns && ns <= 86400e9
}

// beyondInt64 says whether among times, encoded plainly, is one that is not held by nanoseconds of 64 bits.
func beyondInt64(data []byte) bool {
	for ; len(data) >= 12; data = data[12:] {
		if !held(sinceEpoch(binary.LittleEndian.Uint32(data[8:])), int64(binary.LittleEndian.Uint64(data))) {
			return true
		}
	}
	return false
}

// decimals are signed numbers of any length, the most significant byte first.
func decimals(n int, at func(i int) []byte) column.Column {
	c := column.New("", "", column.Float64, n)
	for i := range c.F64 {
		for j, b := range at(i) {
			if v := &c.F64[i]; j == 0 {
				*v = float64(int8(b))
			} else {
				*v = *v*256 + float64(b)
			}
		}
	}
	return c
}
