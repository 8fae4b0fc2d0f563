package apply

import (
	"context"
	"io"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
)

// Words are remedies as a caller would say them; "" for flags of the program.
type Words struct {
	Drop string // how events with missing values are left out
	All  string // how all events are evaluated, and not those that the model selects
}

// Scored are events in memory with their density.
type Scored struct {
	Table *events.Table // what was given of the events evaluated, as it was given, and behind it the results
	Given int           // columns of the table that were given
	Rows  []int64       // of what was given, from 0, that the events come from; nil where all are evaluated
	*Evaluated
}

// Of evaluates events in memory, as ToFile does those of files, and keeps nothing of it.
func (e *Density) Of(ctx context.Context, m *model.Model, given *events.Table, o Options) (*Scored, error) {
	o = o.Filled()
	c := e.Card
	if c == nil {
		c = cardOf(m)
	}
	q := e.query(m, c)
	q.Files, q.Table = nil, given
	rows, where, err := e.rows(ctx, m, c, q, o)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t, s := newTally(m, c), &Scored{Given: rows.Given()}
	if err := e.add(m, rows, t, s); err != nil {
		return nil, fault.Of(err)
	}
	if len(s.Rows) == given.Len() {
		s.Rows = nil
	}
	t.tell(rows, where, o)
	s.Evaluated = t.evaluated("", o.Notice)
	return s, nil
}

// add evaluates block after block.
func (e *Density) add(m *model.Model, rows *query.Rows, t *tally, s *Scored) error {
	for {
		b, err := rows.Next()
		if err == io.EOF {
			return rows.Nothing()
		}
		if err != nil {
			return err
		}
		if b.Len() == 0 {
			continue
		}
		table, err := e.block(m, rows, b, t)
		if err != nil {
			return err
		}
		s.Rows, s.Table = append(s.Rows, b.Rows...), events.Joined(s.Table, table)
	}
}

// rows are the events that are evaluated, with all their columns. It gives the words for the selection.
func (e *Density) rows(ctx context.Context, m *model.Model, c *card.Card, q query.Query, o Options) (*query.Rows, string, error) {
	q.All = true
	rows, where, err := e.open(ctx, c, q, o.Warn)
	if err != nil {
		return nil, "", fault.Of(err)
	}
	if err := e.checkNames(rows, m); err != nil {
		rows.Close()
		return nil, "", fault.Of(err)
	}
	return rows, where, nil
}
