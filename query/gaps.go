package query

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
)

// gap is what is missing of one column, infinite values among it.
type gap struct {
	column          string
	count, infinite int
	text            bool
	first           string // the place of the first
}

// gaps lists what is missing in a block, and marks the events that lack something.
func (r *Rows) gaps(b Block) (found []gap, marked []bool, err error) {
	marked = make([]bool, b.Len())
	for _, name := range r.q.Complete {
		c, err := b.Column(name)
		if err != nil {
			return nil, nil, err
		}
		if c.Type == events.Text && !slices.Contains(r.q.Names, name) {
			return nil, nil, r.textError(c, b)
		}
		c = r.absent.Cleared(b.Table, c)
		g, may := gap{column: name, text: c.Type == events.Text}, slices.Contains(r.q.Lack, name)
		missing := func(i int) {
			if v := c.Float(i); may && v != v {
				return
			}
			if g.count++; g.count == 1 {
				g.first = r.row(b.Rows[i])
			}
			if math.IsInf(c.Float(i), 0) {
				g.infinite++
			}
			marked[i] = true
		}
		notFinite(c.F32, missing)
		notFinite(c.F64, missing)
		for i, s := range c.Str {
			if s == "" {
				missing(i)
			}
		}
		if g.count > 0 {
			found = append(found, g)
		}
	}
	return found, marked, nil
}

func notFinite[T float32 | float64](x []T, tell func(i int)) {
	for i, v := range x {
		if v-v != 0 { // NaN, of infinities too
			tell(i)
		}
	}
}

func (r *Rows) row(row int64) string {
	if p := r.in.Path(); p != "" {
		return fmt.Sprintf("row %d of %s", row+1, p)
	}
	return fmt.Sprintf("row %d", row+1)
}

// refuse reads the events that are left, to say how many values are missing in all.
func (r *Rows) refuse(all []gap) error {
	for {
		b, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		found, _, err := r.gaps(b)
		if err != nil {
			return err
		}
		for _, g := range found {
			i := slices.IndexFunc(all, func(h gap) bool { return h.column == g.column })
			if i < 0 {
				all = append(all, g)
				continue
			}
			all[i].count += g.count
			all[i].infinite += g.infinite
		}
	}
	parts := make([]string, len(all))
	for i, g := range all {
		what := "missing (NaN)"
		switch {
		case g.text:
			what = "missing (empty)"
		case g.infinite > 0:
			what = "missing (NaN) or infinite"
		}
		parts[i] = fmt.Sprintf("column %q: %d of %s %s %s, the first in %s", g.column, g.count, say.Count(r.selected, "value"), say.Are(g.count), what, g.first)
	}
	remedy := cmp.Or(r.q.Remedy, "--drop-nan (in a card: drop_nan: true) leaves these events out")
	return errors.New(strings.Join(parts, "; ") + "; " + remedy)
}

// textError names the first value that is not a number, and the way out.
func (r *Rows) textError(c *events.Column, b Block) error {
	i := c.NotNumber()
	if i < 0 {
		return fmt.Errorf("column %q holds text, not numbers", c.Name)
	}
	if r.q.Trained {
		return fmt.Errorf("column %q holds text: %s: %q is not a number, and the model was trained on numbers of it (sluice convert --define makes a file of such)", c.Name, r.row(b.Rows[i]), c.Str[i])
	}
	return fmt.Errorf("column %q holds text: %s: %q is not a number; leave it out, or make a number of it: --define 'NAME=%s == %q ? 1 : 0'",
		c.Name, r.row(b.Rows[i]), c.Str[i], c.Name, c.Str[i])
}

// unmarked lists the events that are not marked.
func unmarked(marked []bool) []int32 {
	rows := make([]int32, 0, len(marked))
	for i, m := range marked {
		if !m {
			rows = append(rows, int32(i))
		}
	}
	return slices.Clip(rows)
}
