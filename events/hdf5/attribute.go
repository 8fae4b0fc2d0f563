package hdf5

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unsafe"
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
	if f.kind == 0 || f.kind == 'f' || count == 0 || f.size <= 0 || int64(f.size) > largestAttribute/count {
		return nil
	}
	// A variable text is a pointer: memory of words keeps it aligned.
	words := make([]uint64, (int(count)*f.size+7)/8)
	if l.attributeRead(a, t, pointer(words)) < 0 {
		return nil
	}
	raw := unsafe.Slice((*byte)(pointer(words)), int(count)*f.size)
	out := texts(&f, raw, int(count))
	if f.kind == 'V' {
		l.reclaim(t, space, 0, pointer(words))
	}
	return out
}

// texts spells the values of one field in records of its own size.
func texts(f *field, raw []byte, count int) []string {
	out := make([]string, count)
	for i := range out {
		b := raw[i*f.size:][:f.size]
		switch f.kind {
		case 'S', 'V':
			out[i] = f.text(b)
		case 'i':
			out[i] = strconv.FormatInt(f.signed(b), 10)
		default:
			out[i] = strconv.FormatUint(f.unsigned(b), 10)
		}
	}
	return out
}

// text is padded with zeros, or with blanks as Fortran does.
func (f *field) text(b []byte) string {
	if f.kind == 'V' {
		return strings.ToValidUTF8(text(uintptr(binary.NativeEndian.Uint64(b))), "\uFFFD")
	}
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.ToValidUTF8(strings.TrimRight(s, " "), "\uFFFD")
}

// one is an attribute of a single value, "" where there is none.
func (l *library) one(object int64, name string) string {
	if all := l.attribute(object, name); len(all) == 1 {
		return all[0]
	}
	return ""
}
