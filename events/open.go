package events

import (
	"errors"
	"fmt"
	"io"

	"github.com/sluice-hep/sluice/events/column"
)

// Options says what to read of a file and how. The zero value reads every
// column as its file holds it.
type Options struct {
	Columns []string // only these, in this order; nil: all
	// Choose, where set, says instead which columns to read when it is told those of the first file.
	Choose func(have []Column) ([]string, error)
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

	// For text files only.
	Separator byte   // 0: found from the first lines, among , ; tab | and blanks
	Header    Header // whether the first row holds the names
}

// Header says whether a text file begins with a row of names.
type Header uint8

const (
	HeaderAuto Header = iota // a first row with a cell that is no number is a header
	HeaderYes
	HeaderNo // columns are named col0, col1, ...
)

// open opens a file of events. Its format follows from the extension, or from
// its first bytes where the extension says nothing. Where a file holds several
// tables, a name `file:key` picks one.
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
	return &reader{in, path}, nil
}

// inFile begins an error with the file that it is about; nil stays nil.
func inFile(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("events: %s: %w", path, err)
}

// reader is a file, whose errors name it.
type reader struct {
	column.Reader
	path string
}

// gaps are the events of a file that its reader passes over.
func (r *reader) gaps() []column.Gap {
	if r, ok := r.Reader.(interface{ Gaps() []column.Gap }); ok {
		return r.Gaps()
	}
	return nil
}

// blank says of each column whether it is known to hold nothing but missing values.
func (r *reader) blank() []bool {
	all := make([]bool, len(r.Columns()))
	if r, ok := r.Reader.(interface{ Blank(i int) bool }); ok {
		for i := range all {
			all[i] = r.Blank(i)
		}
	}
	return all
}

func (r *reader) Close() error { return inFile(r.path, r.Reader.Close()) }

func (r *reader) Read(n int) (*Table, error) {
	if n <= 0 {
		return nil, fmt.Errorf("events: Read of %d events; ask for at least 1", n)
	}
	columns, err := r.Reader.Read(n)
	if err == io.EOF {
		return nil, io.EOF
	}
	var bad *column.Contradiction
	if errors.As(err, &bad) {
		k := placeOf(r.Columns(), bad.Column)
		err = fmt.Errorf("%w, and the events before it made the column %s; state its type as %s", err, r.Columns()[k].Type, bad.Want)
	}
	return &Table{Columns: columns}, inFile(r.path, err)
}
