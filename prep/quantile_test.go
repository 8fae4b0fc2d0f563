package prep

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// truth is a distribution of a column.
type truth struct {
	name      string
	low, high float64                 // its hard edges
	quantile  func(p float64) float64 // of probability p
}

var truths = []truth{
	{"uniform", 0, 1, func(p float64) float64 { return p }},
	{"exponential", 0, inf, func(p float64) float64 { return -math.Log1p(-p) }},
	{"rising to an edge", -inf, 7, func(p float64) float64 { return 7 + math.Log(p) }},
	{"normal", -inf, inf, func(p float64) float64 { return normalQuantile(p, 1-p) }},
	{"Pareto", 25, inf, func(p float64) float64 { return 25 * math.Pow(1-p, -0.25) }},
	{"angle", 0, 1, func(p float64) float64 { // density 1 + cos(2 pi x)/2
		x := p
		for range 60 {
			x -= (x + math.Sin(2*math.Pi*x)/(4*math.Pi) - p) / (1 + math.Cos(2*math.Pi*x)/2)
		}
		return x
	}},
	{"twenty decades", 1e-10, 1e10, func(p float64) float64 { return math.Pow(10, 20*p-10) }},
	{"Cauchy", -inf, inf, func(p float64) float64 { return math.Tan(math.Pi * (p - 0.5)) }},
	{"two peaks", -inf, inf, func(p float64) float64 {
		if p < 0.3 {
			return -10 + 0.1*normalQuantile(p/0.3, 1-p/0.3)
		}
		q := (1 - p) / 0.7
		return 10 - 0.05*normalQuantile(q, 1-q)
	}},
}

func (c truth) draw(n int, seed uint64) []float64 {
	g := rng.New(seed, rng.StreamToy, 3)
	x := make([]float64, n)
	for i := range x {
		x[i] = c.quantile(g.Float64())
	}
	return x
}

func (c truth) fit(t *testing.T, x []float64) *quantile {
	t.Helper()
	s := &quantile{Knots: 128, low: c.low, high: c.high}
	if err := s.Fit(x, nil); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return s
}

// A map alone, of which a flow learns the rest, is as good as its sample: beyond chance (KS 1.63/sqrt(n) at 1 %) at no
// place, its density within 10 % of the truth at an edge, and no event beyond one.
func TestQuantileFollowsTheTruth(t *testing.T) {
	const n, points = 45000, 20000
	for _, c := range truths {
		s := c.fit(t, c.draw(n, 5))
		p := make([]float64, points)
		for i := range p {
			x := c.quantile((float64(i) + 0.5) / points)
			p[i] = normalCDF(at(s, x))
			if d := math.Abs(p[i] - (float64(i)+0.5)/points); d > 1.63/math.Sqrt(n) {
				t.Fatalf("%s: %g lies at %.4f, want %.4f", c.name, x, p[i], (float64(i)+0.5)/points)
			}
		}
		last := points - 1
		for _, e := range []struct {
			edge  bool
			ratio float64 // of the mass in the outer 1 %
		}{{s.EdgeLow, p[points/100] / 0.01}, {s.EdgeHigh, (1 - p[last-points/100]) / 0.01}} {
			if e.edge && math.Abs(e.ratio-1) > 0.1 {
				t.Errorf("%s: the outer hundredth holds %.3f of the events that it should", c.name, e.ratio)
			}
		}
		y := append(grid(-40, 40, 1000), -1e30, 1e30)
		s.Invert(y, nil)
		if slices.Min(y) < c.low || slices.Max(y) > c.high {
			t.Errorf("%s: from %g to %g, beyond an edge", c.name, slices.Min(y), slices.Max(y))
		}
		if y := at(s, c.low); s.EdgeLow && !(y > -6 && y < -4) {
			t.Errorf("%s: the edge becomes %g", c.name, y)
		}
	}
}

// The density of a column that needs no knots has none: a map does not follow chance.
func TestQuantileOfAPlainColumnIsSmooth(t *testing.T) {
	for _, c := range truths[:4] {
		x := c.draw(45000, 8)
		s := c.fit(t, x)
		for i := range 98 {
			p := 0.01 + float64(i)/100
			a, b := c.quantile(p), c.quantile(p+0.01)
			if r := (normalCDF(at(s, b)) - normalCDF(at(s, a))) / 0.01; math.Abs(r-1) > 0.05 {
				t.Errorf("%s: from %.3g to %.3g %.3f of the density", c.name, a, b, r)
			}
		}
	}
}

