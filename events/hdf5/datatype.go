package hdf5

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

const (
	longestRecord = 1 << 28 // bytes of one event
	mostColumns   = 1 << 16
	deepest       = 16 // groups in groups, structures in structures
)

// Classes of types (H5T_class_t).
const (
	classInteger  = 0
	classFloat    = 1
	classString   = 3
	classBits     = 4
	classOpaque   = 5
	classCompound = 6
	classEnum     = 8
	classVariable = 9
	classArray    = 10
)

// field is one number or text in each record of a data set, and where it goes.
type field struct {
	name          string
	column.Number // of a text, its size alone
	text          text
	offset        int
	why           string // why it is not read
	beside        bool   // its values lie beside the record, which holds pointers to them; or who knows

	column  int    // place among the columns returned
	missing string // a text that stands for no value
}

// text is how a text is stored.
type text uint8

const (
	noText   text = iota
	fixed         // in as many bytes in each record, padded
	variable      // by a pointer
)

func pointing(f field) bool { return f.beside }

// native is the type that holds the values without loss.
func (f *field) native() column.Type {
	if f.text != noText {
		return column.Text
	}
	return f.Native()
}

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

// string is a text padded with zeros, or with blanks as Fortran does.
func (f *field) string(b []byte) string {
	if f.text == variable {
		return strings.ToValidUTF8(cString(uintptr(binary.NativeEndian.Uint64(b))), "\uFFFD")
	}
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.ToValidUTF8(strings.TrimRight(s, " "), "\uFFFD")
}

// fields appends what a value of type t holds: one field, or those of a
// structure or a small array, whose names are joined with slashes or numbered.
func (l *library) fields(to []field, t int64, name string, offset, depth int) []field {
	if depth > deepest {
		return append(to, field{name: name, why: fmt.Sprintf("has structures %d deep", depth), beside: true})
	}
	switch l.typeClass(t) {
	case classCompound:
		return l.members(to, t, name, offset, depth)
	case classArray:
		return l.elements(to, t, name, offset, depth)
	}
	f := field{name: name, offset: offset}
	l.scalar(&f, t)
	return append(to, f)
}

func (l *library) members(to []field, t int64, name string, offset, depth int) []field {
	for i := range uint32(max(0, l.typeMembers(t))) {
		if len(to) > mostColumns {
			break
		}
		address := l.memberName(t, i)
		member := cString(address)
		l.freeMemory(address)
		if name != "" {
			member = name + "/" + member
		}
		m := l.memberType(t, i)
		if m < 0 {
			to = append(to, field{name: member, why: "has a type that cannot be read", beside: true})
			continue
		}
		to = l.fields(to, m, member, offset+int(l.memberAt(t, i)), depth+1)
		l.typeClose(m)
	}
	return to
}

func (l *library) elements(to []field, t int64, name string, offset, depth int) []field {
	element := l.typeSuper(t)
	if element < 0 {
		return append(to, field{name: name, why: "has a type that cannot be read", beside: true})
	}
	defer l.typeClose(element)
	count, size := 1, int(l.typeSize(element))
	if rank := l.arrayRank(t); rank > 0 && rank <= 32 {
		dims := make([]uint64, rank)
		l.arrayDims(t, pointer(dims))
		for _, d := range dims {
			count *= int(min(d, mostColumns+1))
			count = min(count, mostColumns+1)
		}
	}
	if count > mostColumns {
		inside := l.fields(nil, element, name, 0, depth+1)
		return append(to, field{name: name, why: fmt.Sprintf("has arrays of more than %d values", mostColumns), beside: slices.ContainsFunc(inside, pointing)})
	}
	for i := range count {
		if len(to) > mostColumns {
			break
		}
		to = l.fields(to, element, name+strconv.Itoa(i), offset+i*size, depth+1)
	}
	return to
}

// scalar fills in the kind of a plain type, or why it is not read.
func (l *library) scalar(f *field, t int64) {
	class := l.typeClass(t)
	f.Size = int(l.typeSize(t))
	f.Big = l.typeOrder(t) == 1
	whole := l.typeBits(t) == 8*uintptr(f.Size) && l.typeOffset(t) == 0
	switch class {
	case classEnum: // h5py's bool is one of two values
		super := l.typeSuper(t)
		if super < 0 {
			f.why = "has a type that cannot be read"
			return
		}
		defer l.typeClose(super)
		l.scalar(f, super)
	case classInteger, classBits:
		f.Kind = column.Uint
		if class == classInteger && l.typeSign(t) == 1 {
			f.Kind = column.Int
		}
		if !whole || !f.Known() {
			f.Kind, f.why = 0, fmt.Sprintf("has integers of %d bits in %d bytes", l.typeBits(t), f.Size)
		}
	case classFloat:
		f.Kind = column.Float
		if !l.isIEEE(t, f.Size) {
			f.Kind, f.why = 0, fmt.Sprintf("has floats of %d bits that are not IEEE's half, single or double", l.typeBits(t))
		}
	case classString:
		f.text = fixed
		if l.isVariable(t) > 0 {
			f.text, f.beside = variable, true
		}
	case classVariable:
		f.why, f.beside = "has lists of different lengths; store a fixed number of values an event", true
	case classOpaque:
		f.why = "has opaque values"
	default:
		f.why = "has values that are no numbers"
	}
}

// isIEEE looks where sign, exponent and fraction are.
func (l *library) isIEEE(t int64, size int) bool {
	var sign, exponent, exponentBits, fraction, fractionBits uintptr
	if l.typeFloat(t, &sign, &exponent, &exponentBits, &fraction, &fractionBits) < 0 || l.typeOffset(t) != 0 || l.typeOrder(t) > 1 {
		return false
	}
	known := map[int][5]uintptr{2: {15, 10, 5, 0, 10}, 4: {31, 23, 8, 0, 23}, 8: {63, 52, 11, 0, 52}}
	return known[size] == [5]uintptr{sign, exponent, exponentBits, fraction, fractionBits}
}

// lengths reads the dimensions of a space; nil where it is a single value, or none.
func (l *library) lengths(space int64) []int64 {
	rank := l.spaceRank(space)
	if rank <= 0 || rank > 32 {
		return nil
	}
	dims := make([]int64, rank)
	l.spaceDims(space, unsafe.Pointer(unsafe.SliceData(dims)), nil)
	return dims
}
