package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	magic         = "\x93NUMPY"
	longestHeader = 1 << 20
)

// header is what precedes the values of an array.
type header struct {
	fields  []field // one where the values are not structured
	record  int     // bytes of one value or structure
	plain   bool    // not structured
	fortran bool
	shape   []int64

	rows, columns int64 // of at most two dimensions
}

// readHeader reads the header of the format versions 1 to 3
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
func readHeader(in io.Reader) (*header, int64, error) {
	var start [12]byte
	if _, err := io.ReadFull(in, start[:10]); err != nil || string(start[:6]) != magic {
		return nil, 0, errors.New("is not a NumPy array: it does not begin with \\x93NUMPY")
	}
	size, length := int64(10), int64(binary.LittleEndian.Uint16(start[8:]))
	if start[6] >= 2 {
		if _, err := io.ReadFull(in, start[10:]); err != nil {
			return nil, 0, errors.New("the header is cut short")
		}
		size, length = 12, int64(binary.LittleEndian.Uint32(start[8:]))
	}
	if length > longestHeader {
		return nil, 0, fmt.Errorf("a header of %d bytes; more than %d are not believable", length, longestHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, 0, errors.New("the header is cut short")
	}
	h, err := parseHeader(string(text))
	if err != nil {
		return nil, 0, fmt.Errorf("the header %.80q: %w", strings.TrimSpace(string(text)), err)
	}
	return h, size + length, nil
}

func parseHeader(text string) (*header, error) {
	p := literal{text: text}
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	dict, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("is not a dictionary")
	}
	h := &header{}
	if h.fortran, ok = dict["fortran_order"].(bool); !ok {
		return nil, errors.New("fortran_order is missing")
	}
	shape, ok := dict["shape"].([]any)
	if !ok {
		return nil, errors.New("shape is missing")
	}
	total := int64(1)
	for _, s := range shape {
		n, ok := s.(int64)
		if !ok || n < 0 || n != 0 && total > math.MaxInt64/n {
			return nil, errors.New("shape is impossible")
		}
		total *= max(n, 1)
		h.shape = append(h.shape, n)
	}
	two := append(h.shape[:len(h.shape):len(h.shape)], 1, 1)
	h.rows, h.columns = two[0], two[1]
	if err := h.describe(dict["descr"]); err != nil {
		return nil, err
	}
	if h.record <= 0 || total > math.MaxInt64/int64(h.record) {
		return nil, errors.New("its values have no size, or an impossible one")
	}
	return h, nil
}

// describe reads the types: one, or a list of named fields.
func (h *header) describe(descr any) error {
	list, ok := descr.([]any)
	if !ok {
		d, err := parseType(descr)
		h.fields, h.record, h.plain = []field{{dtype: d}}, d.Size, true
		return err
	}
	for _, item := range list {
		parts, ok := item.([]any)
		if !ok || len(parts) < 2 || len(parts) > 3 {
			return errors.New("descr holds a field without name and type")
		}
		name, ok := parts[0].(string)
		if titled, is := parts[0].([]any); is && len(titled) == 2 { // (title, name)
			name, ok = titled[1].(string)
		}
		if !ok {
			return errors.New("descr holds a field without a name")
		}
		count, err := countOf(parts[2:])
		if err != nil {
			return err
		}
		d, err := parseType(parts[1])
		if err != nil {
			return err
		}
		if d.Size > longestRecord/count || h.record > longestRecord-d.Size*count {
			return errors.New("descr holds fields of an impossible size")
		}
		h.add(name, d, count, len(parts) == 3)
	}
	return nil
}

// add appends a field; an array inside a structure becomes name_0, name_1, ...
func (h *header) add(name string, d dtype, count int, many bool) {
	switch {
	case name == "" && d.why != "": // padding between the fields
	case !many:
		h.fields = append(h.fields, field{name: name, offset: h.record, dtype: d})
	case d.why == "" && count <= mostColumns:
		for k := range count {
			h.fields = append(h.fields, field{name: name + "_" + strconv.Itoa(k), offset: h.record + k*d.Size, dtype: d})
		}
	default:
		d.why = "is an array in every event"
		h.fields = append(h.fields, field{name: name, offset: h.record, dtype: d})
	}
	h.record += d.Size * count
}

// countOf is the number of values of a field of the given shape.
func countOf(shape []any) (int, error) {
	if len(shape) == 1 {
		if dims, ok := shape[0].([]any); ok {
			shape = dims
		}
	}
	count := int64(1)
	for _, d := range shape {
		n, ok := d.(int64)
		if !ok || n <= 0 || count > longestRecord/n {
			return 0, errors.New("descr holds a field of impossible shape")
		}
		count *= n
	}
	return int(count), nil
}

// literal reads the few Python literals that a header holds: strings, whole
// numbers, True, False, None, lists, tuples, dictionaries.
type literal struct {
	text string
	at   int
}

func (p *literal) skip() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n\f", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *literal) value(depth int) (any, error) {
	if depth > 16 {
		return nil, errors.New("is nested too deep")
	}
	c := p.skip()
	switch {
	case c == '{':
		return p.dict(depth)
	case c == '(':
		return p.items(')', depth)
	case c == '[':
		return p.items(']', depth)
	case c == '\'' || c == '"':
		return p.str()
	case c-'0' <= 9 || c == '-':
		start := p.at
		for p.at++; p.at < len(p.text) && p.text[p.at]-'0' <= 9; p.at++ {
		}
		n, err := strconv.ParseInt(p.text[start:p.at], 10, 64)
		if p.at < len(p.text) && p.text[p.at] == 'L' { // written by Python 2
			p.at++
		}
		return n, err
	}
	for word, v := range map[string]any{"True": true, "False": false, "None": nil} {
		if strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			return v, nil
		}
	}
	return nil, p.unexpected()
}

// items reads up to the end of a list, a tuple or, with a colon behind each key, a dictionary.
func (p *literal) items(end byte, depth int) ([]any, error) {
	items := []any{}
	for p.at++; p.skip() != end; {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		key := end == '}' && len(items)%2 == 1
		switch c := p.skip(); {
		case key && c == ':', !key && c == ',':
			p.at++
		case key || c != end:
			return nil, p.unexpected()
		}
	}
	p.at++
	return items, nil
}

func (p *literal) dict(depth int) (map[string]any, error) {
	items, err := p.items('}', depth)
	dict := make(map[string]any)
	for i := 0; i+1 < len(items); i += 2 {
		name, ok := items[i].(string)
		if !ok {
			return nil, fmt.Errorf("the key %v is no text", items[i])
		}
		dict[name] = items[i+1]
	}
	return dict, err
}

func (p *literal) unexpected() error { return fmt.Errorf("character %d is not expected", p.at+1) }

func (p *literal) str() (string, error) {
	quote := p.text[p.at]
	p.at++
	var b []byte
	for rest := p.text[p.at:]; rest != ""; {
		if rest[0] == quote {
			p.at = len(p.text) - len(rest) + 1
			return string(b), nil
		}
		r, multibyte, tail, err := strconv.UnquoteChar(rest, quote)
		if err != nil {
			return "", fmt.Errorf("a string with an unknown escape: %.10q", rest)
		}
		if multibyte {
			b = utf8.AppendRune(b, r)
		} else {
			b = append(b, byte(r))
		}
		rest = tail
	}
	return "", errors.New("a string without end")
}
