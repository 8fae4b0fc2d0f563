package column

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
)

// Kind is what the bits of a Number mean.
type Kind uint8

// The kinds of numbers.
const (
	Float Kind = iota + 1 // IEEE 754, of 2, 4 or 8 bytes
	Int                   // two's complement
	Uint                  // without a sign
	Bool                  // 0 is false, all else true
)

// Number is how a file spells a number. The zero value spells none.
type Number struct {
	Kind Kind
	Size int  // bytes: 1, 2, 4 or 8
	Big  bool // the most significant byte comes first
}

// Known says whether such numbers can be decoded.
func (n Number) Known() bool {
	switch n.Size {
	case 2, 4, 8:
		return n.Kind >= Float && n.Kind <= Bool
	case 1:
		return n.Kind >= Int && n.Kind <= Bool
	}
	return false
}

// Native is the type of a column of such numbers, which holds each of them exactly: the one rule for every format.
func (n Number) Native() Type {
	switch {
	case n.Kind == Float && n.Size == 8:
		return Float64
	case n.Kind == Float:
		return Float32
	case n.Kind == Uint && n.Size == 8:
		return Uint64
	}
	return Int64
}

// WithMissing is the type of a column of native type t of which some values are missing.
func (t Type) WithMissing() Type {
	if t == Int64 || t == Uint64 {
		return Float64
	}
	return t
}

// Number is how the values of a column of type t lie in memory, and in the files that are written: in the order of bytes
// asked for. That of text is unknown.
func (t Type) Number(big bool) Number {
	switch t {
	case Float32:
		return Number{Float, 4, big}
	case Float64:
		return Number{Float, 8, big}
	case Int64:
		return Number{Int, 8, big}
	case Uint64:
		return Number{Uint, 8, big}
	}
	return Number{}
}

// Decode fills dst, a column of the native type, from numbers in raw that begin stride bytes apart.
func (n Number) Decode(dst *Column, raw []byte, stride int) {
	switch {
	case n.Kind == Bool:
		n.truths(dst.I64, raw, stride)
	case n.Kind == Float && n.Size == 2:
		n.halves(dst.F32, raw, stride)
	case n.Size == 4 && n.Kind == Float:
		gather32(words[uint32](dst.F32), raw, stride, n.Big)
	case n.Size == 8:
		gather64(dst.words(), raw, stride, n.Big)
	default:
		n.small(dst.I64, raw, stride)
	}
}

// Encode is the reverse of Decode, of columns of a type's own Number.
func (n Number) Encode(raw []byte, stride int, src *Column) {
	if n.Size == 4 {
		scatter32(raw, words[uint32](src.F32), stride, n.Big)
	} else {
		scatter64(raw, src.words(), stride, n.Big)
	}
}

// Append encodes all of src at the end of b.
func (n Number) Append(b []byte, src *Column) []byte {
	at, size := len(b), n.Size*src.Len()
	if cap(b)-at < size {
		b = append(make([]byte, 0, max(2*cap(b), at+size)), b...)
	}
	b = b[:at+size]
	n.Encode(b[at:], n.Size, src)
	return b
}

// words are the values of a column of 8 bytes a value as bits.
func (c *Column) words() []uint64 {
	switch c.Type {
	case Float64:
		return words[uint64](c.F64)
	case Int64:
		return words[uint64](c.I64)
	}
	return c.U64
}

// words is the memory of x as unsigned integers of the same size.
func words[U uint32 | uint64, T float32 | float64 | int64](x []T) []U {
	return unsafe.Slice((*U)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

func bytesOf[U uint32 | uint64](x []U) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(U(0))))
}

// littleEndian tells whether this machine stores the lowest byte first.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

func gather32(dst []uint32, raw []byte, stride int, big bool) {
	switch {
	case big:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+stride {
			dst[i] = binary.BigEndian.Uint32(raw[at:])
		}
	case stride == 4 && littleEndian:
		copy(bytesOf(dst), raw[:4*len(dst)])
	default:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+stride {
			dst[i] = binary.LittleEndian.Uint32(raw[at:])
		}
	}
}

func gather64(dst []uint64, raw []byte, stride int, big bool) {
	switch {
	case big:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+stride {
			dst[i] = binary.BigEndian.Uint64(raw[at:])
		}
	case stride == 8 && littleEndian:
		copy(bytesOf(dst), raw[:8*len(dst)])
	default:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+stride {
			dst[i] = binary.LittleEndian.Uint64(raw[at:])
		}
	}
}

func scatter32(raw []byte, src []uint32, stride int, big bool) {
	switch {
	case big:
		for i, at := 0, 0; i < len(src); i, at = i+1, at+stride {
			binary.BigEndian.PutUint32(raw[at:], src[i])
		}
	case stride == 4 && littleEndian:
		copy(raw[:4*len(src)], bytesOf(src))
	default:
		for i, at := 0, 0; i < len(src); i, at = i+1, at+stride {
			binary.LittleEndian.PutUint32(raw[at:], src[i])
		}
	}
}

func scatter64(raw []byte, src []uint64, stride int, big bool) {
	switch {
	case big:
		for i, at := 0, 0; i < len(src); i, at = i+1, at+stride {
			binary.BigEndian.PutUint64(raw[at:], src[i])
		}
	case stride == 8 && littleEndian:
		copy(raw[:8*len(src)], bytesOf(src))
	default:
		for i, at := 0, 0; i < len(src); i, at = i+1, at+stride {
			binary.LittleEndian.PutUint64(raw[at:], src[i])
		}
	}
}

// small reads integers of at most 4 bytes.
func (n Number) small(dst []int64, raw []byte, stride int) {
	var sign int64 // (v ^ sign) - sign extends the sign, and changes nothing where there is none
	if n.Kind == Int {
		sign = 1 << (8*n.Size - 1)
	}
	for i, at := 0, 0; i < len(dst); i, at = i+1, at+stride {
		var v int64
		switch n.Size {
		case 1:
			v = int64(raw[at])
		case 2:
			v = int64(n.bits16(raw[at:]))
		default:
			u := binary.LittleEndian.Uint32(raw[at:])
			if n.Big {
				u = bits.ReverseBytes32(u)
			}
			v = int64(u)
		}
		dst[i] = (v ^ sign) - sign
	}
}

func (n Number) bits16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if n.Big {
		return bits.ReverseBytes16(v)
	}
	return v
}

func (n Number) halves(dst []float32, raw []byte, stride int) {
	for i, at := 0, 0; i < len(dst); i, at = i+1, at+stride {
		dst[i] = Half(n.bits16(raw[at:]))
	}
}

func (n Number) truths(dst []int64, raw []byte, stride int) {
	for i := range dst {
		dst[i] = 0
		for _, b := range raw[i*stride:][:n.Size] {
			if b != 0 {
				dst[i] = 1
			}
		}
	}
}

// Half is the value of a 16-bit float (IEEE 754 binary16).
func Half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // subnormal: fraction * 2^-24
		return math.Float32frombits(math.Float32bits(float32(fraction)*0x1p-24) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// Memory is that of a column which holds numbers as n spells them; nil of another.
func (n Number) Memory(c *Column) []byte {
	switch {
	case !littleEndian || c.Type == Text || n != c.Type.Number(false):
		return nil
	case c.Type == Float32:
		return bytesOf(words[uint32](c.F32))
	}
	return bytesOf(c.words())
}
