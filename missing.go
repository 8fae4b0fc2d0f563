package sluice

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// gaps are the missing values of one column, infinite ones among them.
type gaps struct {
	column   string
	count    int
	infinite int
	first    int // event, from 0
}

// findGaps lists which of the named columns have missing values, and marks the events that have one.
func findGaps(t *events.Table, names []string) ([]gaps, []bool, error) {
	var found []gaps
	marked := make([]bool, t.Len())
	for _, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, nil, err
		}
		if c.Type == events.Text {
			return nil, nil, textError(c)
		}
		if c.Type == events.Int64 {
			continue // has none
		}
		if g := gapsOf(c, marked); g.count > 0 {
			found = append(found, g)
		}
	}
	return found, marked, nil
}

func gapsOf(c *events.Column, marked []bool) gaps {
	g := gaps{column: c.Name}
	missing := func(i int) {
		if math.IsInf(c.Float(i), 0) {
			g.infinite++
		}
		if g.count == 0 {
			g.first = i
		}
		g.count++
		marked[i] = true
	}
	for i, v := range c.F32 {
		if v-v != 0 { // NaN, of infinities too
			missing(i)
		}
	}
	for i, v := range c.F64 {
		if v-v != 0 {
			missing(i)
		}
	}
	return g
}

// textError names the first value that is not a number, and the way out.
func textError(c *events.Column) error {
	i := slices.IndexFunc(c.Str, func(s string) bool {
		_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return s != "" && err != nil
	})
	if i < 0 {
		return fmt.Errorf("column %q holds text, not numbers", c.Name)
	}
	return fmt.Errorf("column %q holds text: row %d: %q is not a number; leave it out, or make a number of it: --define 'NAME=%s == %q ? 1 : 0'",
		c.Name, i+1, c.Str[i], c.Name, c.Str[i])
}

// describeGaps says what is missing; row is the row in the file of an event.
func describeGaps(found []gaps, events int, row func(int) int) string {
	parts := make([]string, len(found))
	for i, g := range found {
		what := "missing (NaN)"
		if g.infinite > 0 {
			what = "missing (NaN) or infinite"
		}
		parts[i] = fmt.Sprintf("column %q: %d of %d values are %s, the first in row %d", g.column, g.count, events, what, row(g.first))
	}
	return strings.Join(parts, "; ")
}

// passNotice says how many events a selection keeps.
func passNotice(kept, of int) string {
	return fmt.Sprintf("%d of %d events pass the selection", kept, of)
}

// gapNotice says how many events are left out for what they lack.
func gapNotice(dropped, of int) string {
	return fmt.Sprintf("%d of %d events have a missing value and are left out", dropped, of)
}

func noneSelected(expression string, of int) error {
	return fmt.Errorf("the selection %q leaves none of %d events", expression, of)
}

func allMissing(events int, names []string) error {
	return fmt.Errorf("every one of the %d events has a missing value in one of %q", events, names)
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
