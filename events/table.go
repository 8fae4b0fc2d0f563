// Package events holds tables of events: columns with names, units and types,
// read from and written to the field's file formats, with selections and
// derived columns.
//
// The formats live in packages below this one (events/csv, npy, parquet, hdf5,
// root), which know columns and nothing of tables: events imports them, and they import
// events/internal/column, so that there is no cycle and no registration at
// start-up. The list of formats is in formats.go.
package events

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events/internal/column"
)

// Type is how the values of a column are held.
type Type = column.Type

// The types of columns.
const (
	Float32 = column.Float32 // the default for every number that a flow sees; NaN is a missing value
	Float64 = column.Float64 // where a caller asked for full precision, or float32 would lose whole numbers; NaN is a missing value
	Int64   = column.Int64   // integers, exact; no missing values (a column with missing integers is a float)
	Text    = column.Text    // labels; "" is a missing value
)

// Column is one column of a table. Exactly the slice that Type names is set.
type Column struct {
	Name string
	Unit string // "" where none is known
	Type Type

	F32 []float32
	F64 []float64
	I64 []int64
	Str []string
}

// Len is the number of events.
func (c *Column) Len() int {
	switch c.Type {
	case Float32:
		return len(c.F32)
	case Float64:
		return len(c.F64)
	case Int64:
		return len(c.I64)
	default:
		return len(c.Str)
	}
}

// Float returns value i as a float64; NaN for text.
func (c *Column) Float(i int) float64 {
	switch c.Type {
	case Float32:
		return float64(c.F32[i])
	case Float64:
		return c.F64[i]
	case Int64:
		return float64(c.I64[i])
	default:
		return math.NaN()
	}
}

// Floats appends the column's values as float64 to dst and returns it. A text
// column is an error that names its first value that is not a number.
func (c *Column) Floats(dst []float64) ([]float64, error) {
	if c.Type == Text {
		for i, s := range c.Str {
			if _, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err != nil && s != "" {
				return dst, fmt.Errorf("events: column %q holds text: row %d: %q is not a number", c.Name, i+1, s)
			}
		}
		return dst, fmt.Errorf("events: column %q holds text, not numbers", c.Name)
	}
	for i := range c.Len() {
		dst = append(dst, c.Float(i))
	}
	return dst, nil
}

// Slice is the column of events [i, j); it shares memory with c.
func (c *Column) Slice(i, j int) Column {
	s := *c
	switch c.Type {
	case Float32:
		s.F32 = c.F32[i:j]
	case Float64:
		s.F64 = c.F64[i:j]
	case Int64:
		s.I64 = c.I64[i:j]
	default:
		s.Str = c.Str[i:j]
	}
	return s
}

// Take is a new column of the events in rows, in that order.
func (c *Column) Take(rows []int32) Column {
	s := Column{Name: c.Name, Unit: c.Unit, Type: c.Type}
	switch c.Type {
	case Float32:
		s.F32 = take(c.F32, rows)
	case Float64:
		s.F64 = take(c.F64, rows)
	case Int64:
		s.I64 = take(c.I64, rows)
	default:
		s.Str = take(c.Str, rows)
	}
	return s
}

func take[T any](x []T, rows []int32) []T {
	y := make([]T, len(rows))
	for i, r := range rows {
		y[i] = x[r]
	}
	return y
}

// Table is a set of columns of equal length.
type Table struct {
	Columns []Column
	// Weight names the column of event weights; "" where all events weigh 1.
	Weight string
}

// Len is the number of events.
func (t *Table) Len() int {
	if len(t.Columns) == 0 {
		return 0
	}
	return t.Columns[0].Len()
}

// Names lists the columns in order.
func (t *Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// Column returns the named column, or an error that lists what there is.
func (t *Table) Column(name string) (*Column, error) {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i], nil
		}
	}
	return nil, fmt.Errorf("events: %w", column.Missing(name, t.Names()))
}

// Slice is the table of events [i, j); it shares memory with t.
func (t *Table) Slice(i, j int) *Table {
	s := &Table{Weight: t.Weight, Columns: make([]Column, len(t.Columns))}
	for k := range t.Columns {
		s.Columns[k] = t.Columns[k].Slice(i, j)
	}
	return s
}

// Take is a new table of the events in rows, in that order.
func (t *Table) Take(rows []int32) *Table {
	s := &Table{Weight: t.Weight, Columns: make([]Column, len(t.Columns))}
	for k := range t.Columns {
		s.Columns[k] = t.Columns[k].Take(rows)
	}
	return s
}
