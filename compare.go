package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
)

// Pair names two files of events to compare, and how.
type Pair struct {
	Reference, Generated string
	Columns              []string // none: every column of numbers that both files have
	Weight               string   // the column of event weights, in each file that has it
	Flatten              string   // a row an object of this name, in each ROOT file that has it; "": a row an event
}

// Compare measures how far generated events are from reference events, and writes a page about it to out, unless that is "".
// A file that cannot be read and a column that is not there are *InputError. When ctx ends, nothing is written.
func Compare(ctx context.Context, p Pair, out string, o Options) (*stats.Comparison, error) {
	if out != "" {
		if err := writable(out, p.Reference, p.Generated); err != nil {
			return nil, err
		}
	}
	ref, gen, err := p.read(ctx)
	if err == nil {
		err = p.weigh(ref, gen)
	}
	if err != nil {
		return nil, ended(ctx, fault.Of(err), "")
	}
	c, err := stats.Compare(ref, gen, p.Columns)
	if err != nil || out == "" {
		return c, fault.Of(err)
	}
	page, err := report.Compared(&report.Pair{Reference: ref, Generated: gen}, p.Reference, p.Generated, c)
	if err != nil {
		return nil, err
	}
	page.Version, page.Commands = Version(), o.Command
	return c, report.Write(out, page)
}

// read reads both files flattened. One that holds nothing to flatten, as generated events do not, is taken as it is, if
// the other does.
func (p *Pair) read(ctx context.Context) (ref, gen *events.Table, err error) {
	read := func(file, flatten string) (*events.Table, error) {
		rows, err := query.Query{Files: []string{file}, Flatten: flatten, All: true}.Open(ctx, 1<<16)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		return rows.All(0)
	}
	ref, refErr := read(p.Reference, p.Flatten)
	gen, genErr := read(p.Generated, p.Flatten)
	switch {
	case p.Flatten == "" || (refErr == nil) == (genErr == nil):
	case refErr != nil:
		if t, err := read(p.Reference, ""); err == nil {
			ref, refErr = t, nil
		}
	default:
		if t, err := read(p.Generated, ""); err == nil {
			gen, genErr = t, nil
		}
	}
	if refErr != nil {
		return nil, nil, refErr
	}
	return ref, gen, genErr
}

// weigh names the weight column in each table that has it.
func (p *Pair) weigh(tables ...*events.Table) error {
	if p.Weight == "" {
		return nil
	}
	var first error
	found := false
	for _, t := range tables {
		if _, err := t.Column(p.Weight); err == nil {
			t.Weight, found = p.Weight, true
		} else if first == nil {
			first = err
		}
	}
	if found {
		return nil
	}
	return first
}
