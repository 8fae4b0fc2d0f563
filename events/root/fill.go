package root

import (
	"errors"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// fill decodes the events of a basket from first on into c.
func (f *field) fill(c *column.Column, v values, first int64, k *basket) error {
	skip := int(first - k.first)
	switch {
	case f.decoder == nil:
		return f.texts(c.Str, v, skip, int(k.end-k.first))
	case f.jagged():
		return f.elements(c, v, skip, first)
	}
	if want := (k.end - k.first) * int64(f.stride); want != int64(len(v.bytes)) {
		return fmt.Errorf("the basket of events %d to %d holds %d bytes and not %d", k.first+1, k.end, len(v.bytes), want)
	}
	f.Decode(c, v.bytes[skip*f.stride+f.offset:], f.stride)
	return nil
}

// texts decodes strings: the length in a byte, or 255 and four, then the bytes.
func (f *field) texts(dst []string, v values, skip, count int) error {
	c := cursor{buf: v.bytes}
	for i := range skip + len(dst) {
		if len(v.offsets) > 0 {
			c = cursor{buf: v.entry(int64(i))}
			if i < skip || len(c.buf) == 0 { // how some versions keep an empty text
				continue
			}
		}
		s := c.text()
		if c.err != nil {
			return errors.New("a text is longer than its basket")
		}
		if i >= skip {
			dst[i-skip] = s
		}
	}
	if len(v.offsets) == 0 && skip+len(dst) == count && c.pos != len(v.bytes) {
		return errors.New("a basket holds more than its texts")
	}
	return nil
}

// many is the values of an entry.
func (f *field) many(v values, i int64) ([]byte, error) {
	b := v.entry(i)
	if len(b) == 0 {
		return nil, nil
	}
	if n := len(b) - f.head; n < 0 || n%f.size != 0 {
		return nil, errors.New("an event ends in the middle of a value")
	}
	return b[f.head:], nil
}

// elements decodes one value of each entry, the first of which is event row; NaN where there is none.
func (f *field) elements(c *column.Column, v values, skip int, row int64) error {
	one := column.New("", "", f.Native(), 1)
	for i := range c.Len() {
		b, err := f.many(v, int64(skip+i))
		if err != nil {
			return err
		}
		x, exact := math.NaN(), true
		if len(b)/f.size > f.element {
			f.Decode(&one, b[f.element*f.size:], 0)
			if c.Type == column.Text {
				c.Str[i] = one.Format(0)
				continue
			}
			x, exact = one.Nearest(0)
		}
		if !exact {
			return column.Inexact(c.Name, row+int64(i), one.Format(0))
		}
		switch c.Type {
		case column.Float32:
			c.F32[i] = float32(x)
		case column.Float64:
			c.F64[i] = x
		}
	}
	return nil
}

// gather decodes all values of events first to last-1, which lie in a basket.
func (f *field) gather(v values, first, last int64, k *basket) (p part, err error) {
	p.Type = f.native()
	p.counts = make([]int32, 0, last-first)
	for e := first; e < last; e++ {
		b, err := f.many(v, e-k.first)
		if err != nil {
			return p, fmt.Errorf("event %d: %w", e+1, err)
		}
		n := len(b) / f.size
		room := p.Extend(n)
		f.Decode(&room, b, f.size)
		p.counts = append(p.counts, int32(n))
	}
	return p, nil
}
