package events

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/sluice-hep/sluice/events/column"
)

// longestExpression keeps the parser's recursion, a level a bracket, shallow.
const longestExpression = 4096

// expression is compiled for one table: a tree of functions that each give the
// values of a block of events.
type expression struct {
	source   string
	tree     ast.Node
	table    *Table
	root     operand
	double   bool // a column in it is float64
	integers bool // a column in it is int64
}

// compile parses with expr-lang, and walks its tree itself: expr evaluates one
// event at a time through interfaces, which is some fifty times slower than a
// loop over a column.
func compile(t *Table, source string) (*expression, error) {
	tree, err := parse(source)
	if err != nil {
		return nil, err
	}
	e := &expression{source: source, table: t, tree: tree}
	if e.root, err = e.operand(tree); err != nil {
		return nil, err
	}
	if e.root.text != nil && e.root.column == nil {
		return nil, e.fail(tree, "is text, not a number or a condition")
	}
	return e, nil
}

func parse(source string) (ast.Node, error) {
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("events: the expression is empty")
	}
	if len(source) > longestExpression {
		return nil, fmt.Errorf("events: an expression of %d characters; the longest allowed has %d", len(source), longestExpression)
	}
	tree, err := parser.Parse(source)
	if err != nil {
		var at *file.Error
		if errors.As(err, &at) {
			return nil, failAt(source, at.From, "%s", at.Message)
		}
		return nil, fmt.Errorf("events: expression %q: %w", source, err)
	}
	return tree.Node, nil
}

// operand is the value of a node: exactly one of num, cond and text is set, and
// num besides cond (1 and 0).
type operand struct {
	num    numbers
	cond   conditions
	text   func(i int) string
	column *Column  // where the node is just a column
	value  *float64 // where it is just a number
}

func (e *expression) fail(n ast.Node, format string, args ...any) error {
	return failAt(e.source, n.Location().From, format, args...)
}

func failAt(source string, from int, format string, args ...any) error {
	return fmt.Errorf("events: expression %q: character %d: %s", source, from+1, fmt.Sprintf(format, args...))
}

func (e *expression) operand(node ast.Node) (operand, error) {
	switch n := node.(type) {
	case *ast.IntegerNode:
		return constant(float64(n.Value)), nil
	case *ast.FloatNode:
		return constant(n.Value), nil
	case *ast.BoolNode:
		v := constant(0)
		if n.Value {
			v = constant(1)
		}
		return fromCondition(compare(notEqual, v.num, constant(0).num)), nil
	case *ast.StringNode:
		if quotedBy(e.source, n) == '`' {
			return e.columnOf(n, n.Value)
		}
		return operand{text: func(int) string { return n.Value }}, nil
	case *ast.IdentifierNode:
		if n.Value == "pi" && !e.has("pi") {
			return constant(math.Pi), nil
		}
		return e.columnOf(n, n.Value)
	case *ast.MemberNode:
		return e.member(n)
	case *ast.UnaryNode:
		return e.unary(n)
	case *ast.BinaryNode:
		return e.binary(n)
	case *ast.ConditionalNode:
		return e.conditional(n.Cond, n.Exp1, n.Exp2)
	case *ast.CallNode:
		if f, ok := n.Callee.(*ast.IdentifierNode); ok {
			return e.call(n, f.Value, n.Arguments)
		}
	case *ast.BuiltinNode:
		return e.call(n, n.Name, n.Arguments)
	case nil:
		return operand{}, failAt(e.source, 0, "cannot be read")
	}
	return operand{}, e.fail(node, "%q is no arithmetic, comparison or function of columns", node.String())
}

// quotedBy is the character that opens a string in the source.
func quotedBy(source string, n *ast.StringNode) rune {
	at := n.Location().From
	for i := range source {
		if at == 0 {
			r, _ := utf8.DecodeRuneInString(source[i:])
			return r
		}
		at--
	}
	return 0
}

func (e *expression) has(name string) bool {
	_, err := e.table.Column(name)
	return err == nil
}

// member takes jet.pt and pt[0] for the columns of those names.
func (e *expression) member(n *ast.MemberNode) (operand, error) {
	name := dotted(n)
	if name == "" || n.Optional {
		return operand{}, e.fail(n, "%q: columns have no members but numbered ones, as in pt[0]; write any other name in backticks", n.String())
	}
	var first ast.Node = n
	for m, ok := first.(*ast.MemberNode); ok; m, ok = first.(*ast.MemberNode) {
		first = m.Node
	}
	return e.columnOf(first, name)
}

// dotted is the name of a column as it stands in the source; "" where there is none.
func dotted(node ast.Node) string {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.MemberNode:
		left := dotted(n.Node)
		if left == "" {
			return ""
		}
		switch p := n.Property.(type) {
		case *ast.StringNode:
			return left + "." + p.Value
		case *ast.IntegerNode:
			return left + "[" + strconv.Itoa(p.Value) + "]"
		}
	}
	return ""
}

