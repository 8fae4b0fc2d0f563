package events

import (
	"fmt"
	"math"
)

// Rows lists, from 0, the events of t for which the expression (see Define) holds; there may be none.
func Rows(t *Table, expression string) ([]int32, error) {
	e, err := compile(t, expression)
	if err != nil {
		return nil, err
	}
	if e.root.cond == nil {
		return nil, e.fail(e.tree, "is a number, not a condition; compare it, for example (%s) > 0", e.source)
	}
	if t.Len() > math.MaxInt32 {
		return nil, fmt.Errorf("events: a selection takes at most %d events at once, not %d", math.MaxInt32, t.Len())
	}
	return e.rows(t.Len()), nil
}
