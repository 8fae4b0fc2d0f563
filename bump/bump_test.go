package bump

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
)

// falling is a spectrum of the function that is fitted, of about so many events.
func falling(events float64, r *rng.Source) *Spectrum {
	edges := make([]float64, 61)
	for k := range edges {
		edges[k] = 2.5 + 0.05*float64(k)
	}
	s, err := New(edges)
	if err != nil {
		panic(err)
	}
	var sum float64
	expected := make([]float64, 60)
	for k := range expected {
		x := (s.Edges[k] + 0.025) / 11
		expected[k] = math.Pow(1-x, 6) / math.Pow(x, 4+0.3*math.Log(x))
		sum += expected[k]
	}
	for k := range expected {
		s.Counts[k] = distuv.Poisson{Lambda: events * expected[k] / sum, Src: r}.Rand()
	}
	return s
}

// The prediction of a window has the error that it claims, and its p is uniform without signal, with many events and with few.
func TestWindowWithoutSignal(t *testing.T) {
	for _, n := range []float64{20_000, 300} {
		r := rng.New(3, rng.StreamTest, 2)
		var p []float64
		for range 1000 {
			s := falling(n, r)
			null, err := s.Smoothed()
			if err != nil {
				t.Fatal(err)
			}
			expected, deviation, err := null.Beside(16, 24)
			if err != nil {
				t.Fatal(err)
			}
			observed := s.Sum(16, 24)
			// between the p of as many and of more, which makes a discrete p uniform
			most, least := P(observed, expected, deviation), P(observed+1, expected, deviation)
			p = append(p, least+(most-least)*r.Float64())
		}
		if chance := stats.Uniform(p).P; chance < 0.05 {
			t.Errorf("%g events: the p of a window is not uniform: KS p %.2g", n, chance)
		}
	}
}

// The global p of spectra without signal is uniform, with many events and with few.
func TestHuntWithoutSignal(t *testing.T) {
	if testing.Short() {
		t.Skip("fits 200,000 spectra")
	}
	for _, n := range []float64{20_000, 300} {
		r := rng.New(3, rng.StreamTest, 4)
		var p []float64
		for k := range 40 {
			s := falling(n, r)
			null, err := s.Smoothed()
			if err != nil {
				t.Fatal(err)
			}
			h, err := s.Hunt(context.Background(), null, uint64(k), 30)
			if err != nil {
				t.Fatal(err)
			}
			p = append(p, h.GlobalP)
		}
		if chance := stats.Uniform(p).P; chance < 1e-3 {
			t.Errorf("%g events: the global p is not uniform: KS p %.2g", n, chance)
		}
	}
}

// A p of a number whose mean is known well is that of Poisson, and a large error of the mean makes an excess likelier.
func TestP(t *testing.T) {
	poisson := 1 - distuv.Poisson{Lambda: 10}.CDF(19)
	if p := P(20, 10, 0); math.Abs(p/poisson-1) > 1e-9 {
		t.Errorf("%g, not %g", p, poisson)
	}
	if p := P(20, 10, 1e-4); math.Abs(p/poisson-1) > 1e-4 {
		t.Errorf("%g, not %g", p, poisson)
	}
	if a, b := P(20, 10, 1), P(20, 10, 3); !(poisson < a && a < b) {
		t.Errorf("%g, %g and %g do not rise", poisson, a, b)
	}
}

// The tail takes over where no pseudo-experiment is as extreme, without a jump for an exponential.
func TestTail(t *testing.T) {
	r := rng.New(5, rng.StreamTest, 3)
	x := make([]float64, 10_000)
	for i := range x {
		x[i] = -math.Log(1 - r.Float64())
	}
	for _, v := range []float64{2, 5, 15, 30} {
		p, tail := beyond(x, v)
		if ratio := math.Log(p) / -v; math.Abs(ratio-1) > 0.1 || tail != (v > 12) {
			t.Errorf("p of %g is %g (tail %v), where exp(-t) is true", v, p, tail)
		}
	}
}

// A bump that is wider than its window is expected in no part, and found where it is.
func TestWideBump(t *testing.T) {
	s := falling(2000, rng.New(3, rng.StreamTest, 5))
	for k := range s.Counts { // 300 events, a third of them outside of the bins from 16 to 24
		z := (float64(k) - 19.5) / 4
		s.Counts[k] += math.Round(300 / 4 / math.Sqrt(2*math.Pi) * math.Exp(-z*z/2))
	}
	null, err := s.Smoothed()
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Hunt(context.Background(), null, 1, 50)
	if err != nil {
		t.Fatal(err)
	}
	if h.Window[0] < 3.2 || h.Window[1] > 3.8 || h.Observed-h.Expected < 140 {
		t.Errorf("found %+v", h)
	}
}

// Over an estimate, the global p is uniform where it is right within its errors, and an excess is found.
func TestOverEstimate(t *testing.T) {
	r := rng.New(3, rng.StreamTest, 6)
	bins := falling(0, r)
	expected, alone, together := make([]float64, 60), make([]float64, 60), make([]float64, 60)
	for k := range expected {
		expected[k], alone[k], together[k] = 100, 5, 8
	}
	e, err := NewEstimate(bins, expected, alone, together)
	if err != nil {
		t.Fatal(err)
	}
	var p []float64
	for k := range 80 {
		s, _, err := e.Draw(r)
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.Hunt(context.Background(), e, uint64(k), 100)
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, h.GlobalP)
	}
	if chance := stats.Uniform(p).P; chance < 1e-3 {
		t.Errorf("the global p is not uniform: KS p %.2g", chance)
	}
	s, _, err := e.Draw(r)
	if err != nil {
		t.Fatal(err)
	}
	for k := 30; k < 34; k++ {
		s.Counts[k] += 80
	}
	h, err := s.Hunt(context.Background(), e, 1, 200)
	if err != nil || h.Window[0] < 4 || h.Window[1] > 4.2 || h.GlobalP > 0.01 {
		t.Errorf("found %+v, %v", h, err)
	}
	for _, bad := range [][]float64{{1}, append(expected[:59:59], math.NaN()), append(expected[:59:59], -1)} {
		if _, err := NewEstimate(bins, bad, nil, nil); err == nil {
			t.Errorf("%v is an estimate", bad)
		}
	}
}

// Bins are of one width, above 0; an event at an edge is in the bin above.
func TestBins(t *testing.T) {
	for _, bad := range [][]float64{nil, {1}, {0, 1}, {1, 2, 4}, {2, 1}, {1, math.NaN()}} {
		if _, err := New(bad); err == nil {
			t.Errorf("%v are bins", bad)
		}
	}
	s, err := New([]float64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if s = s.Of([]float64{0.5, 1, 1.5, 2, 3}); s.Counts[0] != 2 || s.Counts[1] != 1 {
		t.Errorf("%v in the bins", s.Counts)
	}
}
