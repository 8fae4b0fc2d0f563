package prep

import (
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

func angles(n int, low, high float64) []float64 {
	g := rng.New(9, rng.StreamToy, 0)
	x := make([]float64, n)
	for i := range x {
		_, turn := math.Modf(0.7 + 0.15*g.NormFloat64() + 3)
		x[i] = low + turn*(high-low)
	}
	return x
}

// A turn comes back to rounding, its seam lies where the fewest events do, and nothing leaves the range.
func TestPeriodic(t *testing.T) {
	for _, r := range [][2]float64{{-math.Pi, math.Pi}, {0, 2 * math.Pi}, {-180, 180}, {0, 360}} {
		s := &periodic{Low: r[0], High: r[1]}
		x := angles(5000, r[0], r[1])
		if err := s.Fit(x, nil); err != nil {
			t.Fatal(err)
		}
		saveAndLoad(t, s, x)
		turn := r[1] - r[0]
		if cut := (s.Cut - r[0]) / turn; math.Abs(cut-0.2) > 0.05 { // opposite to the peak
			t.Errorf("cut at %.2f of a turn, want 0.2", cut)
		}
		x = append(x, r[0], r[1])
		y, d := slices.Clone(x), make([]float64, len(x))
		s.Apply(y, d)
		if slices.Min(y) < 0 || slices.Max(y) >= 1 || y[5000] != y[5001] {
			t.Errorf("from %g to %g; the ends of the range become %g and %g", slices.Min(y), slices.Max(y), y[5000], y[5001])
		}
		s.Invert(y, d)
		for i, v := range y {
			if off := math.Abs(math.Remainder(v-x[i], turn)); off > 1e-12*turn || math.Abs(d[i]) > 1e-12 {
				t.Errorf("%g comes back as %g, log-dets differ by %g", x[i], v, d[i])
			}
		}
		all := append(grid(-3, 3, 1000), -1e300, 1e300, lowest, highest)
		s.Invert(all, nil)
		if slices.Min(all) < r[0] || slices.Max(all) > r[1] {
			t.Errorf("from %g to %g", slices.Min(all), slices.Max(all))
		}
	}
	x := []float64{0, 1, 7, -4}
	err := (&periodic{Low: -math.Pi, High: math.Pi}).Fit(x, nil)
	if want := "row 3: periodic takes values from -3.141592654 to 3.141592654, not 7; 2 of 4 lie outside"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// In single precision nothing that comes back exceeds pi either, which no float32 is equal to.
func TestAngleOfAutoStaysInItsRange(t *testing.T) {
	tab := &events.Table{Columns: []events.Column{{Name: "phi", F32: f32(angles(20000, -3.1415925, 3.1415925))}}}
	p := mustFit(t, tab, []string{"phi"}, Spec{})
	if c := p.Columns[0]; len(c.Steps) != 2 || c.Steps[0].Kind() != "periodic" || !strings.Contains(c.Why, "an angle") {
		t.Fatalf("steps %v: %s", c.Steps, c.Why)
	}
	back, _, err := p.Invert([][]float32{f32(grid(-9, 9, 100_000))})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range back.Columns[0].F32 {
		if math.Abs(float64(v)) > math.Pi {
			t.Fatalf("%v lies beyond pi", v)
		}
	}
}

// A rounded angle is one whether many events share each value or few, and what comes back is such a value of the turn.
func TestRoundedAngles(t *testing.T) {
	for _, c := range []struct {
		n         int
		turn, low float64
		step      float64
		kind      string
	}{
		{20000, 360, -180, 0.1, "dequantise"}, {6000, 360, -180, 0.1, "round"}, {4000, 2 * math.Pi, -math.Pi, 0.01, "dequantise"},
		{3000, 360, 0, 1, "dequantise"}, {3000, 2 * math.Pi, 0, 0.001, "round"}, {5000, 2 * math.Pi, 0, 0.1, "dequantise"},
	} {
		g := rng.New(8, rng.StreamToy, 0)
		phi := events.Column{Name: "phi", Type: events.Float64}
		for range c.n {
			phi.F64 = append(phi.F64, math.Round((c.low+c.turn*g.Float64())/c.step)*c.step)
		}
		p := mustFit(t, &events.Table{Columns: []events.Column{phi}}, []string{"phi"}, Spec{})
		steps := p.Columns[0].Spec
		if len(steps) != 3 || steps[0].Kind != c.kind || steps[1].Kind != "periodic" {
			t.Errorf("%d angles in steps of %g: %v", c.n, c.step, steps)
			continue
		}
		y := [][]float32{{-9, -5, 5, 9}}
		for range 20000 {
			y[0] = append(y[0], float32(g.NormFloat64()))
		}
		back, _, err := p.Invert(y)
		if err != nil {
			t.Fatal(err)
		}
		low, high := slices.Min(phi.F64), slices.Max(phi.F64)
		if c.kind == "round" { // no step more of the turn
			low, high = min(low, math.Ceil(c.low/c.step)*c.step), max(high, math.Floor((c.low+c.turn)/c.step)*c.step)
		}
		ends := 0
		for _, v := range back.Columns[0].F64 {
			if k := v / c.step; math.Abs(k-math.Round(k)) > 1e-6 || v < low-1e-9 || v > high+1e-9 {
				t.Fatalf("%d angles in steps of %g: %v", c.n, c.step, v)
			}
			if v < low+c.turn/100 {
				ends++
			}
		}
		if c.turn/c.step > 100 && (ends < 140 || ends > 270) { // 200 without the rounding
			t.Errorf("%d angles in steps of %g: %d of 20004 in the first hundredth", c.n, c.step, ends)
		}
	}
}

// A dead sector of an angle stays empty, its neighbours full, and what is generated goes by the density: integrated over all that
// the events fill it is 1.
func TestAngleLeavesADeadSectorEmpty(t *testing.T) {
	const n, drawn = 10000, 100_000
	for _, c := range []struct {
		name            string
		low, turn, step float64
		from, to        float64 // the dead sector
		steps           int
	}{
		{"degrees", 0, 360, 0, 60, 90, 2},
		{"radians", -math.Pi, 2 * math.Pi, 0, 1, 1.5, 2},
		{"a narrow sector", -180, 360, 0, 20, 26, 2},
		{"whole degrees", 0, 360, 1, 60, 90, 3},
		{"whole degrees around 0", -180, 360, 1, -10, 30, 3},
		{"two decimals", 0, 360, 0.01, 300, 340, 3},
		{"milliradians", 0, 2 * math.Pi, 0.001, 2, 2.5, 3},
	} {
		g := rng.New(21, rng.StreamToy, 0)
		phi := events.Column{Name: "phi", Type: events.Float64}
		for range n {
			v := c.low + (c.turn-(c.to-c.from))*g.Float64()
			if v >= c.from {
				v += c.to - c.from
			}
			if c.step > 0 {
				v = math.Floor(v/c.step) * c.step
			}
			phi.F64 = append(phi.F64, v)
		}
		p := mustFit(t, &events.Table{Columns: []events.Column{phi}}, []string{"phi"}, Spec{})
		if s := p.Columns[0].Spec; len(s) != c.steps || s[c.steps-2].Kind != "periodic" {
			t.Errorf("%s: %v", c.name, s)
			continue
		}
		saveAndLoad(t, p.Columns[0].Steps[c.steps-2], slices.Clone(phi.F64))
		y := make([]float32, drawn)
		for i := range y {
			y[i] = float32(g.NormFloat64())
		}
		back, _, err := p.Invert([][]float32{y})
		if err != nil {
			t.Fatal(err)
		}
		side := c.turn / 36
		dead, below, above := 0, 0.0, 0.0
		for _, v := range back.Columns[0].F64 {
			switch {
			case v > c.from && v < c.to-1e-9:
				dead++
			case v > c.from-side-1e-9 && v < c.from:
				below++
			case v >= c.to-1e-9 && v < c.to+side-1e-9:
				above++
			}
		}
		want := drawn * side / (c.turn - (c.to - c.from))
		if dead > 1 || math.Abs(below/want-1) > 0.1 || math.Abs(above/want-1) > 0.1 {
			t.Errorf("%s: %d in the dead sector, %.0f and %.0f beside it, want 0 and %.0f", c.name, dead, below, above, want)
		}
		if sum := integral(p, c.low, c.turn, c.step); math.Abs(sum-1) > 2e-3 {
			t.Errorf("%s: the density integrates to %.5f", c.name, sum)
		}
	}
}

// integral is that of the density of one angle.
func integral(p *Pipeline, low, turn, step float64) (sum float64) {
	cell := turn / 100_000
	from := low + cell/2
	if step == 1 { // per unit, of whole numbers, and a mean over the noise, which differs by event
		cell, from = 1./256, low
	}
	x := events.Column{Name: "phi", Type: events.Float64}
	for v := from; v < low+turn-1e-9; v += cell {
		if step == 1 {
			x.F64 = append(x.F64, math.Floor(v))
		} else {
			x.F64 = append(x.F64, v)
		}
	}
	y, d, err := p.Apply(&events.Table{Columns: []events.Column{x}}, nil)
	if err != nil {
		return math.NaN()
	}
	for i, v := range y[0] {
		sum += cell * math.Exp(d[i]+logNormal(float64(v)))
	}
	return sum
}

// Without a dead sector the turn is cut as ever, and the density is the same at both sides of the cut.
func TestAngleWithoutADeadSectorIsWhole(t *testing.T) {
	for _, density := range []string{"uniform", "a peak"} {
		phi := angles(20000, 0, 360)
		if density == "uniform" {
			g := rng.New(5, rng.StreamToy, 0)
			for i := range phi {
				phi[i] = 360 * g.Float64()
			}
		}
		p := mustFit(t, &events.Table{Columns: []events.Column{{Name: "phi", Type: events.Float64, F64: phi}}}, []string{"phi"}, Spec{})
		s, ok := p.Columns[0].Steps[0].(*periodic)
		if !ok || s.Filled != 0 || s.Cut == 0 || math.Abs(math.Remainder(s.Cut*64/360, 1)) > 1e-9 {
			t.Fatalf("%s: %+v", density, p.Columns[0].Steps[0])
		}
		if sum := integral(p, 0, 360, 0); math.Abs(sum-1) > 2e-3 {
			t.Errorf("%s: the density integrates to %.5f", density, sum)
		}
		beside := events.Column{Name: "phi", Type: events.Float64, F64: []float64{s.Cut - 1e-3, s.Cut + 1e-3}}
		y, d, err := p.Apply(&events.Table{Columns: []events.Column{beside}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ratio := math.Exp(d[0] - d[1] + logNormal(float64(y[0][0])) - logNormal(float64(y[0][1])))
		if density == "uniform" && math.Abs(ratio-1) > 0.01 || math.Abs(math.Log(ratio)) > 0.7 {
			t.Errorf("%s: the densities beside the cut are as 1 to %.3f", density, ratio)
		}
	}
}

// Angles that fill the circle evenly stay as they are for a flow that closes around it; a narrow peak or a dead sector keeps its quantiles.
func TestCircle(t *testing.T) {
	g := rng.New(3, rng.StreamToy, 0)
	all, peak, dead := events.Column{Name: "all"}, events.Column{Name: "peak"}, events.Column{Name: "dead"}
	for all.Len() < 5000 {
		u := 360 * g.Float64()
		all.F32 = append(all.F32, float32(u))
		if u < 20 {
			u /= 10
		}
		peak.F32 = append(peak.F32, float32(math.Mod(u+359, 360)))
		if v := 360 * g.Float64(); v < 100 || v > 130 {
			dead.F32 = append(dead.F32, float32(v))
		} else {
			dead.F32 = append(dead.F32, float32(v+100))
		}
	}
	table := &events.Table{Columns: []events.Column{all, peak, dead}}
	names := []string{"all", "peak", "dead"}
	p, _, err := Fit(table, names, Spec{Circles: map[string]bool{"all": true, "peak": true, "dead": true}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, false} {
		if got := p.Columns[i].Circle(); got != want {
			t.Errorf("%s: a circle is %v; %s", names[i], got, p.Columns[i].Why)
		}
	}
	cols, logDet, err := p.Apply(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lo, hi := slices.Min(cols[0]), slices.Max(cols[0]); lo < -math.Pi || hi > math.Pi || hi-lo < 6.2 {
		t.Errorf("from %g to %g, not from -pi to pi", lo, hi)
	}
	if p, _, err := Fit(table, names[:1], Spec{}, 1); err != nil || p.Columns[0].Circle() {
		t.Errorf("a circle for a flow that has none: %v", err)
	}
	back, more, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for e, v := range back.Columns[0].F32 {
		if off := math.Remainder(float64(v-all.F32[e]), 360); math.Abs(off) > 1e-4 || math.Abs(logDet[e]+more[e]) > 1e-3 {
			t.Fatalf("%g comes back as %g, with log-dets %g and %g", all.F32[e], v, logDet[e], more[e])
		}
	}
}

// The steps that a column with a mark names make the circle that auto made of its other values.
func TestCircleOfAMarkedAngleIsWhatItsStepsSay(t *testing.T) {
	g := rng.New(5, rng.StreamToy, 0)
	phi := events.Column{Name: "phi", Type: events.Float64}
	for range 4000 {
		v := math.Round(10*(360*g.Float64()-180)) / 10
		if g.IntN(5) == 0 {
			v = -999
		}
		phi.F64 = append(phi.F64, v)
	}
	table := &events.Table{Columns: []events.Column{phi}}
	auto, _, err := Fit(table, []string{"phi"}, Spec{Mixed: true, Circles: map[string]bool{"phi": true}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := &auto.Columns[0]
	said, _, err := Fit(table, []string{"phi"}, Spec{Mixed: true, Columns: map[string][]StepSpec{"phi": c.Spec}}, 1)
	if err != nil {
		t.Fatalf("%v: %v", c.Spec, err)
	}
	if d := &said.Columns[0]; !c.Circle() || !reflect.DeepEqual(c.Steps, d.Steps) || !reflect.DeepEqual(c.Own, d.Own) {
		t.Errorf("%v makes %v of what auto made %v", c.Spec, d.Steps, c.Steps)
	}
}

// inspect shows the circle that a training makes of an angle, beside a mark too.
func TestInspectionShowsCircles(t *testing.T) {
	g := rng.New(6, rng.StreamToy, 0)
	phi, marked := events.Column{Name: "phi", Type: events.Float64}, events.Column{Name: "marked", Type: events.Float64}
	for i := range 4000 {
		phi.F64, marked.F64 = append(phi.F64, math.Pi*(2*g.Float64()-1)), append(marked.F64, math.Pi*(2*g.Float64()-1))
		if i%5 == 0 {
			marked.F64[i] = -999
		}
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	out, err := events.Create(path)
	if err == nil {
		err = errors.Join(out.Write(&events.Table{Columns: []events.Column{phi, marked}}), out.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), []string{path}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"[{periodic: {circle: 1, ", "[atoms, {periodic: {circle: 1, "} {
		if !strings.HasPrefix(r.Columns[i].Plan, want) {
			t.Errorf("%s: %s (%s)", r.Columns[i].Name, r.Columns[i].Plan, r.Columns[i].Why)
		}
	}
}
