package events

import (
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
)

// Define adds the column name, computed from the other columns of t by an expression as package formula has them; a
// column that has the name already is replaced. Its type follows from the expression and the types of the columns in it.
func Define(t *Table, name, expression string) error {
	if name == "" {
		return errors.New("events: a defined column needs a name")
	}
	f, err := formula.Compile(t.Columns, expression)
	if err != nil {
		return fmt.Errorf("events: %w", err)
	}
	c, err := f.Column(name, t.Columns)
	if err != nil {
		return fmt.Errorf("events: %w", err)
	}
	if old, err := t.Column(name); err == nil {
		*old = c
		return nil
	}
	t.Columns = append(t.Columns, c)
	return nil
}

// Rows lists, from 0, the events of t for which the expression (see Define) holds;
// there may be none.
func Rows(t *Table, expression string) ([]int32, error) {
	f, err := formula.CompileCondition(t.Columns, expression)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	rows, err := f.Rows(t.Columns)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	return rows, nil
}

// Select is a new table of the events in Rows. Where there is none, the error
// says so.
func Select(t *Table, expression string) (*Table, error) {
	rows, err := Rows(t, expression)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("events: the selection %q leaves none of %d events", expression, t.Len())
	}
	if len(rows) == t.Len() {
		return t.Slice(0, t.Len()), nil
	}
	s := &Table{Weight: t.Weight, Columns: make([]Column, len(t.Columns))}
	return s, column.Each(len(t.Columns), func(k int) error {
		s.Columns[k] = t.Columns[k].Take(rows)
		return nil
	})
}
