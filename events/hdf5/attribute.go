package hdf5

import (
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

// largestAttribute is more than names of a thousand columns take, in bytes.
const largestAttribute = 1 << 22

// attribute reads the texts, or the integers as texts, of an attribute; nil
// where there is none of that name or it holds something else.
func (l *library) attribute(object int64, name string) []string {
	if l.attributeExists(object, name) <= 0 {
		return nil
	}
	a := l.attributeOpen(object, name, 0)
	if a < 0 {
		return nil
	}
	defer l.attributeClose(a)
	t, space := l.attributeType(a), l.attributeSpace(a)
	if t < 0 || space < 0 {
		return nil
	}
	defer l.typeClose(t)
	defer l.spaceClose(space)
	count := int64(1)
	for _, d := range l.lengths(space) {
		if d < 0 || d > largestAttribute {
			return nil
		}
		count *= d
		if count > largestAttribute {
			return nil
		}
	}
	const none = 2 // H5S_NULL: PyTables' empty text
	if l.spaceKind(space) == none {
		return nil
	}
	f := field{}
	l.scalar(&f, t)
	if f.text == noText && f.Kind != column.Int && f.Kind != column.Uint || count == 0 || f.Size <= 0 || int64(f.Size) > largestAttribute/count {
		return nil
	}
	// A variable text is a pointer: memory of words keeps it aligned.
	words := make([]uint64, (int(count)*f.Size+7)/8)
	if l.attributeRead(a, t, pointer(words)) < 0 {
		return nil
	}
	raw := unsafe.Slice((*byte)(pointer(words)), int(count)*f.Size)
	c := column.New("", "", f.native(), int(count))
	f.decode(&c, raw, f.Size)
	if f.text == variable {
		l.reclaim(t, space, 0, pointer(words))
	}
	return spellings(&c)
}

// spellings are all values as text.
func spellings(c *column.Column) []string {
	out := make([]string, c.Len())
	for i := range out {
		out[i] = c.Format(i)
	}
	return out
}

// one is an attribute of a single value, "" where there is none.
func (l *library) one(object int64, name string) string {
	if all := l.attribute(object, name); len(all) == 1 {
		return all[0]
	}
	return ""
}
