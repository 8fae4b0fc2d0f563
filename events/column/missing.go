package column

import (
	"fmt"
	"io"
	"math"
)

// DecodeMissing decodes integers, of which one value stands for none: NaN in a column of float64, to which the others are
// rounded, and an error in one of int64. The first event is row.
func (n Number) DecodeMissing(c *Column, raw []byte, stride int, none, row int64) error {
	whole := *c
	if c.Type != Int64 {
		whole = New("", "", Int64, c.Len())
	}
	n.Decode(&whole, raw, stride)
	for i, v := range whole.I64 {
		switch {
		case v == none && c.Type == Int64:
			return fmt.Errorf("row %d: is a missing value among integers; read the column as float64", row+int64(i)+1)
		case v == none:
			c.F64[i] = math.NaN()
		case c.Type == Float64:
			c.F64[i] = float64(v)
		}
	}
	return nil
}

// MayMiss is whether a column of int64, of which one value stands for none, is to have room for missing values: where its type
// is not given, whether there are any. It reads the column, as the only one, by read; odd tells of values that float64 does not hold exactly.
func MayMiss(name string, types map[string]Type, read func(n int) ([]Column, error), none int64) (some bool, odd string, err error) {
	t, given := types[name]
	if given && t != t.WithMissing() {
		return false, "", nil
	}
	var rows, missing, inexact, first int64
	var value string
	for {
		block, err := read(1 << 16)
		if err != nil && err != io.EOF {
			return false, "", err
		}
		if err == io.EOF {
			break
		}
		for i, v := range block[0].I64 {
			_, exact := block[0].Nearest(i)
			switch {
			case v == none:
				missing++
			case !exact:
				if inexact++; inexact == 1 {
					first, value = rows+int64(i)+1, block[0].Format(i)
				}
			}
		}
		rows += int64(block[0].Len())
	}
	if inexact > 0 && (given || missing > 0) {
		odd = fmt.Sprintf("loses digits beside missing values: %d of %d are rounded to float64, the first in row %d, %s", inexact, rows, first, value)
	}
	return given || missing > 0, odd, nil
}
