package hdf5

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

// frame links the columns of numbers as a frame of pandas of format "fixed", so
// that pandas.read_hdf opens the file: a block a column, whose values are the
// column's data set itself, and an index that counts the events.
func (w *Writer) frame(l *library) error {
	var names []string
	var sets []int64
	for k, c := range w.columns {
		if c.Type != column.Text {
			names, sets = append(names, c.Name), append(sets, w.sets[k])
		}
	}
	if len(names) == 0 {
		return nil
	}
	name := w.frameName()
	group := l.groupCreate(w.file, name, 0, 0, 0)
	if group < 0 {
		return l.failed("a group cannot be made")
	}
	defer l.objectClose(group)
	var err error
	if w.index, err = l.createSet(w.file, column.Column{Name: name + "/axis1", Type: column.Int64}, w.chunk); err != nil {
		return err
	}
	if err := l.setText(w.index, "kind", "integer"); err != nil {
		return err
	}
	if err := l.nameSet(group, "axis0", names); err != nil {
		return err
	}
	attributes := map[string]string{
		"pandas_type": "frame", "pandas_version": "0.15.2", "encoding": "UTF-8", "errors": "strict",
		"axis0_variety": "regular", "axis1_variety": "regular",
	}
	for i := range names {
		block := fmt.Sprintf("block%d_", i)
		attributes[block+"items_variety"] = "regular"
		if err := l.nameSet(group, block+"items", names[i:i+1]); err != nil {
			return err
		}
		if l.linkHard(sets[i], ".", group, block+"values", 0, 0) < 0 {
			return l.failed("a link cannot be made")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := l.setText(group, name, attributes[name]); err != nil {
			return err
		}
	}
	if err := l.setInt(group, "ndim", 2); err != nil {
		return err
	}
	return l.setInt(group, "nblocks", int64(len(names)))
}

// frameName is df, or a name near it that no column has.
func (w *Writer) frameName() string {
	taken := func(name string) bool {
		return slices.ContainsFunc(w.columns, func(c column.Column) bool {
			return c.Name == name || strings.HasPrefix(c.Name, name+"/")
		})
	}
	name := "df"
	for i := 1; taken(name); i++ {
		name = fmt.Sprintf("df%d", i)
	}
	return name
}

// nameSet writes a data set of names.
func (l *library) nameSet(group int64, name string, values []string) error {
	kind, raw := l.fixedTexts(values)
	defer l.typeClose(kind)
	id := l.newSet(group, name, kind, int64(len(values)), nil, func(int64) {})
	if id < 0 {
		return l.failed("names of columns cannot be written")
	}
	defer l.objectClose(id)
	if l.write(id, kind, 0, 0, 0, pointer(raw)) < 0 {
		return l.failed("names of columns cannot be written")
	}
	return l.setText(id, "kind", "string")
}

// fixedTexts is a type that holds each of values, and them as bytes.
func (l *library) fixedTexts(values []string) (kind int64, raw []byte) {
	size := 1
	for _, s := range values {
		size = max(size, len(s))
	}
	raw = make([]byte, size*len(values))
	for i, s := range values {
		copy(raw[i*size:], s)
	}
	return l.textType(uintptr(size)), raw
}

// setText writes an attribute.
func (l *library) setText(object int64, name, value string) error {
	kind, raw := l.fixedTexts([]string{value})
	defer l.typeClose(kind)
	return l.setAttribute(object, name, kind, pointer(raw))
}

func (l *library) setInt(object int64, name string, value int64) error {
	return l.setAttribute(object, name, l.kinds[column.Int64], unsafe.Pointer(&value))
}

func (l *library) setAttribute(object int64, name string, kind int64, value unsafe.Pointer) error {
	space := l.spaceCreate(0, nil, nil)
	defer l.spaceClose(space)
	id := l.attributeCreate(object, name, kind, space, 0, 0)
	defer l.attributeClose(id)
	if id < 0 || l.attributeWrite(id, kind, value) < 0 {
		return l.failed(fmt.Sprintf("attribute %q cannot be written", name))
	}
	return nil
}
