package events

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// Chain reads one or several files, one after the other, as one stream of events with the columns of the first. It is
// for one goroutine; the caller closes it.
type Chain struct {
	opts    Options
	files   []file
	columns []Column
	skipped column.LeftOut
	once    bool // a pipe is among the files

	in     *reader // nil: none is open
	next   int     // file to open
	places []int   // of columns, among those of the file that is open
	done   int64   // events of the file that is open, read or passed over
	at     int64   // of which before the last Read

	gaps   []column.Gap // of the file that is open, ahead
	before int64        // events of the files before it
}

// file is one of a Chain, as it was found when that was opened.
type file struct {
	path    string
	columns []Column
	blank   []bool // columns of nothing but missing values, where that is known
	rows    int64  // -1: only reading tells
	notes   []string
	again   bool // it can be opened more than once
	in      *reader
}

// OpenAll opens files as one stream. A name may hold a pattern (`run*.csv`). Every file must have the columns that are
// read, in any order. It is opened once for their names and types, when a text file that can be read again is looked
// through; and once more for its events, as which a pipe and a first file stay open.
//
// A column that is of several types has one that suits all: uint64 for integers with and without sign, float64 for
// integers and floats, or floats of both kinds; one of nothing but missing values, where that is known, goes with
// anything. A value that is not exact in the common type is an error when it is read, with its row.
func OpenAll(paths []string, opts Options) (*Chain, error) {
	found, err := expand(paths)
	if err != nil {
		return nil, err
	}
	c := &Chain{opts: opts}
	for _, path := range found {
		if err := c.look(path); err != nil {
			c.Close()
			return nil, err
		}
	}
	if err := c.open(0); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// ReadAll reads one or several files as one table: all that a Chain of them gives.
func ReadAll(paths []string, opts Options) (*Table, error) {
	c, err := OpenAll(paths, opts)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all := &Table{Columns: slices.Clone(c.columns)}
	for {
		t, err := c.Read(1 << 16)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all.Append(t)
	}
}

// look opens a file for its columns.
func (c *Chain) look(path string) error {
	f := file{path: path, again: ReadableAgain(path)}
	in, err := open(path, c.opts)
	if err != nil {
		return err
	}
	first, have := len(c.files) == 0, in.Columns()
	f.notes = in.notes()
	if first {
		c.skipped = in.Skipped()
	}
	if first && c.opts.Choose != nil {
		if in, err = c.choose(in, f.again); err != nil {
			return err
		}
	}
	f.columns, f.blank, f.rows, f.in = slices.Clone(in.Columns()), in.blank(), in.Rows(), in
	k := -1
	for i := range f.columns {
		if k = column.Find(have, f.columns[i].Name, k+1); k >= 0 { // of a file that was looked through for them
			f.columns[i].Odd = have[k].Odd
		}
	}
	c.files = append(c.files, f)
	c.once = c.once || !f.again
	if first {
		c.columns, err = pick(f.columns, c.opts.Columns) // besides which others come of a pipe
		return inFile(path, err)
	}
	if f.again {
		c.files[len(c.files)-1].in = nil
		if err := in.Close(); err != nil {
			return err
		}
	}
	return c.agree(&f)
}

// choose reads the first file again with the columns that are chosen, if these are not all.
func (c *Chain) choose(in *reader, again bool) (*reader, error) {
	have := in.Columns()
	names, err := c.opts.Choose(have)
	if err == nil {
		c.opts.Columns = names
	}
	if err == nil && (names == nil || !again) {
		return in, nil
	}
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	return open(in.path, c.opts.typed(have))
}

// typed are the options to open a file again, whose columns are known: the whole of a text file is not looked at twice.
func (o Options) typed(columns []Column) Options {
	types := make(map[string]Type, len(columns))
	for _, d := range columns {
		types[d.Name] = d.Type
	}
	maps.Copy(types, o.Types)
	o.Types = types
	return o
}

// pick is the wanted columns, in that order; all where wanted is nil.
func pick(columns []Column, wanted []string) ([]Column, error) {
	places, err := column.Pick(column.Names(columns), wanted)
	picked := make([]Column, len(places))
	for i, k := range places {
		picked[i] = columns[k]
	}
	return picked, err
}

// agree finds types that suit the files up to f, the last of them.
func (c *Chain) agree(f *file) error {
	first := &c.files[0]
	if err := sameColumns(c.columns, f.columns, first.path, f.path); err != nil {
		return err
	}
	for i := range c.columns {
		a := &c.columns[i]
		k := column.Find(f.columns, a.Name, i)
		b := &f.columns[k]
		t, ok := column.Common(a.Type, b.Type)
		switch {
		case c.blankSoFar(a.Name, k) && b.Type != Int64 && b.Type != Uint64:
			t = b.Type
		case f.blank[k] && a.Type != Int64 && a.Type != Uint64:
			t = a.Type
		case !ok:
			return inFile(f.path, fmt.Errorf("column %q is %s, but %s in %s", b.Name, b.Type, a.Type, first.path))
		}
		a.Type = t
	}
	return nil
}

// blankSoFar says that a column is blank in all files but the last.
func (c *Chain) blankSoFar(name string, likely int) bool {
	return !slices.ContainsFunc(c.files[:len(c.files)-1], func(f file) bool { return !f.blank[column.Find(f.columns, name, likely)] })
}

// open goes to the beginning of file i.
func (c *Chain) open(i int) (err error) {
	f := &c.files[i]
	if c.in, f.in = f.in, nil; c.in == nil {
		if !f.again {
			return inFile(f.path, errors.New("can be read only once"))
		}
		if c.in, err = open(f.path, c.opts.typed(f.columns)); err != nil {
			return err
		}
	}
	c.next, c.done, c.at, c.gaps = i+1, 0, 0, c.in.gaps()
	c.places = c.places[:0]
	for i, d := range c.columns {
		c.places = append(c.places, column.Find(f.columns, d.Name, i))
	}
	return nil
}

// Columns gives name, unit and type of each column.
func (c *Chain) Columns() []Column { return c.columns }

// Rows is the number of events that Read gives where all files say theirs, else -1.
func (c *Chain) Rows() int64 {
	total := int64(0)
	for i := range c.files {
		if c.files[i].rows < 0 {
			return -1
		}
		total += c.files[i].rows
	}
	return total
}

// Skipped says which columns of the first file are left out, where none are named, and why.
func (c *Chain) Skipped() column.LeftOut { return c.skipped }

// Notes say, a line each, what was guessed of the files, what of their lines was left out and what is not as they have it: of text
// so far, where it is read once or has all types given.
func (c *Chain) Notes() []string {
	var lines []string
	others := map[string]int{} // files with the same note
	for _, f := range c.files {
		for _, n := range slices.Concat(f.notes, c.odd(&f)) {
			if others[n]++; others[n] == 1 {
				lines = append(lines, f.path+": "+n)
			}
		}
	}
	const most = 20
	for i, line := range lines {
		if _, n, _ := strings.Cut(line, ": "); others[n] > 1 {
			lines[i] += fmt.Sprintf(" (as in %d more)", others[n]-1)
		}
	}
	if len(lines) > most {
		lines = append(lines[:most-1], fmt.Sprintf("and %d notes more about the files", len(lines)-most+1))
	}
	return lines
}

// odd says what is of the columns that are read, as which cell made one text.
func (c *Chain) odd(f *file) (lines []string) {
	for _, d := range f.columns {
		switch {
		case d.Odd == "" || column.Find(c.columns, d.Name, 0) < 0:
		case d.Type == Text:
			lines = append(lines, fmt.Sprintf("column %q is text: %s", d.Name, d.Odd))
		default:
			lines = append(lines, fmt.Sprintf("column %q %s", d.Name, d.Odd))
		}
	}
	return lines
}

// Path is the file that the last Read came from.
func (c *Chain) Path() string { return c.files[c.next-1].path }

// First is the place in its file, from 0, of the first event of the last Read; Number is that over all files. The others
// of that Read follow it. Events that were passed over count.
func (c *Chain) First() int64 { return c.at }

// Number: see First.
func (c *Chain) Number() int64 { return c.before + c.at }

// Read returns the next events, at most n and at least one, of one file; io.EOF after the last.
func (c *Chain) Read(n int) (*Table, error) {
	if c.in == nil {
		return nil, errors.New("events: the files are closed")
	}
	for {
		t, err := c.in.Read(n)
		if err == nil || err == io.EOF {
			c.pass()
		}
		if err == nil {
			c.at = c.done
			c.done += int64(t.Len())
			return c.settle(t)
		}
		if err == io.EOF {
			f := &c.files[c.next-1]
			f.notes = append(f.notes, slices.DeleteFunc(c.in.notes(), func(n string) bool { return slices.Contains(f.notes, n) })...)
		}
		if err != io.EOF || c.next == len(c.files) {
			return nil, err
		}
		if err := c.shut(); err != nil {
			return nil, err
		}
		c.before += c.done
		if err := c.open(c.next); err != nil {
			return nil, err
		}
	}
}

// pass counts the events that were passed over before the last Read.
func (c *Chain) pass() {
	for len(c.gaps) > 0 && c.gaps[0].First == c.done {
		g := c.gaps[0]
		if c.opts.Passed != nil {
			c.opts.Passed(c.before+g.First, g.Events)
		}
		c.done += g.Events
		c.gaps = c.gaps[1:]
	}
}

// settle puts the columns of a file in the order and the types of all files.
func (c *Chain) settle(t *Table) (*Table, error) {
	out := &Table{Columns: make([]Column, len(c.columns))}
	for i := range c.columns {
		want, d := &c.columns[i], t.Columns[c.places[i]]
		if want.Type == Text && d.Type != Text { // in a file where it is blank
			d = column.New(d.Name, d.Unit, Text, d.Len())
		}
		var err error
		if out.Columns[i], err = column.Settle(d, want.Type, c.at); err != nil {
			return nil, inFile(c.Path(), fmt.Errorf("%w; the column is %s in this file and %s in others: convert them to one type", err, d.Type, want.Type))
		}
	}
	return out, nil
}

// Close closes the files that are open.
func (c *Chain) Close() error {
	err := c.shut()
	for i := range c.files {
		if in := c.files[i].in; in != nil {
			c.files[i].in = nil
			err = errors.Join(err, in.Close())
		}
	}
	return err
}

// shut closes the file that is read.
func (c *Chain) shut() error {
	if c.in == nil {
		return nil
	}
	in := c.in
	c.in = nil
	return in.Close()
}
