package events

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/sluice-hep/sluice/events/column"
)

// Define adds the column name, computed from the other columns of t; a column
// that has the name already is replaced.
//
// An expression holds numbers, columns, + - * / % **, comparisons (1 < x < 2
// too), && || !, cond ? a : b, in [1, 2], the constant pi and the functions abs
// sqrt exp log log10 sin cos tan asin acos atan sinh cosh tanh atan2 hypot min
// max pow floor ceil round clip(x, low, high) isnan where(cond, a, b). Columns are
// written by their names, jet.pt and Muon_pt[0] too; a name that is no identifier
// stands in backticks or in col("name"). Text
// columns can be compared with == != and in. It is computed in float64 and kept
// as float32, unless a column in it is float64 or float32 would change a whole
// number. A comparison with NaN is false, != included.
func Define(t *Table, name, expression string) error {
	if name == "" {
		return errors.New("events: a defined column needs a name")
	}
	e, err := compile(t, expression)
	if err != nil {
		return err
	}
	c := e.column(t.Len())
	c.Name = name
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			t.Columns[i] = c
			return nil
		}
	}
	t.Columns = append(t.Columns, c)
	return nil
}

// Rows lists, from 0, the events of t for which the expression (see Define) holds;
// there may be none.
func Rows(t *Table, expression string) ([]int32, error) {
	e, err := compile(t, expression)
	if err != nil {
		return nil, err
	}
	if e.root.cond == nil {
		return nil, e.fail(e.tree, "is a number, not a condition; compare it, for example (%s) > 0", e.source)
	}
	if t.Len() > math.MaxInt32 {
		return nil, fmt.Errorf("events: a selection takes at most %d events at once, not %d", math.MaxInt32, t.Len())
	}
	return e.rows(t.Len()), nil
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
	each(len(t.Columns), func(k int) { s.Columns[k] = t.Columns[k].Take(rows) })
	return s, nil
}

// each calls f for 0..n-1 on all cores.
func each(n int, f func(int)) {
	var wait sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for k := range n {
		free <- struct{}{}
		wait.Go(func() {
			f(k)
			<-free
		})
	}
	wait.Wait()
}

// rows lists the events for which the condition holds.
func (e *expression) rows(n int) []int32 {
	rows := make([]int32, 0, n)
	for at := 0; at < n; at += blockLen {
		mask := e.root.cond(at, min(blockLen, n-at))
		first := len(rows)
		rows = rows[:first+len(mask)]
		k := first
		for i, yes := range mask {
			rows[k] = int32(at + i)
			if yes {
				k++
			}
		}
		rows = rows[:k]
	}
	return rows
}

// column is the value for each of n events.
func (e *expression) column(n int) Column {
	if c := e.root.column; c != nil { // a column by itself: a copy that keeps its type
		out := column.New("", c.Unit, c.Type, n)
		copy(out.F32, c.F32)
		copy(out.F64, c.F64)
		copy(out.I64, c.I64)
		copy(out.Str, c.Str)
		return out
	}
	if !e.double {
		if c, exact := e.float32s(n); exact {
			return c
		}
	}
	c := column.New("", "", Float64, n)
	for at := 0; at < n; at += blockLen {
		copy(c.F64[at:], e.root.num(at, min(blockLen, n-at)))
	}
	return c
}

// float32s is the column rounded to float32; exact is false where that changes a
// whole number or overflows.
func (e *expression) float32s(n int) (c Column, exact bool) {
	c = column.New("", "", Float32, n)
	for at := 0; at < n; at += blockLen {
		for i, v := range e.root.num(at, min(blockLen, n-at)) {
			f := float32(v)
			if w := float64(f); w != v && (e.integers && v == math.Trunc(v) || math.IsInf(w, 0)) && v == v {
				return c, false
			}
			c.F32[at+i] = f
		}
	}
	return c, true
}
