package formula

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// Names lists, once each, the columns that an expression (see Define) may be made
// from. The constant pi is among them: a column of that name would be taken.
func Names(expression string) ([]string, error) {
	tree, err := parse(expression)
	if err != nil {
		return nil, err
	}
	var names []string
	var visit func(node ast.Node)
	visit = func(node ast.Node) {
		if name, _ := columnName(expression, node); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
		for _, inner := range children(node) {
			visit(inner)
		}
	}
	visit(tree)
	return names, nil
}

// children are the nodes that a node is computed from, of those that Formula.operand knows.
func children(node ast.Node) []ast.Node {
	switch n := node.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.CallNode:
		return n.Arguments
	}
	return nil
}

// columnName is the name of a column as it stands in the source, jet.pt and pt[0] too, and the node that it begins with; ""
// where the node is no column.
func columnName(source string, node ast.Node) (name string, first ast.Node) {
	switch n := node.(type) {
	case *ast.StringNode:
		if quotedBy(source, n) == '`' {
			return n.Value, n
		}
	case *ast.IdentifierNode:
		return n.Value, n
	case *ast.MemberNode:
		left, first := columnName(source, n.Node)
		if _, plain := first.(*ast.IdentifierNode); !plain || n.Optional {
			return "", nil
		}
		switch p := n.Property.(type) {
		case *ast.StringNode:
			return left + "." + p.Value, first
		case *ast.IntegerNode:
			return left + "[" + strconv.Itoa(p.Value) + "]", first
		}
	case *ast.CallNode:
		if f, ok := n.Callee.(*ast.IdentifierNode); ok && f.Value == "col" && len(n.Arguments) == 1 {
			if s, ok := n.Arguments[0].(*ast.StringNode); ok {
				return s.Value, s
			}
		}
	}
	return "", nil
}
