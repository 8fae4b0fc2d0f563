package sluice

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
)

// Given is the context of generated events: one value a column for all, or the rows of a file, one an event. The
// zero value is for a model without context.
type Given struct {
	Values map[string]float64
	File   string
	Table  *events.Table // as a file, begun again at its end
}

// givenReader hands out the context of one event after the other; a nil one has none.
type givenReader struct {
	names  []string
	values []float64 // for all events, or
	rows   *stream   // one an event, or
	table  *events.Table
	rest   *events.Table
	file   string
	read   int
}

func (g Given) open(m *model.Model) (*givenReader, error) {
	names := m.Context.Names()
	for _, name := range slices.Sorted(maps.Keys(g.Values)) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("context %q: the model is not conditioned on it; its context is %q", name, names)
		}
	}
	switch {
	case len(names) == 0 && g.File != "":
		return nil, fmt.Errorf("a context file is given, but the model has no context")
	case len(names) == 0:
		return nil, nil
	case g.File != "" && len(g.Values) > 0:
		return nil, errors.New("the context comes from a file or from values, not from both")
	case g.File != "":
		rows, err := openStream([]string{g.File}, "", cardOf(m), names)
		return &givenReader{names: names, rows: rows, file: g.File}, err
	}
	r := &givenReader{names: names, table: g.Table}
	if g.Table != nil {
		return r, nil
	}
	for _, name := range names {
		v, ok := g.Values[name]
		if !ok {
			return nil, fmt.Errorf("the model is conditioned on %q: give a value of %q (--context %s=VALUE) or a file of them (--context FILE)", names, name, name)
		}
		r.values = append(r.values, v)
	}
	return r, nil
}

// skip leaves out the context of n events.
func (g *givenReader) skip(n uint64) error {
	if g == nil || g.values != nil {
		return nil
	}
	for n > 0 {
		k := int(min(n, chunk))
		if _, err := g.next(k); err != nil {
			return err
		}
		n -= uint64(k)
	}
	return nil
}

// next is the context of the next n events; nil where the model has none.
func (g *givenReader) next(n int) (*events.Table, error) {
	if g == nil {
		return nil, nil
	}
	switch {
	case g.rows != nil:
		return g.nextRows(n)
	case g.table != nil:
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = int32((g.read + i) % g.table.Len())
		}
		g.read += n
		return g.table.Take(rows), nil
	}
	t := &events.Table{}
	for i, name := range g.names {
		x := make([]float32, n)
		for j := range x {
			x[j] = float32(g.values[i])
		}
		t.Columns = append(t.Columns, events.Column{Name: name, F32: x})
	}
	return t, nil
}

func (g *givenReader) nextRows(n int) (*events.Table, error) {
	for g.rest == nil || g.rest.Len() < n {
		t, err := g.rows.next()
		if err == io.EOF {
			return nil, fmt.Errorf("%s gives the context of %d events, but there are more to draw; draw fewer (-n), or give a longer file", g.file, g.read+g.restLen())
		}
		if err != nil {
			return nil, err
		}
		if g.rest == nil || g.rest.Len() == 0 {
			g.rest = t
		} else {
			g.rest = concat(g.rest, t)
		}
	}
	t := g.rest.Slice(0, n)
	g.rest = g.rest.Slice(n, g.rest.Len())
	g.read += n
	found, _, err := findGaps(t, g.names)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		before := g.read - n
		return nil, fmt.Errorf("%s: %s; each event drawn needs its context: give a file without such rows (sluice convert --where)",
			g.file, describeGaps(found, n, func(i int) int { return before + i + 1 }))
	}
	return t, nil
}

func (g *givenReader) restLen() int {
	if g.rest == nil {
		return 0
	}
	return g.rest.Len()
}

func (g *givenReader) close() {
	if g != nil && g.rows != nil {
		g.rows.close()
	}
}
