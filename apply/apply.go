// Package apply puts a trained model to work on files of events: it draws new ones, and evaluates the density of those that
// there are.
package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
)

// Options say where the journal of a run is kept, from which it goes on when it was killed (State; "" for none), whether one
// that is there is taken up (Resume), and who is told what was done (Notice) and what makes the result doubtful (Warn).
type Options = journal.Options

// chunk is how many events are in memory at a time.
const chunk = 1 << 16

// open asks files for the columns of a model, besides what else q wants: those that its card c defines are made where the
// files lack them. Files that have the columns only when flattened as in the card are flattened.
func open(ctx context.Context, c *card.Card, q query.Query) (*query.Rows, error) {
	q.Define, q.Lacking, q.Sets = c.Define, true, c.ContextSets
	rows, err := q.Open(ctx, chunk)
	if err == nil || q.Flatten != "" || c.Flatten == "" || q.Table != nil || !readableAgain(q.Files) {
		return rows, err
	}
	q.Flatten = c.Flatten
	rows, again := q.Open(ctx, chunk)
	switch {
	case again == nil:
		return rows, nil
	case absent(again) != nil: // flattened, they can be read, but for these
		return nil, again
	}
	return nil, err
}

// readableAgain is false where a pipe is among the files.
func readableAgain(files []string) bool {
	paths, err := events.Files(files)
	return err == nil && !slices.ContainsFunc(paths, func(path string) bool { return !events.ReadableAgain(path) })
}

// absent are the columns that files lack, if that is the error.
func absent(err error) []string {
	var a *column.Absent
	if errors.As(err, &a) {
		return a.Columns
	}
	return nil
}

// cardOf is the card of a model: it need not have one, nor one that this program knows.
func cardOf(m *model.Model) *card.Card {
	c, err := card.Parse([]byte(m.Card), "card")
	if err != nil {
		return &card.Card{}
	}
	return c
}

// columns are those that a model needs of an event.
func columns(m *model.Model) []string { return slices.Concat(m.Features.Names(), m.Context.Names()) }

// named are those of names.
func named(m *model.Model) []string { return slices.Concat(m.Features.Named(), m.Context.Named()) }

// mayLack are those in which a cell may be missing.
func mayLack(m *model.Model) []string {
	return slices.Concat(m.Features.MayLack(), m.Context.MayLack())
}

// ReadingFact is how text files are read.
func ReadingFact(r query.Reading) journal.Fact {
	return journal.Fact{Name: "--separator, --skip-lines, --header or --types", Value: fmt.Sprintf("%q %d %q %q", r.Separator, r.SkipLines, r.Header, r.Types)}
}

// facts begins those of a run.
func facts(command, version string, m *model.Model) ([]journal.Fact, error) {
	hash, err := m.Hash()
	return []journal.Fact{{Name: "command", Value: command}, {Name: "version", Value: version}, {Name: "model", Value: hash}}, err
}
