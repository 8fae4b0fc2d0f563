package csv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
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
	sign     uint64 // the sign bit of the float64
	form     form
}

// form is one byte, not two flags: the compiler keeps a structure of four
// fields in registers, and one of five in memory.
type form uint8

const (
	notPlain form = iota // no decimal of at most 19 digits
	plain
	plainWhole // neither point nor exponent
)

// slack is how many bytes scan may look at behind the last one of a row.
const slack = 8

// scan reads the decimal at b[i] and returns the index behind it. The row ends
// in a byte that no number holds, with slack bytes behind it.
//
// It avoids branches that depend on the digits: in measured values signs and
// lengths are as good as random, and a wrong guess costs more than the digits.
func scan(b []byte, i int, point byte) (d decimal, end int) {
	var minus, plus uint64
	if b[i] == '-' {
		minus = 1
	}
	if b[i] == '+' {
		plus = 1
	}
	d.sign = minus << 63
	i += int(minus + plus)
	start := i
	d.mantissa, i = digits(b, i, 0)
	count := i - start
	d.form = plainWhole
	if b[i] == point {
		d.form = plain
		behind := i + 1
		d.mantissa, i = digits(b, behind, d.mantissa)
		d.exponent = behind - i
		count += i - behind
	}
	if uint(count-1) >= 19 {
		d.form = notPlain
	}
	if b[i]|0x20-'d' <= 1 { // e, or d as Fortran writes it
		return d.power(b, i+1)
	}
	return d, i
}

// power reads what follows the letter of an exponent.
func (d decimal) power(b []byte, i int) (decimal, int) {
	sign := 1
	if b[i] == '-' {
		sign = -1
	}
	if b[i] == '-' || b[i] == '+' {
		i++
	}
	e, end := digits(b, i, 0)
	d.exponent += sign * int(e&0xffff)
	if d.form = min(d.form, plain); uint(end-i-1) >= 4 {
		d.form = notPlain
	}
	return d, end
}

// digits appends the digits at b[i] to m, which wraps beyond 19 of them. Eight
// bytes are looked at in one go: neighbours are joined to pairs, pairs to fours,
// fours to eight (D. Lemire, Number parsing at a gigabyte per second,
// arXiv:2101.11408), after zeros have taken the place of what is no digit.
func digits(b []byte, i int, m uint64) (uint64, int) {
	for {
		v := binary.LittleEndian.Uint64(b[i:]) ^ 0x3030303030303030
		// The top bit of each byte above 9; exact up to the first such byte,
		// from where on carries may spoil it.
		other := (v + 0x7676767676767676 | v) & 0x8080808080808080
		n := bits.TrailingZeros64(other) / 8
		v <<= uint(64-8*n) & 127
		v = v*10 + v>>8
		const mask = 0x000000FF000000FF
		v = ((v&mask)*(100+1000000<<32) + (v>>16&mask)*(1+10000<<32)) >> 32
		m = m*powers[n&15] + v
		i += n
		if n < 8 {
			return m, i
		}
	}
}

var powers = [16]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

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
	return float32(d.signed(f)), true
}

// float64 is exact where mantissa and power of ten are: one rounding.
func (d decimal) float64() (float64, bool) {
	f, ok := d.approximate()
	return d.signed(f), ok && d.mantissa <= 1<<53
}

func (d decimal) signed(f float64) float64 {
	return math.Float64frombits(math.Float64bits(f) | d.sign)
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
func (d dialect) number(cell []byte) (float64, bool) { return d.parse(cell, 64) }

func (d dialect) parse(cell []byte, size int) (float64, bool) {
	if len(cell) == 0 || len(cell) > 400 || bytes.ContainsAny(cell, "xX_") { // as Go, not files, spells numbers
		return 0, false
	}
	if d.point == ',' {
		if cell = withPoint(cell); cell == nil {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(view(cell), size)
	if errors.Is(err, strconv.ErrSyntax) {
		other := fortran(cell)
		if other == nil {
			return 0, false
		}
		v, err = strconv.ParseFloat(view(other), size)
	}
	return v, err == nil || size == 64 && math.IsInf(v, 0)
}

// withPoint is a cell with a point for its comma, which must stand between digits; nil for a cell with a point.
func withPoint(cell []byte) []byte {
	i := bytes.IndexByte(cell, ',')
	switch {
	case bytes.IndexByte(cell, '.') >= 0:
		return nil
	case i < 0:
		return cell
	case i == 0 || i == len(cell)-1 || cell[i-1]-'0' > 9 || cell[i+1]-'0' > 9:
		return nil
	}
	cell = bytes.Clone(cell)
	cell[i] = '.'
	return cell
}

// fortran is a cell that Fortran wrote, as 1.5D+03, or as 1.5-103, which lacks the letter that three digits left no room for;
// else nil. Infinity of a C of Microsoft's is another.
func fortran(cell []byte) []byte {
	n := len(cell)
	if i := bytes.IndexAny(cell, "dD"); i > 0 {
		cell = bytes.Clone(cell)
		cell[i] = 'e'
		return cell
	}
	if n > 5 && (cell[n-4] == '-' || cell[n-4] == '+') && bytes.IndexByte(cell, '.') >= 0 && !bytes.ContainsAny(cell, "eE") {
		return slices.Concat(cell[:n-4], []byte{'e'}, cell[n-4:])
	}
	if i := bytes.Index(cell, []byte("1.#INF")); i >= 0 {
		return append(bytes.Clone(cell[:i]), "inf"...)
	}
	return nil
}

// view is the cell as a string, for calls that do not keep it.
func view(cell []byte) string { return unsafe.String(&cell[0], len(cell)) }

// whole is the value of a cell spelled as a whole number, within int64 or uint64, by its magnitude and sign.
func whole(cell []byte) (magnitude uint64, negative, ok bool) {
	if len(cell) > 0 && (cell[0] == '-' || cell[0] == '+') {
		negative = cell[0] == '-'
		cell = cell[1:]
	}
	if len(cell) == 0 || len(cell) > 20 {
		return 0, false, false
	}
	for _, c := range cell {
		if c-'0' > 9 {
			return 0, false, false
		}
	}
	m, err := strconv.ParseUint(view(cell), 10, 64)
	return m, negative, err == nil && (!negative || m <= 1<<63)
}

// isMissing: an empty cell, one of the words and signs that programs write for it, or the stars of a number that did not fit.
func isMissing(cell []byte) bool {
	var lower [12]byte
	if len(cell) > len(lower) {
		return len(bytes.Trim(cell, "*")) == 0
	}
	for i, c := range cell {
		if lower[i] = c; c-'A' < 26 {
			lower[i] |= 0x20
		}
	}
	switch string(lower[:len(cell)]) {
	case "", "-", "--", ".", "..", "...", "?",
		"na", "n/a", "<na>", "#n/a", "nan", "-nan", "+nan", "nat", "nan(ind)", "-nan(ind)", "1.#ind", "-1.#ind", "1.#qnan",
		"null", "none", "nil", "\\n":
		return true
	}
	return len(cell) > 1 && len(bytes.Trim(cell, "*")) == 0
}

var one, zero = []byte{'1'}, []byte{'0'}

// truth is how a number spells true and false, however they are capitalised; nil for other cells.
func truth(cell []byte) []byte {
	switch {
	case len(cell) == 4 && bytes.EqualFold(cell, []byte("true")):
		return one
	case len(cell) == 5 && bytes.EqualFold(cell, []byte("false")):
		return zero
	}
	return nil
}
