package hdf5

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// dataset is an open data set, whose first dimension counts the events.
type dataset struct {
	path          string
	id, kind      int64   // of the data set and of its type in memory
	rows, columns int64   // values of an event
	dims          []int64 // of an event
	record        int     // bytes of one value, a structure being one
	fields        []field // of one value
	units         []string

	pointers bool // its values refer to memory beside them

	packed  bool    // chunks are fetched as they are and unpacked here
	chunk   int64   // rows of a chunk; 0: not in chunks
	sides   []int64 // of a chunk, of an event
	filters []filter
	fill    []byte // a value where nothing was written
}

// openSet opens a data set of the file and checks its sizes against the file's.
func (l *library) openSet(file int64, path string, size int64) (*dataset, error) {
	id := l.objectOpen(file, path, 0)
	if id < 0 {
		return nil, l.failed("cannot be opened")
	}
	d := &dataset{path: path, id: id}
	if err := l.measure(d, size); err != nil {
		l.closeSet(d)
		return nil, err
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
	if len(dims) == 0 {
		return errors.New("has 0 dimensions, and a table has events in the first")
	}
	d.rows, d.dims, d.columns = dims[0], dims[1:], 1
	for _, n := range d.dims {
		if d.columns *= n; n < 0 || d.columns > mostValues {
			return fmt.Errorf("has events of %v values, which is not believable", d.dims)
		}
	}
	if d.kind = l.setType(d.id); d.kind < 0 {
		return l.failed("has no readable type")
	}
	d.record = int(l.typeSize(d.kind))
	if err := d.believable(size); err != nil {
		return err
	}
	d.fields = l.fields(nil, d.kind, "", 0, 0)
	if len(d.fields) > mostColumns || len(d.fields) == 0 {
		return fmt.Errorf("has %d columns, and %d are the most", len(d.fields), mostColumns)
	}
	d.pointers = slices.ContainsFunc(d.fields, pointing)
	d.units = l.attribute(d.id, "units")
	if d.units == nil {
		d.units = l.attribute(d.id, "unit")
	}
	return l.storage(d, size)
}

// beyond is a size that a file of that many bytes does not hold: gzip packs at
// most 1032 bytes into one (zlib.net/zlib_tech.html), blosc little more.
func beyond(size int64) int64 { return 1000*size + 1<<20 }

func (d *dataset) believable(size int64) error {
	switch {
	case d.rows < 0 || d.columns < 0 || d.record <= 0:
		return fmt.Errorf("claims the shape %d x %d", d.rows, d.columns)
	case len(d.dims) == 1 && d.columns > mostColumns:
		return fmt.Errorf("has %d columns of %d events: it lies on its side; transpose it", d.columns, d.rows)
	case d.columns > 0 && d.record > longestRecord/int(d.columns):
		return fmt.Errorf("has events of %d x %d bytes, which is not believable", d.columns, d.record)
	case d.columns > 0 && d.rows > beyond(size)/(d.columns*int64(d.record)):
		return fmt.Errorf("claims %d x %d values of %d bytes, which a file of %d bytes does not hold", d.rows, d.columns, d.record, size)
	}
	return nil
}

// storage finds out how the values are stored.
func (l *library) storage(d *dataset, size int64) error {
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
	sides := make([]int64, 1+len(d.dims))
	if l.chunk(list, int32(len(sides)), pointer(sides)) < 0 {
		return l.failed("has no readable chunks")
	}
	d.chunk, d.sides = sides[0], sides[1:]
	bytes := int64(d.record)
	for _, n := range sides {
		if n <= 0 || n > min(beyond(size), 1<<32)/bytes {
			return fmt.Errorf("claims chunks of %v values of %d bytes, which a file of %d bytes does not hold", sides, d.record, size)
		}
		bytes *= n
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
			return fmt.Errorf("is packed by %s, which is not read; repack it with gzip, for example by h5repack -f GZIP=4", f.name())
		}
		d.packed = false
	}
	return nil
}

// inChunk tells of value k of an event the first value of the chunk that it lies in, and its place there.
func (d *dataset) inChunk(k int64) (first, at int64) {
	values, inside := int64(1), int64(1)
	for i := len(d.dims) - 1; i >= 0; i-- {
		c := k % d.dims[i]
		k /= d.dims[i]
		first += (c - c%d.sides[i]) * values
		at += c % d.sides[i] * inside
		values, inside = values*d.dims[i], inside*d.sides[i]
	}
	return first, at
}

// corner is where value k of the event row lies, by dimension.
func (d *dataset) corner(row, k int64) []int64 {
	places := make([]int64, 1+len(d.dims))
	for i := len(d.dims); i > 0; i-- {
		places[i] = k % d.dims[i-1]
		k /= d.dims[i-1]
	}
	places[0] = row
	return places
}

// chunkWidth is the values of an event in a chunk.
func (d *dataset) chunkWidth() int64 {
	n := int64(1)
	for _, side := range d.sides {
		n *= side
	}
	return n
}

func (l *library) closeSet(d *dataset) {
	if d.kind > 0 {
		l.typeClose(d.kind)
	}
	l.objectClose(d.id)
}
