package toy

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

func generate(t *testing.T, name string, n int, o Options) *events.Table {
	t.Helper()
	tab, err := Generate(name, n, 5, o)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

var variants = []struct {
	name string
	o    Options
}{
	{"banana", Options{}},
	{"banana", Options{Standardise: true}},
	{"two-moons", Options{}},
	{"two-moons", Options{Noise: 0.2}},
	{"two-moons", Options{Standardise: true}},
	{"U1", Options{}},
	{"U2", Options{}},
	{"U3", Options{Standardise: true}},
	{"U4", Options{}},
}

// The events drawn have the density that is claimed: their mean log density is the entropy, within five
// standard errors, and so is the one given the part. A shift or a scale of the events that the density does
// not know raises the first.
func TestEventsFollowTheDensity(t *testing.T) {
	const n = 5000
	for _, v := range variants {
		d := distribution(t, v.name, v.o)
		tab := generate(t, v.name, n, v.o)
		check := func(what string, want float64, nll func(x []float64, i int) float64) {
			var s, s2 float64
			for i := range n {
				l := nll([]float64{tab.Columns[0].Float(i), tab.Columns[1].Float(i)}, i)
				s += l / n
				s2 += l * l / n
			}
			if e := math.Sqrt((s2 - s*s) / n); !(math.Abs(s-want) < 5*e) {
				t.Errorf("%s %+v: mean NLL%s is %.4f +- %.4f, the entropy %.4f", v.name, v.o, what, s, e, want)
			}
		}
		check("", d.Entropy(), func(x []float64, _ int) float64 { return -d.LogDensity(x) })
		check(" given the part", d.EntropyGiven(), func(x []float64, i int) float64 {
			part := 0
			if d.Label() != "" {
				part = int(tab.Columns[2].Float(i))
			}
			return -d.LogDensityGiven(part, x)
		})
	}
}

func TestStandardisedColumns(t *testing.T) {
	const n = 40_000
	for _, name := range Distributions() {
		tab := generate(t, name, n, Options{Standardise: true})
		for k := range 2 {
			var m, v float64
			for i := range n {
				x := tab.Columns[k].Float(i)
				m += x / n
				v += x * x / n
			}
			// five standard errors; a kurtosis of 5.3 (x1 of the banana) is the largest
			if math.Abs(m) > 0.025 || math.Abs(v-1) > 0.06 {
				t.Errorf("%s: column %d has mean %.3f, mean square %.3f", name, k, m, v)
			}
		}
	}
}

func TestDensityIntegratesToOne(t *testing.T) {
	for _, v := range variants {
		d := distribution(t, v.name, v.o)
		mean, variance := d.moments()
		h := 0.05 // of a standard deviation; less than the noise of every variant
		var s float64
		for x := -5.0; x < 9; x += h {
			for y := -5.0; y < 5; y += h {
				p := []float64{mean[0] + x*math.Sqrt(variance[0]), mean[1] + y*math.Sqrt(variance[1])}
				for k := range p {
					p[k] = (p[k] - d.mean[k]) / d.std[k]
				}
				s += math.Exp(d.LogDensity(p))
			}
		}
		s *= h * h * math.Sqrt(variance[0]*variance[1]) / (d.std[0] * d.std[1])
		if math.Abs(s-1) > 1e-4 { // the banana's tail beyond the grid
			t.Errorf("%s %+v: the density integrates to %.6f", v.name, v.o, s)
		}
	}
}

// Far from the arcs the log density is -d^2/(2 sigma^2) with d the distance to the nearest place on an arc,
// plus the log of how much of the arc contributes. It must neither overflow nor lose its digits.
func TestDensityFarAway(t *testing.T) {
	d := distribution(t, "two-moons", Options{})
	for _, r := range []float64{10, 1e3, 1e6, 1e12} {
		for phi := -3.0; phi < 3.2; phi += 0.3 {
			x := []float64{0.5 + r*math.Cos(phi), 0.25 + r*math.Sin(phi)}
			nearest := math.Inf(1)
			for i := range 100_001 {
				s, c := math.Sincos(math.Pi * float64(i) / 100_000)
				nearest = min(nearest, math.Hypot(x[0]-c, x[1]-s), math.Hypot(x[0]-1+c, x[1]-0.5+s))
			}
			got, leading := d.LogDensity(x), -nearest*nearest/(2*0.05*0.05)
			// that log is some tens; the search for the nearest place misses it by pi/2e5 at most, which adds
			// r (pi/2e5)^2/(2 sigma^2); the last term is the rounding of d
			if !(math.Abs(got-leading) < 60+1e-7*r+1e-14*math.Abs(leading)) {
				t.Errorf("at r = %g, phi = %.1f: log density %g, leading term %g", r, phi, got, leading)
			}
		}
	}
}

func TestEventDependsOnSeedAndIndexAlone(t *testing.T) {
	for _, v := range variants {
		long, short := generate(t, v.name, 3000, v.o), generate(t, v.name, 1100, v.o)
		for k := range short.Columns {
			if !slices.Equal(long.Columns[k].F32[:1100], short.Columns[k].F32) {
				t.Errorf("%s: column %d depends on how many events are drawn", v.name, k)
			}
		}
		other, err := Generate(v.name, 1100, 6, v.o)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(other.Columns[0].F32, short.Columns[0].F32) {
			t.Errorf("%s does not depend on the seed", v.name)
		}
	}
}

func TestMoonsAreLabelled(t *testing.T) {
	tab := generate(t, "two-moons", 10_000, Options{})
	c, err := tab.Column("moon")
	if err != nil {
		t.Fatal(err)
	}
	var lower float64
	for i, m := range c.F32 {
		lower += float64(m)
		// the distance to the moon's own circle is the noise: 6 sigma at most
		x, y := tab.Columns[0].Float(i), tab.Columns[1].Float(i)
		if m == 1 {
			x, y = 1-x, 0.5-y
		}
		if math.Abs(math.Hypot(x, y)-1) > 0.3 {
			t.Fatalf("event %d is not on moon %g", i, m)
		}
	}
	if math.Abs(lower-5000) > 250 { // five standard deviations of a fair coin
		t.Errorf("%g of 10000 events are of the lower moon", lower)
	}
}

func TestWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		o    Options
		want string
	}{
		{"two moons", 1, Options{}, `no toy "two moons"; there is banana, two-moons`},
		{"two-moons", 1, Options{Noise: -1}, "noise of -1"},
		{"two-moons", 1, Options{Noise: math.NaN()}, "noise of NaN"},
		{"banana", 1, Options{Noise: 0.1}, "no noise"},
		{"slcp", 1, Options{Noise: 0.1}, "slcp is a simulator"},
		{"slcp", 0, Options{}, "0 events"},
		{"banana", 0, Options{}, "0 events"},
		{"banana", -5, Options{}, "-5 events"},
		{"banana", 1 << 40, Options{}, "1099511627776 events"},
	} {
		if _, err := Generate(c.name, c.n, 1, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %d, %+v: %v does not say %q", c.name, c.n, c.o, err, c.want)
		}
	}
}
