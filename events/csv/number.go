package csv

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"unsafe"
)

// Powers of ten that float64 holds exactly.
var tens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimal is a number as spelled, ±mantissa * 10^exponent.
type decimal struct {
	mantissa uint64
	exponent int
	negative bool
	whole    bool // neither point nor exponent
	ok       bool // false: not a plain decimal of at most 19 digits
}

// scan reads the decimal at b[i] and returns the index behind it. b ends in a
// byte that no number holds.
func scan(b []byte, i int) (d decimal, end int) {
	switch b[i] {
	case '-':
		d.negative = true
		i++
	case '+':
		i++
	}
	start := i
	d.mantissa, i = digits(b, i, 0)
	count := i - start
	d.whole = true
	if b[i] == '.' {
		d.whole = false
		point := i + 1
		d.mantissa, i = digits(b, point, d.mantissa)
		d.exponent = point - i
		count += i - point
	}
	if count == 0 || count > 19 {
		return d, i
	}
	if b[i]|0x20 == 'e' {
		d.whole = false
		i++
		negative := b[i] == '-'
		if negative || b[i] == '+' {
			i++
		}
		start = i
		var e uint64
		e, i = digits(b, i, 0)
		if i == start || i-start > 4 {
			return d, i
		}
		if negative {
			d.exponent -= int(e)
		} else {
			d.exponent += int(e)
		}
	}
	d.ok = true
	return d, i
}

// digits appends the digits at b[i] to m, which wraps beyond 19 of them.
func digits(b []byte, i int, m uint64) (uint64, int) {
	for i+8 <= len(b) {
		v := binary.LittleEndian.Uint64(b[i:])
		if !eightDigits(v) {
			break
		}
		m = m*100000000 + eight(v)
		i += 8
	}
	for b[i]-'0' <= 9 {
		m = m*10 + uint64(b[i]-'0')
		i++
	}
	return m, i
}

// eightDigits: every byte of v has the upper half 3, and keeps it when 6 is
// added, so that it is '0' to '9'.
func eightDigits(v uint64) bool {
	const upper = 0xF0F0F0F0F0F0F0F0
	return v&upper == 0x3030303030303030 && (v+0x0606060606060606)&upper == 0x3030303030303030
}

// eight is the value of eight digits: neighbours are joined to pairs, pairs to
// fours, fours to eight (D. Lemire, Number parsing at a gigabyte per second,
// arXiv:2101.11408).
func eight(v uint64) uint64 {
	v -= 0x3030303030303030
	v = v*10 + v>>8
	const mask = 0x000000FF000000FF
	return ((v&mask)*(100+1000000<<32) + (v>>16&mask)*(1+10000<<32)) >> 32
}

// float32 rounds once, as strconv does, or says that it cannot tell cheaply.
//
// The float64 below is at most 2 units in its last place off the true value. The
// nearest float32 is therefore certain unless that lies as near to a point
// halfway between two float32, where the 29 bits that float32 lacks are 1000...0.
func (d decimal) float32() (float32, bool) {
	f, ok := d.approximate()
	low := math.Float64bits(f) & (1<<29 - 1)
	if !ok || low-(1<<28-2) <= 4 || f > math.MaxFloat32 || f < 0x1p-126 && f != 0 {
		return 0, false
	}
	if d.negative {
		f = -f
	}
	return float32(f), true
}

// float64 is exact where mantissa and power of ten are: one rounding.
func (d decimal) float64() (float64, bool) {
	f, ok := d.approximate()
	if d.negative {
		f = -f
	}
	return f, ok && d.mantissa <= 1<<53
}

func (d decimal) approximate() (float64, bool) {
	f := float64(d.mantissa)
	switch {
	case d.exponent == 0:
	case -22 <= d.exponent && d.exponent < 0:
		f /= tens[-d.exponent]
	case 0 < d.exponent && d.exponent <= 22:
		f *= tens[d.exponent]
	default:
		return 0, false
	}
	return f, true
}

// number is the value of a whole cell, inf included; false where it is none.
func number(cell []byte) (float64, bool) { return parse(cell, 64) }

func parse(cell []byte, bits int) (float64, bool) {
	if len(cell) == 0 || len(cell) > 400 {
		return 0, false
	}
	for _, c := range cell {
		if c-'0' > 9 && c != '.' && c != '-' && c != '+' && c|0x20 != 'e' {
			return infinity(cell)
		}
	}
	v, err := strconv.ParseFloat(view(cell), bits)
	if err != nil && bits == 32 {
		return v, false
	}
	return v, err == nil || math.IsInf(v, 0)
}

// view is the cell as a string, for calls that do not keep it.
func view(cell []byte) string { return unsafe.String(&cell[0], len(cell)) }

func infinity(cell []byte) (float64, bool) {
	sign := 1
	if cell[0] == '-' {
		sign = -1
	}
	if cell[0] == '-' || cell[0] == '+' {
		cell = cell[1:]
	}
	if is(cell, "inf") || is(cell, "infinity") {
		return math.Inf(sign), true
	}
	return 0, false
}

// whole is the value of a cell spelled as a whole number, within int64.
func whole(cell []byte) (int64, bool) {
	if len(cell) == 0 || len(cell) > 20 {
		return 0, false
	}
	if c := cell[len(cell)-1]; c-'0' > 9 {
		return 0, false
	}
	v, err := strconv.ParseInt(view(cell), 10, 64)
	return v, err == nil
}

// isMissing: an empty cell, or one of the words that programs write for it.
func isMissing(cell []byte) bool {
	switch len(cell) {
	case 0:
		return true
	case 2:
		return is(cell, "na")
	case 3:
		return is(cell, "nan") || is(cell, "n/a")
	case 4:
		return is(cell, "null") || is(cell, "none") || is(cell, "-nan") || is(cell, "<na>")
	}
	return false
}

func is(cell []byte, word string) bool {
	return len(cell) == len(word) && bytes.EqualFold(cell, []byte(word))
}
