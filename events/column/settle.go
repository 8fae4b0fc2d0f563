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
	out, bad := Convert(c, want)
	if bad < 0 {
		return out, nil
	}
	err := &Contradiction{
		Place: fmt.Sprintf("row %d: ", row+int64(bad)+1), Column: c.Name, Value: c.Spell(bad),
		Why: "cannot be held as " + want.String() + " without loss", Want: Float64,
	}
	floats := c.Type == Float32 || c.Type == Float64
	switch {
	case floats && want == Float32:
		return out, TooLarge(c.Name, row+int64(bad), c.Float(bad))
	case floats && c.Float(bad) != math.Trunc(c.Float(bad)):
		err.Why = "is not a whole number"
	case want == Float64:
		err.Want = c.Type
	}
	return out, err
}
