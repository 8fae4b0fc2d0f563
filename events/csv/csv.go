// Package csv reads and writes tables of events as text: a row an event, cells
// between separators, optionally gzip or zstd.
package csv

import (
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-hep/sluice/events/column"
)

// Options says how to read. The zero value finds everything out by itself.
type Options struct {
	Columns   []string               // only these; nil: all
	Types     map[string]column.Type // columns whose type is given
	Separator byte                   // 0: found from the first lines
	SkipLines int                    // at the beginning
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
	file  io.Closer
	again io.ReadSeeker // nil: a pipe
	src   *source
	*layout
	split   dialect // that of layout
	skip    int     // lines
	columns []column.Column
	plan    []field // one a column of the file
	picked  []int   // of which these are returned
	row     int64   // rows of data read
	seen    int64   // of all that there are, where they were looked at
	err     error   // what ended the reading
	first   column.Mark
	special [256]bool // what may begin a line that is no event
	left              // lines that are none, in what was read
	found   left      // and in the whole file, where
	looked  bool      // it was looked through
	sought  bool      // reading did not begin at the first event
}

// field is what to do with one column of the file.
type field struct {
	column.Column      // the block being filled
	tally              // of the cells, while the type is unknown
	wanted        bool // else its cells are passed over
	whole         bool // whole numbers only so far: rounding one would lose what it names
	blank         bool // all cells are missing, all the file long
	numeral       bool // the first cell that is no number begins like one
	labels        map[string]string
}

// unknown is the type of a column until its cells are looked at.
const unknown = column.Text + 1

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
	src, err := newSource(f, nil, opts.SkipLines)
	if err != nil {
		return nil, err
	}
	r := &Reader{src: src, skip: opts.SkipLines}
	if _, err := f.Seek(0, io.SeekCurrent); err == nil {
		r.again = f
	}
	if err := r.start(opts); err != nil {
		r.src.close()
		return nil, err
	}
	return r, nil
}

// start chooses the columns and goes to the first row of data, for which it may look through the file.
func (r *Reader) start(opts Options) (err error) {
	if r.layout, err = learn(r.src, opts); err != nil {
		return err
	}
	r.split = r.dialect
	r.mark()
	if err = r.choose(opts); err != nil {
		return err
	}
	if err = r.begin(); err != nil {
		return err
	}
	r.first, _ = r.Mark()
	if slices.ContainsFunc(r.columns, func(c column.Column) bool { return c.Type == unknown }) {
		err = r.look()
	}
	for _, i := range r.picked { // only those of unknown type were, so far
		r.plan[i].wanted = true
	}
	return err
}

// begin goes to the first row of data.
func (r *Reader) begin() error {
	for skipped := 0; skipped < len(r.head); {
		line, err := r.src.line()
		if err != nil {
			return err
		}
		if r.src.kind(line) == rowLine {
			skipped++
			if _, err = r.src.whole(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// choose fixes the columns to return, and the types that are given.
func (r *Reader) choose(opts Options) (err error) {
	names := r.names
	if r.picked, err = column.Pick(names, opts.Columns); err != nil {
		return err
	}
	if r.framed && opts.Columns == nil {
		r.picked = r.picked[1 : len(r.picked)-1]
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(opts.Types)) {
		if !slices.Contains(names, name) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		return column.Missing(names, missing...)
	}
	r.plan = make([]field, len(names))
	for _, i := range r.picked {
		t, given := opts.Types[names[i]]
		if !given {
			t = unknown
		}
		c := column.Column{Name: names[i], Type: t}
		if r.units != nil {
			c.Unit = r.units[i]
		}
		r.columns = append(r.columns, c)
		r.plan[i] = field{Column: c, wanted: t == unknown, whole: true, tally: tally{truths: given}}
	}
	return nil
}

// Columns gives name and type of each column.
func (r *Reader) Columns() []column.Column { return r.columns }

// Blank says whether column i is known to hold nothing but missing values.
func (r *Reader) Blank(i int) bool { return r.plan[r.picked[i]].blank }

// Rows is -1: only reading tells.
func (r *Reader) Rows() int64 { return -1 }

// Skipped is empty: every column of a text file can be read.
func (r *Reader) Skipped() column.LeftOut { return nil }

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
	step := max(1, min(1024, (1<<22)/max(len(r.picked), 1))) // rows that there is room for before they are seen
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
	for _, i := range r.picked {
		f := &r.plan[i]
		f.Extend(max(0, n-f.Len()))
	}
}

// take hands the block out, and begins the next.
func (r *Reader) take(rows int) []column.Column {
	out := make([]column.Column, len(r.picked))
	for k, i := range r.picked {
		out[k] = r.plan[i].Slice(0, rows)
		r.plan[i].Column = r.columns[k]
	}
	return out
}

// fill parses up to n rows into the block from row on.
func (r *Reader) fill(row, n int) (int, error) {
	for k := range n {
		line, err := r.next()
		if err == nil {
			err = r.parse(line, row+k)
		}
		if err != nil {
			return k, err
		}
		r.row++
	}
	return n, nil
}

// place names the row being parsed.
func (r *Reader) place() string {
	return "row " + strconv.FormatInt(r.row+1, 10) + " (line " + strconv.FormatInt(r.src.number, 10) + "): "
}
