package column

import (
	"fmt"
	"math"
)

// Choose is the type in which a column is returned that the file holds as
// native: that, unless the caller states another.
func Choose(name string, native Type, types map[string]Type) (Type, error) {
	t, given := types[name]
	switch {
	case !given:
		return native, nil
	case (t == Text) != (native == Text):
		return t, fmt.Errorf("column %q holds %s and cannot be read as %s", name, native, t)
	}
	return t, nil
}

// Settle turns a block as the file holds it into the type chosen; row is the
// 0-based number of its first event.
func Settle(c Column, want Type, row int64) (Column, error) {
	if c.Type == want {
		return c, nil
	}
	out := New(c.Name, c.Unit, want, c.Len())
	switch {
	case want == Int64:
		return out, out.round(&c, row)
	case want == Float32 && c.Type == Float64:
		if i := Narrow(out.F32, c.F64); i >= 0 {
			return out, TooLarge(c.Name, row+int64(i), c.F64[i])
		}
	case want == Float32:
		for i, v := range c.I64 {
			out.F32[i] = float32(v)
		}
	case c.Type == Float32:
		for i, v := range c.F32 {
			out.F64[i] = float64(v)
		}
	default:
		for i, v := range c.I64 {
			out.F64[i] = float64(v)
		}
	}
	return out, nil
}

// round takes floats that are whole numbers for integers.
func (c *Column) round(from *Column, row int64) error {
	for i := range c.I64 {
		var v float64
		if from.Type == Float32 {
			v = float64(from.F32[i])
		} else {
			v = from.F64[i]
		}
		if v != math.Trunc(v) || math.Abs(v) >= 1<<63 {
			return &Contradiction{Place: fmt.Sprintf("row %d: ", row+int64(i)+1), Column: c.Name,
				Value: fmt.Sprint(v), Why: "is not a whole number", Want: Float64}
		}
		c.I64[i] = int64(v)
	}
	return nil
}
