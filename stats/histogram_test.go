package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/internal/rng"
	"pgregory.net/rapid"
)

// Any sample gives edges that ascend, are finite and few, and hold the bulk of the events that do not stand apart.
func TestBinsHoldTheBulk(t *testing.T) {
	value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1, 1), rapid.Float64Range(1e-9, 1e9),
		rapid.Map(rapid.IntRange(-20, 3000), func(i int) float64 { return float64(i) }),
		rapid.Map(rapid.Float64Range(1e9, 1e9+1e-6), func(x float64) float64 { return x }),
		rapid.SampledFrom([]float64{0, 5e-324, 1e-310, -999, math.MaxFloat64, -math.MaxFloat64}))
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(value, 1, 50).Draw(t, "x")
		c, err := NewCDF(x, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(-1, 100).Draw(t, "n")
		b := NewBins(c, c, n)
		if _, err := NewHistogram(b.Edges, x, nil); err != nil {
			t.Fatal(err)
		}
		h := c.Histogram(b)
		last := len(h.SumW)
		if last > max(n, 1)+3 && last > finest { // round widths put up to three more bins at the ends
			t.Fatalf("%d bins where %d were asked for", last, n)
		}
		if !finite(b.Edges[0]) || !finite(b.Edges[last]) || !(b.Width > 0) || b.Log && !(b.Edges[0] > 0) {
			t.Fatalf("%+v", b)
		}
		outside, total := 0, h.Total()
		for _, v := range x {
			if slices.Contains(b.Apart, v) {
				total++
			} else if math.Abs(v) < 1e307 && (v < b.Edges[0] || v > b.Edges[last]) {
				outside++
			}
		}
		if outside > len(x)/20*2 { // fewer than 1000 values: the quantiles are the extremes, but for those far out
			t.Fatalf("%d of %d values are outside %+v", outside, len(x), b)
		}
		if total != float64(len(x)) {
			t.Fatalf("%g of %d events are left", total, len(x))
		}
	})
}

func TestBinsOfKnownShapes(t *testing.T) {
	const n = 10_000
	z := normals(n, 20)
	shape := func(of func(i int, z float64) float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = of(i, z[i])
		}
		return x
	}
	uniform := func(i int) float64 { return (float64(i) + 0.5) / n }
	for _, c := range []struct {
		name         string
		x            []float64
		lo, hi       float64 // the range must lie within
		bins0, bins1 int
		log          bool
		apart        []float64
	}{
		{"one fake track of 1e9 does not set the range", shape(func(i int, z float64) float64 { return z + map[bool]float64{true: 1e9}[i == 17] }), -4.2, 4.2, 45, 61, false, nil},
		{"a boundary at 0 is kept", shape(func(_ int, z float64) float64 { return z*z + math.Abs(z) }), 0, 20, 45, 61, false, nil},
		{"an exponential", shape(func(i int, _ float64) float64 { return -math.Log(uniform(i)) }), 0, 10, 45, 61, false, nil},
		{"even down to 0", shape(func(i int, _ float64) float64 { return uniform(i) }), 0, 1, 45, 61, false, nil},
		{"six decades", shape(func(_ int, z float64) float64 { return math.Exp(3 * z) }), 1e-5, 1e5, 25, 61, true, nil},
		{"six decades and negative ones", shape(func(i int, z float64) float64 { return math.Exp(3*z) * float64(1-2*(i%50/49)) }), -1e5, 1e5, 1, 801, false, nil},
		{"counts over decades", shape(func(_ int, z float64) float64 { return math.Ceil(math.Exp(2*z + 5)) }), 0.5, 1e6, 20, 61, true, nil},
		{"integers", []float64{0, 1, 2, 2, 5}, -0.5, 5.5, 6, 6, false, nil},
		{"many integers", []float64{0, 100, 7, 599}, -0.5, 599.5, 60, 60, false, nil},
		{"a constant", []float64{0.3, 0.3}, -0.2, 0.8, 60, 60, false, nil},
		{"three tags", shape(func(i int, _ float64) float64 { return 1.0865380764007568 * float64(i%3) }), 0, 2.2, 45, 61, false, nil},
		{"a grid of tenths", shape(func(_ int, z float64) float64 { return math.Round(10*z) / 10 }), -4, 4, 45, 61, false, nil},
		{"a grid of hundredths", shape(func(_ int, z float64) float64 { return math.Round(100*z) / 100 }), -4, 4, 45, 61, false, nil},
		{"Poisson-like counts", shape(func(_ int, z float64) float64 { return math.Round(100 + 10*z) }), 60, 140, 30, 61, false, nil},
		{"a marker", shape(func(i int, z float64) float64 { return map[bool]float64{true: -999, false: z}[i%3 > 0] }), -4.2, 4.2, 45, 61, false, []float64{-999}},
		{"a marker and exact zeros over decades", shape(func(i int, z float64) float64 {
			return map[int]float64{0: -999, 1: 0}[i%5] + map[bool]float64{true: math.Exp(3 * z)}[i%5 > 1]
		}), 1e-5, 1e5, 25, 61, true, []float64{-999, 0}},
		{"eight zeros in a thousand", shape(func(i int, z float64) float64 { return map[bool]float64{true: z + 9}[i%125 > 0] }), 4.5, 13.5, 45, 61, false, []float64{0}},
		{"a marker among few integers", shape(func(i int, _ float64) float64 { return map[bool]float64{true: -999, false: float64(i % 4)}[i%3 > 0] }), -0.5, 3.5, 4, 4, false, []float64{-999}},
		{"a marker among many integers", shape(func(i int, _ float64) float64 {
			return map[bool]float64{true: -999, false: float64(i % 3001)}[i%9 == 0]
		}), -0.5, 3060, 45, 61, false, []float64{-999}},
	} {
		b := NewBins(cdf(t, c.x, nil), cdf(t, c.x, nil), 60)
		e := b.Edges
		if bins := len(e) - 1; e[0] < c.lo-1e-12 || e[bins] > c.hi*(1+1e-12)+1e-12 || bins < c.bins0 || bins > c.bins1 || b.Log != c.log || !slices.Equal(b.Apart, c.apart) {
			t.Errorf("%s: %d bins from %g to %g, log %v, apart %v", c.name, bins, e[0], e[bins], b.Log, b.Apart)
		}
	}
	// what only the generated events have many of stands apart too
	if b := NewBins(cdf(t, z, nil), cdf(t, shape(func(i int, z float64) float64 { return map[bool]float64{true: -999, false: z}[i%50 == 0] }), nil), 60); !slices.Equal(b.Apart, []float64{-999}) {
		t.Errorf("apart are %v, not the garbage", b.Apart)
	}
}

