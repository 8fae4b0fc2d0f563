package prep

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// stepCase is what the compliance suite needs to know of a step.
type stepCase struct {
	kind    string
	options map[string]float64
	train   []float64
	lo, hi  float64 // where the map is one to one; beyond, it is still finite and does not decrease
	normal  bool    // from (lo, hi) onto the whole line: a normal density of y integrates to 1 over x
}

var inf = math.Inf(1)

// sample draws n training values: a mixture with a sharp peak, a wide part and a long tail.
func sample(n int) []float64 {
	g := rng.New(7, rng.StreamToy, 0)
	x := make([]float64, n)
	for i := range x {
		switch u := g.Float64(); {
		case u < 0.3:
			x[i] = 3.1 + 0.01*g.NormFloat64()
		case u < 0.9:
			x[i] = 5 + 2*g.NormFloat64()
		default:
			x[i] = 5 + 3*math.Pow(g.Float64(), -0.7)
		}
	}
	return x
}

func mapped(x []float64, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

func stepCases() []stepCase {
	x := sample(5000)
	unit := mapped(x, func(v float64) float64 { return 0.5 + 0.499999*math.Tanh((v-5)/3) })
	return []stepCase{
		{"minmax", nil, x, -inf, inf, true},
		{"clip", nil, unit, 0, 1, false},
		{"clip", map[string]float64{"b": 0.1}, unit, 0, 1, false},
		{"logit", nil, unit, 0, 1, true},
		{"standardise", nil, x, -inf, inf, true},
		{"log", nil, mapped(x, func(v float64) float64 { return math.Abs(v) + 0.01 }), -inf, inf, true},
		{"log", map[string]float64{"offset": 100}, x, -inf, inf, true},
		{"asinh", nil, x, -inf, inf, true},
		{"quantile", nil, x, -inf, inf, true},
		{"quantile", map[string]float64{"knots": 8}, x, -inf, inf, true},
		{"quantile", nil, x[:40], -inf, inf, true},
		{"quantile", nil, x[:2], -inf, inf, true},
		{"quantile", nil, mapped(x, func(v float64) float64 { return math.Mod(v*97.3, 1) }), -inf, inf, true}, // hard edges
		{"quantile", nil, mapped(x, func(v float64) float64 { return math.Round(v) }), -inf, inf, true},       // ties
		{"quantile", nil, mapped(x, func(v float64) float64 { return 1e9 * v }), -inf, inf, true},
		{"quantile", map[string]float64{"low": 0, "high": 1}, unit, 0, 1, true},
		{"quantile", map[string]float64{"low": 0}, mapped(x, math.Abs), 0, inf, true},
		{"quantile", map[string]float64{"high": 0}, mapped(x, func(v float64) float64 { return -math.Abs(v) }), -inf, 0, true},
	}
}

func (c stepCase) fit(t *testing.T) Step {
	t.Helper()
	steps, err := build([]StepSpec{{c.kind, c.options}})
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(c.train)
	if err := steps[0].Fit(c.train, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, c.train) {
		t.Fatal("Fit changed its input")
	}
	return steps[0]
}

// points covers the bulk, the edges of training and 1e6 on both sides.
func (c stepCase) points() []float64 {
	p := slices.Clone(c.train[:min(500, len(c.train))])
	lo, hi := slices.Min(c.train), slices.Max(c.train)
	p = append(p, lo, hi, lo-1e-3*(hi-lo), hi+1e-3*(hi-lo), lo-100*(hi-lo), hi+100*(hi-lo), -1e6, 1e6)
	return slices.DeleteFunc(p, func(v float64) bool { return v <= c.lo || v >= c.hi })
}

func eachStep(t *testing.T, f func(t *testing.T, c stepCase, s Step)) {
	for i, c := range stepCases() {
		t.Run(fmt.Sprint(i, c.kind), func(t *testing.T) { f(t, c, c.fit(t)) })
	}
}

func TestEveryStepIsInTheSuite(t *testing.T) {
	have := map[string]bool{"dequantise": true, "levels": true, "spread": true, "classes": true, "periodic": true, "round": true,
		"category": true, "atoms": true} // cells_test.go, classes_test.go, periodic_test.go, mixed_test.go
	for _, c := range stepCases() {
		have[c.kind] = true
	}
	for _, name := range Kinds() {
		if !have[name] {
			t.Errorf("step %q has no case", name)
		}
	}
}

func TestStepRoundTrip(t *testing.T) {
	eachStep(t, func(t *testing.T, c stepCase, s Step) {
		x := c.points()
		y, d := slices.Clone(x), make([]float64, len(x))
		s.Apply(y, d)
		z := slices.Clone(y)
		s.Invert(z, d)
		for i := range x {
			// Rounding of y moves x by eps |y| dx/dy; log at -1e6 has 1e6/Floor in y. 1e-9 of the scale is
			// far below float32.
			if tol := 1e-9 * (1 + math.Abs(x[i])); !(math.Abs(z[i]-x[i]) <= tol) {
				t.Errorf("%g -> %g -> %g", x[i], y[i], z[i])
			}
			if !(math.Abs(d[i]) < 1e-7) {
				t.Errorf("at %g: the log-dets of Apply and Invert differ by %g", x[i], d[i])
			}
		}
	})
}

func TestStepLatentRoundTrip(t *testing.T) {
	eachStep(t, func(t *testing.T, c stepCase, s Step) {
		lo, hi := math.Inf(1), math.Inf(-1)
		train := slices.Clone(c.train)
		s.Apply(train, nil)
		lo, hi = min(lo, slices.Min(train)), max(hi, slices.Max(train))
		y := grid(lo, hi, 400)
		// Beyond an edge all latent values are the edge.
		if c.normal && !(c.kind == "quantile" && !math.IsInf(c.hi, 0)) {
			y = append(y, grid(hi, hi+1, 10)...)
		}
		if c.normal && !(c.kind == "quantile" && !math.IsInf(c.lo, 0)) {
			y = append(y, grid(lo-1, lo, 10)...)
		}
		z, d := slices.Clone(y), make([]float64, len(y))
		s.Invert(z, d)
		s.Apply(z, d)
		for i := range y {
			// Where the map is steep, rounding of x costs digits of y: eps |x| dy/dx.
			if !(math.Abs(z[i]-y[i]) <= 1e-6*(1+math.Abs(y[i]))) || !(math.Abs(d[i]) < 1e-6) {
				t.Errorf("%g comes back as %g, log-dets differ by %g", y[i], z[i], d[i])
			}
		}
	})
}

func TestStepLogDet(t *testing.T) {
	eachStep(t, func(t *testing.T, c stepCase, s Step) {
		for _, x := range c.points() {
			h := 1e-6 * math.Exp(-logDetAt(s, x)) // a step of about 1e-6 in y
			if x-h <= c.lo || x+h >= c.hi || math.Abs(x)*1e-16 > 1e-5*h {
				continue
			}
			got := math.Exp(logDetAt(s, x))
			want := (at(s, x+h) - at(s, x-h)) / (2 * h)
			// Rounding of the difference: 1e-16 |y| / 1e-6, and of x; curvature within h is far smaller,
			// but for the kinks of the second derivative at knots.
			if tol := 1e-4 + 1e-9*math.Abs(at(s, x)); math.Abs(got/want-1) > tol {
				t.Errorf("dy/dx at %g is %g; finite differences say %g", x, got, want)
			}
		}
	})
}

func at(s Step, x float64) float64 {
	v := []float64{x}
	s.Apply(v, nil)
	return v[0]
}

func logDetAt(s Step, x float64) float64 {
	v, d := []float64{x}, []float64{0}
	s.Apply(v, d)
	return d[0]
}

func grid(lo, hi float64, n int) []float64 {
	x := make([]float64, n+1)
	for i := range x {
		x[i] = lo + (hi-lo)*float64(i)/float64(n)
	}
	return x
}

// The density of x is that of a normal y times dy/dx. Nodes even in y follow every peak in x.
func TestStepDensityIntegratesToOne(t *testing.T) {
	eachStep(t, func(t *testing.T, c stepCase, s Step) {
		if !c.normal {
			t.Skip("does not cover the line")
		}
		x := grid(-6, 6, 40000)
		s.Invert(x, nil)
		y, f := slices.Clone(x), make([]float64, len(x))
		s.Apply(y, f)
		sum := 0.0
		for i := range x {
			f[i] = math.Exp(f[i] + logNormal(y[i]))
			if i > 0 {
				sum += (f[i] + f[i-1]) / 2 * (x[i] - x[i-1])
			}
		}
		// Trapezoids of 3e-4 in y, up to 2e-5 off where dy/dx varies tenfold within a bin; the tails
		// beyond 6 hold 2e-9.
		if math.Abs(sum-1) > 1e-4 {
			t.Errorf("the density integrates to %v", sum)
		}
	})
}

func TestStepIsFiniteAndIncreasing(t *testing.T) {
	eachStep(t, func(t *testing.T, c stepCase, s Step) {
		x := slices.Concat(c.points(), grid(-10, 20, 1000), []float64{-1e30, -1e15, -1e-30, 0, 1e-30, 1e15, 1e30})
		slices.Sort(x)
		y, d := slices.Clone(x), make([]float64, len(x))
		s.Apply(y, d)
		if !finite(y...) || !finite(d...) || !slices.IsSorted(y) {
			t.Errorf("Apply is not finite and increasing")
		}
		z, d := grid(-1000, 1000, 1000), make([]float64, 1001)
		s.Invert(z, d)
		if !finite(z...) || !finite(d...) || !slices.IsSorted(z) {
			t.Errorf("Invert is not finite and increasing")
		}
	})
}

func TestStepSaveAndLoadIsBitEqual(t *testing.T) {
	eachStep(t, func(t *testing.T, c stepCase, s Step) { saveAndLoad(t, s, c.points()) })
}

func saveAndLoad(t *testing.T, s Step, x []float64) {
	t.Helper()
	data, err := json.Marshal(Steps{s})
	if err != nil {
		t.Fatal(err)
	}
	var loaded Steps
	if err := json.Unmarshal(data, &loaded); err != nil {
		t.Fatal(err)
	}
	a, da := slices.Clone(x), make([]float64, len(x))
	b, db := slices.Clone(x), make([]float64, len(x))
	s.Apply(a, da)
	loaded[0].Apply(b, db)
	if !slices.Equal(a, b) || !slices.Equal(da, db) {
		t.Error("the restored step differs")
	}
	if again, _ := json.Marshal(loaded); string(again) != string(data) {
		t.Errorf("saved again:\n%s\nbefore:\n%s", again, data)
	}
}

// Equal weights change nothing, and an event of weight 2 counts as two; events of negative weight do not count.
func TestStepWeights(t *testing.T) {
	eachStep(t, func(t *testing.T, c stepCase, s Step) {
		if c.kind == "quantile" && len(c.train) < 1000 {
			t.Skip("weights lower the effective number of events, on which the knots depend")
		}
		n := len(c.train)
		w := make([]float64, n+1)
		for i := range n {
			w[i] = 2.5
		}
		w[n] = -3
		x := append(slices.Clone(c.train), c.train[0])
		steps, _ := build([]StepSpec{{c.kind, c.options}})
		if err := steps[0].Fit(x, w); err != nil {
			t.Fatal(err)
		}
		for _, v := range c.train[:100] {
			a, b := at(s, v), at(steps[0], v)
			if math.Abs(a-b) > 1e-9*(1+math.Abs(a)) { // sums of weights round
				t.Errorf("%g -> %g without weights, %g with", v, a, b)
			}
		}
	})
}

// A fit does not depend on the unit of weights.
func TestPipelineWeightsOfAnyUnit(t *testing.T) {
	fit := func(unit float64) *Pipeline {
		tab := mixed(3000)
		w := events.Column{Name: "w", Type: events.Float64}
		for i := range tab.Len() {
			w.F64 = append(w.F64, float64(i%3+1)*unit)
		}
		tab.Columns, tab.Weight = append(tab.Columns, w), "w"
		return mustFit(t, tab, mixedNames, Spec{Columns: map[string][]StepSpec{"pt": {{Kind: "asinh"}, {Kind: "standardise"}}}})
	}
	want, err := json.Marshal(fit(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []float64{0x1p-152, 0x1p130, 0x1p1000, 0x1p-1000} { // powers of 2 round nothing
		if got, err := json.Marshal(fit(unit)); err != nil || string(got) != string(want) {
			t.Errorf("in units of %g the preparation is another (%v)", unit, err)
		}
	}
}

// The deviation of a column does not depend on its unit.
func TestStandardiseInAnyUnit(t *testing.T) {
	x := sample(1000)
	one := &standardise{}
	if err := one.Fit(x, nil); err != nil {
		t.Fatal(err)
	}
	for _, unit := range []float64{0x1p-900, 0x1p900} {
		s := &standardise{}
		if err := s.Fit(mapped(x, func(v float64) float64 { return v * unit }), nil); err != nil || s.Std != one.Std*unit || s.Mean != one.Mean*unit {
			t.Errorf("in units of %g: mean %g, deviation %g (%v)", unit, s.Mean/unit, s.Std/unit, err)
		}
	}
}
