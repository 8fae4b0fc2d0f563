package serve

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/infer"
	"github.com/sluice-hep/sluice/model"
)

// remarks are what is said about an answer.
type remarks struct {
	Notices  []string `json:"notices,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

func (r *remarks) options() apply.Options {
	return apply.Options{
		Notice: func(line string) { r.Notices = append(r.Notices, line) },
		Warn:   func(line string) { r.Warnings = append(r.Warnings, line) },
	}
}

func (s *Server) density(x *exchange, m *served) error { return s.evaluate(x, m, "density") }
func (s *Server) latent(x *exchange, m *served) error  { return s.evaluate(x, m, "latent") }

// can is an error where a model does not give what is asked for.
func (m *served) can(what string) error {
	if why := m.wrong[what]; why != "" {
		return problem(http.StatusUnprocessableEntity, "model %s gives no %s: %s", m.name, what, why)
	}
	return nil
}

// evaluate answers with the density of events, or with their latent too.
func (s *Server) evaluate(x *exchange, m *served, what string) error {
	if err := m.can(what); err != nil {
		return err
	}
	return s.model(x, m, func(ctx context.Context, j *job) error {
		e := apply.Density{Latent: what == "latent", Draws: model.Draws, Card: m.card, Words: apply.Words{Drop: `"drop_nan": true leaves these events out`, All: `"where": "1>0"`}}
		echo := j.gives == parquetType
		if err := j.take("events", map[string]any{"draws": &e.Draws, "where": &e.Where, "drop_nan": &e.DropNaN, "echo": &echo}); err != nil {
			return err
		}
		if e.Draws < 1 || e.Draws > mostDraws {
			return problem(http.StatusUnprocessableEntity, "draws %d is not between 1 and %d", e.Draws, mostDraws)
		}
		if j.table == nil {
			return problem(http.StatusUnprocessableEntity, `there are no events: give "events"`)
		}
		if err := j.tooMuchJSON(j.table.Len(), len(j.table.Columns)); err != nil {
			return err
		}
		if err := m.numbers(j.table); err != nil {
			return err
		}
		var r remarks
		scored, err := e.Of(ctx, m.of(ctx), j.table, r.options())
		if err != nil {
			return m.needs(err, j.table)
		}
		return j.scored(scored, echo, &r)
	})
}

// mostDraws are the most places of a cell.
const mostDraws = 1 << 16

// needs says of columns that events lack what the model takes: those, or what its card makes them of.
func (m *served) needs(err error, t *events.Table) error {
	var a *column.Absent
	if !errors.As(err, &a) {
		return err
	}
	names := slices.Concat(m.Features.Names(), m.Context.Names())
	lacking := without(names, t.Names())
	if len(lacking) == 0 { // of an expression
		return err
	}
	detail := column.Missing(t.Names(), lacking...).Error()
	if inner := without(a.Columns, names); len(inner) > 0 {
		detail += fmt.Sprintf("; nor is there %s, of which they could be made", column.List(inner, 30))
	}
	return problem(http.StatusUnprocessableEntity, "model %s takes the columns %s: %s", m.name, column.List(names, 30), detail)
}

// numbers refuses text in a column of numbers.
func (m *served) numbers(t *events.Table) error {
	names := slices.Concat(m.Features.Named(), m.Context.Named())
	for k := range t.Columns {
		c := &t.Columns[k]
		if c.Type != column.Text || slices.Contains(names, c.Name) || !slices.ContainsFunc(slices.Concat(m.about.Features, m.about.Context), func(f field) bool { return f.Name == c.Name }) {
			continue
		}
		if i := c.NotNumber(); i >= 0 {
			return problem(http.StatusUnprocessableEntity, "column %q: row %d: %q is not a number", c.Name, i+1, c.Str[i])
		}
		return problem(http.StatusUnprocessableEntity, "column %q holds numbers as text: give numbers", c.Name)
	}
	return nil
}

// scored answers with a density: with what was given too, where echo is set.
func (j *job) scored(s *apply.Scored, echo bool, r *remarks) error {
	t := s.Table
	if !echo {
		t = &events.Table{Columns: t.Columns[s.Given:]}
	}
	if j.gives != jsonType {
		w := j.writer()
		if p, ok := w.(*parquetWriter); ok {
			s.Describe(p.to)
		}
		if err := w.Write(t); err != nil {
			return err
		}
		return w.Close()
	}
	head := struct {
		Model        string      `json:"model"`
		Events       int         `json:"events"`
		MeanLogProb  apply.Mean  `json:"mean_log_prob"`
		WeightedMean *float64    `json:"weighted_mean_log_prob,omitempty"`
		Spread       *apply.Mean `json:"mean_log_prob_std,omitempty"`
		NotFinite    int         `json:"not_finite"`
		OutOfRange   int         `json:"out_of_range"`
		Rows         []int64     `json:"rows,omitempty"` // of the request, from 0, where not all are evaluated
		*remarks
	}{j.m.name, s.Events, s.MeanLogProb, s.WeightedMean, s.Spread, s.NotFinite, s.OutOfRange, s.Rows, r}
	return j.tableJSON(head, t)
}

// sample answers with events that a model draws.
func (s *Server) sample(x *exchange, m *served) error {
	if err := m.can("sample"); err != nil {
		return err
	}
	return s.model(x, m, func(ctx context.Context, j *job) error {
		d, first, far := apply.Sample{Seed: 1, Card: m.card}, uint64(0), within(0)
		if err := j.take("context", map[string]any{"n": &d.Events, "seed": &d.Seed, "first": &first, "within": &far}); err != nil {
			return err
		}
		d.Within, d.Context = float64(far), j.table
		most := uint64(s.o.Limits.Rows)
		switch {
		case d.Events == 0 && d.Context != nil && j.options["n"] == nil:
			d.Events = uint64(d.Context.Len())
		case d.Events == 0:
			return problem(http.StatusUnprocessableEntity, `how many events? give "n"`)
		case d.Events > most:
			return problem(http.StatusUnprocessableEntity, `n %d is more than %d, the limit of this server: ask for parts of the sample, by "first"`, d.Events, most)
		case first > math.MaxUint64-d.Events:
			return problem(http.StatusUnprocessableEntity, "first %d is too large", first)
		}
		j.rows = int(d.Events)
		if err := m.contextOf(d.Context, `"context"`); err != nil {
			return err
		}
		if err := j.tooMuchJSON(j.rows, len(m.about.Features)+len(m.about.Context)); err != nil {
			return err
		}
		return j.drawn(ctx, &d, first)
	})
}

// contextOf refuses a context that is not the model's.
func (m *served) contextOf(t *events.Table, where string) error {
	var names, given []string
	for _, f := range m.about.Context {
		names = append(names, f.Name)
	}
	if t != nil {
		given = t.Names()
	}
	if strange := without(given, names); len(strange) > 0 {
		if len(names) == 0 {
			return problem(http.StatusUnprocessableEntity, "model %s has no context, and %q was given", m.name, strange)
		}
		return problem(http.StatusUnprocessableEntity, "%s: %s", where, column.Missing(names, strange...))
	}
	if lacking := without(names, given); len(lacking) > 0 {
		return problem(http.StatusUnprocessableEntity, "model %s is conditioned on %q: give %q in %s", m.name, names, lacking, where)
	}
	if t == nil {
		return nil
	}
	if err := m.numbers(t); err != nil {
		return err
	}
	for k := range given {
		c := &t.Columns[k]
		if c.Type == column.Text {
			continue
		}
		for i := range c.Len() {
			if v := c.Float(i); v-v != 0 && !slices.Contains(m.Context.MayLack(), c.Name) {
				return problem(http.StatusUnprocessableEntity, "%s: column %q: row %d is missing", where, c.Name, i+1)
			}
		}
	}
	return nil
}

func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// drawn answers with a sample: rows go as they come, but for JSON, which is one object.
func (j *job) drawn(ctx context.Context, d *apply.Sample, first uint64) error {
	var r remarks
	if j.gives == jsonType {
		all := &events.Table{}
		made, err := d.Each(ctx, j.m.of(ctx), first, func(t *events.Table) error { all = events.Joined(all, t); return nil }, r.options())
		if err != nil {
			return err
		}
		head := struct {
			Model   string   `json:"model"`
			Events  uint64   `json:"events"`
			Seed    uint64   `json:"seed"`
			First   uint64   `json:"first"`
			Within  *float64 `json:"within"`
			Redrawn uint64   `json:"redrawn"`
			*remarks
		}{j.m.name, made.Events, d.Seed, first, made.Within, made.Redrawn, &r}
		return j.tableJSON(head, all)
	}
	var w rowWriter // begun with the first rows: what is wrong before has a status
	j.rows = 0
	_, err := d.Each(ctx, j.m.of(ctx), first, func(t *events.Table) error {
		if w == nil {
			w = j.writer()
		}
		err := w.Write(t)
		if err == nil {
			j.rows += t.Len()
		}
		return err
	}, r.options())
	if err != nil {
		return err
	}
	return w.Close()
}

// posterior answers with what `sluice infer` finds: intervals in one object of JSON, the draws as lines or Parquet.
func (s *Server) posterior(x *exchange, m *served) error {
	if err := m.can("posterior"); err != nil {
		return err
	}
	return s.model(x, m, func(ctx context.Context, j *job) error {
		q, far, draws := infer.Observed{Seed: 1, Draws: infer.Draws}, within(0), false
		err := j.take("observed", map[string]any{"draws": &q.Draws, "seed": &q.Seed, "within": &far, "combine": &q.Combine, "columns": &draws})
		if err != nil {
			return err
		}
		if q.Within, q.Values = float64(far), j.table; q.Values == nil {
			return problem(http.StatusUnprocessableEntity, `what was observed? give "observed"`)
		}
		n := q.Values.Len()
		if q.Draws < 1 || q.Draws > s.o.Limits.Rows/n {
			return problem(http.StatusUnprocessableEntity, "draws %d of each of %d posteriors: this server makes 1 to %d", q.Draws, n, s.o.Limits.Rows/n)
		}
		if err := m.contextOf(q.Values, `"observed"`); err != nil {
			return err
		}
		j.rows = n * q.Draws
		if err := j.tooMuchJSON(j.rows, len(m.about.Features)+len(m.about.Context)); draws && err != nil {
			return err
		}
		return j.inferred(ctx, &q, draws)
	})
}

func (j *job) inferred(ctx context.Context, q *infer.Observed, draws bool) error {
	all := &events.Table{}
	var keep func(*events.Table) error
	if draws || j.gives != jsonType {
		keep = func(t *events.Table) error { all = events.Joined(all, t); return nil }
	}
	var r remarks
	found, err := q.Infer(ctx, j.m.of(ctx), keep, r.options())
	if err != nil {
		return err
	}
	if j.gives != jsonType {
		w := j.writer()
		if err := w.Write(all); err != nil {
			return err
		}
		return w.Close()
	}
	return j.tableJSON(struct {
		Model string `json:"model"`
		*infer.Inferred
		Seconds any `json:"seconds,omitempty"` // in place of that of Inferred, which no answer has
		*remarks
	}{Model: j.m.name, Inferred: found, remarks: &r}, all)
}

// within is how far an event may lie beyond the trained range: 0 for the default, which an explicit 0 is not; see model.Factor.
type within float64

// UnmarshalJSON takes a number from 0 on, or "none".
func (w *within) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte(`"none"`)) {
		*w = within(math.Inf(1))
		return nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%s is no factor", text)
	}
	*w = within(cmp.Or(v, math.SmallestNonzeroFloat64))
	return nil
}

var _ json.Unmarshaler = (*within)(nil)
