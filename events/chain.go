package events

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/sluice-hep/sluice/events/column"
)

// Chain reads several files, one after the other, as one stream of events with the columns of the first. It is
// for one goroutine; the caller closes it.
type Chain struct {
	files   []string
	opts    Options
	columns []Column
	skipped []string
	typed   bool // opts.Types holds every column

	in   *reader // nil: none is open
	next int     // file to open
	done int64   // events of the file that is open, read or passed over
	at   int64   // of which before the last Read

	gaps   []column.Gap // of the file that is open, ahead
	before int64        // events of the files before it
}

// OpenAll opens files as one stream. A name may hold a pattern (`run*.csv`); the files must have the same columns.
// Whole text files are looked at before the types are chosen, so that these depend on the values and not on
// their order; where the files differ in the type of a number, it is float64.
func OpenAll(paths []string, opts Options) (*Chain, error) {
	files, err := expand(paths)
	if err != nil {
		return nil, err
	}
	c := &Chain{files: files, opts: opts}
	c.opts.Types = maps.Clone(opts.Types)
	if len(files) > 1 {
		if err := c.agree(); err != nil {
			return nil, err
		}
	}
	return c, c.open(0)
}

// agree finds types that suit every file.
func (c *Chain) agree() error {
	var first *Table
	for _, path := range c.files {
		in, err := c.openFile(path)
		if err != nil {
			return err
		}
		t := &Table{Columns: in.Columns()}
		if err := in.Close(); err != nil {
			return err
		}
		if first == nil {
			first = t
			continue
		}
		if err := sameColumns(first, t, c.files[0], path); err != nil {
			return err
		}
		for i := range t.Columns {
			d := &t.Columns[i]
			f, err := first.Column(d.Name)
			switch {
			case err != nil:
				return inFile(path, err)
			case f.Type == d.Type:
			case f.Type == Text || d.Type == Text:
				return inFile(path, fmt.Errorf("column %q is %s, but %s in %s", d.Name, d.Type, f.Type, c.files[0]))
			default:
				if c.opts.Types == nil {
					c.opts.Types = make(map[string]Type)
				}
				c.opts.Types[d.Name] = Float64
			}
		}
	}
	c.keepTypes(first.Columns)
	return nil
}

// openFile looks at a whole text file before its types are chosen, unless they are known.
func (c *Chain) openFile(path string) (*reader, error) {
	opts := c.opts
	opts.whole = !c.typed && readableAgain(path)
	return open(path, opts)
}

// open goes to the beginning of file i.
func (c *Chain) open(i int) error {
	in, err := c.openFile(c.files[i])
	if err != nil {
		return err
	}
	c.in, c.done, c.at = in, 0, 0
	c.gaps = in.gaps()
	c.next = i + 1
	if c.columns == nil {
		c.columns, c.skipped = in.Columns(), in.Skipped()
		c.keepTypes(c.columns)
	}
	return nil
}

// keepTypes has files that are opened from now on give these types, where no others are set.
func (c *Chain) keepTypes(columns []Column) {
	if c.opts.Types == nil {
		c.opts.Types = make(map[string]Type, len(columns))
	}
	for _, d := range columns {
		if _, set := c.opts.Types[d.Name]; !set {
			c.opts.Types[d.Name] = d.Type
		}
	}
	c.typed = true
}

// Columns gives name, unit and type of each column.
func (c *Chain) Columns() []Column { return c.columns }

// Skipped says, a line each, which columns of the first file are left out and why.
func (c *Chain) Skipped() []string { return c.skipped }

// Path is the file that the last Read came from, and First the place in it, from 0, of the first event of that Read.
func (c *Chain) Path() string { return c.files[c.next-1] }

// First: see Path.
func (c *Chain) First() int64 { return c.at }

// Number is the place of that event among those of all files, from 0.
func (c *Chain) Number() int64 { return c.before + c.at }

// Read returns the next events, at most n, of one file; io.EOF after the last.
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
			return c.ordered(t)
		}
		if err != io.EOF || c.next == len(c.files) {
			return nil, err
		}
		if err := c.Close(); err != nil {
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

// ordered puts columns as the first file has them.
func (c *Chain) ordered(t *Table) (*Table, error) {
	if c.next == 1 {
		return t, nil
	}
	out := &Table{Columns: make([]Column, len(c.columns))}
	for i := range c.columns {
		d, err := t.Column(c.columns[i].Name)
		if err != nil {
			return nil, inFile(c.Path(), err)
		}
		out.Columns[i] = *d
		convert(&out.Columns[i], c.columns[i].Type)
	}
	return out, nil
}

// Close closes the file that is open.
func (c *Chain) Close() error {
	if c.in == nil {
		return nil
	}
	in := c.in
	c.in = nil
	return in.Close()
}
