package sluice

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/toy"
)

// Read gives the events of a card: read or drawn, with the columns that it defines and the units that it states,
// selected, and complete. Notices say what was left out. Errors are InputErrors.
func Read(c *card.Card) (t *events.Table, notices []string, err error) {
	t, notices, err = read(c, 0)
	return t, notices, input(err)
}

// read is Read of a table that takes at most so many bytes of memory, or *events.TooLarge; 0 for no bound.
func read(c *card.Card, most int64) (*events.Table, []string, error) {
	t, over, err := source(c, most)
	if err != nil {
		return nil, nil, err
	}
	if t.Len() > math.MaxInt32 {
		return nil, nil, fmt.Errorf("%d events are more than the %d that a training can hold", t.Len(), math.MaxInt32)
	}
	for _, d := range c.Define {
		if err := events.Define(t, d.Name, d.Expr); err != nil {
			return nil, nil, err
		}
	}
	all := t.Len() + over.events()
	row := over.row
	if c.Where != "" {
		if t, row, err = selectRows(t, c.Where, over); err != nil {
			return nil, nil, err
		}
	}
	if t.Len() == 0 {
		return nil, nil, errors.New("there are no events")
	}
	var notices []string
	if t.Len() < all {
		notices = append(notices, passNotice(t.Len(), all))
	}
	for i := range t.Columns {
		if unit, ok := c.Units[t.Columns[i].Name]; ok {
			t.Columns[i].Unit = unit
		}
	}
	t.Weight = c.Weight
	return complete(c, t, row, notices)
}

// complete deals with missing values as the card says.
func complete(c *card.Card, t *events.Table, row func(int) int, notices []string) (*events.Table, []string, error) {
	found, marked, err := findGaps(t, used(c))
	if err != nil || len(found) == 0 {
		return t, notices, err
	}
	if !c.DropNaN {
		return nil, nil, fmt.Errorf("%s; --drop-nan (in a card: drop_nan: true) leaves these events out", describeGaps(found, t.Len(), row))
	}
	rows := unmarked(marked)
	if len(rows) == 0 {
		return nil, nil, allMissing(t.Len(), used(c))
	}
	notices = append(notices, gapNotice(t.Len()-len(rows), t.Len()))
	return t.Take(rows), notices, nil
}

// source reads the files of a card or draws its toy.
func source(c *card.Card, most int64) (*events.Table, passedOver, error) {
	if c.Toy != (card.Toy{}) {
		t, err := toy.Generate(c.Toy.Name, toyEvents(c), c.Seed, c.Toy.Options())
		return t, nil, err
	}
	var over passedOver
	opts, err := reading(c, events.Options{Most: most, Passed: over.add})
	if err != nil {
		return nil, nil, err
	}
	t, err := events.ReadAll(c.Paths(), opts)
	return t, over, err
}

// reading adds to opts what of the files of a card is needed.
func reading(c *card.Card, opts events.Options) (events.Options, error) {
	opts.Flatten = c.Flatten
	wanted := request{define: c.Define, where: c.Where, names: used(c)}
	var err error
	opts.Columns, _, err = wanted.columns(c.Paths(), opts)
	opts.Limits = wanted.limits()
	return opts, err
}

func toyEvents(c *card.Card) int {
	if c.Toy.Events == 0 {
		return 20_000
	}
	return c.Toy.Events
}

// features are the columns modelled; those of a toy need not be named.
func features(c *card.Card) []string {
	if len(c.Features) == 0 && c.Toy != (card.Toy{}) {
		return []string{"x1", "x2"}
	}
	return c.Features
}

// used lists every column that the analysis itself needs.
func used(c *card.Card) []string {
	names := slices.Concat(features(c), c.Context)
	if c.Weight != "" {
		names = append(names, c.Weight)
	}
	return names
}

// selectRows is the table of the events that pass, and the row in the files, from 1, of each of them.
func selectRows(t *events.Table, expression string, over passedOver) (*events.Table, func(int) int, error) {
	rows, err := events.Rows(t, expression)
	if err != nil {
		return nil, nil, err
	}
	if len(rows) == 0 {
		return nil, nil, noneSelected(expression, t.Len()+over.events())
	}
	row := func(i int) int { return over.row(int(rows[i])) }
	if len(rows) == t.Len() {
		return t, row, nil
	}
	return t.Take(rows), row, nil
}
