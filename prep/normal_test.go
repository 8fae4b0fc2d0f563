package prep

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// Against a second implementation, over the whole of (0, 1), the tails and the places where formulas meet. Either is
// good to some 4e-16 of 1+|y|, and rounding of 1-p adds as much.
func TestNormalQuantile(t *testing.T) {
	check := func(p float64) {
		got, want := normalQuantile(p, 1-p), mathext.NormalQuantile(p)
		if !(math.Abs(got-want) <= 2e-15*(1+math.Abs(want))) {
			t.Errorf("at %g: %v, want %v", p, got, want)
		}
		if mirrored := normalQuantile(1-p, p); p > lowest && math.Abs(mirrored+got) > 2e-15*(1+math.Abs(got)) {
			t.Errorf("at 1-%g: %v, want %v", p, mirrored, -got)
		}
	}
	for i := range 20000 {
		check((float64(i) + 0.5) / 20000)
	}
	for e := -1.0; e > -300; e -= 0.37 {
		check(math.Pow(10, e))
	}
	for _, p := range []float64{0.075, 0.925, math.Exp(-25)} {
		for _, near := range []float64{math.Nextafter(p, 0), p, math.Nextafter(p, 1)} {
			check(near)
		}
	}
}
