package formula

import (
	"math"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-hep/sluice/events/column"
)

// Limits are the comparisons of a column with a number that an event must pass to
// fulfil a selection: those that && joins. A selection that cannot be read has none. Numbers from 2^53 on have none
// either: of integers, the ranges to compare with them may be rounded.
func Limits(selection string) []column.Limit {
	tree, err := parse(selection)
	if err != nil {
		return nil
	}
	return limits(selection, tree)
}

func limits(source string, node ast.Node) []column.Limit {
	n, ok := node.(*ast.BinaryNode)
	if !ok {
		return nil
	}
	if n.Operator == "&&" || n.Operator == "and" {
		return append(limits(source, n.Left), limits(source, n.Right)...)
	}
	op, side := n.Operator, n.Left
	value, ok := number(n.Right)
	if !ok {
		op, side = mirrored[op], n.Right
		value, ok = number(n.Left)
	}
	name, _ := columnName(source, side)
	if !ok || name == "" || mirrored[op] == "" || math.Abs(value) >= 1<<53 {
		return nil
	}
	return []column.Limit{{Column: name, Op: op, Value: value}}
}

// mirrored is the comparison with its sides exchanged.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}

// number is the value of a number with or without a sign.
func number(node ast.Node) (float64, bool) {
	switch n := node.(type) {
	case *ast.IntegerNode:
		return float64(n.Value), true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.UnaryNode:
		v, ok := number(n.Node)
		switch n.Operator {
		case "-":
			return -v, ok
		case "+":
			return v, ok
		}
	}
	return 0, false
}
