package card

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/toy"
)

const (
	maxBytes  = 1 << 20 // of a card
	maxDepth  = 32      // of brackets in brackets
	maxIndent = 200     // columns before a list's dash
	maxKeys   = 10_000  // in all: the parser compares each of a map with those before it
)

// Load reads and checks the card in a file.
func Load(path string) (*Card, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("card: %w", err)
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("card: %w", err)
	}
	c, err := Parse(data, path)
	if err != nil {
		return nil, err
	}
	c.Dir = filepath.Dir(path)
	return c, nil
}

// Parse reads and checks a card; name stands for it in errors.
func Parse(data []byte, name string) (*Card, error) {
	c := &Card{Seed: 1}
	root, err := parseYAML(data)
	if err == nil && root.Type() == ast.NullType {
		err = errors.New("nothing in it; the shortest card has files: [events.csv] and features: [a, b] on two lines")
	}
	if err == nil {
		err = decode(c, root)
	}
	if err == nil {
		if c.Name == "" {
			base := filepath.Base(name)
			c.Name = strings.TrimSuffix(base, filepath.Ext(base))
		}
		c.ofToy()
		err = place(c.Validate(), root)
	}
	if err == nil {
		err = c.checkProfiles()
	}
	if err != nil {
		return nil, inFile(err, name)
	}
	return c, nil
}

// ofToy models what is drawn where a card names no features: x1 and x2 of a distribution, the parameters of a simulator given what is observed.
func (c *Card) ofToy() {
	s := toy.Find(c.Toy.Name)
	switch {
	case c.Features != nil || c.Toy == (Toy{}):
	case s == nil:
		c.Features = []string{"x1", "x2"}
	default:
		c.Features = column.Names(s.Parameters)
		if c.Context == nil && c.ContextSets == nil {
			c.Context = column.Names(s.Observables)
		}
	}
}

func decode(c *Card, root ast.Node) error {
	var d decoder
	if err := d.value("", root, reflect.ValueOf(c).Elem()); err != nil {
		return err
	}
	for name, unit := range d.units {
		if u, ok := c.Units[name]; ok && u != unit {
			return place(wrong(join("units", name), "%q, but %q where the column is named; take one out", u, unit), root)
		}
	}
	d.addUnits(c)
	return nil
}

// keyError is what is wrong with a value of a card: at a line and column from 1 on, where it has a place.
type keyError struct {
	file         string
	line, column int
	key          string // dotted; "" for the card as a whole
	reason       string
}

func (e *keyError) Error() string {
	var b strings.Builder
	if e.file != "" {
		b.WriteString(e.file)
		if e.line > 0 {
			fmt.Fprintf(&b, ":%d:%d", e.line, e.column)
		}
		b.WriteString(": ")
	}
	if e.key != "" {
		b.WriteString(oneLine(e.key) + ": ")
	}
	return b.String() + oneLine(e.reason)
}

// oneLine shows a text from a card without what a terminal would act on, and at a bearable length.
func oneLine(s string) string {
	shown := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	const most = 500
	if len(shown) > most {
		shown = strings.ToValidUTF8(shown[:most], "") + "..."
	}
	return shown
}

func inFile(err error, name string) error {
	var k *keyError
	if errors.As(err, &k) {
		k.file = name
		return k
	}
	return fmt.Errorf("%s: %w", name, err)
}

func at(n ast.Node, key, format string, args ...any) *keyError {
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		t = m.Values[0].Key.GetToken() // its own is the colon
	}
	return atToken(t, key, fmt.Sprintf(format, args...))
}

func atToken(t *token.Token, key, reason string) *keyError {
	e := &keyError{key: key, reason: reason}
	if t != nil && t.Position != nil {
		e.line, e.column = t.Position.Line, t.Position.Column
	}
	return e
}

// parseYAML returns the one value of a YAML text, a null for an empty one. Anchors and aliases (a few lines of which can stand for
// gigabytes), tags, directives and further documents have no place in a card; without them, and with
// bounded nesting, parsing takes time and memory in proportion to the text.
func parseYAML(data []byte) (root ast.Node, err error) {
	defer func() {
		if recover() != nil { // a mistake of the YAML package
			root, err = nil, errors.New("not YAML; check quotes and indentation")
		}
	}()
	if len(data) > maxBytes {
		return nil, fmt.Errorf("a card of more than %d bytes; put data into files of their own", maxBytes)
	}
	text, ok := strings.CutPrefix(string(data), "\ufeff") // the mark of some editors that it is UTF-8
	if !ok && (strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")) {
		return nil, errors.New("a text in UTF-16; save it as UTF-8")
	}
	tokens := lexer.Tokenize(text)
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return ast.Null(token.New("", "", &token.Position{Line: 1, Column: 1})), nil
	}
	return file.Docs[0].Body, nil
}

func checkTokens(tokens token.Tokens) error {
	depth, dashes, line, keys := 0, 0, 0, 0
	for i, t := range tokens {
		reason := ""
		switch t.Type {
		case token.InvalidType:
			reason = t.Error
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			reason = fmt.Sprintf("anchors and aliases (%s) are not part of a card; put a text that holds %s in quotes", t.Value, t.Value)
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			reason = fmt.Sprintf("%s is not part of a card; put a text that begins with it in quotes", t.Value)
		case token.DocumentHeaderType:
			if i > 0 {
				reason = "a card is one document; take out the line ---"
			}
		case token.MappingValueType:
			if keys++; keys > maxKeys {
				reason = fmt.Sprintf("more than %d keys; put data into files of their own", maxKeys)
			}
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxDepth {
				reason = fmt.Sprintf("brackets are nested more than %d deep", maxDepth)
			}
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			if t.Position.Line != line {
				line, dashes = t.Position.Line, 0
			}
			if dashes++; dashes > maxDepth || t.Position.Column > maxIndent {
				reason = fmt.Sprintf("lists are nested more than %d deep", maxDepth)
			}
		}
		if reason != "" {
			return atToken(t, "", reason)
		}
	}
	return nil
}

// syntaxError keeps the parser's message and place, and leaves out its picture of the source.
func syntaxError(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) {
		return errors.New(firstLine(err.Error()))
	}
	reason := firstLine(at.GetMessage())
	if strings.Contains(reason, "mapping") && !strings.Contains(reason, "already defined") {
		reason += `; indent the keys of a group alike, and put a text that holds ": " in quotes`
	}
	return atToken(at.GetToken(), "", reason)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
