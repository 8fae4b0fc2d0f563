package formula

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// Names lists, once each, the columns that an expression (see Define) may be made
// from. The constant pi is among them: a column of that name would be taken.
func Names(expression string) ([]string, error) {
	tree, err := parse(expression)
	if err != nil {
		return nil, err
	}
	n := &namer{source: expression}
	n.visit(tree)
	return n.names, nil
}

type namer struct {
	source string
	names  []string
}

func (n *namer) add(name string) {
	if name != "" && !slices.Contains(n.names, name) {
		n.names = append(n.names, name)
	}
}

// visit knows the nodes that expression.operand does; in others there are no columns.
func (n *namer) visit(node ast.Node) {
	switch x := node.(type) {
	case *ast.StringNode:
		if quotedBy(n.source, x) == '`' {
			n.add(x.Value)
		}
	case *ast.IdentifierNode, *ast.MemberNode:
		n.add(dotted(x))
	case *ast.UnaryNode:
		n.visit(x.Node)
	case *ast.BinaryNode:
		n.visit(x.Left)
		n.visit(x.Right)
	case *ast.ConditionalNode:
		n.all(x.Cond, x.Exp1, x.Exp2)
	case *ast.ArrayNode:
		n.all(x.Nodes...)
	case *ast.BuiltinNode:
		n.all(x.Arguments...)
	case *ast.CallNode:
		if f, ok := x.Callee.(*ast.IdentifierNode); ok && f.Value == "col" && len(x.Arguments) == 1 {
			if s, ok := x.Arguments[0].(*ast.StringNode); ok {
				n.add(s.Value)
			}
			return
		}
		n.all(x.Arguments...)
	}
}

func (n *namer) all(nodes ...ast.Node) {
	for _, node := range nodes {
		n.visit(node)
	}
}
