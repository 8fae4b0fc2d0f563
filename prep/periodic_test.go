package prep

import (
	"math"
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
