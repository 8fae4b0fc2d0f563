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
	num    values[float64]
	cond   values[bool]
	text   func(i int) string
	column *column.Column // where the node is just a column,
	at     int            // of this place
	value  *float64       // where it is just a number

	// The same as num, exactly, for columns of integers and whole numbers: one or, for the latter, both.
	ints  values[int64]
	uints values[uint64]
}

// broken is the operand of a node that is an error: it goes with anything, so that only the first error is found.
var broken = operand{num: repeat(0.0), cond: repeat(false), text: func(int) string { return "" }}

// operand compiles a node once: the parser has the middle of 0 < x < 1 in two comparisons, of which each may be in others.
func (f *Formula) operand(node ast.Node) operand {
	v, done := f.done[node]
	if !done {
		v = f.compile(node)
		f.done[node] = v
	}
	return v
}

func (f *Formula) compile(node ast.Node) operand {
	switch n := node.(type) {
	case *ast.IntegerNode:
		return whole(int64(n.Value))
	case *ast.FloatNode:
		if large, ok := f.large[n.Location().From]; ok {
			return large
		}
		return constant(n.Value)
	case *ast.BoolNode:
		return fromCondition(repeat(n.Value))
	case *ast.StringNode:
		if f.quotedBy(n) != '`' {
			return operand{text: func(int) string { return n.Value }}
		}
	case *ast.IdentifierNode:
		if n.Value == "pi" && f.have.Find("pi") < 0 {
			return constant(math.Pi)
		}
	case *ast.UnaryNode:
		return f.unary(n)
	case *ast.BinaryNode:
		return f.binary(n)
	case *ast.ConditionalNode:
		return f.conditional(n.Cond, n.Exp1, n.Exp2)
	case *ast.BuiltinNode:
		return f.call(n, n.Name, n.Arguments)
	case nil:
		return f.fail(&ast.NilNode{}, "cannot be read")
	}
	if name, first := f.columnName(node); name != "" {
		return f.columnOf(first, name)
	}
	switch n := node.(type) {
	case *ast.MemberNode:
		return f.fail(n, "columns have no members but numbered ones, as in pt[0]; write any other name in backticks")
	case *ast.CallNode:
		if called, ok := n.Callee.(*ast.IdentifierNode); ok {
			return f.call(n, called.Value, n.Arguments)
		}
	}
	return f.fail(node, "is no arithmetic, comparison or function of columns")
}

func (f *Formula) columnOf(node ast.Node, name string) operand {
	at := slices.IndexFunc(f.used, func(u *used) bool { return u.want.Name == name })
	if at < 0 {
		k := f.have.Find(name)
		if k < 0 {
			return f.fail(node, "%v", column.Missing(column.Names(f.have.all), name))
		}
		at = len(f.used)
		f.used = append(f.used, &used{want: f.have.all[k], place: k})
	}
	u := f.used[at]
	c, v := &u.block, operand{column: &u.want, at: at}
	switch u.want.Type {
	case column.Text:
		v.text = func(i int) string { return c.Str[i] }
	case column.Float64:
		v.num = func(r run) []float64 { return c.F64[r.at : r.at+r.n] }
	case column.Int64:
		v.ints = func(r run) []int64 { return c.I64[r.at : r.at+r.n] }
		v.num = widen(v.ints)
	case column.Uint64:
		v.uints = func(r run) []uint64 { return c.U64[r.at : r.at+r.n] }
		v.num = widen(v.uints)
	default:
		v.num = widen(func(r run) []float32 { return c.F32[r.at : r.at+r.n] })
	}
	return v
}

// number is an operand for arithmetic; a condition counts as 1 or 0.
func (f *Formula) number(node ast.Node) operand {
	v := f.operand(node)
	switch {
	case v.num != nil:
		return v
	case v.column != nil:
		return f.fail(node, "column %q holds text%s, which can only be compared with ==, != and in", v.column.Name, v.column.Because())
	}
	return f.fail(node, "%q is text, which can only be compared with ==, != and in", node.String())
}

func (f *Formula) numbers(nodes ...ast.Node) []operand {
	all := make([]operand, len(nodes))
	for i, n := range nodes {
		all[i] = f.number(n)
	}
	return all
}

