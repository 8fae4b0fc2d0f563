package column

import (
	"fmt"
	"math"
)

// Choose is the type in which a column is returned that the file holds as
// native: that, unless the caller states another. Any integer can be text.
func Choose(name string, native Type, types map[string]Type) (Type, error) {
	t, given := types[name]
	switch {
	case !given:
		return native, nil
	case t == Text && native != native.WithMissing():
	case (t == Text) != (native == Text):
		return t, fmt.Errorf("column %q holds %s and cannot be read as %s", name, native, t)
	}
	return t, nil
}

// Lacking is the type in which a column is decoded whose values, native ones, may be missing: integers as float64, or, where that
// is asked for, as text, which has every digit of them.
func Lacking(name string, native Type, types map[string]Type) Type {
	if native != native.WithMissing() && types[name] == Text {
		return Text
	}
	return native.WithMissing()
}

// Common is the type that holds the values of a and of b, of which one is Text at most where both are: ok is false for
// text beside numbers. Integers of both kinds are Uint64, and integers beside floats are Float64; either holds the values
// that most files have, and Settle tells those that it does not.
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

// Choice is the columns that a reader returns, in the types chosen, and the native ones in which it decodes them.
type Choice struct {
	Columns []Column // names, units and types
	native  []Type
}

// Add adds a column that the file holds as native; see Choose.
func (c *Choice) Add(name, unit string, native Type, types map[string]Type) error {
	t, err := Choose(name, native, types)
	if err != nil {
		return err
	}
	c.Columns = append(c.Columns, Column{Name: name, Unit: unit, Type: t})
	c.native = append(c.native, native)
	return nil
}

// Block has room for n events, in the native types.
func (c *Choice) Block(n int) []Column {
	block := make([]Column, len(c.Columns))
	for k, d := range c.Columns {
		block[k] = New(d.Name, d.Unit, c.native[k], n)
	}
	return block
}

// Settle turns a decoded block, whose first event is row, into the types chosen.
func (c *Choice) Settle(block []Column, row int64) (err error) {
	for k := range block {
		if block[k], err = Settle(block[k], c.Columns[k].Type, row); err != nil {
			return err
		}
	}
	return nil
}

// Settle turns a block as the file holds it into the type chosen; row is the
// 0-based number of its first event. Float32 rounds; a value that another type
// does not hold exactly is an error that names its row.
func Settle(c Column, want Type, row int64) (Column, error) {
	if c.Type == want {
		return c, nil
	}
	out := New(c.Name, c.Unit, want, c.Len())
	for i := range c.Len() {
		ok, why := true, ""
		switch want {
		case Text: // of an integer
			out.Str[i] = c.Format(i)
		case Float32:
			out.F32[i] = float32(c.Float(i))
			ok, why = !math.IsInf(float64(out.F32[i]), 0) || math.IsInf(c.Float(i), 0), "is beyond float32"
		case Float64:
			out.F64[i], ok = c.Nearest(i)
			why = "is not held exactly by float64"
		case Int64:
			e := c.Exact(i)
			out.I64[i] = e.Int64()
			ok = e.Minus(exactOf(out.I64[i])) == 0
			why = "is not held by int64"
		case Uint64:
			e := c.Exact(i)
			out.U64[i] = e.Uint64()
			ok = e.Minus(exactOf(out.U64[i])) == 0
			why = "is not held by uint64"
		}
		if !ok {
			return out, &Contradiction{Place: fmt.Sprintf("row %d: ", row+int64(i)+1), Column: c.Name,
				Value: c.Format(i), Why: why, Want: c.Type}
		}
	}
	return out, nil
}

// Inexact says that a whole number of a column, at 0-based row i, is not equal to any float64 and so cannot stand in it with
// missing values.
func Inexact(name string, row int64, value string) error {
	return fmt.Errorf("row %d: %s is not held exactly by float64, which the column is because values of it are missing: state its type as text (--types %s=text)", row+1, value, name)
}
