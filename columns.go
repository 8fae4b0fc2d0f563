package sluice

import (
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
)

// request is what is wanted of files: columns by name, and those from which expressions are made.
type request struct {
	define card.Definitions
	where  string
	names  []string
	all    bool // every column that the files list, too
}

// needs are the columns that must come from a file: those that are not defined before they are used.
func (q *request) needs() ([]string, error) {
	var made, needed []string
	need := func(names []string) {
		for _, name := range names {
			if !slices.Contains(made, name) && !slices.Contains(needed, name) {
				needed = append(needed, name)
			}
		}
	}
	for _, d := range q.define {
		names, err := formula.Names(d.Expr)
		if err != nil {
			return nil, err
		}
		need(names)
		made = append(made, d.Name)
	}
	if q.where != "" {
		names, err := formula.Names(q.where)
		if err != nil {
			return nil, err
		}
		need(names)
	}
	need(q.names)
	return needed, nil
}

// columns is what to ask of files, nil for every column. Hidden are those among them that a file holds but does not
// list: elements such as Muon_pt[0], and columns of events beside flattened ones.
func (q *request) columns(files []string, opts events.Options) (ask, hidden []string, err error) {
	needed, err := q.needs()
	if err != nil {
		return nil, nil, err
	}
	if !q.all && len(q.define) == 0 && q.where == "" {
		return needed, nil, nil
	}
	columns, _, err := events.Peek(files, opts)
	if err != nil || columns == nil {
		return nil, nil, err
	}
	listed := &events.Table{Columns: columns}
	if q.all {
		ask = listed.Names()
	}
	for _, name := range needed {
		switch _, err := listed.Column(name); {
		case err != nil && name != "pi": // the constant
			hidden = append(hidden, name)
		case err == nil && !q.all:
			ask = append(ask, name)
		}
	}
	switch ask = append(ask, hidden...); {
	case len(ask) == 0: // the number of events matters all the same
		return listed.Names()[:1], nil, nil
	case len(hidden) == 0 && q.all:
		return nil, nil, nil
	case len(hidden) == 0:
		return ask, nil, nil
	}
	opts.Columns = ask
	_, _, err = events.Peek(files, opts)
	return ask, hidden, err
}

// limits let files pass over events that the selection leaves out. The type of a defined column depends on all of its
// values, so that with definitions every event is read.
func (q *request) limits() []column.Limit {
	if len(q.define) > 0 || q.where == "" {
		return nil
	}
	return formula.Limits(q.where)
}

// passedOver are the runs of events that were not read, in order.
type passedOver []struct{ first, events int64 }

func (p *passedOver) add(first, events int64) {
	*p = append(*p, struct{ first, events int64 }{first, events})
}

func (p passedOver) events() int {
	n := int64(0)
	for _, run := range p {
		n += run.events
	}
	return int(n)
}

// row is the place in the files, from 1, of event i of those that were read.
func (p passedOver) row(i int) int {
	at := int64(i)
	for _, run := range p {
		if run.first <= at {
			at += run.events
		}
	}
	return int(at) + 1
}
