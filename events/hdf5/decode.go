package hdf5

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

// decode reads the field from records in raw, which are stride bytes apart, into
// c. Where c cannot hold a value, it ends with the place of that and the reason.
//
// The type of c is the field's own, or float32 for a double, or float64 for an
// unsigned integer of 8 bytes.
func (f *field) decode(c *column.Column, raw []byte, stride int) (int, error) {
	raw = raw[f.offset:]
	switch {
	case c.Type == column.Text:
		for i := range c.Str {
			if s := f.text(raw[i*stride:][:f.size]); s != f.missing {
				c.Str[i] = s
			}
		}
	case c.Type == column.Float64 && f.kind == 'f':
		f.doubles(c.F64, raw, stride)
	case c.Type == column.Float64:
		for i := range c.F64 {
			c.F64[i] = float64(f.unsigned(raw[i*stride:]))
		}
	case c.Type == column.Int64:
		return f.integers(c, raw, stride)
	case f.kind == 'f' && f.size == 8:
		return f.narrow(c, raw, stride)
	case f.kind == 'f' && f.size == 4:
		f.singles(c.F32, raw, stride)
	case f.kind == 'f':
		for i := range c.F32 {
			c.F32[i] = column.Half(uint16(f.unsigned(raw[i*stride:])))
		}
	case f.kind == 'i':
		for i := range c.F32 {
			c.F32[i] = float32(f.signed(raw[i*stride:]))
		}
	default:
		for i := range c.F32 {
			c.F32[i] = float32(f.unsigned(raw[i*stride:]))
		}
	}
	return -1, nil
}

func (f *field) doubles(out []float64, raw []byte, stride int) {
	switch {
	case f.big:
		for i := range out {
			out[i] = math.Float64frombits(binary.BigEndian.Uint64(raw[i*stride:]))
		}
	case stride == 8 && littleEndian:
		copy(bytesOf(out), raw)
	default:
		for i, at := 0, 0; i < len(out); i, at = i+1, at+stride {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[at:]))
		}
	}
}

func (f *field) singles(out []float32, raw []byte, stride int) {
	switch {
	case f.big:
		for i := range out {
			out[i] = math.Float32frombits(binary.BigEndian.Uint32(raw[i*stride:]))
		}
	case stride == 4 && littleEndian:
		copy(bytesOf(out), raw)
	default:
		for i, at := 0, 0; i < len(out); i, at = i+1, at+stride {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[at:]))
		}
	}
}

// littleEndian tells whether this machine stores the lowest byte first.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// bytesOf is the memory of values.
func bytesOf[T float32 | float64](values []T) []byte {
	return unsafe.Slice((*byte)(pointer(values)), len(values)*int(unsafe.Sizeof(T(0))))
}

// narrow rounds doubles to float32.
func (f *field) narrow(c *column.Column, raw []byte, stride int) (int, error) {
	for i := range c.F32 {
		b := binary.LittleEndian.Uint64(raw[i*stride:])
		if f.big {
			b = bits.ReverseBytes64(b)
		}
		v := math.Float64frombits(b)
		c.F32[i] = float32(v)
		if math.Abs(v) > math.MaxFloat32 && !math.IsInf(v, 0) && math.IsInf(float64(c.F32[i]), 0) {
			return i, column.TooLarge(c.Name, 0, v)
		}
	}
	return -1, nil
}

func (f *field) integers(c *column.Column, raw []byte, stride int) (int, error) {
	if f.kind == 'i' {
		for i := range c.I64 {
			c.I64[i] = f.signed(raw[i*stride:])
		}
		return -1, nil
	}
	for i := range c.I64 {
		v := f.unsigned(raw[i*stride:])
		if v > math.MaxInt64 {
			return i, &column.Contradiction{Column: c.Name, Value: fmt.Sprint(v), Why: "is beyond int64", Want: column.Float64}
		}
		c.I64[i] = int64(v)
	}
	return -1, nil
}

func (f *field) unsigned(b []byte) uint64 {
	switch {
	case f.size == 1:
		return uint64(b[0])
	case f.size == 2 && f.big:
		return uint64(binary.BigEndian.Uint16(b))
	case f.size == 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case f.size == 4 && f.big:
		return uint64(binary.BigEndian.Uint32(b))
	case f.size == 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case f.big:
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

func (f *field) signed(b []byte) int64 {
	shift := 64 - 8*f.size
	return int64(f.unsigned(b)<<shift) >> shift
}
