package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-hep/sluice/events/column"
)

const (
	longestRecord = 1 << 28 // bytes of one event
	mostColumns   = 1 << 16
)

// dtype is the type of one value.
type dtype struct {
	column.Number // of a text, its size and order alone
	text          text
	time          bool   // the smallest integer is none (NaT)
	why           string // why such values are left out; "" where they are read
}

// text is how a text is spelled, padded with zeros.
type text uint8

const (
	noText    text = iota
	byteText       // S
	utf32Text      // U
)

// field is one value of each record, and where it goes.
type field struct {
	name   string
	offset int
	dtype
	column int // place among the columns returned
}

// parseType reads a type such as <f4, |b1, >U12 or <M8[ns].
func parseType(v any) (dtype, error) {
	if list, ok := v.([]any); ok { // a structure within a structure
		var inner header
		if err := inner.describe(list); err != nil {
			return dtype{}, err
		}
		return dtype{Number: column.Number{Size: inner.record}, why: "is a structure in a structure"}, nil
	}
	s, ok := v.(string)
	if !ok || len(s) < 2 {
		return dtype{}, errors.New("descr is missing")
	}
	var d dtype
	if strings.IndexByte("<>=|", s[0]) >= 0 {
		d.Big = s[0] == '>'
		s = s[1:]
	}
	if s == "?" {
		s = "b1"
	}
	if s[0] == 'O' {
		return d, errors.New("holds Python objects, which are programs in disguise and are not read; save plain numbers")
	}
	number, _, _ := strings.Cut(s[1:], "[")
	size, err := strconv.Atoi(number)
	if err != nil || size <= 0 || size > longestRecord/4 {
		return d, fmt.Errorf("the type %q is not known", s)
	}
	d.Size = size
	switch s[0] {
	case 'S':
		d.text = byteText
	case 'U':
		d.text = utf32Text
		d.Size *= 4
	case 'M', 'm': // times and spans count units
		d.Kind, d.time = column.Int, true
	default:
		d.Kind = kinds[s[0]]
	}
	switch {
	case s[0] == 'c':
		d.why = "holds complex numbers; save .real and .imag"
	case d.text == noText && !d.Known():
		d.why = fmt.Sprintf("has the type %q, which is not read; save it as f8 or i8", s)
	}
	return d, nil
}

var kinds = map[byte]column.Kind{'f': column.Float, 'i': column.Int, 'u': column.Uint, 'b': column.Bool}

// native is the type that holds the values without loss.
func (d *dtype) native() column.Type {
	if d.text != noText {
		return column.Text
	}
	return d.Native()
}

// dtypeOf is how the values of c are written; texts have the length of the longest.
func dtypeOf(c *column.Column) dtype {
	if c.Type != column.Text {
		return dtype{Number: c.Type.Number(false)}
	}
	width := 1 // NumPy knows no text of no width
	for _, s := range c.Str {
		width = max(width, utf8.RuneCountInString(s))
	}
	return dtype{Number: column.Number{Size: 4 * width}, text: utf32Text}
}

// descr is the type as a header spells it.
func (d *dtype) descr() string {
	if d.text != noText {
		return fmt.Sprintf("'<U%d'", d.Size/4)
	}
	return fmt.Sprintf("'<%c%d'", " fiu"[d.Kind], d.Size)
}

// encode spells values stride bytes apart, with the least byte first.
func (d *dtype) encode(raw []byte, stride int, c *column.Column) {
	if d.text == noText {
		d.Encode(raw, stride, c)
		return
	}
	for i, s := range c.Str {
		b := raw[i*stride:][:d.Size]
		for _, r := range s {
			binary.LittleEndian.PutUint32(b, uint32(r))
			b = b[4:]
		}
		clear(b)
	}
}

// decode reads the field from the records in raw, which are stride bytes apart,
// into a column of its native type, or of one that holds missing values; row is the first.
func (f *field) decode(c *column.Column, raw []byte, stride int, row int64) error {
	raw = raw[f.offset:]
	switch {
	case f.time:
		return f.DecodeMissing(c, raw, stride, math.MinInt64, row)
	case c.Type != column.Text:
		f.Decode(c, raw, stride)
		return nil
	}
	for i := range c.Str {
		c.Str[i] = f.string(raw[i*stride:][:f.Size])
	}
	return nil
}

func (f *field) string(b []byte) string {
	if f.text == byteText {
		return strings.ToValidUTF8(strings.TrimRight(string(b), "\x00"), "\uFFFD")
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if f.Big {
		order = binary.BigEndian
	}
	out := make([]byte, 0, len(b)/4)
	for i := 0; i < len(b); i += 4 {
		r := order.Uint32(b[i:])
		if r == 0 {
			break
		}
		out = utf8.AppendRune(out, rune(min(r, utf8.MaxRune+1)))
	}
	return string(out)
}
