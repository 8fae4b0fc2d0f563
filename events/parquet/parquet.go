// Package parquet reads and writes Parquet files as tables of events: their flat
// columns of numbers and text.
package parquet

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// unitKey begins the key of a column's unit in the file's metadata.
const unitKey = "sluice.unit."

// Options says what to read.
type Options struct {
	Columns  []string               // only these; nil: all flat ones
	Types    map[string]column.Type // columns whose type is given
	Limits   []column.Limit         // row groups without an event within these are passed over
	MostPage int64                  // bytes, or values, that a page may claim; 0: as many as are believable in a file of this size
}

// Reader reads a file block by block.
type Reader struct {
	file     io.ReaderAt
	closer   io.Closer
	size     int64
	mostPage int64 // of Options
	meta     *metadata
	leaves   []leaf
	left     column.LeftOut // what is not read
	workers  column.Crew[worker]

	row         int64 // the next
	gaps, ahead []column.Gap
	borders     column.Borders // the first event of each row group, and the end
}

// Open opens a file.
func Open(path string, opts Options) (*Reader, error) {
	return column.OpenSized(path, func(f *os.File, size int64) (*Reader, error) {
		r, err := New(f, size, opts)
		if err != nil {
			return nil, err
		}
		r.closer = f
		return r, nil
	})
}

// New reads what is not a file: so many bytes, in memory say.
func New(f io.ReaderAt, size int64, opts Options) (*Reader, error) {
	meta, err := footer(f, size)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: f, size: size, meta: meta, mostPage: opts.MostPage}
	if err := r.choose(opts); err != nil {
		return nil, err
	}
	if err := r.plan(opts.Limits); err != nil {
		return nil, err
	}
	r.enter(0)
	return r, nil
}

// choose fixes which columns are read, and as what.
func (r *Reader) choose(opts Options) error {
	root, leaves, err := tree(r.meta.schema)
	if err != nil {
		return err
	}
	for i, g := range r.meta.groups {
		if len(g.columns) != leaves {
			return fmt.Errorf("damaged metadata: row group %d has %d columns, and the file %d", i+1, len(g.columns), leaves)
		}
	}
	all := flat{index: r.meta.index()}
	for _, n := range root.inner {
		all.add(n, strings.TrimSpace(n.name), opts.Columns)
	}
	if err := all.refused(opts.Columns); err != nil {
		return err
	}
	r.left = all.out
	if len(all.names) == 0 {
		return fmt.Errorf("holds no flat column: %s", strings.Join(r.left.Say(false), "; "))
	}
	names := column.Unique(all.names)
	picked, err := column.Pick(names, opts.Columns)
	if err != nil {
		return err
	}
	for _, i := range picked {
		l := all.leaves[i]
		l.name = names[i]
		l.unit = r.meta.lookup(unitKey + l.name)
		if err := l.choose(r, opts); err != nil {
			return err
		}
		r.leaves = append(r.leaves, l)
	}
	return nil
}

// Columns gives name, unit and type of each column.
func (r *Reader) Columns() []column.Column {
	columns := make([]column.Column, len(r.leaves))
	for i := range r.leaves {
		columns[i] = column.Column{Name: r.leaves[i].name, Unit: r.leaves[i].unit, Type: r.leaves[i].typ, Odd: r.leaves[i].odd}
	}
	return columns
}

// Rows is the number of events that Read returns.
func (r *Reader) Rows() int64 {
	rows := r.meta.rows
	for _, g := range r.gaps {
		rows -= g.Events
	}
	return rows
}

// Gaps are the events of the file that are passed over, in order.
func (r *Reader) Gaps() []column.Gap { return r.gaps }

// Skipped says which columns are left out.
func (r *Reader) Skipped() column.LeftOut { return r.left }

// Close ends the reading.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Read returns the next events, at most n, between which none are passed over, and
// no part of a row group behind whole ones.
func (r *Reader) Read(n int) ([]column.Column, error) {
	for len(r.ahead) > 0 && r.ahead[0].First == r.row {
		r.enter(r.row + r.ahead[0].Events)
	}
	end := r.meta.rows
	if len(r.ahead) > 0 {
		end = r.ahead[0].First
	}
	if r.row == end {
		return nil, io.EOF
	}
	n = r.borders.Within(r.row, int(min(int64(n), end-r.row)))
	out, err := r.read(n)
	if err != nil {
		return nil, err
	}
	r.row += int64(n)
	return out, nil
}

// read reads the columns on all cores. What the first column holds
// bounds the room that the others are given.
func (r *Reader) read(n int) ([]column.Column, error) {
	out := make([]column.Column, len(r.leaves))
	for _, part := range [][2]int{{0, 1}, {1, len(r.leaves)}} {
		first, room := part[0], n*part[0]
		err := r.workers.Each(part[1]-first, func(w *worker, i int) (err error) {
			out[first+i], err = r.leaves[first+i].read(r, w, n, room)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// enter goes to the beginning of a row group.
func (r *Reader) enter(row int64) {
	r.row = row
	after := slices.IndexFunc(r.gaps, func(g column.Gap) bool { return g.First >= row })
	if after < 0 {
		after = len(r.gaps)
	}
	r.ahead = r.gaps[after:]
	group, _ := slices.BinarySearch(r.borders, row)
	for i := range r.leaves {
		l := &r.leaves[i]
		l.pages, l.group, l.page, l.at = nil, group, column.Column{}, 0
	}
}
