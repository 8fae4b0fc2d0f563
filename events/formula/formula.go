// Package formula computes with columns: the expressions of defined columns and of selections.
//
// An expression holds numbers, columns, + - * / % **, comparisons (1 < x < 2 too), && || !, cond ? a : b, in [1, 2], the
// constant pi and the functions abs sqrt exp log log10 sin cos tan asin acos atan sinh cosh tanh atan2 hypot min max pow
// floor ceil round clip(x, low, high) isnan where(cond, a, b). Columns are written by their names, jet.pt and Muon_pt[0]
// too; a name that is no identifier stands in backticks or in col("name"). Text columns can be compared with == != and in.
//
// Integers are compared exactly, with each other and with numbers, and so is the difference of two; all else is computed
// in float64, to which integers beyond 2^53 are rounded. A comparison with NaN is false, != included.
package formula

import (
	"fmt"
	"iter"
	"math"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-hep/sluice/events/column"
)

// Formula is an expression compiled for columns of certain names and types, to be computed for block after block of
// their values. It is for one goroutine.
type Formula struct {
	expression
	root  operand
	done  map[ast.Node]operand
	have  *Columns
	used  []*used // columns
	block int     // the number of it, from 1
	err   error   // the first of the expression
}

// used is a column of an expression.
type used struct {
	want  column.Column // name, unit and type
	place int           // where blocks have it, most likely
	block column.Column // its values
}

// Compile reads an expression of columns, of which only names, units and types matter. Its errors show the place in the
// expression and what is wrong there: a name that no column has, text that is computed with.
func Compile(columns []column.Column, source string) (*Formula, error) {
	return NewColumns(columns).Compile(source)
}

// Compile is the function Compile, of these columns.
//
// It makes a tree of functions that each give the values of some events: a parser's own way, one event at a time
// through interfaces, is some fifty times slower than a loop over a column.
func (columns *Columns) Compile(source string) (*Formula, error) {
	x, err := parse(source)
	if err != nil {
		return nil, err
	}
	f := &Formula{expression: x, done: make(map[ast.Node]operand), have: columns}
	if f.root = f.operand(f.tree); f.root.text != nil && f.root.column == nil {
		f.fail(f.tree, "is text, not a number or a condition")
	}
	if f.err != nil {
		return nil, f.err
	}
	return f, nil
}

// CompileCondition is Compile of a condition, as Rows wants it; a number is an error.
func CompileCondition(columns []column.Column, source string) (*Formula, error) {
	return NewColumns(columns).CompileCondition(source)
}

// CompileCondition is the function CompileCondition, of these columns.
func (columns *Columns) CompileCondition(source string) (*Formula, error) {
	f, err := columns.Compile(source)
	if err == nil {
		err = f.condition()
	}
	return f, err
}

func (f *Formula) condition() error {
	what, example := "a number", "> 0"
	switch {
	case f.root.cond != nil:
		return nil
	case f.root.text != nil:
		what, example = "text", `== "..."`
	}
	return failAt(f.source, f.tree.Location().From, "is %s, not a condition; compare it, for example (%s) %s", what, f.source, example)
}

// Type is that of the values, whatever these are: a column by itself keeps its own, a condition is int64 (1, 0),
// everything else is float64.
func (f *Formula) Type() column.Type {
	switch {
	case f.root.column != nil:
		return f.root.column.Type
	case f.root.cond != nil:
		return column.Int64
	}
	return column.Float64
}

// Uses lists the columns that the values are computed from.
func (f *Formula) Uses() []string {
	names := make([]string, len(f.used))
	for i, u := range f.used {
		names[i] = u.want.Name
	}
	return names
}

// Unit is that of a column by itself, else "".
func (f *Formula) Unit() string {
	if f.root.column != nil {
		return f.root.column.Unit
	}
	return ""
}

// Column is the value for each event of a block of the columns that the formula was compiled for, under the name given.
// There may be others besides, and their order does not matter. It shares no memory with them.
func (f *Formula) Column(name string, columns []column.Column) (column.Column, error) {
	n, err := f.bind(columns)
	if err != nil {
		return column.Column{}, err
	}
	if f.root.column != nil {
		out := column.New(name, f.Unit(), f.Type(), 0)
		out.Append(&f.used[f.root.at].block)
		return out, nil
	}
	out := column.New(name, "", f.Type(), n)
	for r := range f.runs(n) {
		if f.root.cond == nil {
			copy(out.F64[r.at:], f.root.num(r))
			continue
		}
		for i, yes := range f.root.cond(r) {
			if yes {
				out.I64[r.at+i] = 1
			}
		}
	}
	return out, nil
}

// Rows lists, from 0, the events of a block (see Column) for which the condition holds; there may be none.
func (f *Formula) Rows(columns []column.Column) ([]int32, error) {
	if err := f.condition(); err != nil {
		return nil, err
	}
	n, err := f.bind(columns)
	if err != nil {
		return nil, err
	}
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("a selection takes at most %d events at once, not %d", math.MaxInt32, n)
	}
	rows := make([]int32, 0, n)
	for r := range f.runs(n) {
		mask := f.root.cond(r)
		k := len(rows)
		rows = rows[:k+len(mask)]
		for i, yes := range mask {
			rows[k] = int32(r.at + i)
			if yes {
				k++
			}
		}
		rows = rows[:k]
	}
	return rows, nil
}

// bind has the tree compute with the values of a block of n events.
func (f *Formula) bind(columns []column.Column) (n int, err error) {
	if len(columns) > 0 {
		n = columns[0].Len()
	}
	for _, u := range f.used {
		i := column.Find(columns, u.want.Name, u.place)
		if i < 0 || columns[i].Type != u.want.Type || columns[i].Len() != n {
			return 0, fmt.Errorf("expression %q: a block of %d events without a column %q of as many %s", f.source, n, u.want.Name, u.want.Type)
		}
		u.block = columns[i]
	}
	f.block++
	return n, nil
}

// runs are those of the block, of n events.
func (f *Formula) runs(n int) iter.Seq[run] {
	return func(yield func(run) bool) {
		for at := 0; at < n && yield(run{at, min(blockLen, n-at), f.block}); at += blockLen {
		}
	}
}
