package column

import "math"

// Common is the type that holds the values of a and of b, of which one is Text at most where both are: ok is false for
// text beside numbers. Integers of both kinds are Uint64, and integers beside floats are Float64; either holds the values
// that most files have, and Convert tells those that it does not.
func Common(a, b Type) (t Type, ok bool) {
	switch {
	case a == b:
		return a, true
	case a == Text || b == Text:
		return Text, false
	case (a == Int64 || a == Uint64) && (b == Int64 || b == Uint64):
		return Uint64, true
	}
	return Float64, true
}

// Convert is c with its values as another type. Where that cannot hold one of them, bad is the first such row, from 0;
// else it is -1. A float32 holds every float64 but those that become infinite, rounded; apart from that values are
// held exactly or not at all. Text holds no number, and a number no text, but each what is missing in the other.
func Convert(c Column, to Type) (out Column, bad int) {
	if c.Type == to {
		return c, -1
	}
	out = New(c.Name, c.Unit, to, c.Len())
	switch to {
	case Float32:
		switch c.Type {
		case Float64:
			return out, Narrow(out.F32, c.F64)
		case Int64:
			return out, intoFloats(out.F32, c.I64)
		case Uint64:
			return out, intoFloats(out.F32, c.U64)
		}
		return out, missingText(&c, func(i int) { out.F32[i] = float32(math.NaN()) })
	case Float64:
		switch c.Type {
		case Float32:
			for i, v := range c.F32 {
				out.F64[i] = float64(v)
			}
			return out, -1
		case Int64:
			return out, intoFloats(out.F64, c.I64)
		case Uint64:
			return out, intoFloats(out.F64, c.U64)
		}
		return out, missingText(&c, func(i int) { out.F64[i] = math.NaN() })
	case Int64:
		return out, intoIntegers(out.I64, &c, c.U64)
	case Uint64:
		return out, intoIntegers(out.U64, &c, c.I64)
	}
	return out, missingNumbers(&c)
}

type (
	float   interface{ float32 | float64 }
	integer interface{ int64 | uint64 }
)

func intoFloats[F float, I integer](dst []F, src []I) int {
	for i, v := range src {
		dst[i] = F(v)
		if w, ok := whole[I](dst[i]); !ok || w != v {
			return i
		}
	}
	return -1
}

// intoIntegers converts floats, or the integers of the other kind.
func intoIntegers[I, J integer](dst []I, c *Column, other []J) int {
	switch c.Type {
	case Float32:
		return floatsInto(dst, c.F32)
	case Float64:
		return floatsInto(dst, c.F64)
	case Text:
		return min(c.Len(), 1) - 1 // no integer is missing
	}
	for i, v := range other {
		if dst[i] = I(v); (dst[i] < 0) != (v < 0) {
			return i
		}
	}
	return -1
}

func floatsInto[I integer, F float](dst []I, src []F) int {
	for i, v := range src {
		var ok bool
		if dst[i], ok = whole[I](v); !ok {
			return i
		}
	}
	return -1
}

// whole is the integer that v is; ok is false where it is none, or none of that type.
func whole[I integer, F float](v F) (w I, ok bool) {
	low, high := float64(0), 0x1p64
	if ^I(0) < 0 {
		low, high = -0x1p63, 0x1p63
	}
	x := float64(v)
	if !(x >= low && x < high) || x != math.Trunc(x) {
		return 0, false
	}
	return I(x), true
}

func missingText(c *Column, missing func(i int)) int {
	for i, s := range c.Str {
		if s != "" {
			return i
		}
		missing(i)
	}
	return -1
}

func missingNumbers(c *Column) int {
	for i := range c.Len() {
		if v := c.Float(i); v == v {
			return i
		}
	}
	return -1
}
