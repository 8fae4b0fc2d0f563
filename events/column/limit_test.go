package column

import (
	"testing"

	"pgregory.net/rapid"
)

// No value of a range passes a comparison that excludes the range, and one does where both ends or the value do.
func TestLimitExcludes(t *testing.T) {
	pass := map[string]func(x, v float64) bool{
		"<": func(x, v float64) bool { return x < v }, "<=": func(x, v float64) bool { return x <= v },
		">": func(x, v float64) bool { return x > v }, ">=": func(x, v float64) bool { return x >= v },
		"==": func(x, v float64) bool { return x == v },
	}
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Map(rapid.IntRange(-4, 4), func(i int) float64 { return float64(i) / 2 })
		low, high, v := small.Draw(t, "low"), small.Draw(t, "high"), small.Draw(t, "value")
		low, high = min(low, high), max(low, high)
		for op, f := range pass {
			some := false
			for x := low; x <= high; x += 0.25 {
				some = some || f(x, v)
			}
			if got := (Limit{Op: op, Value: v}).Excludes(low, high); got == some {
				t.Errorf("%s %g of [%g, %g]: excluded %v", op, v, low, high, got)
			}
		}
	})
}
