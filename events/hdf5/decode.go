package hdf5

import "github.com/sluice-hep/sluice/events/column"

// decode reads the field from records in raw, which are stride bytes apart, into
// c, a column of its native type.
func (f *field) decode(c *column.Column, raw []byte, stride int) {
	raw = raw[f.offset:]
	if c.Type != column.Text {
		f.Decode(c, raw, stride)
		return
	}
	for i := range c.Str {
		if s := f.string(raw[i*stride:][:f.Size]); s != f.missing {
			c.Str[i] = s
		}
	}
}
