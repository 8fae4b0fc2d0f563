package mcmc_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/mcmc"
	"github.com/sluice-hep/sluice/toy"
)

// scattered are walkers of normal positions.
func scattered(walkers, dim int, width float64) [][]float64 {
	src := rng.New(1, rng.StreamTest, 0)
	rows := make([][]float64, walkers)
	for w := range rows {
		for range dim {
			rows[w] = append(rows[w], width*src.NormFloat64())
		}
	}
	return rows
}

// below checks that the share of draws of parameter k that are below each value is what it should be, within so many of its errors.
func below(t *testing.T, draws [][]float64, ess float64, k int, at map[float64]float64) {
	t.Helper()
	for value, want := range at {
		n := 0
		for _, x := range draws {
			if x[k] < value {
				n++
			}
		}
		got, err := float64(n)/float64(len(draws)), math.Sqrt(want*(1-want)/ess)
		if math.Abs(got-want) > 4*err {
			t.Errorf("parameter %d: a share of %.4f below %g, which should be %.4f +- %.4f", k, got, value, want, err)
		}
	}
}

// A normal density in 7 dimensions, of correlations 0.5^|i-j| and widths of six orders of magnitude about means of their own.
func TestNormal(t *testing.T) {
	const dim, rho = 7, 0.5
	width, mean := make([]float64, dim), make([]float64, dim)
	for k := range width {
		width[k], mean[k] = math.Pow(10, float64(k)-3), 3*math.Pow(10, float64(k)-3)
	}
	logDensity := func(x []float64) float64 { // an autoregressive process
		sum, before := 0.0, 0.0
		for k, v := range x {
			z := (v - mean[k]) / width[k]
			if k == 0 {
				sum -= z * z / 2
			} else {
				sum -= (z - rho*before) * (z - rho*before) / 2 / (1 - rho*rho)
			}
			before = z
		}
		return sum
	}
	start := scattered(40, dim, 2)
	for _, row := range start {
		for k := range row {
			row[k] *= width[k]
		}
	}
	draws, d, err := mcmc.Run(context.Background(), logDensity, start, 8000, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if d.Steps != 6000 || d.Burned != 2000 || len(draws) != 6000*40 {
		t.Errorf("%d draws of %d steps after %d", len(draws), d.Steps, d.Burned)
	}
	if d.Acceptance < 0.2 || d.Acceptance > 0.6 {
		t.Errorf("acceptance %.3f", d.Acceptance)
	}
	for k := range dim {
		var m, v, c float64
		for _, x := range draws {
			z := (x[k] - mean[k]) / width[k]
			m += z
			v += z * z
			if k > 0 {
				c += z * (x[k-1] - mean[k-1]) / width[k-1]
			}
		}
		n, err := float64(len(draws)), 1/math.Sqrt(d.ESS[k])
		if m/n > 4*err || m/n < -4*err {
			t.Errorf("parameter %d: mean %.4f of its width off, error %.4f", k, m/n, err)
		}
		if math.Abs(v/n-1) > 4*math.Sqrt2*err {
			t.Errorf("parameter %d: variance %.4f of the true one, error %.4f", k, v/n, math.Sqrt2*err)
		}
		if k > 0 && math.Abs(c/n-rho) > 4*math.Sqrt(1+rho*rho)*err {
			t.Errorf("parameters %d and %d: correlation %.4f, error %.4f", k-1, k, c/n, math.Sqrt(1+rho*rho)*err)
		}
		below(t, draws, d.ESS[k], k, map[float64]float64{mean[k] - width[k]: 0.158655, mean[k]: 0.5, mean[k] + 1.959964*width[k]: 0.975})
	}
}

// The error that the autocorrelation time gives a mean is that of many chains.
func TestErrors(t *testing.T) {
	const chains = 60
	var square, claimed float64
	for seed := range uint64(chains) {
		draws, d, err := mcmc.Run(context.Background(), func(x []float64) float64 { return -(x[0]*x[0] + x[1]*x[1]) / 2 }, scattered(8, 2, 1), 5000, seed, 1)
		if err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, x := range draws {
			mean += x[0] / float64(len(draws))
		}
		square += mean * mean / chains
		claimed += 1 / d.ESS[0] / chains
	}
	// the square scatters by sqrt(2/60) of itself
	if r := square / claimed; r < 0.45 || r > 1.6 {
		t.Errorf("means scatter by a variance of %.3g, where the autocorrelation time says %.3g", square, claimed)
	}
}

func TestToys(t *testing.T) {
	for _, c := range []struct {
		name  string
		noise float64
		steps int
	}{{"banana", 0, 30_000}, {"two-moons", 0.2, 10_000}} {
		t.Run(c.name, func(t *testing.T) {
			d, err := toy.New(c.name, toy.Options{Noise: c.noise})
			if err != nil {
				t.Fatal(err)
			}
			draws, diag, err := mcmc.Run(context.Background(), d.LogDensity, scattered(20, 2, 1), c.steps, 5, 2)
			if err != nil {
				t.Fatal(err)
			}
			events, err := d.Generate(400_000, 2)
			if err != nil {
				t.Fatal(err)
			}
			for k := range 2 {
				x := slices.Sorted(slices.Values(events.Columns[k].F32))
				at := map[float64]float64{}
				for _, p := range []float64{0.025, 0.16, 0.5, 0.84, 0.975} {
					at[float64(x[int(p*float64(len(x)))])] = p
				}
				below(t, draws, min(diag.ESS[k], 100_000), k, at) // the events have errors too
			}
		})
	}
}

// Draws follow from the seed, whatever the threads.
func TestThreads(t *testing.T) {
	logDensity := func(x []float64) float64 { return -math.Abs(x[0]) - x[1]*x[1] - math.Abs(x[2]-x[0]) }
	run := func(seed uint64, threads int) ([][]float64, mcmc.Diagnostics) {
		draws, d, err := mcmc.Run(context.Background(), logDensity, scattered(12, 3, 1), 6000, seed, threads)
		if err != nil {
			t.Fatal(err)
		}
		return draws, d
	}
	one, d1 := run(7, 1)
	for _, threads := range []int{2, 5, 0} {
		if other, d := run(7, threads); !reflect.DeepEqual(one, other) || !reflect.DeepEqual(d1, d) {
			t.Errorf("%d threads give other draws than one", threads)
		}
	}
	if other, _ := run(8, 1); reflect.DeepEqual(one, other) {
		t.Error("another seed gives the same draws")
	}
}

// No draw lies where the density is 0, and those near an edge are as many as they should be.
func TestEdges(t *testing.T) {
	simplex := func(x []float64) float64 { // uniform on three fractions
		if x[0] < 0 || x[1] < 0 || x[0]+x[1] > 1 {
			return math.Inf(-1)
		}
		return 0
	}
	start := scattered(10, 2, 0.3) // some of them outside
	draws, d, err := mcmc.Run(context.Background(), simplex, start, 20_000, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range draws {
		if simplex(x) != 0 {
			t.Fatalf("a draw at %g", x)
		}
	}
	for k := range 2 {
		below(t, draws, d.ESS[k], k, map[float64]float64{0.1: 1 - 0.81, 0.5: 0.75})
	}
}

func TestRefused(t *testing.T) {
	normal := func(x []float64) float64 { return -x[0] * x[0] / 2 }
	plane := scattered(8, 2, 1)
	for _, row := range plane {
		row[1] = 3 - 2*row[0]
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		logDensity func([]float64) float64
		start      [][]float64
		steps      int
		want       string
	}{
		{normal, nil, 100, "no walkers"},
		{normal, scattered(7, 2, 1), 100, "7 walkers in 2 dimensions: take an even number, at least 4"},
		{normal, scattered(2, 2, 1), 100, "2 walkers in 2 dimensions"},
		{normal, [][]float64{{1}, {math.NaN()}}, 100, "walker 2 starts at [NaN]"},
		{normal, [][]float64{{1}, {1, 2}}, 100, "walker 2 has 2 parameters, the first 1"},
		{normal, scattered(4, 1, 0), 100, "at one point"},
		{normal, plane, 100, "in one plane"},
		{normal, scattered(4, 1, 1), 3, "3 steps; at least 4"},
		{normal, scattered(8, 2, 1), 60, "are needed: take"},
		{func([]float64) float64 { return math.Inf(-1) }, scattered(4, 1, 1), 100, "the density is 0 where every one of the 4 walkers starts"},
		{func([]float64) float64 { return math.NaN() }, scattered(4, 1, 1), 100, "the log-density is NaN at"},
		{func(x []float64) float64 { // one walker has a density, which the others never reach
			if x[0] == 0 {
				return 0
			}
			return math.Inf(-1)
		}, [][]float64{{0}, {1}, {2}, {3}}, 100, "3 of 4 walkers are still where the density is 0"},
	} {
		if _, _, err := mcmc.Run(context.Background(), c.logDensity, c.start, c.steps, 1, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, not one with %q", err, c.want)
		}
	}
	if _, _, err := mcmc.Run(ended, normal, scattered(4, 1, 1), 100, 1, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A chain that is too short says how many steps are enough; one with a walker that never gets to the others is too short however long.
func TestShort(t *testing.T) {
	normal := func(x []float64) float64 { return -(x[0]*x[0] + x[1]*x[1]) / 2 }
	_, d, err := mcmc.Run(context.Background(), normal, scattered(8, 2, 1), 300, 1, 1)
	var short *mcmc.ShortError
	if !errors.As(err, &short) || short.Tau != max(d.Tau[0], d.Tau[1]) {
		t.Fatalf("%v of %+v", err, d)
	}
	if _, _, err = mcmc.Run(context.Background(), normal, scattered(8, 2, 1), 5000, 1, 1); err != nil {
		t.Error(err)
	}
	apart := func(x []float64) float64 { // two boxes, of which no line to a walker hits another
		if math.Abs(x[0]) < 1 || math.Abs(x[0]-1000) < 1 {
			return 0
		}
		return math.Inf(-1)
	}
	if _, _, err := mcmc.Run(context.Background(), apart, [][]float64{{0}, {0.3}, {-0.5}, {1000}, {999.5}, {1000.2}}, 5000, 1, 1); !errors.As(err, &short) {
		t.Errorf("walkers in two places: %v", err)
	}
}

// steps of a walker do not allocate but for the draws.
func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := mcmc.Run(context.Background(), func(x []float64) float64 { return -x[0] * x[0] / 2 }, scattered(20, 1, 1), 5000, 1, 1); err != nil {
			b.Fatal(err)
		}
	}
}
