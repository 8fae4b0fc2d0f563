package infer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
)

// observe reads the observations.
func (q *Observed) observe(ctx context.Context, m *model.Model, known *law, r *Inferred, o apply.Options) error {
	if m.Context == nil || len(m.Context.Names()) == 0 {
		return fault.Of(errors.New("the model has no context: infer takes one whose features are the parameters and whose context is what is observed (sluice train --features PARAMETERS --context OBSERVABLES)"))
	}
	names := m.Context.Names()
	if lacking := q.lacking(names); len(lacking) > 0 {
		return fault.Of(fmt.Errorf("%d of %s of the model have no value: give --observed %s=VALUE too, or a file of them all (--observed FILE)",
			len(lacking), say.Count(len(names), "observable"), strings.Join(lacking, "=VALUE --observed ")))
	}
	r.Parameters = m.Features.Names()
	values, more, err := q.divide(names, known.needs, r.Parameters)
	if err != nil {
		return fault.Of(err)
	}
	s := apply.Sample{Context: values, ContextFile: q.File, Reading: q.Reading, Welcome: slices.Concat(known.needs, r.Parameters)}
	t, notes, err := s.Contexts(ctx, m)
	if err != nil {
		return err
	}
	for _, line := range notes {
		o.Notice(line)
	}
	r.Observations = t.Len()
	r.seen, r.Given = &events.Table{Columns: slices.Concat(t.Columns, more)}, &events.Table{}
	for _, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return err
		}
		r.Given.Columns = append(r.Given.Columns, *c)
	}
	if lacking := without(known.needs, r.seen.Names()); len(lacking) > 0 {
		return fault.Of(fmt.Errorf("%s: the observation: %w", known.said, column.Missing(slices.Concat(r.Parameters, r.seen.Names()), lacking...)))
	}
	if err := q.true(r, o); err != nil {
		return fault.Of(err)
	}
	if q.Combine && r.Observations == 1 {
		return fault.Of(errors.New("--combine takes several observations, and 1 was given: take it out, or give a file of them (--observed FILE)"))
	}
	if q.weighs() && slices.Contains(slices.Concat(r.Parameters, names), weight) {
		return fault.Of(fmt.Errorf("the model has a column %q, which is to hold the weights of the draws", weight))
	}
	if taken := slices.Concat(r.Parameters, names); r.Observations > 1 && slices.Contains(taken, number) {
		return fault.Of(fmt.Errorf("the model has a column %q, which is to hold the number of the observation: give one observation at a time", number))
	}
	return nil
}

// lacking are the names without a value; none where there is one that the model does not know, which is told first.
func (q *Observed) lacking(names []string) (lacking []string) {
	switch {
	case q.File != "":
		return nil
	case q.Values == nil:
		return names
	case slices.ContainsFunc(q.Values.Names(), func(name string) bool { return !slices.Contains(names, name) }):
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(q.Values.Names(), name) })
}

// divide tells the values of the model's observables from others that the likelihood needs.
func (q *Observed) divide(names, needed, parameters []string) (values *events.Table, more []events.Column, err error) {
	if q.Values == nil {
		return nil, nil, nil
	}
	values = &events.Table{}
	for _, c := range q.Values.Columns {
		switch {
		case slices.Contains(parameters, c.Name) && !slices.Contains(names, c.Name):
			return nil, nil, fmt.Errorf("%q is a parameter, which is inferred: give its true value with --truth %s=VALUE", c.Name, c.Name)
		case slices.Contains(needed, c.Name) && !slices.Contains(names, c.Name):
			more = append(more, c)
		default:
			values.Columns = append(values.Columns, c)
		}
	}
	return values, more, nil
}

// without are the names that others do not have.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// true puts the true parameters beside what was observed.
func (q *Observed) true(r *Inferred, o apply.Options) error {
	if q.Truth != nil {
		if strange := without(q.Truth.Names(), r.Parameters); len(strange) > 0 {
			return fmt.Errorf("--truth: %w", column.Missing(r.Parameters, strange...))
		}
		for _, c := range q.Truth.Columns {
			r.seen.Set(q.Truth.Take(make([]int32, r.Observations)).Columns[column.Find(q.Truth.Columns, c.Name, 0)])
		}
		return nil
	}
	if there := without(r.Parameters, without(r.Parameters, r.seen.Names())); len(there) > 0 {
		o.Notice(fmt.Sprintf("%s has %s %q: the truth, which is marked and not used", q.File, say.Count(len(there), "parameter"), there))
	}
	return nil
}
