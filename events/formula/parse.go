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

// expression is one that was parsed. The parser refuses whole numbers beyond int64: large has these by their places, where
// the tree has other numbers.
type expression struct {
	source string
	tree   ast.Node
	large  map[int]operand
}

func parse(source string) (x expression, err error) {
	if strings.TrimSpace(source) == "" {
		return x, errors.New("the expression is empty")
	}
	if len(source) > longest {
		return x, fmt.Errorf("an expression of %d characters; the longest allowed has %d", len(source), longest)
	}
	x = expression{source: source, large: make(map[int]operand)}
	tree, err := parser.Parse(x.withoutLarge())
	if err != nil {
		var at *file.Error
		if errors.As(err, &at) {
			return x, failAt(source, at.From, "%s", at.Message)
		}
		return x, fmt.Errorf("expression %q: %w", source, err)
	}
	x.tree = tree.Node
	return x, nil
}

// withoutLarge is the source with numbers of the same length in place of the large ones, which it finds.
func (x expression) withoutLarge() string {
	tokens, err := lexer.Lex(file.NewSource(x.source))
	if err != nil { // of which the parser tells
		return x.source
	}
	text := []rune(x.source)
	for _, t := range tokens {
		digits := strings.ReplaceAll(t.Value, "_", "")
		if _, err := strconv.ParseInt(digits, 10, 64); t.Kind != lexer.Number || !errors.Is(err, strconv.ErrRange) {
			continue
		}
		if u, err := strconv.ParseUint(digits, 10, 64); err == nil {
			x.large[t.From] = whole(u)
		} else {
			v, _ := strconv.ParseFloat(digits, 64) // infinite where it is beyond float64
			x.large[t.From] = constant(v)
		}
		copy(text[t.From:t.To], []rune("1e"+strings.Repeat("0", t.To-t.From-2)))
	}
	return string(text)
}

// quotedBy is the character that opens a string in the source.
func (x expression) quotedBy(n *ast.StringNode) rune {
	at := n.Location().From
	for i := range x.source {
		if at == 0 {
			r, _ := utf8.DecodeRuneInString(x.source[i:])
			return r
		}
		at--
	}
	return 0
}
