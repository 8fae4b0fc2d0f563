package prep

import (
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// One logarithm of a product of slopes is the sum of their logarithms, also where the product of all leaves the numbers
// of float64 far behind: there columns are in units of 1e-30 and 1e30.
func TestOneLogarithmOfAllSlopes(t *testing.T) {
	for _, scale := range []float64{1, 1e-30, 1e30} {
		tab := collisions(3000)
		for k := range tab.Columns {
			for i, v := range tab.Columns[k].F32 {
				tab.Columns[k].F32[i] = float32(scale * float64(v))
			}
		}
		test := tab.Slice(2000, 3000) // some of it outside the range of the first 2,000
		p := mustFit(t, tab.Slice(0, 2000), tab.Names(), Spec{All: []StepSpec{{Kind: "quantile"}}})
		cols, d, err := p.Apply(test, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, e, err := p.Invert(cols)
		if err != nil {
			t.Fatal(err)
		}
		checkSums(t, p, test, cols, d, e)
	}
}

// checkSums compares log-dets there (d) and back (e) with sums of logarithms.
func checkSums(t *testing.T, p *Pipeline, tab *events.Table, cols [][]float32, d, e []float64) {
	t.Helper()
	for i := range d {
		var there, back float64
		for k := range cols {
			s := p.Columns[k].Steps[0].(*quantile)
			y, l := s.applyAnywhere(float64(tab.Columns[k].F32[i]))
			if float32(y) != cols[k][i] {
				t.Fatalf("event %d, column %d: %v, want %v", i, k, cols[k][i], float32(y))
			}
			there += l
			_, l = s.invertAnywhere(float64(cols[k][i]))
			back -= l
		}
		// 28 factors and logarithms round by 1e-16 each.
		if math.Abs(d[i]-there) > 1e-12*(1+math.Abs(there)) || math.Abs(e[i]-back) > 1e-12*(1+math.Abs(back)) {
			t.Fatalf("event %d: log-dets %v and %v, sums of logarithms %v and %v", i, d[i], e[i], there, back)
		}
	}
}

func TestGuideFindsWhatASearchFinds(t *testing.T) {
	x := sample(300)
	slices.Sort(x)
	for _, at := range [][]float64{
		nil, {3}, {3, 3}, {-1, 0, 0, 1}, x, x[:2], grid(0, 1, 1024), grid(-1e-320, 1e-320, 50),
		mapped(x, func(v float64) float64 { return 1e-300 * v }),
		{-1.5e308, -1, 0, 1, 1.5e308}, {0, 1e-310}, append(grid(0, 1, 200), 1e15),
	} {
		lo, hi := 0.0, 0.0
		if n := len(at); n > 0 {
			lo, hi = at[n/4], at[n-1-n/4]
		}
		g := newGuide(at, lo, hi)
		try := []float64{-inf, inf, 0, -1e300, 1e300, math.Copysign(0, -1)}
		for _, v := range at {
			try = append(try, v, math.Nextafter(v, inf), math.Nextafter(v, -inf), v+0.01, 1.1*v)
		}
		for _, v := range try {
			if got, want := int(g.below(v)), sort.SearchFloat64s(at, v); got != want {
				t.Errorf("%d of %.5g numbers are below %v, want %d", got, at, v, want)
			}
		}
		if g.below(math.NaN()) > uint16(len(at)) {
			t.Error("NaN leads outside")
		}
	}
}
