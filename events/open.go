package events

import (
	"errors"
	"fmt"
	"io"

	"github.com/sluice-hep/sluice/events/column"
)

// Options says what to read of a file and how. The zero value reads every
// column, numbers as float32.
type Options struct {
	Columns []string // only these, in this order; nil: all
	// Types holds columns, by name, at a type of the caller's choice.
	Types map[string]Type

	// Flatten, for ROOT files, makes a row of every object instead of every event: of
	// those counted by nMuon for "Muon". The column event is the number of its event
	// in the file, from 0. Columns that hold one value an event must be asked for.
	Flatten string

	// Limits let a file pass over events that are not within them, where it can tell
	// without reading them, as Parquet files do by their row groups. What Read gives
	// is still to be selected. Passed, where set, is told of each run of such events
	// the first, counting all events of the files from 0, and how many they are.
	Limits []column.Limit
	Passed func(first, events int64)

	// Most bounds the memory, in bytes, that the table of ReadAll may take; beyond
	// it the error is a *TooLarge. 0: no bound.
	Most int64

	// For text files only.
	Separator byte   // 0: found from the first lines, among , ; tab | and blanks
	Header    Header // whether the first row holds the names

	whole bool  // CSV: look at the whole file before choosing types
	held  int64 // ReadAll: bytes of the files before
}

// Header says whether a text file begins with a row of names.
type Header uint8

const (
	HeaderAuto Header = iota // a first row with a cell that is no number is a header
	HeaderYes
	HeaderNo // columns are named col0, col1, ...
)

// Reader reads the events of one file in order, a block at a time, in memory
// that does not grow with the file. It is for one goroutine; the caller closes it.
type Reader interface {
	// Columns gives name, unit and type of each column that Read returns.
	Columns() []Column
	// Rows is the number of events that Read gives where the file says it, else -1.
	Rows() int64
	// Skipped says, a line each, which columns of the file are left out and why.
	Skipped() []string
	// Read returns the next events: at most n, at least one; io.EOF after the last.
	Read(n int) (*Table, error)
	Close() error
}

// Open opens a file of events. Its format follows from the extension, or from
// its first bytes where the extension says nothing. Where a file holds several
// tables, a name `file:key` picks one.
func Open(path string, opts Options) (Reader, error) {
	r, err := open(path, opts)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func open(path string, opts Options) (*reader, error) {
	file, key := splitKey(path)
	f, err := formatOf(file)
	if err != nil {
		return nil, err
	}
	if key != "" && f.single {
		return nil, inFile(path, fmt.Errorf("a file of this format is one table; leave out %q", ":"+key))
	}
	if opts.Flatten != "" && !f.flattens {
		return nil, inFile(path, fmt.Errorf("holds one value of a column an event: there is no %q to flatten; only ROOT files hold more", opts.Flatten))
	}
	in, err := f.open(file, key, opts)
	if err != nil {
		return nil, inFile(path, err)
	}
	return &reader{in: in, path: path}, nil
}

// Peek gives the columns of the first of files, and what is left out of it and
// why. Where that can be read only once, as a pipe, it gives nothing.
func Peek(paths []string, opts Options) (columns []Column, skipped []string, err error) {
	files, err := expand(paths)
	if err != nil || exists(files[0]) && !readableAgain(files[0]) {
		return nil, nil, err
	}
	in, err := Open(files[0], opts)
	if err != nil {
		return nil, nil, err
	}
	return in.Columns(), in.Skipped(), in.Close()
}

func inFile(path string, err error) error {
	return fmt.Errorf("events: %s: %w", path, err)
}

type reader struct {
	in   column.Reader
	path string
}

// gaps are the events of a file that its reader passes over.
func (r *reader) gaps() []column.Gap {
	if r, ok := r.in.(interface{ Gaps() []column.Gap }); ok {
		return r.Gaps()
	}
	return nil
}

func (r *reader) located(err error) error {
	if err == nil {
		return nil
	}
	return inFile(r.path, err)
}

func (r *reader) Columns() []Column { return fromFormat(r.in.Columns()) }
func (r *reader) Rows() int64       { return r.in.Rows() }
func (r *reader) Skipped() []string { return r.in.Skipped() }

func (r *reader) Read(n int) (*Table, error) {
	if n <= 0 {
		return nil, fmt.Errorf("events: Read of %d events; ask for at least 1", n)
	}
	columns, err := r.in.Read(n)
	if err == io.EOF {
		return nil, io.EOF
	}
	var bad *column.Contradiction
	if errors.As(err, &bad) {
		err = fmt.Errorf("%w, and the events before it made the column %s; state its type as %s", err, r.typeOf(bad.Column), bad.Want)
	}
	if err != nil {
		return nil, inFile(r.path, err)
	}
	return &Table{Columns: fromFormat(columns)}, nil
}

func (r *reader) typeOf(name string) Type {
	for _, c := range r.in.Columns() {
		if c.Name == name {
			return c.Type
		}
	}
	return Float32
}

func (r *reader) Close() error {
	return r.located(r.in.Close())
}

func fromFormat(columns []column.Column) []Column {
	out := make([]Column, len(columns))
	for i, c := range columns {
		out[i] = c
	}
	return out
}