func (f *Formula) conditionOf(node ast.Node) values[bool] {
	v := f.operand(node)
	switch {
	case v.cond != nil:
		return v.cond
	case v.column != nil:
		return f.fail(node, "column %q is not a condition; compare it with a value", v.column.Name).cond
	}
	return f.fail(node, "is not a condition; compare it with a value").cond
}

func (f *Formula) unary(n *ast.UnaryNode) operand {
	switch n.Operator {
	case "!", "not":
		return fromCondition(not(f.conditionOf(n.Node)))
	case "+":
		v := f.number(n.Node)
		return operand{num: v.num, ints: v.ints, uints: v.uints, value: v.value}
	case "-":
		v := f.number(n.Node)
		if v.value != nil {
			return v.negated()
		}
		return operand{num: apply(func(x float64) float64 { return -x }, v.num)}
	}
	return f.fail(n, "operator %q is not known here", n.Operator)
}

func (f *Formula) binary(n *ast.BinaryNode) operand {
	switch n.Operator {
	case "&&", "and":
		return fromCondition(and(f.conditionOf(n.Left), f.conditionOf(n.Right)))
	case "||", "or":
		return fromCondition(or(f.conditionOf(n.Left), f.conditionOf(n.Right)))
	case "in":
		return f.in(n)
	case "<", ">", "<=", ">=", "==", "!=":
		return fromCondition(f.comparison(n))
	}
	v := f.numbers(n.Left, n.Right)
	a, b := v[0], v[1]
	loop, ok := arithmetic[n.Operator]
	switch {
	case n.Operator == "**" || n.Operator == "^":
		return power(v)
	case !ok:
		return f.fail(n, "operator %q is not known here", n.Operator)
	case n.Operator == "-" && a.ints != nil && b.ints != nil:
		return operand{num: map2(a.ints, b.ints, difference)}
	case n.Operator == "-" && a.uints != nil && b.uints != nil:
		return operand{num: map2(a.uints, b.uints, difference)}
	}
	return operand{num: map2(a.num, b.num, loop)}
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

func (f *Formula) comparison(n *ast.BinaryNode) values[bool] {
	a, b := f.operand(n.Left), f.operand(n.Right)
	if a.text != nil && b.text != nil && (n.Operator == "==" || n.Operator == "!=") {
		return compareText(a.text, b.text, n.Operator == "==")
	}
	if a.num == nil || b.num == nil {
		return f.fail(n, "%s and %s cannot be compared by %s%s", kindOf(a), kindOf(b), n.Operator, because(a, b)).cond
	}
	return compareNumbers(n.Operator, a, b)
}

func kindOf(v operand) string {
	if v.text != nil {
		return "text"
	}
	return "a number"
}

// in is x == a || x == b ... for a list.
func (f *Formula) in(n *ast.BinaryNode) operand {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok || len(list.Nodes) == 0 {
		return f.fail(n.Right, "in wants a list of values, for example [1, 2]")
	}
	var any values[bool]
	for _, v := range list.Nodes {
		one := &ast.BinaryNode{Operator: "==", Left: n.Left, Right: v}
		one.SetLocation(n.Location())
		if c := f.comparison(one); any == nil {
			any = c
		} else {
			any = or(any, c)
		}
	}
	return fromCondition(any)
}

func (f *Formula) conditional(cond, yes, no ast.Node) operand {
	c, a, b := f.conditionOf(cond), f.number(yes), f.number(no)
	if a.cond != nil && b.cond != nil {
		return fromCondition(or(and(c, a.cond), and(not(c), b.cond)))
	}
	return operand{num: where(c, a.num, b.num)}
}

// fail keeps the first error.
func (f *Formula) fail(n ast.Node, format string, args ...any) operand {
	if f.err == nil {
		f.err = failAt(f.source, n.Location().From, format, args...)
	}
	return broken
}

func failAt(source string, from int, format string, args ...any) error {
	return fmt.Errorf("expression %q: character %d: %s", source, from+1, fmt.Sprintf(format, args...))
}
