package hdf5

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

// Writer writes a data set a column, in chunks that are shuffled and packed by
// gzip, with the unit as an attribute. A slash in a name makes a group. The
// columns of numbers are also linked as a frame of pandas.
type Writer struct {
	path    string
	file    int64
	columns []column.Column // names, units and types
	sets    []int64
	buffer  []column.Column // events that do not fill a chunk yet
	packers column.Crew[packer]
	index   int64 // the data set of the frame's index
	rows    int64 // events written
	chunk   int   // events of a chunk
	groups  column.Groups
}

// NewWriter writes to the file of that path, which it empties.
func NewWriter(path string) (*Writer, error) {
	w := &Writer{path: path}
	err := do(func(l *library) error {
		access, err := l.accessList()
		if err != nil {
			return err
		}
		defer l.listClose(access)
		create := l.listCreate(l.known.fileClass)
		defer l.listClose(create)
		const tracked, indexed, truncate = 1, 2, 2
		l.setOrder(create, tracked|indexed) // columns keep their order
		if w.file = l.fileCreate(path, truncate, create, access); w.file < 0 {
			w.file = 0
			return l.failed("cannot be written")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Write appends a block.
func (w *Writer) Write(columns []column.Column) error {
	if w.columns == nil {
		if err := w.start(columns); err != nil {
			return err
		}
	}
	return w.groups.Add(columns, w.part, w.flush)
}

// part adds events to the chunk.
func (w *Writer) part(columns []column.Column) error {
	for k := range columns {
		w.buffer[k].Append(&columns[k])
	}
	return nil
}

// start notes the columns. Chunks hold 65536 events, fewer where there are so
// many columns that those would take more than 64 MiB.
func (w *Writer) start(columns []column.Column) error {
	w.chunk = 1 << 16
	for w.chunk > 1024 && w.chunk*8*len(columns) > 1<<26 {
		w.chunk /= 2
	}
	w.groups.Events = w.chunk
	w.columns = make([]column.Column, len(columns))
	for k, c := range columns {
		if err := writable(c.Name); err != nil {
			return err
		}
		w.columns[k] = column.Column{Name: c.Name, Unit: c.Unit, Type: c.Type}
		w.buffer = append(w.buffer, w.columns[k])
	}
	return nil
}

// writable refuses names that HDF5 takes for something else.
func writable(name string) error {
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return fmt.Errorf("column %q: HDF5 has no such name, whose slashes separate groups; rename it", name)
		}
	}
	return nil
}

// flush writes the events in the buffer as the next chunk.
func (w *Writer) flush() error {
	n := w.buffer[0].Len()
	if w.sets == nil {
		w.chunk = max(1, n)
		if err := w.create(); err != nil {
			return err
		}
	}
	if n == 0 {
		return nil
	}
	packed, err := w.pack(n)
	if err != nil {
		return err
	}
	err = do(func(l *library) error {
		for k := range w.columns {
			if err := w.write(l, k, packed[k], n); err != nil {
				return fmt.Errorf("column %q: %w", w.columns[k].Name, err)
			}
		}
		if w.index == 0 {
			return nil
		}
		return l.appendChunk(w.index, w.rows, n, packed[len(w.columns)])
	})
	w.rows += int64(n)
	for k := range w.buffer {
		w.buffer[k] = w.buffer[k].Slice(0, 0)
	}
	return err
}

func (w *Writer) write(l *library, k int, packed []byte, n int) error {
	if w.columns[k].Type == column.Text {
		return l.appendTexts(w.sets[k], w.rows, w.buffer[k].Str)
	}
	return l.appendChunk(w.sets[k], w.rows, n, packed)
}

// Finish writes what is left and closes the file.
func (w *Writer) Finish() error {
	if w.columns == nil {
		return errors.New("no columns were written")
	}
	if err := w.flush(); err != nil {
		return err
	}
	return w.close()
}

// Abort closes the file, whose content then means nothing.
func (w *Writer) Abort() { _ = w.close() }

func (w *Writer) close() error {
	if w.file <= 0 {
		return nil
	}
	return do(func(l *library) error {
		id := w.file
		w.file = 0
		if l.fileClose(id) < 0 {
			return l.failed("cannot be written")
		}
		return nil
	})
}

// create makes the data sets.
func (w *Writer) create() error {
	return do(func(l *library) error {
		for _, c := range w.columns {
			id, err := l.createSet(w.file, c, w.chunk)
			if err != nil {
				return fmt.Errorf("column %q: %w", c.Name, err)
			}
			w.sets = append(w.sets, id)
		}
		return w.frame(l)
	})
}

// createSet makes a data set that grows by chunks.
func (l *library) createSet(file int64, c column.Column, chunk int) (int64, error) {
	list, link := l.listCreate(l.known.createClass), l.listCreate(l.known.linkClass)
	defer l.listClose(list)
	defer l.listClose(link)
	none, rows, unlimited := uint64(0), uint64(chunk), ^uint64(0)
	space := l.spaceCreate(1, unsafe.Pointer(&none), unsafe.Pointer(&unlimited))
	defer l.spaceClose(space)
	kind, closeKind := l.typeOf(c.Type)
	defer closeKind()
	l.setGroups(link, 1)
	l.setTimes(list, false) // the same events make the same bytes
	l.setChunk(list, 1, unsafe.Pointer(&rows))
	if c.Type != column.Text {
		l.setShuffle(list)
		l.setDeflate(list, gzipLevel)
	}
	id := l.setCreate(file, c.Name, kind, space, link, list, 0)
	if id < 0 {
		return 0, l.failed("cannot be made; is there a column whose name begins with that of another and a slash?")
	}
	if c.Unit != "" {
		if err := l.setText(id, "units", c.Unit); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// typeOf is the type of values in the file, and what to call in the end.
func (l *library) typeOf(t column.Type) (int64, func()) {
	switch t {
	case column.Float32:
		return l.known.float32, func() {}
	case column.Float64:
		return l.known.float64, func() {}
	case column.Int64:
		return l.known.int64, func() {}
	case column.Uint64:
		return l.known.uint64, func() {}
	}
	const variable = ^uintptr(0)
	id := l.textType(variable)
	return id, func() { l.typeClose(id) }
}

// textType is a UTF-8 text of that many bytes.
func (l *library) textType(size uintptr) int64 {
	const utf8, zeros = 1, 1
	id := l.typeCopy(l.known.text)
	l.typeResize(id, size)
	l.typeUTF8(id, utf8)
	l.typePad(id, zeros)
	return id
}

// appendChunk writes one packed chunk whose first event is row, n of its events being real.
func (l *library) appendChunk(set, row int64, n int, packed []byte) error {
	extent, offset := row+int64(n), row
	if l.setExtent(set, unsafe.Pointer(&extent)) < 0 ||
		l.writeChunk(set, 0, 0, unsafe.Pointer(&offset), uintptr(len(packed)), pointer(packed)) < 0 {
		return l.failed("cannot be written")
	}
	return nil
}

// appendTexts writes texts of variable length.
func (l *library) appendTexts(set, row int64, values []string) error {
	extent, offset, count := row+int64(len(values)), row, int64(len(values))
	if l.setExtent(set, unsafe.Pointer(&extent)) < 0 {
		return l.failed("cannot be written")
	}
	file, memory := l.setSpace(set), l.spaceCreate(1, unsafe.Pointer(&count), nil)
	defer l.spaceClose(file)
	defer l.spaceClose(memory)
	kind, closeKind := l.typeOf(column.Text)
	defer closeKind()
	l.spaceSelect(file, 0, unsafe.Pointer(&offset), nil, unsafe.Pointer(&count), nil)
	addresses, release, err := pointersTo(values, row)
	if err != nil {
		return err
	}
	defer release()
	if l.write(set, kind, memory, file, 0, pointer(addresses)) < 0 {
		return l.failed("cannot be written")
	}
	return nil
}
