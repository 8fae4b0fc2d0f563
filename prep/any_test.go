package prep

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"pgregory.net/rapid"
)

// anyColumn draws columns that are unkind: few events, ties, gaps, scales from 1e-30 to 1e30, values repeated.
func anyColumn(t *rapid.T) []float32 {
	scale := math.Pow(10, rapid.Float64Range(-30, 30).Draw(t, "scale"))
	shift := rapid.SampledFrom([]float64{0, 0, 1, -1000}).Draw(t, "shift")
	value := rapid.OneOf(
		rapid.Float64Range(-1, 1),
		rapid.Float64Range(-1e-6, 1e-6),
		rapid.Map(rapid.IntRange(-3, 3), func(i int) float64 { return float64(i) }),
		rapid.SampledFrom([]float64{0, 0, 0, 999, -1e5}),
	)
	x := make([]float32, 0, 64)
	for _, v := range rapid.SliceOfN(value, 2, 64).Draw(t, "values") {
		x = append(x, float32((v+shift)*scale))
	}
	for range rapid.IntRange(0, 5).Draw(t, "doublings") {
		x = append(x, x...)
	}
	return x
}

// The automatic preparation of any column with two values fits, gives finite numbers, and gives the values
// back to a millionth of the column's range.
func TestAutoTakesAnyColumn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := anyColumn(t)
		tab := &events.Table{Columns: []events.Column{{Name: "x", F32: x}}}
		p, _, err := Fit(tab, []string{"x"}, Spec{}, 1)
		if err != nil {
			if strings.Contains(err.Error(), "every feature is constant") {
				return
			}
			t.Fatal(err)
		}
		cols, d, err := p.Apply(tab, nil)
		if err != nil {
			t.Fatal(err)
		}
		back, e, err := p.Invert(cols)
		if err != nil {
			t.Fatal(err)
		}
		c := p.Columns[0]
		for i, v := range x {
			y := float64(cols[0][i])
			if !finite(y, d[i], e[i]) || math.Abs(y) > 9 {
				t.Fatalf("%g becomes %g, log-dets %g and %g", v, y, d[i], e[i])
			}
			// y is a float32: 1e-7 of it, times dx/dy, of a range of about 10 in y; a gap in the column
			// can be a thousand times steeper.
			if got := float64(back.Columns[0].F32[i]); math.Abs(got-float64(v)) > 1e-4*(c.Max-c.Min) {
				t.Fatalf("%g comes back as %g", v, got)
			}
		}
	})
}
