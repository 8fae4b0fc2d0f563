package column

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// DecodeMissing decodes integers, of which one value stands for none. In a column of float64 that is NaN, and a value that this does
// not hold exactly is an error; in one of int64 it is an error itself. The first event is row.
func (n Number) DecodeMissing(c *Column, raw []byte, stride int, missing, row int64) error {
	whole := *c
	if c.Type != Int64 {
		whole = New("", "", Int64, c.Len())
	}
	n.Decode(&whole, raw, stride)
	for i, v := range whole.I64 {
		near, exact := whole.Nearest(i)
		switch {
		case v == missing && c.Type == Int64:
			return fmt.Errorf("row %d: is a missing value among integers; read the column as float64", row+int64(i)+1)
		case c.Type == Int64:
			continue
		case v == missing:
			near = math.NaN()
		case !exact:
			return Inexact(row+int64(i), whole.Format(i))
		}
		c.F64[i] = near
	}
	return nil
}

// MayMiss is whether a column of int64 is to have room for missing values: where its type is not given, whether the one column that
// read gives holds the value that stands for none.
func MayMiss(name string, types map[string]Type, read func(n int) ([]Column, error), value int64) (bool, error) {
	if t, given := types[name]; given {
		return t == t.WithMissing(), nil
	}
	for {
		block, err := read(1 << 16)
		if err == io.EOF {
			return false, nil
		}
		if err != nil || slices.Contains(block[0].I64, value) {
			return err == nil, err
		}
	}
}
