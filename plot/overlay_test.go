package plot

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestLogWhereContentsSpanAFactorOf100(t *testing.T) {
	contents := func(y ...float64) bars { return bars{y: y, sigma: make([]float64, len(y))} }
	for _, c := range []struct {
		ref, gen bars
		linear   bool
		log      bool
	}{
		{contents(1, 99), contents(1, 99), false, false},
		{contents(1, 101), contents(5, 5), false, true},
		{contents(5, 5), contents(1, 101), false, true},
		{contents(1, 101), contents(5, 5), true, false},
		{contents(0, 0), contents(0, 0), false, false},
	} {
		a := contentAxis(c.ref, c.gen, c.linear, "")
		if a.log != c.log {
			t.Errorf("%v and %v, linear %v: log %v", c.ref.y, c.gen.y, c.linear, a.log)
		}
		for _, y := range slices.Concat(c.ref.y, c.gen.y) {
			if y > a.max || y > 0 && y < a.min {
				t.Errorf("%g is outside [%g, %g]", y, a.min, a.max)
			}
		}
	}
	if a := contentAxis(contents(-4, 10), contents(1, 2), false, ""); a.min > -4 {
		t.Errorf("a negative content of -4 is below the axis from %g", a.min)
	}
}

func TestRatio(t *testing.T) {
	ref := bars{edges: []float64{0, 1, 2, 3, 4}, y: []float64{10, 0, 0, -1}, sigma: []float64{2, 0, 0, 1}}
	gen := bars{edges: ref.edges, y: []float64{15, 3, 0, 2}, sigma: []float64{5, 1, 0, 1}}
	r := ratioOf(gen, ref)
	if r.y[0] != 1.5 || r.sigma[0] != 0.5 || r.band[0] != 0.2 {
		t.Errorf("15 ± 5 over 10 ± 2 gave %g ± %g on a band of %g", r.y[0], r.sigma[0], r.band[0])
	}
	if !math.IsNaN(r.y[1]) || !r.over[1] || r.over[2] || !math.IsNaN(r.y[3]) {
		t.Errorf("bins without a reference: %v, over %v", r.y, r.over)
	}
}

func TestRatioAxisHoldsTheBins(t *testing.T) {
	for _, c := range []struct{ spread, sigma, half float64 }{{0.03, 0.01, 0.05}, {0.15, 0.05, 0.2}, {0.4, 0.1, 0.5}, {3, 0.1, 1}, {0.03, 0.4, 0.5}} {
		var r ratio
		for i := range 20 {
			r.y = append(r.y, 1+c.spread*float64(1-i%2*2))
			r.sigma = append(r.sigma, c.sigma)
			r.band = append(r.band, c.sigma/2)
		}
		a := r.axis()
		if math.Abs(a.max-(1+1.3*c.half)) > 1e-9 {
			t.Errorf("ratios 1 ± %g with errors of %g: the axis ends at %g, not %g", c.spread, c.sigma, a.max, 1+1.3*c.half)
		}
	}
}

// Generated events are scaled to the reference's sum, with what lies outside the edges on both sides.
func TestScaleAndLegend(t *testing.T) {
	edges := []float64{0, 0.5, 1}
	o := &Overlay{Label: "x", Unit: "GeV",
		Reference: Histogram{Edges: edges, SumW: []float64{30, 60}, Under: 10, Events: 1200},
		Generated: Histogram{Edges: edges, SumW: []float64{100, 90}, Over: 10, Events: 1234567}}
	if s := o.scale(); s != 0.5 {
		t.Errorf("the scale is %g, not 100/200", s)
	}
	all, err := texts(svgOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(all, "|")
	for _, want := range []string{"Reference, 1,200 events (10 outside)", "Generated, 1,234,567 events (10 outside) × 0.5", "x [GeV]", "Events / 0.5 GeV"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	o.Reference.Edges = []float64{0, 0.3, 1}
	o.Generated.Edges = o.Reference.Edges
	if all, _ = texts(svgOf(t, o)); !slices.Contains(all, "Events / GeV") {
		t.Errorf("bins of two widths are not drawn per GeV: %q", all)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s, not %s", n, got, want)
		}
	}
}
