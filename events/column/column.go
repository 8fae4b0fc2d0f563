// Package column holds a column of values, and the faces of a reader and a
// writer of columns. Package events imports the formats and the formats import
// this package, so there is no cycle and nothing registers itself at start-up; a
// format from outside needs no more than this.
package column

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type is how the values of a column are held: as precisely as its file holds them.
type Type uint8

// The types of columns.
const (
	Float32 Type = iota // NaN is a missing value
	Float64             // NaN is a missing value
	Int64               // integers and truth values (1, 0), exact; none is missing (a column with missing integers is Float64)
	Uint64              // integers of 64 bits without a sign, exact; none is missing
	Text                // labels; "" is a missing value
)

func (t Type) String() string {
	return [...]string{"float32", "float64", "int64", "uint64", "text"}[t]
}

// ParseType is the type of that name.
func ParseType(name string) (Type, error) {
	for t := Float32; t <= Text; t++ {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("%q is no type; there is float32, float64, int64, uint64, text", name)
}

// Column is one column of a table. Exactly the slice that Type names is set.
type Column struct {
	Name string
	Unit string // "" where none is known
	Type Type
	// Odd is what a reader of the column is to be told, "" where nothing is: of text among numbers the place of the first cell
	// that is no number, and the cell; of others what is not as in the file.
	Odd string

	F32 []float32
	F64 []float64
	I64 []int64
	U64 []uint64
	Str []string
}

// New makes a column of n zero values.
func New(name, unit string, t Type, n int) Column {
	c := Column{Name: name, Unit: unit, Type: t}
	switch t {
	case Float32:
		c.F32 = make([]float32, n)
	case Float64:
		c.F64 = make([]float64, n)
	case Int64:
		c.I64 = make([]int64, n)
	case Uint64:
		c.U64 = make([]uint64, n)
	default:
		c.Str = make([]string, n)
	}
	return c
}

// Len is the number of values.
func (c *Column) Len() int { return len(c.F32) + len(c.F64) + len(c.I64) + len(c.U64) + len(c.Str) }

// Because says, in brackets, which cell made a column text; "" where that is no surprise.
func (c *Column) Because() string {
	if c.Odd == "" || c.Type != Text {
		return ""
	}
	return " (" + c.Odd + ")"
}

// Float is value i as a float64, the nearest one for an integer beyond 2^53; NaN for text.
func (c *Column) Float(i int) float64 {
	switch c.Type {
	case Float32:
		return float64(c.F32[i])
	case Float64:
		return c.F64[i]
	case Int64:
		return float64(c.I64[i])
	case Uint64:
		return float64(c.U64[i])
	default:
		return math.NaN()
	}
}

// Floats appends the values as float64 to dst and returns it; see Float. A text
// column is an error that names its first value that is not a number.
func (c *Column) Floats(dst []float64) ([]float64, error) {
	if c.Type == Text {
		if i := c.NotNumber(); i >= 0 {
			return dst, fmt.Errorf("column %q holds text: row %d: %q is not a number", c.Name, i+1, c.Str[i])
		}
		return dst, fmt.Errorf("column %q holds text, not numbers", c.Name)
	}
	for i := range c.Len() {
		dst = append(dst, c.Float(i))
	}
	return dst, nil
}

// NotNumber is the place of the first text that is no number, or -1.
func (c *Column) NotNumber() int {
	return slices.IndexFunc(c.Str, func(s string) bool {
		_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return err != nil && s != ""
	})
}

// Format is value i as the shortest text that reads back as the same value.
func (c *Column) Format(i int) string {
	switch c.Type {
	case Float32:
		return strconv.FormatFloat(float64(c.F32[i]), 'g', -1, 32)
	case Float64:
		return strconv.FormatFloat(c.F64[i], 'g', -1, 64)
	case Int64:
		return strconv.FormatInt(c.I64[i], 10)
	case Uint64:
		return strconv.FormatUint(c.U64[i], 10)
	default:
		return c.Str[i]
	}
}

// Slice is the column of values [i, j); it shares memory with c.
func (c *Column) Slice(i, j int) Column {
	s := Column{Name: c.Name, Unit: c.Unit, Type: c.Type}
	switch c.Type {
	case Float32:
		s.F32 = c.F32[i:j:j]
	case Float64:
		s.F64 = c.F64[i:j:j]
	case Int64:
		s.I64 = c.I64[i:j:j]
	case Uint64:
		s.U64 = c.U64[i:j:j]
	default:
		s.Str = c.Str[i:j:j]
	}
	return s
}

// Take is a new column of the values in rows, in that order.
func (c *Column) Take(rows []int32) Column {
	s := New(c.Name, c.Unit, c.Type, len(rows))
	take(s.F32, c.F32, rows)
	take(s.F64, c.F64, rows)
	take(s.I64, c.I64, rows)
	take(s.U64, c.U64, rows)
	take(s.Str, c.Str, rows)
	return s
}

func take[T any](dst, x []T, rows []int32) {
	for i := range dst {
		dst[i] = x[rows[i]]
	}
}

// Extend adds n zero values to c and returns them; they share memory with c.
func (c *Column) Extend(n int) Column {
	at := c.Len()
	switch c.Type {
	case Float32:
		c.F32 = append(c.F32, make([]float32, n)...)
	case Float64:
		c.F64 = append(c.F64, make([]float64, n)...)
	case Int64:
		c.I64 = append(c.I64, make([]int64, n)...)
	case Uint64:
		c.U64 = append(c.U64, make([]uint64, n)...)
	default:
		c.Str = append(c.Str, make([]string, n)...)
	}
	return c.Slice(at, at+n)
}

// Append adds the values of d, which has the type of c.
func (c *Column) Append(d *Column) {
	c.F32 = append(c.F32, d.F32...)
	c.F64 = append(c.F64, d.F64...)
	c.I64 = append(c.I64, d.I64...)
	c.U64 = append(c.U64, d.U64...)
	c.Str = append(c.Str, d.Str...)
}

// Mark is a place in a file where a Reader can begin.
type Mark struct {
	Row int64 // events of the file that come before

	// What the format needs besides: its own count of where the event lies, and the
	// line of a text.
	Offset, Line int64
}

// Reader reads the columns of one file, in order, a block of events at a time.
// It is for one goroutine.
type Reader interface {
	// Columns gives name, unit and type of each column that Read returns.
	Columns() []Column
	// Rows is the number of events where the file says it, else -1.
	Rows() int64
	// Skipped says which columns of the file are left out and why.
	Skipped() LeftOut
	// Read returns the next events, at most n and at least one; io.EOF after the last.
	Read(n int) ([]Column, error)
	// Mark is the place of the event that the next Read gives first; the end of the
	// file is one too. ok is false where reading could not begin there without
	// reading, from an earlier place, much of what lies before it.
	Mark() (m Mark, ok bool)
	// Seek goes on at a place that Mark gave, of this Reader or of another over the
	// same file with the same options: also after io.EOF or another error.
	Seek(m Mark) error
	Close() error
}

// Writer writes blocks of columns; names and types are those of the first block
// and do not change. Finish writes what is left, after the last block; Abort
// instead, or after it, drops what the writer holds.
type Writer interface {
	Write([]Column) error
	Finish() error
	Abort()
}

// Contradiction is a value that the type of its column cannot hold. Reading the
// file again with the type Want for that column gets past it.
type Contradiction struct {
	Place  string // "row 812 (line 813): "; "" where unknown
	Column string
	Value  string // as the file spells it
	Why    string // "is not a number"
	Want   Type
}

func (c *Contradiction) Error() string {
	return fmt.Sprintf("%scolumn %q: %q %s", c.Place, c.Column, c.Value, c.Why)
}
