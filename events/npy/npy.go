// Package npy reads and writes NumPy arrays as tables of events: .npy files of
// one or two dimensions or of structures, and .npz archives of them.
package npy

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
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
	column.Head
	parts  []part
	packed bool // some part is, and runs one way only
}

// part is a run of records that are read in order: the whole array where an
// event's values lie together, one column of it in Fortran's order.
type part struct {
	*array
	in     io.Reader
	packed bool // it runs one way only; else an io.Seeker
	record int
	fields []field
	raw    []byte
}

// array is an array found in a file.
type array struct {
	name string // "" in an .npy file
	*header
	open   func() (io.Reader, error)   // its values in order, from the first; an io.Seeker where it is not packed
	place  func() (io.ReaderAt, error) // its values by place
	packed bool
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
	values := func() (io.Reader, error) { return io.NewSectionReader(f, start, size-start), nil }
	place := func() (io.ReaderAt, error) { return io.NewSectionReader(f, start, size-start), nil }
	return join([]array{{header: h, open: values, place: place}}, true, column.LeftOut{}, opts)
}

// most values of an event in an array
const mostValues = 1 << 24

// fits checks what the header promises against the bytes there are.
func (h *header) fits(bytes int64) error {
	event := int64(h.record) * h.columns
	switch {
	case len(h.shape) == 0:
		return errors.New("an array of 0 dimensions is no table; the first counts the events")
	case h.columns == 0:
		return errors.New("an array without columns")
	case len(h.dims) == 1 && h.columns > mostColumns:
		return fmt.Errorf("%d columns of %d events: the table lies on its side; transpose it", h.columns, h.rows)
	case event > longestRecord || h.columns > mostValues:
		return fmt.Errorf("an event of %d bytes is not believable", event)
	case h.rows*event > bytes:
		return fmt.Errorf("is cut short: shape %v of %d bytes wants %d bytes, and there are %d", h.shape, h.record, h.rows*event, bytes)
	}
	return nil
}

// source is where a column comes from.
type source struct {
	field
	array int
}

// join makes one table of arrays of equal length; only says that the file holds no other.
func join(arrays []array, only bool, left column.LeftOut, opts Options) (*Reader, error) {
	r := &Reader{Head: column.Head{Events: arrays[0].rows, Left: left}}
	var all, many []source
	for k := range arrays {
		fields := arrays[k].split(only)
		if a := &arrays[k]; a.plain && len(a.dims) == 1 && a.columns > 1 && fields[0].why == "" {
			r.Many = append(r.Many, column.Array{Name: a.called(), Group: a.called(), Dims: a.dims, Stem: strings.TrimSuffix(fields[0].name, "0")})
			many = append(many, source{})
		}
		for _, f := range fields {
			switch {
			case f.why != "":
				r.Left.Add("column", f.name, f.why)
			case arrays[k].many():
				r.Many = append(r.Many, column.Array{Name: f.name, Group: arrays[k].called(), Dims: arrays[k].dims})
				many = append(many, source{f, k})
			default:
				all = append(all, source{f, k})
			}
		}
	}
	for _, e := range r.Elements(opts.Columns, len(all) == 0) {
		s := many[e.Array]
		s.name = e.Name
		s.offset += int(e.Place) * arrays[s.array].record
		all = append(all, s)
	}
	return r, r.choose(arrays, all, opts)
}

// choose fixes the columns and the parts of the file they need.
func (r *Reader) choose(arrays []array, all []source, opts Options) error {
	held := make([]column.Column, len(all))
	for i, s := range all {
		held[i] = column.Column{Name: s.name, Type: s.native()}
	}
	picked, err := r.Choose(held, opts.Columns, opts.Types, func(i int) (bool, string, error) { return r.missing(all[i], arrays, opts.Types) })
	if err != nil {
		return err
	}
	chosen := make([][]field, len(arrays))
	for k, i := range picked {
		all[i].column = k
		chosen[all[i].array] = append(chosen[all[i].array], all[i].field)
	}
	for k := range arrays {
		if err := r.use(&arrays[k], chosen[k]); err != nil {
			return err
		}
	}
	return nil
}

