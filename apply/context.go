package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// given hands out the context of one event after the other; a nil one has none.
type given struct {
	table *events.Table // begun again at its end, or
	rows  *query.Rows   // of a file
	file  string
	ends  bool          // it gives as many as it has, and then none; else their end is an error
	rest  *events.Table // of the file, read and not handed out yet
	read  int
}

// Values is a context of numbers and texts that is the same for every event; nil for no values.
func Values(values map[string]any) *events.Table {
	if len(values) == 0 {
		return nil
	}
	t := &events.Table{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c := column.New(name, "", events.Float64, 1)
		switch v := values[name].(type) {
		case string:
			c = events.Column{Name: name, Type: events.Text, Str: []string{v}}
		case int:
			c.F64[0] = float64(v)
		case float64:
			c.F64[0] = v
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// Check finds out, before a model of this card and preparation of the context is trained, whether there will be a context for each event.
func (d *Sample) Check(ctx context.Context, c *card.Card, p *prep.Pipeline) error {
	g, err := d.openContext(ctx, c, p)
	if err != nil {
		return fault.Of(err)
	}
	defer g.close()
	return fault.Of(g.skip(d.Events))
}

// openContext makes sure that there is a context for each event that a model needs one for.
func (d *Sample) openContext(ctx context.Context, c *card.Card, p *prep.Pipeline) (*given, error) {
	names := p.Names()
	if d.Context != nil {
		others := slices.DeleteFunc(d.Context.Names(), func(name string) bool { return name == d.Weight || slices.Contains(names, name) })
		if len(others) > 0 && len(names) > 0 {
			return nil, fmt.Errorf("context: %w", column.Missing(names, others...))
		}
		if len(others) > 0 {
			return nil, fmt.Errorf("context %s: the model has no context", strings.Join(others, ", "))
		}
	}
	switch {
	case d.Where != "" && d.ContextFile == "":
		return nil, errors.New("--where selects rows of a file of contexts, and there is none (--context FILE)")
	case len(names) == 0 && d.ContextFile != "":
		return nil, fmt.Errorf("a context file is given, but the model has no context")
	case len(names) == 0:
		return nil, nil
	case d.ContextFile != "" && d.Context != nil:
		return nil, errors.New("the context comes from a file or from values, not from both")
	case d.ContextFile != "":
		rows, err := open(ctx, c, query.Query{
			Files: []string{d.ContextFile}, Reading: d.Reading, Where: d.Where, Columns: names, Welcome: d.Welcome, Complete: names, Names: p.Named(), Lack: p.MayLack(),
			Remedy: "each event drawn needs its context: give a file without such rows (sluice convert --where)", Trained: true,
		})
		return &given{rows: rows, file: d.ContextFile, ends: d.open(), rest: &events.Table{}}, err
	}
	table := &events.Table{}
	var lacking []string
	for _, name := range names {
		var c *events.Column
		if d.Context != nil {
			c, _ = d.Context.Column(name)
		}
		if c == nil || c.Len() == 0 {
			lacking = append(lacking, name)
			continue
		}
		if c.Type == events.Text && !slices.Contains(p.Named(), name) {
			return nil, fmt.Errorf("context: %s=%s is no number, and the model was trained on numbers of it", name, c.Str[0])
		}
		table.Columns = append(table.Columns, *c)
	}
	if lacking != nil {
		return nil, fmt.Errorf("the model is conditioned on %q: give a value of %q (--context %s=VALUE) or a file of them (--context FILE)",
			names, lacking, strings.Join(lacking, "=VALUE --context "))
	}
	if _, _, err := p.Apply(table.Slice(0, 1), nil); err != nil { // a text is no number
		return nil, fmt.Errorf("context: %w", err)
	}
	return &given{table: table}, Weigh(table, d.Context, d.Weight)
}

// Weigh gives events the weights of those whose context they were given, where these have weights.
func Weigh(t, given *events.Table, weight string) error {
	if weight == "" {
		return nil
	}
	t.Weight = weight
	if _, err := t.Column(weight); err == nil {
		return nil // a column of the context too
	}
	c, err := given.Column(weight)
	if err != nil {
		return err
	}
	t.Columns = append(t.Columns, *c)
	return nil
}

// skip leaves out the context of n events.
func (g *given) skip(n uint64) error {
	if g == nil {
		return nil
	}
	if g.table != nil {
		g.read = int(n % uint64(g.table.Len()))
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
func (g *given) next(n int) (*events.Table, error) {
	if g == nil {
		return nil, nil
	}
	if g.table == nil {
		return g.nextRows(n)
	}
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32((g.read + i) % g.table.Len())
	}
	g.read = (g.read + n) % g.table.Len()
	return g.table.Take(rows), nil
}

func (g *given) nextRows(n int) (*events.Table, error) {
	for g.rest.Len() < n {
		b, err := g.rows.Next()
		if err == io.EOF && g.ends {
			n = g.rest.Len()
			break
		}
		if err == io.EOF {
			return nil, fmt.Errorf("%s gives the context of %d events, but there are more to draw; draw fewer (-n), or give a longer file",
				g.file, g.read+g.rest.Len())
		}
		if err != nil {
			return nil, err
		}
		if g.rest.Len() == 0 {
			g.rest = b.Table
			continue
		}
		g.rest.Append(b.Table)
	}
	t := g.rest.Slice(0, n)
	g.rest = g.rest.Slice(n, g.rest.Len())
	g.read += n
	return t, nil
}

// notes are those about the file.
func (g *given) notes() []string {
	if g == nil || g.rows == nil {
		return nil
	}
	return g.rows.Notes()
}

func (g *given) close() {
	if g != nil && g.rows != nil {
		g.rows.Close()
	}
}

// Contexts are all that a sample would be given, one after the other, in memory: what the model's card defines is made. The notes are
// those of the file.
func (d *Sample) Contexts(ctx context.Context, m *model.Model) (t *events.Table, notes []string, err error) {
	g, err := d.openContext(ctx, cardOf(m), m.Context)
	if err != nil || g == nil {
		return nil, nil, fault.Of(err)
	}
	defer g.close()
	if t = g.table; t == nil {
		if t, err = g.rows.All(); err != nil {
			return nil, nil, fault.Of(err)
		}
	}
	w := newRangeWatch(m.Context)
	if _, err := w.watch(t); err != nil {
		return nil, nil, fault.Of(err)
	}
	notes = g.notes()
	if g.rows != nil {
		if unread := g.rows.Unread(); len(unread) > 0 {
			notes = append(notes, fmt.Sprintf("%s: the model does not use %s: %s", g.file, say.Count(len(unread), "column"), brief("%q", unread)))
		}
	}
	for i := range w.Surplus {
		if line := w.Surplus[i].Say(); line != "" {
			notes = append(notes, line)
		}
	}
	return t, notes, nil
}
