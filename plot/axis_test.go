package plot

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// value reads a tick's label back.
func value(t tick) (float64, error) {
	s := strings.NewReplacer("−", "-", "×10", "e").Replace(t.label)
	return strconv.ParseFloat(s+strings.Replace(t.sup, "−", "-", 1), 64)
}

func TestLinearTicksSayWhereTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := math.Pow(10, rapid.Float64Range(-12, 12).Draw(t, "log size"))
		lo := size * rapid.Float64Range(-3, 3).Draw(t, "lo")
		hi := lo + size*rapid.Float64Range(0.01, 3).Draw(t, "width")
		a := newAxis(lo, hi, false, 6, "")
		labelled, last := 0, math.Inf(-1)
		for _, k := range a.ticks {
			slack := (hi - lo) * 1e-6
			if k.at < lo-slack || k.at > hi+slack || k.at <= last {
				t.Fatalf("tick at %g of [%g, %g] after %g", k.at, lo, hi, last)
			}
			last = k.at
			if !k.major() {
				continue
			}
			labelled++
			if v, err := value(k); err != nil || math.Abs(v-k.at) > (hi-lo)*1e-3 {
				t.Fatalf("the tick at %g says %s %s", k.at, k.label, k.sup)
			}
		}
		if labelled < 2 || labelled > 11 {
			t.Fatalf("%d labels on [%g, %g]", labelled, lo, hi)
		}
	})
}

func TestLogTicks(t *testing.T) {
	labels := func(lo, hi float64, n int) (s []string) {
		a := newAxis(lo, hi, true, n, "")
		for _, k := range a.ticks {
			if k.major() {
				s = append(s, k.label+"^"+k.sup)
			}
		}
		return s
	}
	for _, c := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{0.5, 2000, 8, "1^ 10^ 10^2 10^3"},
		{1e-4, 0.02, 8, "10^−4 10^−3 10^−2"},
		{1e-8, 1e8, 8, "10^−8 10^−6 10^−4 10^−2 1^ 10^2 10^4 10^6 10^8"},
	} {
		if got := strings.Join(labels(c.lo, c.hi, c.n), " "); got != c.want {
			t.Errorf("[%g, %g]: %s, not %s", c.lo, c.hi, got, c.want)
		}
	}
}

// The labels of a horizontal axis have room beside each other.
func TestXAxisLabelsFit(t *testing.T) {
	for _, r := range [][2]float64{{0, 1}, {1e6, 1.0001e6}, {-3e-9, 5e-9}, {0, 123456}, {1.00001, 1.00002}} {
		a := newXAxis(r[0], r[1], false, 260, "")
		right := 0.0
		for i, k := range a.ticks {
			if !k.major() {
				continue
			}
			at := a.at(k.at) * 260
			if left := at - k.width()/2; i > 0 && right > 0 && left < right+2 {
				t.Errorf("%v: label %s at %.0f begins at %.1f, but the one before ends at %.1f", r, k.label, at, left, right)
			}
			right = at + k.width()/2
		}
	}
}

func testFrame(x, y axis) *frame {
	return &frame{box: box{10, 20, 110, 70}, x: x, y: y}
}

func TestPolylineStaysInTheFrame(t *testing.T) {
	f := testFrame(newAxis(0, 5, false, 5, ""), newAxis(0, 1, false, 5, ""))
	p := f.polyline([]float64{0, 1, 2, 3, 4, 5}, []float64{100, 0.5, math.NaN(), 0.2, 0.3, -7})
	moves := 0
	for _, c := range p {
		if c.letter == 'M' {
			moves++
		}
		if c.y < 20-1e-6 || c.y > 70+1e-6 {
			t.Errorf("a point at height %g of a frame from 20 to 70", c.y)
		}
	}
	if moves != 2 {
		t.Errorf("%d pieces, not the 2 on both sides of the gap", moves)
	}
	// From (0, 100) to (1, 0.5): the curve enters through the frame's top, just before x = 1.
	if first := p[0].point; math.Abs(first.y-70) > 1e-6 || first.x < 29 || first.x > 30 {
		t.Errorf("the curve enters at %v, not at the top just before x = 1", first)
	}
}

func TestFit(t *testing.T) {
	for _, s := range []string{"", "m", "missing_transverse_energy_phi", strings.Repeat("W", 5000), "日本語の列の名前がとても長い"} {
		got := fit(s, smallSize, 60)
		if w := textWidth(smallSize, got); w > 60 {
			t.Errorf("%.20q became %q, %.0f wide", s, got, w)
		}
		if textWidth(smallSize, s) <= 60 && got != s {
			t.Errorf("%q fits, but became %q", s, got)
		}
	}
	if got := fit("missing_transverse_energy_phi", smallSize, 80); !strings.HasPrefix(got, "missing") || !strings.HasSuffix(got, "phi") {
		t.Errorf("%q has lost its ends", got)
	}
}
