// Package npy reads and writes NumPy arrays as tables of events: .npy files of
// one or two dimensions or of structures, and .npz archives of them.
package npy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// Options says what to read.
type Options struct {
	Key     string                 // the array of an archive; "": all of them
	Columns []string               // only these; nil: all
	Types   map[string]column.Type // columns whose type is given
}

// Reader reads one array, or several of equal length, block by block.
type Reader struct {
	file    io.Closer
	parts   []part
	chosen  column.Choice
	skipped []string
	rows    int64
	row     int64 // events read
	packed  bool  // some part is, and runs one way only
}

// part is a run of records that are read in order: the whole array where an
// event's values lie together, one column of it in Fortran's order.
type part struct {
	in     io.Reader
	again  func() (io.Reader, error) // in from its first record; nil: in is an io.Seeker
	record int
	fields []field
	raw    []byte
}

// array is an array found in a file, with its values at hand as a stream, and
// also by place where the file allows that.
type array struct {
	name string // "" in an .npy file
	*header
	values io.Reader
	at     io.ReaderAt               // nil: only in order
	again  func() (io.Reader, error) // see part
}

// Open opens an .npy file.
func Open(path string, opts Options) (*Reader, error) {
	if opts.Key != "" {
		return nil, fmt.Errorf("an .npy file holds one array and none of the name %q", opts.Key)
	}
	return column.OpenSized(path, func(f *os.File, size int64) (*Reader, error) {
		r, err := newReader(f, size, opts)
		if err != nil {
			return nil, err
		}
		r.file = f
		return r, nil
	})
}

func newReader(f io.ReaderAt, size int64, opts Options) (*Reader, error) {
	h, start, err := readHeader(io.NewSectionReader(f, 0, size))
	if err != nil {
		return nil, err
	}
	if err := h.fits(size - start); err != nil {
		return nil, err
	}
	values := io.NewSectionReader(f, start, size-start)
	return join([]array{{header: h, values: values, at: values}}, opts)
}

// events is the number of events, and of columns where the values are plain.
func (h *header) events() (rows, columns int64) {
	switch len(h.shape) {
	case 1:
		return h.shape[0], 1
	case 2:
		return h.shape[0], h.shape[1]
	}
	return 0, 0
}

// fits checks what the header promises against the bytes there are.
func (h *header) fits(bytes int64) error {
	if len(h.shape) == 0 || len(h.shape) > 2 {
		return fmt.Errorf("an array of %d dimensions is no table; 1 or 2 are", len(h.shape))
	}
	rows, columns := h.events()
	if !h.plain && len(h.shape) == 2 && columns != 1 {
		return errors.New("structures in two dimensions are no table; one dimension is")
	}
	if columns == 0 {
		return errors.New("an array without columns")
	}
	if columns > mostColumns {
		return fmt.Errorf("%d columns of %d events: the table lies on its side; transpose it", columns, rows)
	}
	if int64(h.record)*columns > longestRecord {
		return fmt.Errorf("an event of %d bytes is not believable", int64(h.record)*columns)
	}
	if need := rows * columns * int64(h.record); need > bytes {
		return fmt.Errorf("is cut short: shape %d x %d of %d bytes wants %d bytes, and there are %d", rows, columns, h.record, need, bytes)
	}
	return nil
}

// join makes one table of arrays of equal length.
func join(arrays []array, opts Options) (*Reader, error) {
	r := &Reader{}
	r.rows, _ = arrays[0].events()
	var names []string
	var fields []field
	var origin []int // the array of each field
	for k, a := range arrays {
		for _, f := range a.split(len(arrays) == 1) {
			if f.why != "" {
				r.skipped = append(r.skipped, fmt.Sprintf("column %q %s", f.name, f.why))
				continue
			}
			names, fields, origin = append(names, f.name), append(fields, f), append(origin, k)
		}
	}
	names = column.Unique(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("holds no column that can be read: %s", strings.Join(r.skipped, "; "))
	}
	picked, err := column.Pick(names, opts.Columns)
	if err != nil {
		return nil, err
	}
	chosen := make([][]field, len(arrays))
	for k, i := range picked {
		if err := r.chosen.Add(names[i], "", fields[i].native(), opts.Types); err != nil {
			return nil, err
		}
		fields[i].column = k
		chosen[origin[i]] = append(chosen[origin[i]], fields[i])
	}
	for k, a := range arrays {
		r.parts = append(r.parts, a.parts(chosen[k])...)
		r.packed = r.packed || a.again != nil
	}
	return r, nil
}

// split lists the columns of an array. Offsets count from the start of an event.
func (a *array) split(only bool) []field {
	if !a.plain {
		return a.fields
	}
	_, columns := a.events()
	prefix := a.name
	switch {
	case only && (a.name == "" || columns > 1):
		prefix = "col"
	case columns == 1:
		f := a.fields[0]
		f.name = a.name
		return []field{f}
	}
	fields := make([]field, columns)
	for k := range fields {
		fields[k] = a.fields[0]
		fields[k].name = prefix + strconv.Itoa(k)
		fields[k].offset = k * a.record
	}
	return fields
}

// parts lists how the values of the chosen fields are read.
func (a *array) parts(chosen []field) []part {
	rows, columns := a.events()
	if !a.fortran || columns == 1 {
		if len(chosen) == 0 {
			return nil
		}
		return []part{{in: a.values, again: a.again, record: a.record * int(columns), fields: chosen}}
	}
	length := rows * int64(a.record)
	var parts []part
	for _, f := range chosen {
		k := int64(f.offset / a.record)
		f.offset = 0
		parts = append(parts, part{in: io.NewSectionReader(a.at, k*length, length), record: a.record, fields: []field{f}})
	}
	return parts
}

// Columns gives name and type of each column.
func (r *Reader) Columns() []column.Column { return r.chosen.Columns }

// Rows is the number of events.
func (r *Reader) Rows() int64 { return r.rows }

// Skipped says which columns are left out.
func (r *Reader) Skipped() []string { return r.skipped }

// Close ends the reading.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Read returns the next events, at most n.
func (r *Reader) Read(n int) ([]column.Column, error) {
	n = int(min(int64(n), r.rows-r.row))
	if n == 0 {
		return nil, io.EOF
	}
	out := r.chosen.Block(n)
	for k := range r.parts {
		if err := r.read(&r.parts[k], out, n); err != nil {
			return nil, err
		}
	}
	if err := r.chosen.Settle(out, r.row); err != nil {
		return nil, err
	}
	r.row += int64(n)
	return out, nil
}

// read decodes n records of a part, in pieces that stay in the cache.
func (r *Reader) read(p *part, out []column.Column, n int) error {
	step := max(1, (1<<18)/p.record)
	for at := 0; at < n; at += step {
		count := min(step, n-at)
		raw := codec.Room(&p.raw, count*p.record)
		if m, err := io.ReadFull(p.in, raw); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return fmt.Errorf("is cut short: it ends in row %d of %d", r.row+int64(at+m/p.record)+1, r.rows)
			}
			return fmt.Errorf("row %d: %w", r.row+int64(at)+1, err)
		}
		for k := range p.fields {
			f := &p.fields[k]
			c := out[f.column].Slice(at, at+count)
			f.decode(&c, raw, p.record)
		}
	}
	return nil
}
