// Package csv reads and writes tables of events as text: a row an event, cells
// between separators, optionally gzip or zstd.
package csv

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/sluice-hep/sluice/events/column"
)

// Options says how to read. The zero value finds everything out by itself.
type Options struct {
	Columns   []string               // only these; nil: all
	Types     map[string]column.Type // columns whose type is given
	Separator byte                   // 0: found from the first lines
	Header    Header
}

// Header says whether the first row holds the names.
type Header uint8

// The values are those of events.Header.
const (
	HeaderAuto Header = iota
	HeaderYes
	HeaderNo
)

// Reader reads a text file block by block.
type Reader struct {
	file    io.Closer
	again   io.ReadSeeker // nil: a pipe
	src     *source
	split   dialect
	columns []column.Column
	plan    []field // one a column of the file
	names   []string
	row     int64 // rows of data read
	seen    int64 // of all that there are, where they were looked at
	err     error // what ended the reading
	first   column.Mark
}

// field is what to do with one column of the file.
type field struct {
	column.Column      // the block being filled
	wanted        bool // else its cells are skipped
	at            int  // place among the columns returned
	whole         bool // whole numbers only so far: rounding one would lose what it names
	missing       bool // a cell was
	blank         bool // all are, all the file long
	words         words
}

// Open opens a file and decides names and types, for which it looks at the whole file; of a pipe at the first block (4 MiB).
func Open(path string, opts Options) (*Reader, error) {
	f, err := column.OpenFile(path)
	if err != nil {
		return nil, err
	}
	r, err := newReader(f, opts)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.file = f
	return r, nil
}

func newReader(f io.ReadSeeker, opts Options) (*Reader, error) {
	src, err := newSource(f, nil)
	if err != nil {
		return nil, err
	}
	split, names, err := learn(src, opts)
	if err != nil {
		src.close()
		return nil, err
	}
	r := &Reader{src: src, split: split, names: names}
	if _, err := f.Seek(0, io.SeekCurrent); err == nil {
		r.again = f
	}
	if err := r.start(opts); err != nil {
		r.src.close()
		return nil, err
	}
	return r, nil
}

// start chooses the types and goes to the first row of data.
func (r *Reader) start(opts Options) error {
	var look look
	if !opts.typed(r.names) {
		var err error
		if look, err = r.examine(); err != nil {
			return err
		}
	}
	if err := r.choose(look, opts); err != nil {
		return err
	}
	if err := r.begin(); err != nil {
		return err
	}
	r.first, _ = r.Mark()
	return nil
}

// typed says whether the type of every column is given.
func (o *Options) typed(names []string) bool {
	if o.Columns != nil {
		names = o.Columns
	}
	return !slices.ContainsFunc(names, func(name string) bool {
		_, given := o.Types[name]
		return !given
	})
}

// begin goes to the first row of data.
func (r *Reader) begin() error {
	if !r.split.header {
		return nil
	}
	_, err := r.next()
	return err
}

// choose fixes names and types of the columns to return.
func (r *Reader) choose(look look, opts Options) error {
	picked, err := column.Pick(r.names, opts.Columns)
	if err != nil {
		return err
	}
	for name := range opts.Types {
		if !slices.Contains(r.names, name) {
			return column.Missing(name, r.names)
		}
	}
	r.plan = make([]field, len(r.names))
	r.columns = make([]column.Column, len(picked))
	for k, i := range picked {
		t, given := opts.Types[r.names[i]]
		whole := true // until a cell is not
		if !given {
			t, whole = look.typ(i), look.tallies[i].wholeOnly()
		}
		r.columns[k] = column.Column{Name: r.names[i], Type: t}
		r.plan[i] = field{Column: r.columns[k], wanted: true, at: k, whole: whole, blank: !given && look.blank(i)}
	}
	return nil
}

// Columns gives name and type of each column.
func (r *Reader) Columns() []column.Column { return r.columns }

// Blank says whether column i is known to hold nothing but missing values.
func (r *Reader) Blank(i int) bool {
	return slices.ContainsFunc(r.plan, func(f field) bool { return f.wanted && f.at == i && f.blank })
}

// Rows is -1: only reading tells.
func (r *Reader) Rows() int64 { return -1 }

// Skipped is empty: every column of a text file can be read.
func (r *Reader) Skipped() []string { return nil }

// Close ends the reading.
func (r *Reader) Close() error {
	r.src.close()
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Read returns the next rows, at most n.
func (r *Reader) Read(n int) ([]column.Column, error) {
	if r.err != nil {
		return nil, r.err
	}
	const step = 1024
	rows, room := 0, 0
	for rows < n && r.err == nil {
		want := min(step, n-rows)
		if rows+want > room {
			room = rows + max(want, min(n-rows, r.src.rowsAhead()))
			if left := int64(rows) + r.seen - r.row; left >= int64(room) {
				room = int(min(left, int64(n)))
			} else if r.row-int64(rows) >= int64(n) { // the block before was full
				room = n
			}
			r.grow(room)
		}
		var got int
		got, r.err = r.fill(rows, want)
		rows += got
	}
	if r.err != nil && r.err != io.EOF || rows == 0 {
		return nil, r.err
	}
	return r.take(rows), nil
}

// grow makes room for n rows in the block.
func (r *Reader) grow(n int) {
	for i := range r.plan {
		f := &r.plan[i]
		if !f.wanted {
			continue
		}
		f.Extend(max(0, n-f.Len()))
	}
}

// take hands the block out.
func (r *Reader) take(rows int) []column.Column {
	out := make([]column.Column, len(r.columns))
	for i := range r.plan {
		f := &r.plan[i]
		if !f.wanted {
			continue
		}
		out[f.at] = f.Slice(0, rows)
		f.Column = r.columns[f.at]
	}
	return out
}

// fill parses up to n rows into the block from row on.
func (r *Reader) fill(row, n int) (int, error) {
	for k := range n {
		line, err := r.next()
		if err != nil {
			return k, err
		}
		if err := r.parse(line, row+k); err != nil {
			if !errors.Is(err, errQuote) {
				return k, err
			}
			// A quoted cell runs over the end of the line.
			if line, err = r.src.extend(); err != nil {
				return k, fmt.Errorf("%s%w", r.place(), err)
			}
			if err := r.parse(line, row+k); err != nil {
				return k, err
			}
		}
		r.row++
	}
	return n, nil
}

// next is the next line that is neither blank nor a comment.
func (r *Reader) next() ([]byte, error) { return nextRow(r.src) }

func nextRow(src *source) ([]byte, error) {
	for {
		line, err := src.line()
		if err != nil {
			return nil, err
		}
		i := 0
		for isBlank(line[i]) {
			i++
		}
		if line[i] != '\n' && line[i] != '#' {
			return line, nil
		}
	}
}

// place names the row being parsed.
func (r *Reader) place() string {
	return "row " + strconv.FormatInt(r.row+1, 10) + " (line " + strconv.FormatInt(r.src.number, 10) + "): "
}
