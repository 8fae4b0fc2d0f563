package fit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
)

const (
	restored     = 1 << 13 // events are enough to see that what a card restores is what the files hold
	otherwise    = 0.01    // of them may come back as something else: where an angle is cut, rounding decides
	restoredSame = 1e-4    // of a column's range, which covers numbers written with five digits
)

// restores is an error where the columns that a card restores are not those of its files, and a note where a few events come back otherwise.
func restores(ctx context.Context, c *card.Card) (note string, err error) {
	q, err := c.Query()
	if err != nil {
		return "", err
	}
	for _, d := range c.Restore {
		q.Welcome = append(q.Welcome, d.Name)
	}
	rows, err := q.Open(ctx, restored)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	block, err := rows.Next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return "", err
	}
	made, err := c.Restore.Of(block.Table)
	if err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	for _, d := range c.Restore {
		was, absent := block.Table.Column(d.Name)
		is, err := made.Column(d.Name)
		if absent != nil || err != nil || was.Type == events.Text {
			continue
		}
		n, first := differ(was, is)
		if n == 0 {
			continue
		}
		note = fmt.Sprintf("restore.%s: of %s %d come back otherwise, the first as %g in place of %g", d.Name, say.Count(was.Len(), "event"), n, is.Float(first), was.Float(first))
		if float64(n) > otherwise*float64(was.Len()) {
			return "", fmt.Errorf("%s; it must undo what define: does", note)
		}
	}
	return note, nil
}

// differ counts the events in which two columns are not the same to restoredSame of their range.
func differ(a, b *events.Column) (n, first int) {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range a.Len() {
		low, high = min(low, a.Float(i)), max(high, a.Float(i))
	}
	for i := range a.Len() {
		x, y := a.Float(i), b.Float(i)
		if math.Abs(x-y) <= restoredSame*(high-low) || x != x && y != y {
			continue
		}
		if n++; n == 1 {
			first = i
		}
	}
	return n, first
}
