// Package events holds tables of events: columns with names, units and types,
// read from and written to the field's file formats, with selections and
// derived columns.
//
// The formats live in packages below this one (events/csv, npy, parquet, hdf5,
// root), which know columns and nothing of tables: events imports them, and they import
// events/column, so that there is no cycle and no registration at
// start-up. The list of formats is in formats.go.
package events

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
)

// Column is one column of a table.
type Column = column.Column

// Type is how the values of a column are held: as precisely as its file holds them.
type Type = column.Type

// The types of columns.
const (
	Float32 = column.Float32
	Float64 = column.Float64
	Int64   = column.Int64
	Uint64  = column.Uint64
	Text    = column.Text
)

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
func (t *Table) Names() []string { return column.Names(t.Columns) }

// Column returns the named column, or an error that lists what there is.
func (t *Table) Column(name string) (*Column, error) {
	if k := column.Find(t.Columns, name, 0); k >= 0 {
		return &t.Columns[k], nil
	}
	return nil, fmt.Errorf("events: %w", column.Missing(t.Names(), name))
}

// Floats are the values of columns as float64, of numbers alone.
func (t *Table) Floats(names []string) (x [][]float64, err error) {
	for _, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		v, err := c.Floats(nil)
		if err != nil {
			return nil, err
		}
		x = append(x, v)
	}
	return x, nil
}

// Set replaces the column of that name, or adds one.
func (t *Table) Set(c Column) {
	if k := column.Find(t.Columns, c.Name, len(t.Columns)-1); k >= 0 {
		t.Columns[k] = c
	} else {
		t.Columns = append(t.Columns, c)
	}
}

// Append adds the events of b, whose columns are those of t.
func (t *Table) Append(b *Table) {
	for i := range t.Columns {
		t.Columns[i].Append(&b.Columns[i])
	}
}

// Joined is all with the events of b behind its own; b itself, where there are none yet.
func Joined(all, b *Table) *Table {
	if all == nil || len(all.Columns) == 0 {
		return b
	}
	all.Append(b)
	return all
}

// Bytes is the memory that the values take. A text counts as the header of its string: labels share their letters.
func (t *Table) Bytes() int64 {
	width := 0
	for _, c := range t.Columns {
		width += cmp.Or(c.Type.Number(false).Size, 16)
	}
	return int64(t.Len()) * int64(width)
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

// Define adds the column name, computed from the other columns of t by an expression as package formula has them; a
// column that has the name already is replaced. Its type follows from the expression and the types of the columns in it.
func Define(t *Table, name, expression string) error {
	if name == "" {
		return errors.New("events: a defined column needs a name")
	}
	var c Column
	f, err := formula.Compile(t.Columns, expression)
	if err == nil {
		c, err = f.Column(name, t.Columns)
	}
	if err != nil {
		return fmt.Errorf("events: %w", err)
	}
	t.Set(c)
	return nil
}
