package formula

import (
	"fmt"
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-hep/sluice/events/column"
)

// operand is the value of a node: exactly one of num, cond and text is set, and num besides cond (1 and 0).
type operand struct {
	num    numbers
	cond   conditions
	text   func(i int) string
	column *column.Column // where the node is just a column,
	at     int            // of this place
	value  *float64       // where it is just a number

	// The same as num, exactly, for columns of integers and whole numbers: one or, for the latter, both.
	ints  func(at, n int) []int64
	uints func(at, n int) []uint64
}

func (f *Formula) operand(node ast.Node) (operand, error) {
	switch n := node.(type) {
	case *ast.IntegerNode:
		return whole(int64(n.Value)), nil
	case *ast.ConstantNode:
		if u, ok := n.Value.(uint64); ok {
			return whole(u), nil
		}
	case *ast.FloatNode:
		return constant(n.Value), nil
	case *ast.BoolNode:
		return fromCondition(repeat(n.Value)), nil
	case *ast.StringNode:
		if quotedBy(f.source, n) == '`' {
			return f.columnOf(n, n.Value)
		}
		return operand{text: func(int) string { return n.Value }}, nil
	case *ast.IdentifierNode:
		if n.Value == "pi" && find(f.have, "pi", 0) == nil {
			return constant(math.Pi), nil
		}
		return f.columnOf(n, n.Value)
	case *ast.MemberNode:
		return f.member(n)
	case *ast.UnaryNode:
		return f.unary(n)
	case *ast.BinaryNode:
		return f.binary(n)
	case *ast.ConditionalNode:
		return f.conditional(n.Cond, n.Exp1, n.Exp2)
	case *ast.CallNode:
		if called, ok := n.Callee.(*ast.IdentifierNode); ok {
			return f.call(n, called.Value, n.Arguments)
		}
	case *ast.BuiltinNode:
		return f.call(n, n.Name, n.Arguments)
	case nil:
		return operand{}, failAt(f.source, 0, "cannot be read")
	}
	return operand{}, f.fail(node, "%q is no arithmetic, comparison or function of columns", node.String())
}

// member takes jet.pt and pt[0] for the columns of those names.
func (f *Formula) member(n *ast.MemberNode) (operand, error) {
	name := dotted(n)
	if name == "" || n.Optional {
		return operand{}, f.fail(n, "%q: columns have no members but numbered ones, as in pt[0]; write any other name in backticks", n.String())
	}
	var first ast.Node = n
	for m, ok := first.(*ast.MemberNode); ok; m, ok = first.(*ast.MemberNode) {
		first = m.Node
	}
	return f.columnOf(first, name)
}

func (f *Formula) columnOf(node ast.Node, name string) (operand, error) {
	k := slices.IndexFunc(f.have, func(c column.Column) bool { return c.Name == name })
	if k < 0 {
		return operand{}, f.fail(node, "%v", column.Missing(name, f.names()))
	}
	if f.values[k] == nil {
		f.values[k] = &column.Column{}
	}
	c, v := f.values[k], operand{column: &f.have[k], at: k}
	switch f.have[k].Type {
	case column.Text:
		v.text = func(i int) string { return c.Str[i] }
	case column.Float64:
		v.num = func(at, n int) []float64 { return c.F64[at : at+n] }
	case column.Int64:
		v.ints = func(at, n int) []int64 { return c.I64[at : at+n] }
		v.num = widen(v.ints)
	case column.Uint64:
		v.uints = func(at, n int) []uint64 { return c.U64[at : at+n] }
		v.num = widen(v.uints)
	default:
		v.num = widen(func(at, n int) []float32 { return c.F32[at : at+n] })
	}
	return v, nil
}