// missing says whether some times may be.
func (r *Reader) missing(s source, arrays []array, types map[string]column.Type) (some bool, odd string, err error) {
	if !s.time {
		return false, "", nil
	}
	a := &arrays[s.array]
	inner := &Reader{Head: column.Head{Events: a.rows}}
	s.time, s.array = false, 0
	if err := inner.choose([]array{*a}, []source{s}, Options{}); err != nil {
		return false, "", err
	}
	return column.MayMiss(s.name, types, inner.Read, math.MinInt64)
}

// many says that an event has several objects in the array: structures, or rows of numbers.
func (a *array) many() bool { return len(a.dims) > 1 || !a.plain && a.columns > 1 }

// called is the name of the array, or what stands for it where it has none.
func (a *array) called() string {
	if a.name == "" {
		return "col"
	}
	return a.name
}

// split lists the columns of an array. Offsets count from the start of an event.
func (a *array) split(only bool) []field {
	if !a.plain {
		fields := slices.Clone(a.fields)
		for k := range fields {
			if a.many() {
				fields[k].name = a.called() + "/" + fields[k].name
			}
		}
		return fields
	}
	if a.many() {
		f := a.fields[0]
		f.name = a.called()
		return []field{f}
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

// use has the chosen fields of an array read.
func (r *Reader) use(a *array, chosen []field) error {
	if len(chosen) == 0 {
		return nil
	}
	if !a.fortran || a.columns == 1 {
		in, err := a.open()
		r.packed = r.packed || a.packed
		r.parts = append(r.parts, part{array: a, in: in, packed: a.packed, record: a.record * int(a.columns), fields: chosen})
		return err
	}
	at, err := a.place()
	if err != nil {
		return a.located(err)
	}
	length := a.rows * int64(a.record)
	for _, f := range chosen {
		k := a.inFortran(int64(f.offset / a.record))
		f.offset %= a.record
		r.parts = append(r.parts, part{array: a, in: io.NewSectionReader(at, k*length, length), record: a.record, fields: []field{f}})
	}
	return nil
}

// inFortran is the place of value k of an event where the first dimension counts fastest.
func (a *array) inFortran(k int64) int64 {
	place, values := int64(0), a.columns
	for i := len(a.dims) - 1; i >= 0; i-- {
		values /= a.dims[i]
		place += k % a.dims[i] * values
		k /= a.dims[i]
	}
	return place
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
		row := r.Row + int64(at)
		raw := p.straight(out, at, at+count)
		if raw == nil {
			raw = codec.Room(&p.raw, count*p.record)
		}
		if m, err := io.ReadFull(p.in, raw); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return fmt.Errorf("is cut short: it ends in row %d of %d", row+int64(m/p.record)+1, r.Events)
			}
			if errors.Is(err, errChecksum) {
				return p.located(err)
			}
			return p.located(fmt.Errorf("rows %d to %d: %w", row+1, row+int64(count), err))
		}
		for k := range p.fields {
			f := &p.fields[k]
			c := out[f.column].Slice(at, at+count)
			if err := f.decode(&c, raw, p.record, row); err != nil {
				return p.located(err)
			}
		}
	}
	return nil
}

// straight is the memory of values [i, j) of the only column of the part, where it holds them as the file does.
func (p *part) straight(out []column.Column, i, j int) []byte {
	f := &p.fields[0]
	if f.time || f.text != noText || f.Size != p.record {
		return nil
	}
	c := out[f.column].Slice(i, j)
	return f.Memory(&c)
}

func (a *array) located(err error) error {
	if a.name == "" {
		return err
	}
	return fmt.Errorf("array %q: %w", a.name, err)
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
	case !p.packed:
		_, err = p.in.(io.Seeker).Seek(row*int64(p.record), io.SeekStart)
	case row == 0:
		p.in, err = p.open()
	}
	return err
}
