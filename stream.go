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
}

// openStream makes sure that the needed columns are there or can be defined. Where all are there, nothing is
// defined: the columns that definitions start from may be gone.
func openStream(paths []string, define card.Definitions, needed []string) (*stream, error) {
	in, err := events.OpenAll(paths, events.Options{})
	if err != nil {
		return nil, err
	}
	s := &stream{files: in}
	have := &events.Table{Columns: in.Columns()}
	for _, name := range needed {
		_, err := have.Column(name)
		if err == nil {
			continue
		}
		if !slices.ContainsFunc(define, func(d card.Definition) bool { return d.Name == name }) {
			in.Close()
			return nil, fmt.Errorf("%s: %w", in.Path(), err)
		}
		s.define = define
	}
	s.define = slices.DeleteFunc(slices.Clone(s.define), func(d card.Definition) bool {
		return slices.Contains(have.Names(), d.Name)
	})
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

// derived are the columns that the card of a model defines.
func derived(m *model.Model) card.Definitions {
	c, err := card.Parse([]byte(m.Card), "card")
	if err != nil {
		return nil // a model need not have a card, nor one that this program knows
	}
	return c.Define
}

// concat is a table of the events of a and then of b, which have the same columns.
func concat(a, b *events.Table) *events.Table {
	t := &events.Table{Weight: a.Weight, Columns: make([]events.Column, len(a.Columns))}
	for i := range a.Columns {
		c, d := &a.Columns[i], &b.Columns[i]
		t.Columns[i] = events.Column{
			Name: c.Name, Unit: c.Unit, Type: c.Type,
			F32: slices.Concat(c.F32, d.F32), F64: slices.Concat(c.F64, d.F64),
			I64: slices.Concat(c.I64, d.I64), Str: slices.Concat(c.Str, d.Str),
		}
	}
	return t
}