func (e *expression) columnOf(node ast.Node, name string) (operand, error) {
	c, err := e.table.Column(name)
	if err != nil {
		return operand{}, e.fail(node, "%v", column.Missing(name, e.table.Names()))
	}
	switch c.Type {
	case Text:
		return operand{text: func(i int) string { return c.Str[i] }, column: c}, nil
	case Float64:
		e.double = true
		return operand{num: func(at, n int) []float64 { return c.F64[at : at+n] }, column: c}, nil
	case Int64:
		e.integers = true
		return operand{num: widen(c.I64), column: c}, nil
	default:
		return operand{num: widen(c.F32), column: c}, nil
	}
}

// number is an operand for arithmetic; a condition counts as 1 or 0.
func (e *expression) number(node ast.Node) (operand, error) {
	v, err := e.operand(node)
	if err == nil && v.num == nil {
		what := fmt.Sprintf("%q is text", node.String())
		if v.column != nil {
			what = fmt.Sprintf("column %q holds text", v.column.Name)
		}
		return v, e.fail(node, "%s, which can only be compared with ==, != and in", what)
	}
	return v, err
}

func (e *expression) condition(node ast.Node) (conditions, error) {
	v, err := e.operand(node)
	if err == nil && v.cond == nil {
		err = e.fail(node, "%q is not a condition; compare it with a value", node.String())
	}
	return v.cond, err
}

func (e *expression) unary(n *ast.UnaryNode) (operand, error) {
	switch n.Operator {
	case "!", "not":
		c, err := e.condition(n.Node)
		if err != nil {
			return operand{}, err
		}
		return fromCondition(not(c)), nil
	case "-", "+":
		v, err := e.number(n.Node)
		if err != nil {
			return operand{}, err
		}
		if n.Operator == "+" {
			return operand{num: v.num, value: v.value}, nil
		}
		if v.value != nil {
			return constant(-*v.value), nil
		}
		return operand{num: apply1(func(x float64) float64 { return -x }, v.num)}, nil
	}
	return operand{}, e.fail(n, "operator %q is not known here", n.Operator)
}

func (e *expression) binary(n *ast.BinaryNode) (operand, error) {
	switch n.Operator {
	case "&&", "and", "||", "or":
		a, err := e.condition(n.Left)
		if err != nil {
			return operand{}, err
		}
		b, err := e.condition(n.Right)
		if err != nil {
			return operand{}, err
		}
		if n.Operator == "&&" || n.Operator == "and" {
			return fromCondition(and(a, b)), nil
		}
		return fromCondition(or(a, b)), nil
	case "in":
		return e.in(n)
	}
	if f, ok := comparisons[n.Operator]; ok {
		return e.comparison(n, f)
	}
	a, err := e.number(n.Left)
	if err != nil {
		return operand{}, err
	}
	b, err := e.number(n.Right)
	if err != nil {
		return operand{}, err
	}
	if n.Operator == "**" || n.Operator == "^" {
		return operand{num: power(a, b)}, nil
	}
	f, ok := arithmetic[n.Operator]
	if !ok {
		return operand{}, e.fail(n, "operator %q is not known here", n.Operator)
	}
	return operand{num: apply2(f, a.num, b.num)}, nil
}

func (e *expression) comparison(n *ast.BinaryNode, f comparison) (operand, error) {
	a, err := e.operand(n.Left)
	if err != nil {
		return operand{}, err
	}
	b, err := e.operand(n.Right)
	if err != nil {
		return operand{}, err
	}
	if a.text != nil && b.text != nil && (n.Operator == "==" || n.Operator == "!=") {
		return fromCondition(compareText(a.text, b.text, n.Operator == "==")), nil
	}
	if a.num == nil || b.num == nil {
		return operand{}, e.fail(n, "%q: %s and %s cannot be compared by %s", n.String(), kindOf(a), kindOf(b), n.Operator)
	}
	return fromCondition(compare(f, a.num, b.num)), nil
}

func kindOf(v operand) string {
	if v.text != nil {
		return "text"
	}
	return "a number"
}

// in is x == a || x == b ... for a list.
func (e *expression) in(n *ast.BinaryNode) (operand, error) {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok || len(list.Nodes) == 0 {
		return operand{}, e.fail(n.Right, "in wants a list of values, for example [1, 2]")
	}
	var any conditions
	for _, v := range list.Nodes {
		one := &ast.BinaryNode{Operator: "==", Left: n.Left, Right: v}
		one.SetLocation(n.Location())
		c, err := e.comparison(one, equal)
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

func (e *expression) conditional(cond, yes, no ast.Node) (operand, error) {
	c, err := e.condition(cond)
	if err != nil {
		return operand{}, err
	}
	a, err := e.number(yes)
	if err != nil {
		return operand{}, err
	}
	b, err := e.number(no)
	if err != nil {
		return operand{}, err
	}
	if a.cond != nil && b.cond != nil {
		return fromCondition(or(and(c, a.cond), and(not(c), b.cond))), nil
	}
	return operand{num: where(c, a.num, b.num)}, nil
}
