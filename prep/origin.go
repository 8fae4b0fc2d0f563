package prep

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
)

// largest is up to where float64 holds every integer.
const largest = 1 << 53

// far reports whether a column holds integers so large that the steps count them from an origin.
func far(s profile.Summary) bool {
	most := max(s.Max, -s.Min)
	switch s.Type {
	case events.Int64.String(), events.Uint64.String():
		return most > maxInteger
	case events.Float64.String():
		return s.Kind == profile.KindInteger && most > maxInteger && most <= largest
	}
	return false
}

// reach is how far from 0 the steps see the values of a column.
func reach(s profile.Summary) float64 {
	if far(s) {
		return (s.Max - s.Min) / 2
	}
	return max(s.Max, -s.Min)
}

// middle is the middle of the range of a column of integers.
func middle(c *events.Column) column.Exact {
	lo := c.Exact(0)
	hi := lo
	for i := range c.Len() {
		v := c.Exact(i)
		if v.Minus(lo) < 0 {
			lo = v
		}
		if v.Minus(hi) > 0 {
			hi = v
		}
	}
	return lo.Plus(math.Floor(hi.Minus(lo) / 2))
}

// checkExact refuses integers that float64 does not tell apart, counted from the origin as they are. A logarithm
// needs no more digits than that has.
func (c *Column) checkExact(col *events.Column, x []float64, specs []StepSpec) error {
	if col.Type != events.Int64 && col.Type != events.Uint64 || len(specs) > 0 && specs[0].Kind == "log" {
		return nil
	}
	for i, v := range x {
		if math.Abs(v) > largest {
			return fmt.Errorf("row %d: %v is more than 2^53 from the middle of the column, beyond which integers are not told apart; "+
				"select a smaller range (--where), define a column of fewer digits (--define), or leave it out", i+1, col.Exact(i))
		}
	}
	return nil
}
