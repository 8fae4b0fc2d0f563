package hdf5

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// dataset is an open data set of one or two dimensions.
type dataset struct {
	path          string
	id, kind      int64 // of the data set and of its type in memory
	rows, columns int64
	record        int     // bytes of one value, a structure being one
	fields        []field // of one value
	units         []string

	pointers bool // its values refer to memory beside them

	packed  bool  // chunks are fetched as they are and unpacked here
	chunk   int64 // rows of a chunk; 0: not in chunks
	across  int64 // columns of a chunk
	filters []filter
	fill    []byte // a value where nothing was written
}

// openSet opens a data set of the file and checks its sizes against the file's.
func (l *library) openSet(file int64, path string, size int64) (*dataset, error) {
	id := l.objectOpen(file, path, 0)
	if id < 0 {
		return nil, l.failed(fmt.Sprintf("data set %q cannot be opened", path))
	}
	d := &dataset{path: path, id: id}
	if err := l.measure(d, size); err != nil {
		l.closeSet(d)
		return nil, fmt.Errorf("data set %q %w", path, err)
	}
	return d, nil
}

func (l *library) measure(d *dataset, size int64) error {
	space := l.setSpace(d.id)
	if space < 0 {
		return l.failed("has no readable shape")
	}
	dims := l.lengths(space)
	l.spaceClose(space)
	if len(dims) == 0 || len(dims) > 2 {
		return fmt.Errorf("has %d dimensions, and a table has 1 or 2", len(dims))
	}
	d.rows, d.columns = dims[0], 1
	if len(dims) == 2 {
		d.columns = dims[1]
	}
	if d.kind = l.setType(d.id); d.kind < 0 {
		return l.failed("has no readable type")
	}
	d.record = int(l.typeSize(d.kind))
	if err := d.believable(size); err != nil {
		return err
	}
	d.fields = l.fields(nil, d.kind, "", 0, 0)
	if len(d.fields) > mostColumns {
		return fmt.Errorf("has more than %d columns", mostColumns)
	}
	d.pointers = slices.ContainsFunc(d.fields, pointing)
	d.units = l.attribute(d.id, "units")
	if d.units == nil {
		d.units = l.attribute(d.id, "unit")
	}
	return l.storage(d, len(dims), size)
}

// beyond is a size that a file of that many bytes does not hold: gzip packs at
// most 1032 bytes into one (zlib.net/zlib_tech.html), blosc little more.
func beyond(size int64) int64 { return 1000*size + 1<<20 }

func (d *dataset) believable(size int64) error {
	switch {
	case d.rows < 0 || d.columns < 0 || d.record <= 0:
		return fmt.Errorf("claims the shape %d x %d", d.rows, d.columns)
	case d.columns > mostColumns:
		return fmt.Errorf("has %d columns of %d events: it lies on its side; transpose it", d.columns, d.rows)
	case d.columns > 0 && d.record > longestRecord/int(d.columns):
		return fmt.Errorf("has events of %d x %d bytes, which is not believable", d.columns, d.record)
	case d.columns > 0 && d.rows > beyond(size)/(d.columns*int64(d.record)):
		return fmt.Errorf("claims %d x %d values of %d bytes, which a file of %d bytes does not hold", d.rows, d.columns, d.record, size)
	}
	return nil
}

// storage finds out how the values are stored.
func (l *library) storage(d *dataset, rank int, size int64) error {
	list := l.setList(d.id)
	if list < 0 {
		return l.failed("has no readable properties")
	}
	defer l.listClose(list)
	const chunked, virtual = 2, 3
	layout := l.layout(list)
	if layout == virtual || l.externalCount(list) > 0 {
		return fmt.Errorf("keeps its values in other files, which are not followed; copy it with h5repack")
	}
	if layout != chunked {
		return nil
	}
	var sides [2]int64
	sides[1] = 1
	if l.chunk(list, int32(rank), unsafe.Pointer(&sides)) < 0 {
		return l.failed("has no readable chunks")
	}
	d.chunk, d.across = sides[0], sides[1]
	if d.chunk <= 0 || d.across <= 0 || d.chunk > beyond(size)/int64(d.record)/d.across || d.chunk*d.across > 1<<32/int64(d.record) {
		return fmt.Errorf("claims chunks of %d x %d values of %d bytes, which a file of %d bytes does not hold", d.chunk, d.across, d.record, size)
	}
	if err := l.pipeline(d, list); err != nil {
		return err
	}
	if !d.packed || d.pointers {
		d.packed = false
		for _, f := range d.filters {
			if f.known() && f.id > 255 {
				return fmt.Errorf("packs texts of variable length by %s, which the HDF5 library cannot read; write it with gzip", f.name())
			}
		}
		return nil
	}
	d.fill = make([]byte, d.record)
	l.fillValue(list, d.kind, pointer(d.fill))
	return nil
}

// pipeline reads the filters, and decides who undoes them.
func (l *library) pipeline(d *dataset, list int64) error {
	var options uint32
	l.chunkOptions(list, &options)
	d.packed = options == 0 // else chunks at the edge may be stored in another way
	for i := range uint32(max(0, l.filterCount(list))) {
		var flags, config uint32
		values := make([]uint32, 32)
		name := make([]byte, 64)
		count := uintptr(len(values))
		id := l.filter(list, i, &flags, &count, pointer(values), uintptr(len(name)), pointer(name), &config)
		if id < 0 {
			return l.failed("has a filter that cannot be read")
		}
		f := filter{id: id, values: values[:min(int(count), len(values))]}
		f.label, _, _ = strings.Cut(string(name), "\x00")
		d.filters = append(d.filters, f)
		if f.known() {
			continue
		}
		if id > 255 { // 0 to 255 are the library's own
			return fmt.Errorf("is packed by %s (filter %d), which is not read; repack it with gzip, for example by h5repack -f GZIP=4", f.name(), id)
		}
		d.packed = false
	}
	return nil
}

func (l *library) closeSet(d *dataset) {
	if d.kind > 0 {
		l.typeClose(d.kind)
	}
	l.objectClose(d.id)
}
