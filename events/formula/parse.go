package formula

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"
)

// longest keeps the parser's recursion, a level a bracket, shallow.
const longest = 4096

func parse(source string) (ast.Node, error) {
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("the expression is empty")
	}
	if len(source) > longest {
		return nil, fmt.Errorf("an expression of %d characters; the longest allowed has %d", len(source), longest)
	}
	short, large := withoutLarge(source)
	tree, err := parser.Parse(short)
	if err != nil {
		var at *file.Error
		if errors.As(err, &at) {
			return nil, failAt(source, at.From, "%s", at.Message)
		}
		return nil, fmt.Errorf("expression %q: %w", source, err)
	}
	ast.Walk(&tree.Node, large)
	return tree.Node, nil
}

// large are the whole numbers beyond int64, by their places: the parser refuses them. Up to uint64 they are
// ConstantNodes of one.
type large map[int]ast.Node

// withoutLarge has numbers of the same length stand for those.
func withoutLarge(source string) (string, large) {
	tokens, err := lexer.Lex(file.NewSource(source))
	if err != nil { // of which the parser tells
		return source, nil
	}
	found, text := make(large), []rune(source)
	for _, t := range tokens {
		digits := strings.ReplaceAll(t.Value, "_", "")
		if _, err := strconv.ParseInt(digits, 10, 64); t.Kind != lexer.Number || !errors.Is(err, strconv.ErrRange) {
			continue
		}
		if u, err := strconv.ParseUint(digits, 10, 64); err == nil {
			found[t.From] = &ast.ConstantNode{Value: u}
		} else {
			v, _ := strconv.ParseFloat(digits, 64) // infinite where it is beyond float64
			found[t.From] = &ast.FloatNode{Value: v}
		}
		copy(text[t.From:t.To], []rune("1e"+strings.Repeat("0", t.To-t.From-2)))
	}
	return string(text), found
}

// Visit puts the large number of a place there.
func (l large) Visit(node *ast.Node) {
	if _, number := (*node).(*ast.FloatNode); number && l[(*node).Location().From] != nil {
		ast.Patch(node, l[(*node).Location().From])
	}
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
