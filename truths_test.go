package sluice_test

import (
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/train"
)

// shape is a column whose distribution is known.
type shape struct {
	name      string
	low, high float64 // nothing lies beyond
	smooth    bool    // there is an outer 1 %
	draw      func(g *rng.Source) float64
	cdf       func(x float64) float64
}

var nowhere = math.Inf(1)

func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// choice draws one of so many values with the weights 1/(k+3), in the order of value.
func choice(n int, value func(k int) float64) (draw func(g *rng.Source) float64, cdf func(x float64) float64) {
	cum := make([]float64, n+1)
	for k := range n {
		cum[k+1] = cum[k] + 1/float64(k+3)
	}
	return func(g *rng.Source) float64 {
			return value(sort.SearchFloat64s(cum, g.Float64()*cum[n]+math.SmallestNonzeroFloat64) - 1)
		}, func(x float64) float64 {
			p := 0.0
			for k := range n {
				if value(k) <= x {
					p += cum[k+1] - cum[k]
				}
			}
			return p / cum[n]
		}
}

func shapes() []shape {
	drawCode, cdfCode := choice(100, func(k int) float64 { return math.Floor(1e9 * math.Mod(0.6180339887498949*float64(k+1), 1)) })
	return []shape{
		{"uniform", 0, 1, true, (*rng.Source).Float64, func(x float64) float64 { return min(max(x, 0), 1) }},
		{"exponential", 0, nowhere, true, func(g *rng.Source) float64 { return -math.Log1p(-g.Float64()) },
			func(x float64) float64 { return max(-math.Expm1(-x), 0) }},
		{"angle", -math.Pi, math.Pi, true, func(g *rng.Source) float64 { // density (1 + cos(x)/2)/(2 pi)
			for {
				if x := math.Pi * (2*g.Float64() - 1); g.Float64() < (1+math.Cos(x)/2)/1.5 {
					return x
				}
			}
		}, func(x float64) float64 { return (x + math.Sin(x)/2 + math.Pi) / (2 * math.Pi) }},
		{"Pareto 4 above 25", 25, nowhere, true, func(g *rng.Source) float64 { return 25 * math.Pow(1-g.Float64(), -0.25) },
			func(x float64) float64 { return 1 - math.Pow(max(x, 25)/25, -4) }},
		{"log-uniform, 20 decades", 1e-10, 1e10, true, func(g *rng.Source) float64 { return math.Pow(10, 20*g.Float64()-10) },
			func(x float64) float64 { return min(max((math.Log10(max(x, 1e-300))+10)/20, 0), 1) }},
		{"30 % at 0 + lognormal", 0, nowhere, false, func(g *rng.Source) float64 {
			if g.Float64() < 0.3 {
				return 0
			}
			return math.Exp(g.NormFloat64())
		}, func(x float64) float64 {
			if x < 0 {
				return 0
			}
			return 0.3 + 0.7*phi(math.Log(x))
		}},
		{"Poisson 3", 0, nowhere, false, func(g *rng.Source) float64 {
			n, p := -1.0, 1.0
			for ; p > math.Exp(-3); n++ {
				p *= g.Float64()
			}
			return n
		}, func(x float64) float64 {
			p, term := 0.0, math.Exp(-3)
			for k := 0.0; k <= x; k++ {
				p += term
				term *= 3 / (k + 1)
			}
			return p
		}},
		{"normal in steps of 0.1", -nowhere, nowhere, false, func(g *rng.Source) float64 { return math.Round(10*(10+g.NormFloat64())) / 10 },
			func(x float64) float64 { return phi((math.Floor(10*x+1e-9)+0.5)/10 - 10) }},
		{"100 codes", 0, 1e9, false, drawCode, cdfCode},
		{"peaks of 0.1 and 0.05", -nowhere, nowhere, true, func(g *rng.Source) float64 {
			if g.Float64() < 0.3 {
				return -10 + 0.1*g.NormFloat64()
			}
			return 10 + 0.05*g.NormFloat64()
		}, func(x float64) float64 { return 0.3*phi((x+10)/0.1) + 0.7*phi((x-10)/0.05) }},
		{"Cauchy", -nowhere, nowhere, true, func(g *rng.Source) float64 { return math.Tan(math.Pi * (g.Float64() - 0.5)) },
			func(x float64) float64 { return 0.5 + math.Atan(x)/math.Pi }},
	}
}

// table is n events of one column.
func (s shape) table(n int) *events.Table {
	g := rng.New(1, rng.StreamToy, 77)
	c := events.Column{Name: "x", Type: events.Float64}
	for range n {
		c.F64 = append(c.F64, s.draw(g))
	}
	return &events.Table{Columns: []events.Column{c}}
}

// BenchmarkTruths learns columns whose distribution is known, with all defaults, 20 seconds each, and generates a million
// events: go test -run - -bench Truths -benchtime 1x . The table stands in docs/performance.md.
func BenchmarkTruths(b *testing.B) {
	for _, s := range shapes() {
		b.Run(s.name, func(b *testing.B) {
			for range b.N {
				learned(b, s, 20, 1_000_000)
			}
		})
	}
}

// learned reports the Kolmogorov-Smirnov distance of generated events from the truth, how many lie beyond an edge, and the
// share of the truth's that the outer 1 % hold on either side.
func learned(b *testing.B, s shape, seconds float64, n int) {
	c := &card.Card{Table: s.table(50_000), Features: []string{"x"}, Seed: 1, Train: train.Config{MaxSeconds: seconds, Epochs: 1000}}
	r, err := sluice.Train(b.Context(), c, "", sluice.Options{})
	if err != nil {
		b.Fatal(err)
	}
	t, err := r.Density.Sample(n, nil, 1, 0)
	if err != nil {
		b.Fatal(err)
	}
	x, err := t.Columns[0].Floats(nil)
	if err != nil {
		b.Fatal(err)
	}
	slices.Sort(x)
	var ks, outside, low, high float64
	for i := 0; i < n; {
		j := i + 1
		for j < n && x[j] == x[i] {
			j++
		}
		before, at := s.cdf(x[i]-max(1e-8*math.Abs(x[i]), 1e-300)), s.cdf(x[i])
		ks = max(ks, math.Abs(before-float64(i)/float64(n)), math.Abs(at-float64(j)/float64(n)))
		switch many := float64(j - i); {
		case x[i] < s.low || x[i] > s.high:
			outside += many
		case at < 0.01:
			low += many
		case before > 0.99:
			high += many
		}
		i = j
	}
	b.ReportMetric(ks, "KS")
	b.ReportMetric(outside, "outside")
	if s.smooth {
		b.ReportMetric(low/(0.01*float64(n)), "low1%")
		b.ReportMetric(high/(0.01*float64(n)), "high1%")
	}
	b.ReportMetric(float64(r.Epochs), "epochs")
}
