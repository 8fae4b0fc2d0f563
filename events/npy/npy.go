// Package npy reads and writes NumPy arrays as tables of events: .npy files of
// one or two dimensions or of structures, and .npz archives of them.
package npy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

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
	column.Head
	parts  []part
	packed bool // some part is, and runs one way only
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
	return open(path, opts, newReader)
}

func open(path string, opts Options, read func(io.ReaderAt, int64, Options) (*Reader, error)) (*Reader, error) {
	return column.OpenSized(path, func(f *os.File, size int64) (*Reader, error) {
		r, err := read(f, size, opts)
		if err == nil {
			r.File = f
		}
		return r, err
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

// fits checks what the header promises against the bytes there are.
func (h *header) fits(bytes int64) error {
	if len(h.shape) == 0 || len(h.shape) > 2 {
		return fmt.Errorf("an array of %d dimensions is no table; 1 or 2 are", len(h.shape))
	}
	event := int64(h.record) * h.columns
	switch {
	case !h.plain && h.columns != 1:
		return errors.New("structures in two dimensions are no table; one dimension is")
	case h.columns == 0:
		return errors.New("an array without columns")
	case h.columns > mostColumns:
		return fmt.Errorf("%d columns of %d events: the table lies on its side; transpose it", h.columns, h.rows)
	case event > longestRecord:
		return fmt.Errorf("an event of %d bytes is not believable", event)
	case h.rows*event > bytes:
		return fmt.Errorf("is cut short: shape %d x %d of %d bytes wants %d bytes, and there are %d", h.rows, h.columns, h.record, h.rows*event, bytes)
	}
	return nil
}

// join makes one table of arrays of equal length.
func join(arrays []array, opts Options) (*Reader, error) {
	r := &Reader{Head: column.Head{Events: arrays[0].rows}}
	var held []column.Column
	var fields []field
	var origin []int // the array of each field
	for k, a := range arrays {
		for _, f := range a.split(len(arrays) == 1) {
			if f.why != "" {
				r.Left = append(r.Left, fmt.Sprintf("column %q %s", f.name, f.why))
				continue
			}
			held = append(held, column.Column{Name: f.name, Type: f.native()})
			fields, origin = append(fields, f), append(origin, k)
		}
	}
	picked, err := r.Choose(held, opts.Columns, opts.Types)
	if err != nil {
		return nil, err
	}
	chosen := make([][]field, len(arrays))
	for k, i := range picked {
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
	numbered := a.columns > 1 || only && a.name == ""
	fields := make([]field, a.columns)
	for k := range fields {
		fields[k] = a.fields[0]
		fields[k].name = a.name
		fields[k].offset = k * a.record
		if numbered && only {
			fields[k].name = "col"
		}
		if numbered {
			fields[k].name += strconv.Itoa(k)
		}
	}
	return fields
}

// parts lists how the values of the chosen fields are read.
func (a *array) parts(chosen []field) []part {
	if len(chosen) == 0 {
		return nil
	}
	if !a.fortran || a.columns == 1 {
		return []part{{in: a.values, again: a.again, record: a.record * int(a.columns), fields: chosen}}
	}
	length := a.rows * int64(a.record)
	var parts []part
	for _, f := range chosen {
		k := int64(f.offset / a.record)
		f.offset = 0
		parts = append(parts, part{in: io.NewSectionReader(a.at, k*length, length), record: a.record, fields: []field{f}})
	}
	return parts
}

// Read returns the next events, at most n.
func (r *Reader) Read(n int) ([]column.Column, error) { return r.Next(n, r.fill) }

func (r *Reader) fill(out []column.Column, n int) error {
	for k := range r.parts {
		if err := r.read(&r.parts[k], out, n); err != nil {
			return err
		}
	}
	return nil
}

// read decodes n records of a part, in pieces that stay in the cache.
func (r *Reader) read(p *part, out []column.Column, n int) error {
	step := max(1, (1<<18)/p.record)
	for at := 0; at < n; at += step {
		count := min(step, n-at)
		raw := codec.Room(&p.raw, count*p.record)
		if m, err := io.ReadFull(p.in, raw); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return fmt.Errorf("is cut short: it ends in row %d of %d", r.Row+int64(at+m/p.record)+1, r.Events)
			}
			return fmt.Errorf("row %d: %w", r.Row+int64(at)+1, err)
		}
		for k := range p.fields {
			f := &p.fields[k]
			c := out[f.column].Slice(at, at+count)
			f.decode(&c, raw, p.record)
		}
	}
	return nil
}

// Mark is the place of the next event. A packed array has none between its first
// event and its end.
func (r *Reader) Mark() (column.Mark, bool) {
	return column.Mark{Row: r.Row}, r.begins(r.Row)
}

func (r *Reader) begins(row int64) bool { return !r.packed || row == 0 || row == r.Events }

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	if m.Row < 0 || m.Row > r.Events || !r.begins(m.Row) {
		return column.ErrMark
	}
	for k := range r.parts {
		if err := r.parts[k].seek(m.Row); err != nil {
			return err
		}
	}
	r.Row = m.Row
	return nil
}

func (p *part) seek(row int64) (err error) {
	switch {
	case p.again == nil:
		_, err = p.in.(io.Seeker).Seek(row*int64(p.record), io.SeekStart)
	case row == 0:
		p.in, err = p.again()
	}
	return err
}