// each compiles several nodes.
func each[T any](compile func(ast.Node) (T, error), nodes ...ast.Node) ([]T, error) {
	all := make([]T, len(nodes))
	for i, n := range nodes {
		var err error
		if all[i], err = compile(n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// number is an operand for arithmetic; a condition counts as 1 or 0.
func (f *Formula) number(node ast.Node) (operand, error) {
	v, err := f.operand(node)
	if err == nil && v.num == nil {
		what := fmt.Sprintf("%q is text", node.String())
		if v.column != nil {
			what = fmt.Sprintf("column %q holds text%s", v.column.Name, v.column.Because())
		}
		return v, f.fail(node, "%s, which can only be compared with ==, != and in", what)
	}
	return v, err
}

func (f *Formula) conditionOf(node ast.Node) (conditions, error) {
	v, err := f.operand(node)
	if err == nil && v.cond == nil {
		err = f.fail(node, "%q is not a condition; compare it with a value", node.String())
	}
	return v.cond, err
}

func (f *Formula) unary(n *ast.UnaryNode) (operand, error) {
	switch n.Operator {
	case "!", "not":
		c, err := f.conditionOf(n.Node)
		if err != nil {
			return operand{}, err
		}
		return fromCondition(not(c)), nil
	case "-", "+":
		v, err := f.number(n.Node)
		if err != nil {
			return operand{}, err
		}
		if n.Operator == "+" {
			return operand{num: v.num, ints: v.ints, uints: v.uints, value: v.value}, nil
		}
		if v.value != nil {
			return v.negated(), nil
		}
		return operand{num: apply1(func(x float64) float64 { return -x }, v.num)}, nil
	}
	return operand{}, f.fail(n, "operator %q is not known here", n.Operator)
}

func (f *Formula) binary(n *ast.BinaryNode) (operand, error) {
	switch n.Operator {
	case "&&", "and", "||", "or":
		c, err := each(f.conditionOf, n.Left, n.Right)
		if err != nil {
			return operand{}, err
		}
		if n.Operator == "&&" || n.Operator == "and" {
			return fromCondition(and(c[0], c[1])), nil
		}
		return fromCondition(or(c[0], c[1])), nil
	case "in":
		return f.in(n)
	}
	if slices.Contains(comparisons, n.Operator) {
		return f.comparison(n)
	}
	v, err := each(f.number, n.Left, n.Right)
	if err != nil {
		return operand{}, err
	}
	a, b := v[0], v[1]
	if n.Operator == "**" || n.Operator == "^" {
		return operand{num: power(a, b)}, nil
	}
	apply, ok := arithmetic[n.Operator]
	switch {
	case !ok:
		return operand{}, f.fail(n, "operator %q is not known here", n.Operator)
	case n.Operator == "-" && a.ints != nil && b.ints != nil:
		return operand{num: difference(a.ints, b.ints)}, nil
	case n.Operator == "-" && a.uints != nil && b.uints != nil:
		return operand{num: difference(a.uints, b.uints)}, nil
	}
	return operand{num: apply2(apply, a.num, b.num)}, nil
}

// because says which cell made a column text among operands.
func because(all ...operand) string {
	for _, v := range all {
		if v.column != nil && v.column.Odd != "" {
			return fmt.Sprintf("; column %q holds text%s", v.column.Name, v.column.Because())
		}
	}
	return ""
}

func (f *Formula) comparison(n *ast.BinaryNode) (operand, error) {
	v, err := each(f.operand, n.Left, n.Right)
	if err != nil {
		return operand{}, err
	}
	a, b := v[0], v[1]
	if a.text != nil && b.text != nil && (n.Operator == "==" || n.Operator == "!=") {
		return fromCondition(compareText(a.text, b.text, n.Operator == "==")), nil
	}
	if a.num == nil || b.num == nil {
		return operand{}, f.fail(n, "%q: %s and %s cannot be compared by %s%s", n.String(), kindOf(a), kindOf(b), n.Operator, because(v...))
	}
	return fromCondition(compareNumbers(n.Operator, a, b)), nil
}

func kindOf(v operand) string {
	if v.text != nil {
		return "text"
	}
	return "a number"
}

// in is x == a || x == b ... for a list.
func (f *Formula) in(n *ast.BinaryNode) (operand, error) {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok || len(list.Nodes) == 0 {
		return operand{}, f.fail(n.Right, "in wants a list of values, for example [1, 2]")
	}
	var any conditions
	for _, v := range list.Nodes {
		one := &ast.BinaryNode{Operator: "==", Left: n.Left, Right: v}
		one.SetLocation(n.Location())
		c, err := f.comparison(one)
		if err != nil {
			return operand{}, err
		}
		if any == nil {
			any = c.cond
		} else {
			any = or(any, c.cond)
		}
	}
	return fromCondition(any), nil
}

func (f *Formula) conditional(cond, yes, no ast.Node) (operand, error) {
	c, err := f.conditionOf(cond)
	if err != nil {
		return operand{}, err
	}
	v, err := each(f.number, yes, no)
	if err != nil {
		return operand{}, err
	}
	a, b := v[0], v[1]
	if a.cond != nil && b.cond != nil {
		return fromCondition(or(and(c, a.cond), and(not(c), b.cond))), nil
	}
	return operand{num: where(c, a.num, b.num)}, nil
}
