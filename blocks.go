package sluice

import (
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/feed"
)

// blocks reads the events of a card a block at a time: with what it defines, selected and complete.
type blocks struct {
	*events.Chain
	card *card.Card
	used []string
	size int // events a block

	read, passed, selected, whole int // events: read, passed over unread; of the read ones, selected; of these, complete
}

var _ feed.Source = (*blocks)(nil)

// openBlocks opens the files of a card; types are those of their columns, where they are known, so that text files need
// not be looked through for them.
func openBlocks(c *card.Card, size int, types map[string]events.Type) (*blocks, error) {
	b := &blocks{card: c, used: used(c), size: size}
	opts, err := reading(c, events.Options{Types: types, Passed: func(_, events int64) { b.passed += int(events) }})
	if err != nil {
		return nil, err
	}
	b.Chain, err = events.OpenAll(c.Paths(), opts)
	return b, err
}

// Next is the next block, with the columns used; io.EOF after the last.
func (b *blocks) Next() (feed.Block, error) {
	t, err := b.Read(b.size)
	if err != nil {
		return feed.Block{}, err
	}
	b.read += t.Len()
	for _, d := range b.card.Define {
		if err := events.Define(t, d.Name, d.Expr); err != nil {
			return feed.Block{}, fmt.Errorf("%s: %w", b.Path(), err)
		}
	}
	out := feed.Block{Rows: make([]int64, t.Len())}
	for i := range out.Rows {
		out.Rows[i] = b.First() + int64(i)
	}
	if b.card.Where != "" {
		rows, err := events.Rows(t, b.card.Where)
		if err != nil {
			return feed.Block{}, err
		}
		t, out.Rows = t.Take(rows), taken(out.Rows, rows)
	}
	if out.Table, err = b.project(t); err != nil {
		return feed.Block{}, err
	}
	b.selected += out.Len()
	if out, err = b.complete(out); err != nil {
		return feed.Block{}, err
	}
	b.whole += out.Len()
	return out, nil
}

// project keeps the columns used, with their units.
func (b *blocks) project(t *events.Table) (*events.Table, error) {
	out := &events.Table{Weight: b.card.Weight}
	for _, name := range b.used {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		if unit, ok := b.card.Units[name]; ok {
			c.Unit = unit
		}
		out.Columns = append(out.Columns, *c)
	}
	return out, nil
}

// complete leaves out events with missing values, if the card says so.
func (b *blocks) complete(in feed.Block) (feed.Block, error) {
	found, marked, err := findGaps(in.Table, b.used)
	if err != nil || len(found) == 0 {
		return in, err
	}
	if !b.card.DropNaN {
		g := found[0]
		return in, fmt.Errorf("%s: column %q: the value of row %d is missing (NaN) or infinite; --drop-nan (in a card: drop_nan: true) leaves such events out",
			b.Path(), g.column, in.Rows[g.first]+1)
	}
	rows := unmarked(marked)
	return feed.Block{Table: in.Take(rows), Rows: taken(in.Rows, rows)}, nil
}

func taken[T any](x []T, rows []int32) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = x[r]
	}
	return out
}

// nothing says why there are no events.
func (b *blocks) nothing() error {
	switch all := b.read + b.passed; {
	case b.selected > 0:
		return allMissing(b.selected, b.used)
	case all > 0:
		return noneSelected(b.card.Where, all)
	}
	return errors.New("there are no events")
}

// notices say what was left out of what was read once.
func (b *blocks) notices() []string {
	var lines []string
	if all := b.read + b.passed; b.selected < all {
		lines = append(lines, passNotice(b.selected, all))
	}
	if left := b.selected - b.whole; left > 0 {
		lines = append(lines, gapNotice(left, b.selected))
	}
	return lines
}