// What lies far out, by mistake or as a mark, costs the other events nothing, and is named.
func TestQuantileWithValuesFarOut(t *testing.T) {
	normal := truths[3]
	for _, far := range []float64{1e9, 1e12, -1e30, math.MaxInt32, 9.96921e36, 1e300} {
		x := normal.draw(20000, 2)
		x[7] = far
		s := normal.fit(t, x)
		for _, p := range []float64{0.001, 0.01, 0.3, 0.5, 0.9, 0.999} {
			v := normal.quantile(p)
			if got := normalCDF(at(s, v)); math.Abs(got-p) > 4*math.Sqrt(p*(1-p)/20000) {
				t.Errorf("with %g: %g lies at %.4f, want %.4f", far, v, got, p)
			}
		}
		if y := at(s, far); !(math.Abs(y) > 4 && math.Abs(y) < 40) {
			t.Errorf("%g becomes %g", far, y)
		}
	}
	c := events.Column{Name: "pt", Type: events.Float64, F64: normal.draw(20000, 2)}
	c.F64[7], c.F64[8] = 1e12, -1e30
	_, notices, err := Fit(&events.Table{Columns: []events.Column{c}}, []string{"pt"}, Spec{}, 1)
	want := `column "pt": 2 of 20000 values lie more than a thousand times further out than all others, the farthest at -1e+30 (row 9): `
	if err != nil || len(notices) != 1 || !strings.HasPrefix(notices[0], want) {
		t.Errorf("notices %q, %v", notices, err)
	}
}

// Nothing is made where nothing was seen between events.
func TestQuantileLeavesGapsEmpty(t *testing.T) {
	peaks := truths[len(truths)-1]
	x := peaks.draw(30000, 3)
	s := peaks.fit(t, x)
	inside := 0.0
	for i := range 100000 {
		p := (float64(i) + 0.5) / 100000
		y := []float64{normalQuantile(p, 1-p)}
		if s.Invert(y, nil); math.Abs(y[0]) < 9 {
			inside++
		}
	}
	if inside > 1 {
		t.Errorf("%g of 100000 lie between the peaks", inside)
	}
}

// Of a few events no tail is made that is much wilder than a normal one of the same mean and deviation.
func TestQuantileTailsOfFewEvents(t *testing.T) {
	normal := truths[3]
	for _, n := range []int{50, 100, 300, 1000} {
		var far []float64
		for seed := range uint64(40) {
			x := normal.draw(n, 100+seed)
			var fit standardise
			if err := fit.Fit(x, nil); err != nil {
				t.Fatal(err)
			}
			y := []float64{-4, 4} // one event in 16,000
			normal.fit(t, x).Invert(y, nil)
			far = append(far, (fit.Mean-y[0])/(4*fit.Std), (y[1]-fit.Mean)/(4*fit.Std))
		}
		slices.Sort(far)
		// A normal sample makes tails that are longer or shorter by chance; none is twice as long.
		if median, most := far[len(far)/2], far[len(far)-1]; median > 1.1 || most > 2 {
			t.Errorf("%d events: tails %.2f times as long as normal ones, at most %.2f", n, median, most)
		}
	}
}

// An exponential tail of a few events beneath a narrow peak is no power law, which would reach hundreds of times as far.
func TestQuantileTailBeneathAPeak(t *testing.T) {
	normal := truths[3]
	for seed := range uint64(10) {
		g := rng.New(seed, rng.StreamToy, 4)
		x := normal.draw(15000, 300+seed)
		for i := range x {
			if x[i] = 1 + 0.01*x[i]; g.Float64() < 0.004 {
				x[i] = 1 + 0.17*math.Log(1-g.Float64())
			}
		}
		y := []float64{-4.75} // one event in a million: 0.004 exp(-d/0.17) at d = 1.4
		if normal.fit(t, x).Invert(y, nil); y[0] < 1-4 {
			t.Errorf("one event in a million lies at %g", y[0])
		}
	}
}

func TestQuantileRefusesValuesBeyondAnEdge(t *testing.T) {
	err := (&quantile{Knots: 8, low: 0, high: 5}).Fit([]float64{1, 2, -3, 4, 6}, nil)
	if want := "row 3: quantile takes values from 0 to 5, not -3; 2 of 5 lie outside"; fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}
