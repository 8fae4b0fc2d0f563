package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// tableOf reads a table of JSON that is valid: an object of columns, {"x": [1, 2], "y": [3, null]}, a list of objects, [{"x": 1, "y": 3}, ...], or one
// object of values, which is one row. An integer is one of 64 bits, null is a missing value. It has so many rows and values at most.
func tableOf(raw json.RawMessage, l *Limits) (*events.Table, error) {
	p := &parser{text: raw, rows: l.Rows, values: l.values()}
	switch p.peek() {
	case '{':
		return p.columns()
	case '[':
		return p.list()
	}
	return nil, fmt.Errorf("is %s: give an object of columns, a list of objects, or one object", p.kind())
}

// parser goes through JSON that is known to be valid.
type parser struct {
	text   []byte
	at     int
	rows   int // allowed
	values int // allowed
}

func (p *parser) peek() byte {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			p.at++
		default:
			return c
		}
	}
	return 0
}

// kind is what begins here.
func (p *parser) kind() string {
	switch p.peek() {
	case '"':
		return "text"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// word is the literal that begins here: a text with its quotes, a number, true, false or null.
func (p *parser) word() []byte {
	from := p.at
	if p.text[from] == '"' {
		for p.at++; p.text[p.at] != '"'; p.at++ {
			if p.text[p.at] == '\\' {
				p.at++
			}
		}
		p.at++
		return p.text[from:p.at]
	}
	for p.at < len(p.text) && bytes.IndexByte([]byte(",]} \t\n\r"), p.text[p.at]) < 0 {
		p.at++
	}
	return p.text[from:p.at]
}

// text is what a quoted word says.
func text(word []byte) (string, error) {
	if bytes.IndexByte(word, '\\') < 0 {
		return strings.ToValidUTF8(string(word[1:len(word)-1]), "\uFFFD"), nil
	}
	var s string
	err := json.Unmarshal(word, &s)
	return s, err
}

// columns reads an object, of lists or of values.
func (p *parser) columns() (*events.Table, error) {
	t, single := &events.Table{}, false
	for p.at++; p.peek() != '}'; {
		name, err := text(p.word())
		if err != nil {
			return nil, err
		}
		if column.Find(t.Columns, name, 0) >= 0 {
			return nil, fmt.Errorf("has two columns %q", name)
		}
		b := builder{name: name}
		one := p.peek() != '['
		if one {
			err = b.add(p, 0)
		} else {
			err = p.run(&b)
		}
		if err != nil {
			return nil, err
		}
		c := b.column()
		if len(t.Columns) > 0 && c.Len() != t.Len() {
			return nil, fmt.Errorf("has %d values of %q and %d of %q: give as many of each column", t.Len(), t.Columns[0].Name, c.Len(), name)
		}
		single = single || one
		t.Columns = append(t.Columns, c)
	}
	return t, p.some(t)
}

func (p *parser) some(t *events.Table) error {
	if t.Len() == 0 {
		return fmt.Errorf("has no events")
	}
	return nil
}

// run reads a list of values.
func (p *parser) run(b *builder) error {
	for p.at++; p.peek() != ']'; {
		if err := b.add(p, b.n); err != nil {
			return err
		}
	}
	p.at++
	return nil
}

// list reads objects, all of the same names.
func (p *parser) list() (*events.Table, error) {
	var all []builder
	n := 0
	for p.at++; p.peek() != ']'; n++ {
		if p.peek() != '{' {
			return nil, fmt.Errorf("row %d is %s, not an object", n+1, p.kind())
		}
		likely := 0
		for p.at++; p.peek() != '}'; likely++ {
			name, err := text(p.word())
			if err != nil {
				return nil, err
			}
			k := place(all, name, likely)
			switch {
			case k < 0 && n == 0:
				k, all = len(all), append(all, builder{name: name})
			case k < 0:
				return nil, fmt.Errorf("row %d has %q, which row 1 has not: give each row the same names, null where there is no value", n+1, name)
			case all[k].n > n:
				return nil, fmt.Errorf("row %d has two values of %q", n+1, name)
			}
			p.peek()
			if err := all[k].add(p, n); err != nil {
				return nil, err
			}
		}
		p.at++
		for k := range all {
			if all[k].n <= n {
				return nil, fmt.Errorf("row %d has no %q: give each row the same names, null where there is no value", n+1, all[k].name)
			}
		}
	}
	t := &events.Table{}
	for k := range all {
		t.Columns = append(t.Columns, all[k].column())
	}
	return t, p.some(t)
}

// place is that of a name, which is likely so far down.
func place(all []builder, name string, likely int) int {
	if likely < len(all) && all[likely].name == name {
		return likely
	}
	for k := range all {
		if all[k].name == name {
			return k
		}
	}
	return -1
}

// builder makes a column of values as they come: integers, until one is none; text alone or numbers alone.
type builder struct {
	name    string
	n       int
	missing int // null so far
	held    column.Type
	any     bool // a value that is not null
	whole   []int64
	floats  []float64
	words   []string
}

// add takes the value that begins here, of a row from 0.
func (b *builder) add(p *parser, row int) error {
	if p.values--; p.values < 0 || row >= p.rows {
		return errTooMany
	}
	at := func(what string) error { return fmt.Errorf("column %q: row %d is %s", b.name, row+1, what) }
	b.n++
	switch c := p.peek(); {
	case c == '{' || c == '[' || c == 't' || c == 'f':
		return at(p.kind() + ", not a number")
	case c == '"':
		if b.any && b.held != column.Text {
			return at("text among numbers")
		}
		s, err := text(p.word())
		if err != nil {
			return err
		}
		if !b.any {
			b.words = make([]string, b.missing)
		}
		b.any, b.held, b.words = true, column.Text, append(b.words, s)
		return nil
	case c == 'n':
		p.word()
		b.missing++
		return b.none(at)
	}
	word := p.word()
	if b.any && b.held == column.Text {
		return at("a number among text")
	}
	return b.number(string(word), at)
}

// none takes a missing value.
func (b *builder) none(at func(string) error) error {
	if b.any && b.held == column.Text {
		b.words = append(b.words, "")
		return nil
	}
	return b.float(math.NaN(), at)
}

func (b *builder) number(word string, at func(string) error) error {
	if !b.any || b.held == column.Int64 {
		if v, err := strconv.ParseInt(word, 10, 64); err == nil && b.missing == 0 {
			b.any, b.held, b.whole = true, column.Int64, append(b.whole, v)
			return nil
		}
	}
	v, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return at(word + ", which no number of 64 bits holds")
	}
	if whole, err := strconv.ParseInt(word, 10, 64); err == nil && !exact(whole) {
		return at(word + ", which is not exact among numbers that are not whole")
	}
	return b.float(v, at)
}

// float takes a number, and makes floats of the integers before it.
func (b *builder) float(v float64, at func(string) error) error {
	for _, i := range b.whole {
		if !exact(i) {
			return at(fmt.Sprintf("not whole, and %d before it is not exact among such", i))
		}
		b.floats = append(b.floats, float64(i))
	}
	b.whole, b.held, b.floats = nil, column.Float64, append(b.floats, v)
	b.any = b.any || v == v
	return nil
}

func exact(v int64) bool { return int64(float64(v)) == v && v != math.MaxInt64 }

func (b *builder) column() events.Column {
	c := events.Column{Name: b.name, Type: b.held}
	switch {
	case !b.any:
		c.Type, c.F64 = column.Float64, b.floats
	case b.held == column.Text:
		c.Str = b.words
	case b.held == column.Int64:
		c.I64 = b.whole
	default:
		c.F64 = b.floats
	}
	return c
}