// One event far out, whether it is of the reference or was generated, leaves the others as wide as they were, however few they are.
func TestFarOutEventsDoNotSqueezeTheRest(t *testing.T) {
	for _, n := range []int{20, 50, 999, 1500} {
		ref, gen := normals(n, 3), normals(n, 4)
		for _, far := range []float64{40, 1e9, -1e9, -40} {
			for k, side := range [][]float64{ref, gen} {
				before := side[n/2]
				side[n/2] = far
				b := NewBins(cdf(t, ref, nil), cdf(t, gen, nil), 50)
				h := cdf(t, side, nil).Histogram(b)
				side[n/2] = before
				if lo, hi := b.Edges[0], b.Edges[len(b.Edges)-1]; lo < -4.5 || hi > 4.5 || hi-lo < 2 {
					t.Errorf("%d events and one at %g in sample %d: from %g to %g", n, far, k, lo, hi)
				}
				if out := map[bool]float64{true: h.Over, false: h.Under}[far > 0]; out < 1 {
					t.Errorf("%d events: the one at %g is not counted outside", n, far)
				}
			}
		}
	}
	// a tail that is heavy, but goes on, is shown
	x := make([]float64, 500)
	for i := range x {
		x[i] = -math.Log((float64(i) + 0.5) / 500)
	}
	if b := NewBins(cdf(t, x, nil), cdf(t, x, nil), 50); b.Edges[len(b.Edges)-1] < x[0] {
		t.Errorf("an exponential ends at %g, not %g", b.Edges[len(b.Edges)-1], x[0])
	}
}

// What only a third sample has many of stands apart too.
func TestApartOfSeveral(t *testing.T) {
	x, bad := normals(1000, 3), normals(1000, 5)
	for i := range 100 {
		bad[i] = -999
	}
	if b := NewBins(cdf(t, x, nil), cdf(t, x, nil), 50, cdf(t, bad, nil)); !slices.Equal(b.Apart, []float64{-999}) {
		t.Errorf("apart are %v", b.Apart)
	}
}

// A narrow resonance on a broad continuum over decades is drawn over several bins, and the continuum over wide ones.
func TestBinsResolvePeaks(t *testing.T) {
	const n = 40_000
	src := rng.New(21, rng.StreamTest, 0)
	for _, decades := range []bool{true, false} {
		x := make([]float64, n)
		peak, width := 3.1, 0.04
		if !decades {
			peak, width = 91, 0.3
		}
		for i := range x {
			switch u := src.Float64(); {
			case i%5 == 0:
				x[i] = peak + width*src.NormFloat64()
			case decades:
				x[i] = 0.2 * math.Pow(1000, u)
			default:
				x[i] = 100 * u
			}
		}
		b := NewBins(cdf(t, x, nil), cdf(t, x, nil), 50)
		within := func(lo, hi float64) (n int) {
			for _, e := range b.Edges {
				if e > lo && e < hi {
					n++
				}
			}
			return n
		}
		if b.Log != decades {
			t.Errorf("decades %v: log %v", decades, b.Log)
		}
		if k := within(peak-2*width, peak+2*width); k < 3 {
			t.Errorf("decades %v: %d edges in the peak", decades, k)
		}
		if all, away := len(b.Edges), within(peak/50, peak*0.8); all > 110 || away > 60 {
			t.Errorf("decades %v: %d edges, %d of them away from the peak", decades, all, away)
		}
	}
}

// Values that stand apart are in no bin, with weights too.
func TestHistogramLeavesOutWhatStandsApart(t *testing.T) {
	c := cdf(t, []float64{-999, -999, 0, 0, 0.5, 1.5}, []float64{1, 2, -1, 3, 4, 5})
	h := c.Histogram(Bins{Edges: []float64{0, 1, 2}, Apart: []float64{-999, 0}})
	if h.Under != 0 || h.SumW[0] != 4 || h.SumW2[0] != 16 || h.SumW[1] != 5 {
		t.Errorf("%+v", h)
	}
	if w, w2 := c.At(0); w != 2 || w2 != 10 {
		t.Errorf("%g, %g at 0", w, w2)
	}
	if w, w2 := c.At(7); w != 0 || w2 != 0 {
		t.Errorf("%g, %g where nothing is", w, w2)
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
	if h.Under != 1 || h.SumW[0] != 6 || h.SumW[1] != 56 || h.Over != 64 || h.Under2 != 1 || h.Over2 != 4096 || h.Total() != 127 {
		t.Errorf("%+v", h)
	}
	c := cdf(t, x[:7], w[:7]).histogram(h.Edges)
	if c.Under != 1 || c.SumW[0] != 6 || c.SumW[1] != 56 || c.Over != 64 || c.Under2 != 1 || c.Over2 != 4096 || c.SumW2[1] != h.SumW2[1] {
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
