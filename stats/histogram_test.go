package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Any sample gives edges that ascend, are finite and few, and hold the bulk of the events.
func TestEdgesHoldTheBulk(t *testing.T) {
	value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1, 1),
		rapid.Map(rapid.IntRange(-20, 3000), func(i int) float64 { return float64(i) }),
		rapid.Map(rapid.Float64Range(1e9, 1e9+1e-6), func(x float64) float64 { return x }),
		rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, 5e-324, -999}))
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(value, 0, 50).Draw(t, "x")
		n := rapid.IntRange(-1, 100).Draw(t, "n")
		edges := Edges(x, n)
		h, err := NewHistogram(edges, x, nil)
		if err != nil {
			t.Fatal(err)
		}
		if bins := len(h.SumW); bins > max(n, 1)+3 { // round widths put up to three more bins at the ends
			t.Fatalf("%d bins where %d were asked for", bins, n)
		}
		if !finite(edges[0]) || !finite(edges[len(edges)-1]) {
			t.Fatalf("edges %v", edges)
		}
		outside := 0
		for _, v := range x {
			if finite(v) && math.Abs(v) < 1e307 && (v < edges[0] || v > edges[len(edges)-1]) {
				outside++
			}
		}
		if outside > 0 { // fewer than 1000 values: the quantiles are the extremes
			t.Fatalf("%d of %d values are outside %g to %g", outside, len(x), edges[0], edges[len(edges)-1])
		}
	})
}

func TestEdgesOfKnownShapes(t *testing.T) {
	outlier := normals(10_000, 20)
	outlier[17] = 1e9
	exponential := make([]float64, 10_000)
	for i, z := range normals(10_000, 21) {
		exponential[i] = z * z
	}
	tags := []float64{0, 1.0865380764007568, 2.1730761528015137}
	for _, c := range []struct {
		name         string
		x            []float64
		lo, hi       float64 // the range must lie within
		bins0, bins1 int
	}{
		{"one fake track of 1e9 does not set the range", outlier, -4.2, 4.2, 45, 61},
		{"a boundary at 0 is kept", exponential, 0, 16, 45, 61},
		{"integers", []float64{0, 1, 2, 2, 5}, -0.5, 5.5, 6, 6},
		{"many integers", []float64{0, 100, 7, 599}, -0.5, 599.5, 60, 60},
		{"a constant", []float64{0.3, 0.3}, -0.2, 0.8, 60, 60},
		{"three tags", tags, 0, 2.2, 45, 61},
		{"nothing", nil, 0, 1, 60, 60},
	} {
		e := Edges(c.x, 60)
		if bins := len(e) - 1; e[0] < c.lo-1e-12 || e[bins] > c.hi+1e-12 || bins < c.bins0 || bins > c.bins1 {
			t.Errorf("%s: %d bins from %g to %g", c.name, bins, e[0], e[bins])
		}
	}
}

func TestHistogramKeepsItsEvents(t *testing.T) {
	x := []float64{-1, 0, 0.5, 1, 1.5, 2, 2.5, math.NaN()}
	w := []float64{1, 2, 4, 8, 16, 32, 64, 128}
	h, err := NewHistogram([]float64{0, 1, 2}, x, w)
	if err != nil {
		t.Fatal(err)
	}
	// 1 opens the second bin, 2 closes the last, NaN is nowhere
	if h.Under != 1 || h.SumW[0] != 6 || h.SumW[1] != 56 || h.Over != 64 || h.Total() != 127 {
		t.Errorf("%+v", h)
	}
	c := cdf(t, x[:7], w[:7]).histogram(h.Edges)
	if c.Under != 1 || c.SumW[0] != 6 || c.SumW[1] != 56 || c.Over != 64 || c.SumW2[1] != h.SumW2[1] {
		t.Errorf("from the sorted values: %+v", c)
	}
	d, e := h.Density()
	if d[0] != 6./127 || e[1] != math.Sqrt(64+256+1024)/127 {
		t.Errorf("density %v, error %v", d, e)
	}
	for _, bad := range [][]float64{nil, {1}, {1, 1}, {2, 1}, {0, math.NaN()}} {
		if _, err := NewHistogram(bad, x, nil); err == nil {
			t.Errorf("edges %v are accepted", bad)
		}
	}
}

func TestJoinedBinsKeepTheirEvents(t *testing.T) {
	a := &Histogram{Edges: []float64{0, 1, 2, 3, 4, 5}, SumW: []float64{3, 100, 100, 0, 4}}
	b := &Histogram{Edges: a.Edges, SumW: []float64{4, 90, 100, 40, 2}}
	a.SumW2, b.SumW2 = a.SumW, b.SumW
	ma, mb := merge(a, b)
	// the first bin is too thin; the fourth stays, though only b fills it; the fifth joins it
	for i, want := range []struct{ edge, a, b float64 }{{2, 103, 94}, {3, 100, 100}, {5, 4, 42}} {
		if len(ma.SumW) != 3 || ma.Edges[i+1] != want.edge || ma.SumW[i] != want.a || mb.SumW[i] != want.b {
			t.Fatalf("joined to %+v and %+v", ma, mb)
		}
	}
	if mb.Edges[3] != 5 || a.Edges[1] != 1 || len(a.Edges) != 6 {
		t.Errorf("joined to %+v and %+v from %+v", ma, mb, a)
	}
}

func TestDifferentEdgesAreRefused(t *testing.T) {
	a, _ := NewHistogram([]float64{0, 1, 2}, []float64{0.5}, nil)
	b, _ := NewHistogram([]float64{0, 1, 3}, []float64{0.5}, nil)
	if _, _, err := Chi2(a, b); err == nil {
		t.Error("Chi2 compares different edges")
	}
	if _, err := Diverge(a, b, 0); err == nil {
		t.Error("Diverge compares different edges")
	}
	empty, _ := NewHistogram(a.Edges, nil, nil)
	if _, err := Diverge(a, empty, 0); err == nil {
		t.Error("Diverge compares with an empty histogram")
	}
	if chi2, ndf, err := Chi2(a, empty); chi2 != 0 || ndf != 0 || err != nil {
		t.Error(chi2, ndf, err)
	}
}

func TestKolmogorovJoins(t *testing.T) {
	// the two series meet at 1; both are exact to rounding there
	below, above := kolmogorov(1-1e-9), kolmogorov(1)
	if math.Abs(below-above) > 2e-9 { // the slope is -1.07
		t.Errorf("%v below 1, %v above", below, above)
	}
	// Smirnov's table: 5 % at 1.3581, 1 % at 1.6276
	if p, q := kolmogorov(1.3581), kolmogorov(1.6276); math.Abs(p-0.05) > 1e-5 || math.Abs(q-0.01) > 1e-5 {
		t.Errorf("%v, %v", p, q)
	}
	for l := 0.0; l < 10; l += 0.01 {
		if p := kolmogorov(l); !(p >= 0 && p <= 1) {
			t.Errorf("p = %v at %v", p, l)
		}
	}
}
