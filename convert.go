package sluice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
)

// ConvertOptions say what of the events is kept.
type ConvertOptions struct {
	Define  card.Definitions
	Where   string
	Columns []string // none: all, those defined last
	Flatten string   // a row an object of this name, for ROOT files; "": a row an event
}

// Converted is the record of a conversion.
type Converted struct {
	File   string `json:"file"`
	Events int    `json:"events"` // written
	Read   int    `json:"read"`
}

// ConvertFiles writes events from files of one format to a file of any other, a block at a time.
func ConvertFiles(ctx context.Context, files []string, path string, c ConvertOptions, o Options) (*Converted, error) {
	if err := distinct(path, files...); err != nil {
		return nil, err
	}
	r := &Converted{File: path}
	in, hidden, err := c.open(files, func(_, events int64) { r.Read += int(events) })
	if err != nil {
		return nil, input(err)
	}
	defer in.Close()
	if _, err := c.apply(&events.Table{Columns: in.Columns()}, hidden); err != nil { // before any work
		return nil, input(err)
	}
	for _, line := range in.Skipped() {
		o.notice(line)
	}
	out, err := events.Create(path)
	if err != nil {
		return nil, input(err)
	}
	defer out.Abort()
	var first *events.Table
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("interrupted after %d events: %w", r.Read, err)
		}
		t, err := in.Read(chunk)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, input(err)
		}
		r.Read += t.Len()
		if t, err = c.apply(t, hidden); err != nil {
			return nil, input(err)
		}
		if first == nil {
			first = t.Slice(0, 0)
		}
		if t.Len() == 0 {
			continue
		}
		r.Events += t.Len()
		if err := sameTypes(t, first); err != nil {
			return nil, err
		}
		if err := out.Write(t); err != nil {
			return nil, err
		}
	}
	if r.Events == 0 {
		return nil, input(c.nothing(r.Read))
	}
	return r, out.Close()
}

// open reads no more columns than are wanted. Hidden are those that only expressions are made from.
func (c *ConvertOptions) open(files []string, passed func(first, events int64)) (in *events.Chain, hidden []string, err error) {
	opts := events.Options{Flatten: c.Flatten}
	wanted := request{define: c.Define, where: c.Where, names: c.Columns, all: len(c.Columns) == 0}
	if opts.Columns, hidden, err = wanted.columns(files, opts); err != nil {
		return nil, nil, err
	}
	opts.Limits, opts.Passed = wanted.limits(), passed
	in, err = events.OpenAll(files, opts)
	return in, hidden, err
}

func (c *ConvertOptions) apply(t *events.Table, hidden []string) (*events.Table, error) {
	for _, d := range c.Define {
		if err := events.Define(t, d.Name, d.Expr); err != nil {
			return nil, err
		}
	}
	if c.Where != "" {
		rows, err := events.Rows(t, c.Where)
		if err != nil {
			return nil, err
		}
		if len(rows) < t.Len() {
			t = t.Take(rows)
		}
	}
	kept := &events.Table{}
	if len(c.Columns) == 0 {
		for _, col := range t.Columns {
			if !slices.Contains(hidden, col.Name) || c.Define.Defines(col.Name) {
				kept.Columns = append(kept.Columns, col)
			}
		}
		return kept, nil
	}
	for _, name := range c.Columns {
		col, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		kept.Columns = append(kept.Columns, *col)
	}
	return kept, nil
}

func (c *ConvertOptions) nothing(read int) error {
	if c.Where != "" && read > 0 {
		return noneSelected(c.Where, read)
	}
	return errors.New("there are no events")
}

// sameTypes holds numbers as the first block does: the type of a defined column depends on its values.
func sameTypes(t, first *events.Table) error {
	for i := range t.Columns {
		c, to := &t.Columns[i], first.Columns[i].Type
		if c.Type == to || c.Type == events.Text || to == events.Text || to == events.Int64 {
			continue // Write refuses what differs
		}
		x, err := c.Floats(nil)
		if err != nil {
			return err
		}
		*c = events.Column{Name: c.Name, Unit: c.Unit, Type: to}
		if to == events.Float64 {
			c.F64 = x
			continue
		}
		for _, v := range x {
			c.F32 = append(c.F32, float32(v))
		}
	}
	return nil
}
