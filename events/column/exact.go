package column

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
)

// Exact is a value of a column of numbers without rounding, also an integer of 64 bits that no float64 holds: the sum of a
// multiple of 2^32 and of what is left, from 0 to 2^32, or a float64 as it is. The zero value is 0. Values of the two
// kinds of integers and of floats can be mixed.
type Exact struct{ high, low float64 }

const split = 1 << 32

// Exact is value i; NaN for text.
func (c *Column) Exact(i int) Exact {
	switch c.Type {
	case Int64:
		return exactOf(c.I64[i])
	case Uint64:
		return exactOf(c.U64[i])
	}
	return Exact{high: c.Float(i)}
}

// Nearest is value i as the nearest float64; exact is false where that is not equal to it.
func (c *Column) Nearest(i int) (v float64, exact bool) {
	switch c.Type {
	case Int64:
		return float64(c.I64[i]), held(uint64(max(c.I64[i], -c.I64[i])))
	case Uint64:
		return float64(c.U64[i]), held(c.U64[i])
	}
	return c.Float(i), true
}

// held says whether a float64, whose mantissa has 53 bits, is equal to v.
func held(v uint64) bool { return bits.Len64(v)-bits.TrailingZeros64(v) <= 53 }

func exactOf[I int64 | uint64](v I) Exact {
	return Exact{float64(v &^ (split - 1)), float64(v & (split - 1))}
}

// Distances sets dst[i] to value first+i less from; see Minus.
func (c *Column) Distances(dst []float64, first int, from Exact) {
	for i := range dst {
		dst[i] = c.Exact(first + i).Minus(from)
	}
}

// Minus is e - f rounded once. It is exact for integers up to 2^53 apart.
func (e Exact) Minus(f Exact) float64 { return (e.high - f.high) + (e.low - f.low) }

// Plus is e + d, exact for an integer e and whole d where the sum has 64 bits.
func (e Exact) Plus(d float64) Exact {
	whole, top := math.Floor(e.high/split)*split, math.Floor(d/split)*split
	low := e.low + (e.high - whole) + (d - top)
	carry := math.Floor(low/split) * split
	return Exact{whole + top + carry, low - carry}
}

// Float is the nearest float64.
func (e Exact) Float() float64 { return e.high + e.low }

// Int64 is e, a whole number, or the end of the range of int64 where it lies beyond.
func (e Exact) Int64() int64 {
	switch {
	case e.high >= 1<<63:
		return math.MaxInt64
	case e.high < -1<<63:
		return math.MinInt64
	}
	return int64(e.high) + int64(e.low)
}

// Uint64 is e, a whole number, or the end of the range of uint64 where it lies beyond.
func (e Exact) Uint64() uint64 {
	switch {
	case e.high >= 1<<64:
		return math.MaxUint64
	case e.high < 0:
		return 0
	}
	return uint64(e.high) + uint64(e.low)
}

// String writes every digit of an integer of 64 bits.
func (e Exact) String() string {
	switch {
	case e.high != math.Trunc(e.high) || e.high < -1<<63 || e.high >= 1<<64:
		return strconv.FormatFloat(e.Float(), 'g', -1, 64)
	case e.high < 0:
		return strconv.FormatInt(e.Int64(), 10)
	}
	return strconv.FormatUint(e.Uint64(), 10)
}

// MarshalJSON writes an integer of 64 bits.
func (e Exact) MarshalJSON() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalJSON takes nothing but an integer of 64 bits.
func (e *Exact) UnmarshalJSON(data []byte) error {
	if v, err := strconv.ParseInt(string(data), 10, 64); err == nil {
		*e = exactOf(v)
		return nil
	}
	v, err := strconv.ParseUint(string(data), 10, 64)
	if err != nil {
		return errors.New("column: " + strconv.Quote(string(data)) + " is not an integer of 64 bits")
	}
	*e = exactOf(v)
	return nil
}
