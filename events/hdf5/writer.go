package hdf5

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
)

// Writer writes a data set a column, in chunks that are shuffled and packed by
// gzip, with the unit as an attribute. A slash in a name makes a group. The
// columns of numbers are also linked as a frame of pandas.
type Writer struct {
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
	w := &Writer{}
	return w, do(func(l *library) error {
		access, create := l.accessList(), l.listCreate(*l.fileClass)
		defer l.listClose(access)
		defer l.listClose(create)
		const tracked, indexed, truncate = 1, 2, 2
		l.setOrder(create, tracked|indexed) // columns keep their order
		if w.file = l.fileCreate(path, truncate, create, access); w.file < 0 {
			return l.failed("cannot be written")
		}
		return nil
	})
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
			if err := l.add(w.sets[k], w.rows, &w.buffer[k], packed[k]); err != nil {
				return fmt.Errorf("column %q: %w", w.columns[k].Name, err)
			}
		}
		if w.index == 0 {
			return nil
		}
		return l.add(w.index, w.rows, &w.buffer[0], packed[len(w.columns)])
	})
	w.rows += int64(n)
	for k := range w.buffer {
		w.buffer[k] = w.buffer[k].Slice(0, 0)
	}
	return err
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

func (w *Writer) close() error { return closeFile(&w.file, "cannot be written") }

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
	rows, unlimited := uint64(chunk), ^uint64(0)
	id := l.newSet(file, c.Name, l.kinds[c.Type], 0, unsafe.Pointer(&unlimited), func(list int64) {
		l.setChunk(list, 1, unsafe.Pointer(&rows))
		if c.Type != column.Text {
			l.setShuffle(list)
			l.setDeflate(list, gzipLevel)
		}
	})
	if id < 0 {
		return 0, l.failed("cannot be made; is there a column whose name begins with that of another and a slash?")
	}
	if c.Unit == "" {
		return id, nil
	}
	return id, l.setText(id, "units", c.Unit)
}

// newSet makes a data set of count values in one dimension, and the groups in its name.
func (l *library) newSet(loc int64, name string, kind, count int64, most unsafe.Pointer, store func(list int64)) int64 {
	list, link := l.listCreate(*l.createClass), l.listCreate(*l.linkClass)
	defer l.listClose(list)
	defer l.listClose(link)
	space := l.spaceCreate(1, unsafe.Pointer(&count), most)
	defer l.spaceClose(space)
	l.setGroups(link, 1)
	l.setTimes(list, false) // the same events make the same bytes
	store(list)
	return l.setCreate(loc, name, kind, space, link, list, 0)
}

// textType is a UTF-8 text of that many bytes.
func (l *library) textType(size uintptr) int64 {
	const utf8, zeros = 1, 1
	id := l.typeCopy(*l.textKind)
	l.typeResize(id, size)
	l.typeUTF8(id, utf8)
	l.typePad(id, zeros)
	return id
}

// add appends values, whose first event is row: packed as one chunk, or texts of variable length as they are.
func (l *library) add(set, row int64, c *column.Column, packed []byte) error {
	count := int64(c.Len())
	extent := row + count
	if l.setExtent(set, unsafe.Pointer(&extent)) < 0 {
		return l.failed("cannot be written")
	}
	if packed == nil {
		return l.addTexts(set, row, c.Str)
	}
	if l.writeChunk(set, 0, 0, unsafe.Pointer(&row), uintptr(len(packed)), pointer(packed)) < 0 {
		return l.failed("cannot be written")
	}
	return nil
}

func (l *library) addTexts(set, row int64, values []string) error {
	count := int64(len(values))
	file, memory := l.setSpace(set), l.spaceCreate(1, unsafe.Pointer(&count), nil)
	defer l.spaceClose(file)
	defer l.spaceClose(memory)
	l.spaceSelect(file, 0, unsafe.Pointer(&row), nil, unsafe.Pointer(&count), nil)
	var pin runtime.Pinner
	defer pin.Unpin()
	addresses, err := pointersTo(values, row, &pin)
	if err != nil {
		return err
	}
	if l.write(set, l.kinds[column.Text], memory, file, 0, pointer(addresses)) < 0 {
		return l.failed("cannot be written")
	}
	return nil
}
