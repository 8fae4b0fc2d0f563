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
	code byte // 'f' float, 'i' integer, 'u' unsigned, 't' truncated float, 'r' integer in a range, 's' text
	size int  // bytes a value; 0 for text

	// Of Double32_t and Float16_t in short form (TBufferFile.cxx, WriteDouble32).
	bits        int     // of the mantissa, 't'
	factor, low float64 // value = stored/factor + low, 'r'
}

// leafNumber gives the number that a leaf holds; ok is false where it is none.
func leafNumber(l *leaf, member int) (n number, ok bool) {
	sign := byte('i')
	if l.unsigned {
		sign = 'u'
	}
	switch l.class {
	case "TLeafO":
		return number{code: 'u', size: 1}, true
	case "TLeafB":
		return number{code: sign, size: 1}, true
	case "TLeafS":
		return number{code: sign, size: 2}, true
	case "TLeafI":
		return number{code: sign, size: 4}, true
	case "TLeafL", "TLeafG":
		return number{code: sign, size: 8}, true
	case "TLeafF":
		return number{code: 'f', size: 4}, true
	case "TLeafD":
		return number{code: 'f', size: 8}, true
	case "TLeafD32":
		return shortFloat(l.title, 0)
	case "TLeafF16":
		return shortFloat(l.title, 12)
	case "TLeafC":
		return number{code: 's'}, true
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
		return number{code: 'i', size: 1}, true
	case 2:
		return number{code: 'i', size: 2}, true
	case 3, 6:
		return number{code: 'i', size: 4}, true
	case 4, 16:
		return number{code: 'i', size: 8}, true
	case 5:
		return number{code: 'f', size: 4}, true
	case 8:
		return number{code: 'f', size: 8}, true
	case 9:
		return shortFloat(l.title, 0)
	case 11, 18:
		return number{code: 'u', size: 1}, true
	case 12:
		return number{code: 'u', size: 2}, true
	case 13:
		return number{code: 'u', size: 4}, true
	case 14, 17:
		return number{code: 'u', size: 8}, true
	case 19:
		return shortFloat(l.title, 12)
	}
	return n, false
}

// shortFloat reads the range [low, high, bits] from the title of a Double32_t
// (full: 0) or Float16_t (full: 12 bits of mantissa).
func shortFloat(title string, full int) (n number, ok bool) {
	plain := number{code: 'f', size: 4}
	if full > 0 {
		plain = number{code: 't', size: 3, bits: full}
	}
	open, end := strings.LastIndexByte(title, '['), strings.LastIndexByte(title, ']')
	if open < 0 || end < open || !strings.Contains(title[open:end], ",") {
		return plain, true
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
		return number{code: 'r', size: 4, factor: steps / (high - low), low: low}, true
	case bits < 15:
		return number{code: 't', size: 3, bits: bits}, true
	}
	return plain, true
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

// native is the type of column that holds every value.
func (n number) native() column.Type {
	switch {
	case n.code == 's':
		return column.Text
	case n.code == 'i' || n.code == 'u':
		return column.Int64
	case n.code == 'f' && n.size == 4 || n.code == 't':
		return column.Float32
	}
	return column.Float64
}

// decode puts count values, each stride bytes after the other, into dst, which
// is of the native type, or float64 for a uint64. It returns the index of the
// first value beyond int64, or -1.
func (n number) decode(dst *column.Column, raw []byte, stride, count int) int {
	if count == 0 {
		return -1
	}
	raw = raw[: (count-1)*stride+n.size : (count-1)*stride+n.size]
	switch dst.Type {
	case column.Float32:
		n.float32s(dst.F32[:count], raw, stride)
	case column.Float64:
		n.float64s(dst.F64[:count], raw, stride)
	default:
		return n.int64s(dst.I64[:count], raw, stride)
	}
	return -1
}

func (n number) float32s(dst []float32, raw []byte, stride int) {
	if n.code == 't' {
		for i := range dst {
			dst[i] = truncated(raw[i*stride:], n.bits)
		}
		return
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.BigEndian.Uint32(raw[i*stride:]))
	}
}

// truncated is a float of 3 bytes: exponent, then sign and mantissa.
func truncated(b []byte, bits int) float32 {
	mantissa := uint32(b[1])<<8 | uint32(b[2])
	v := uint32(b[0])<<23 | mantissa&(1<<(bits+1)-1)<<(23-bits)
	f := math.Float32frombits(v)
	if mantissa&(1<<(bits+1)) != 0 {
		return -f
	}
	return f
}

func (n number) float64s(dst []float64, raw []byte, stride int) {
	switch n.code {
	case 'r':
		for i := range dst {
			dst[i] = float64(binary.BigEndian.Uint32(raw[i*stride:]))/n.factor + n.low
		}
	case 'u':
		for i := range dst {
			dst[i] = float64(binary.BigEndian.Uint64(raw[i*stride:]))
		}
	default:
		for i := range dst {
			dst[i] = math.Float64frombits(binary.BigEndian.Uint64(raw[i*stride:]))
		}
	}
}

func (n number) int64s(dst []int64, raw []byte, stride int) int {
	signed := n.code == 'i'
	switch n.size {
	case 1:
		for i := range dst {
			if b := raw[i*stride]; signed {
				dst[i] = int64(int8(b))
			} else {
				dst[i] = int64(b)
			}
		}
	case 2:
		for i := range dst {
			if v := binary.BigEndian.Uint16(raw[i*stride:]); signed {
				dst[i] = int64(int16(v))
			} else {
				dst[i] = int64(v)
			}
		}
	case 4:
		for i := range dst {
			if v := binary.BigEndian.Uint32(raw[i*stride:]); signed {
				dst[i] = int64(int32(v))
			} else {
				dst[i] = int64(v)
			}
		}
	default:
		for i := range dst {
			v := binary.BigEndian.Uint64(raw[i*stride:])
			if !signed && v > math.MaxInt64 {
				return i
			}
			dst[i] = int64(v)
		}
	}
	return -1
}
