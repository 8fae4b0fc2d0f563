package sluice

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
)

// chunk is how many events are in memory at a time where a file is streamed.
const chunk = 1 << 16

// stream reads files a block at a time and adds the columns that a card defines, where the files lack them.
type stream struct {
	files  *events.Chain
	define card.Definitions // those that the files lack
	hidden []string         // columns that only definitions are made from
}

// openStream makes sure that the needed columns are there or can be defined, as the card of a model does. Where all
// are there, nothing is defined: the columns that definitions start from may be gone. Files that have the columns
// only when flattened as in the card are flattened.
func openStream(paths []string, flatten string, c *card.Card, needed []string) (*stream, error) {
	s, err := openRows(paths, flatten, c.Define, needed)
	if err == nil || flatten != "" || c.Flatten == "" {
		return s, err
	}
	if s, again := openRows(paths, c.Flatten, c.Define, needed); again == nil {
		return s, nil
	}
	return nil, err
}

func openRows(paths []string, flatten string, define card.Definitions, needed []string) (*stream, error) {
	opts := events.Options{Flatten: flatten}
	columns, _, err := events.Peek(paths, opts)
	if err != nil {
		return nil, err
	}
	s := &stream{}
	if columns == nil { // what can be read only once has no hidden columns
		if s.files, err = events.OpenAll(paths, opts); err != nil {
			return nil, err
		}
		columns = s.files.Columns()
	}
	have := &events.Table{Columns: columns}
	lacks := func(name string) bool { return !slices.Contains(have.Names(), name) }
	if slices.ContainsFunc(needed, func(name string) bool { return lacks(name) && define.Defines(name) }) {
		s.define = slices.DeleteFunc(slices.Clone(define), func(d card.Definition) bool { return !lacks(d.Name) })
	}
	if s.files == nil {
		wanted := request{define: s.define, names: needed, all: true}
		if opts.Columns, s.hidden, err = wanted.columns(paths, opts); err != nil {
			return nil, err
		}
		s.hidden = slices.DeleteFunc(s.hidden, func(name string) bool { return slices.Contains(needed, name) })
		s.files, err = events.OpenAll(paths, opts)
		return s, err
	}
	for _, name := range needed {
		if _, err := have.Column(name); err != nil && !s.define.Defines(name) {
			s.close()
			return nil, fmt.Errorf("%s: %w", paths[0], err)
		}
	}
	return s, nil
}

// next returns the next events; io.EOF after the last.
func (s *stream) next() (*events.Table, error) {
	t, err := s.files.Read(chunk)
	if err != nil {
		return nil, err
	}
	for _, d := range s.define {
		if err := events.Define(t, d.Name, d.Expr); err != nil {
			return nil, fmt.Errorf("%s: %w", s.files.Path(), err)
		}
	}
	return t, nil
}

func (s *stream) close() { s.files.Close() }

// cardOf is the card of a model, which need not have one, nor one that this program knows.
func cardOf(m *model.Model) *card.Card {
	c, err := card.Parse([]byte(m.Card), "card")
	if err != nil {
		return &card.Card{}
	}
	return c
}

// concat is a table of the events of a and then of b, which have the same columns.
func concat(a, b *events.Table) *events.Table {
	t := &events.Table{Weight: a.Weight, Columns: make([]events.Column, len(a.Columns))}
	for i := range a.Columns {
		c, d := &a.Columns[i], &b.Columns[i]
		t.Columns[i] = events.Column{
			Name: c.Name, Unit: c.Unit, Type: c.Type,
			F32: slices.Concat(c.F32, d.F32), F64: slices.Concat(c.F64, d.F64),
			I64: slices.Concat(c.I64, d.I64), U64: slices.Concat(c.U64, d.U64), Str: slices.Concat(c.Str, d.Str),
		}
	}
	return t
}
