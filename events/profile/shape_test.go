package profile

import (
	"math"
	"strconv"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// columnOf holds n draws.
func columnOf(t events.Type, n int, draw func(g *rng.Source) float64) *events.Table {
	g := rng.New(6, rng.StreamToy, 1)
	c := events.Column{Type: t}
	for range n {
		switch v := draw(g); t {
		case events.Float32:
			c.F32 = append(c.F32, float32(v))
		case events.Int64:
			c.I64 = append(c.I64, int64(v))
		default:
			c.F64 = append(c.F64, v)
		}
	}
	return &events.Table{Columns: []events.Column{c}}
}

func exponential(g *rng.Source) float64 { return -math.Log(1 - g.Float64()) }

func TestEdges(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		name      string
		low, high float64
		angle     bool
		draw      func(g *rng.Source) float64
	}{
		{"uniform", 0, 1, false, (*rng.Source).Float64},
		{"cut at 25", 25, none, false, func(g *rng.Source) float64 { return 25 * math.Pow(1-g.Float64(), -0.25) }},
		{"exponential", 0, none, false, exponential},
		{"within 2.5", -2.5, 2.5, false, func(g *rng.Source) float64 { return 5*g.Float64() - 2.5 }},
		{"up to 0.7", none, 0.7, false, func(g *rng.Source) float64 { return 0.7 - exponential(g) }},
		{"negative", none, 0, false, func(g *rng.Source) float64 { return -exponential(g) }},
		{"normal", none, none, false, (*rng.Source).NormFloat64},
		{"logistic", none, none, false, func(g *rng.Source) float64 { u := g.Float64(); return math.Log(u / (1 - u)) }},
		{"Cauchy", none, none, false, func(g *rng.Source) float64 { return math.Tan(math.Pi * (g.Float64() - 0.5)) }},
		{"lognormal", 0, none, false, func(g *rng.Source) float64 { return math.Exp(g.NormFloat64()) }},
		{"a mass, far from 0", none, none, false, func(g *rng.Source) float64 { return 91 + 2*g.NormFloat64() }},
		{"met, linear at 0", 0, none, false, func(g *rng.Source) float64 { return math.Hypot(g.NormFloat64(), g.NormFloat64()) }},
		{"cut at 1, falling slowly", 1, none, false, func(g *rng.Source) float64 { return 1 + 30*exponential(g) }},
		{"rounded, within 2.5", -2.5, 2.5, false, func(g *rng.Source) float64 {
			for {
				if v := math.Round(13000*g.NormFloat64()) / 10000; math.Abs(v) <= 2.5 {
					return v
				}
			}
		}},
		{"decades", 1e-10, 1e10, false, func(g *rng.Source) float64 { return math.Pow(10, 20*g.Float64()-10) }},
		{"absolute angle", 0, math.Pi, false, func(g *rng.Source) float64 { return 3.14159 * g.Float64() }},
		{"angle", -math.Pi, math.Pi, true, func(g *rng.Source) float64 { return math.Remainder(g.NormFloat64()*2, 2*math.Pi) }},
		{"angle in single precision", -math.Pi, math.Pi, true, func(g *rng.Source) float64 { return float64(float32(2*math.Pi*g.Float64() - math.Pi)) }},
		{"turn", 0, 2 * math.Pi, true, func(g *rng.Source) float64 { return 2 * math.Pi * g.Float64() }},
		{"degrees", 0, 360, true, func(g *rng.Source) float64 { return 360 * g.Float64() }},
		{"degrees about 0", -180, 180, true, func(g *rng.Source) float64 { return 360*g.Float64() - 180 }},
	} {
		for _, n := range []int{3000, 100_000} {
			tab := columnOf(events.Float64, n, c.draw)
			if c.name == "decades" && n == 3000 {
				continue // 5 % of them lie within the last decade, whose density rises tenfold towards the middle
			}
			s := Summarise(tab)[0]
			check := func(side string, got *float64, want, end float64) {
				switch {
				case got == nil && math.IsNaN(want):
				case got == nil || math.IsNaN(want):
					t.Errorf("%s, %d events: %s edge %v, want %v", c.name, n, side, got, want)
				case *got != want && !(c.angle && *got == end):
					t.Errorf("%s, %d events: %s edge %v, want %v", c.name, n, side, *got, want)
				}
			}
			check("low", s.LowEdge, c.low, s.Min)
			check("high", s.HighEdge, c.high, s.Max)
			if s.Angle != c.angle {
				t.Errorf("%s, %d events: angle %v", c.name, n, s.Angle)
			}
		}
	}
}

func TestGrids(t *testing.T) {
	rounded := func(unit float64) func(g *rng.Source) float64 {
		return func(g *rng.Source) float64 { return math.Round((10+g.NormFloat64())*unit) / unit }
	}
	for _, c := range []struct {
		name         string
		typ          events.Type
		draw         func(g *rng.Source) float64
		kind         Kind
		step, offset float64
	}{
		{"a decimal", events.Float64, rounded(10), KindGrid, 0.1, 0},
		{"a decimal in single precision", events.Float32, rounded(10), KindGrid, 0.1, 0},
		{"two decimals", events.Float32, rounded(100), KindGrid, 0.01, 0},
		{"computed", events.Float64, func(g *rng.Source) float64 { return math.Round(20*g.NormFloat64()) * 0.1 }, KindGrid, 0.1, 0},
		{"quarters", events.Float32, func(g *rng.Source) float64 { return math.Round(30*g.NormFloat64()) / 4 }, KindGrid, 0.25, 0},
		{"middles of bins", events.Float64, func(g *rng.Source) float64 { return (2*math.Round(40*g.NormFloat64()) + 1) / 20 }, KindGrid, 0.1, 0.05},
		{"counts in steps", events.Int64, func(g *rng.Source) float64 { return 16*math.Round(100*g.NormFloat64()) + 3 }, KindInteger, 16, 3},
		{"counts", events.Int64, func(g *rng.Source) float64 { return math.Round(100 * g.NormFloat64()) }, KindInteger, 1, 0},
		{"so fine that events do not share", events.Float64, rounded(1e5), KindContinuous, 1e-5, 0},
		{"all digits", events.Float32, (*rng.Source).NormFloat64, KindContinuous, 0, 0},
		{"large in single precision", events.Float32, func(g *rng.Source) float64 { return 3e6 + 1e5*g.NormFloat64() }, KindInteger, 0, 0},
	} {
		s := Summarise(columnOf(c.typ, 20_000, c.draw))[0]
		if c.name == "large in single precision" { // their own steps of 0.25 are no grid
			if s.Kind == KindGrid {
				t.Errorf("%s: %+v", c.name, s)
			}
			continue
		}
		if s.Kind != c.kind || s.Step+s.Rounded != c.step || s.Offset != c.offset {
			t.Errorf("%s: %s in steps of %v from %v, want %s, %v, %v", c.name, s.Kind, s.Step, s.Offset, c.kind, c.step, c.offset)
		}
	}
}

func TestCodes(t *testing.T) {
	code := func(many int) func(g *rng.Source) float64 {
		return func(g *rng.Source) float64 { return math.Floor(1e8 * math.Mod(float64(g.IntN(many)+1)*0.618033988, 1)) }
	}
	for _, c := range []struct {
		name string
		draw func(g *rng.Source) float64
		want bool
	}{
		{"100 modules", code(100), true},
		{"800 modules", code(800), true},
		{"identifiers, each once", code(1 << 30), false},
		{"counts", func(g *rng.Source) float64 { return math.Floor(100 * exponential(g)) }, false},
		{"counts with a long tail", func(g *rng.Source) float64 { return math.Floor(30 * math.Exp(1.5*g.NormFloat64())) }, false},
		{"in steps", func(g *rng.Source) float64 { return 1000 * math.Floor(100*exponential(g)) }, false},
	} {
		if s := Summarise(columnOf(events.Int64, 20_000, c.draw))[0]; s.Codes != c.want {
			t.Errorf("%s: codes %v, %d distinct values", c.name, s.Codes, s.Distinct)
		}
	}
}

// A value of 0.3 % of the events stands out where others do not repeat, and does not where all do.
func TestRareAtoms(t *testing.T) {
	zero := func(other func(g *rng.Source) float64) func(g *rng.Source) float64 {
		return func(g *rng.Source) float64 {
			if g.IntN(300) == 0 {
				return 0
			}
			return other(g)
		}
	}
	for _, n := range []int{30_000, 300_000} {
		s := Summarise(columnOf(events.Float32, n, zero(exponential)))[0]
		if s.Kind != KindAtoms || len(s.Atoms) != 1 || s.Atoms[0].Value != 0 {
			t.Errorf("%d events: %s %v", n, s.Kind, s.Atoms)
		}
		third := func(g *rng.Source) float64 { return math.Round(100*exponential(g)) / 3 } // of which each repeats as often
		if s := Summarise(columnOf(events.Float32, n, zero(third)))[0]; len(s.Atoms) > 0 && s.Atoms[len(s.Atoms)-1].Fraction < 0.005 {
			t.Errorf("%s events: atoms %v", strconv.Itoa(n), s.Atoms)
		}
	}
}

// Of a tail no edge is made, nor an angle, in more than one sample of a hundred, however few its events; a cut is seen from 500 on,
// in rounded values too.
func TestEdgesOfFewEvents(t *testing.T) {
	if testing.Short() {
		t.Skip("many samples")
	}
	student := func(nu int) func(g *rng.Source) float64 {
		return func(g *rng.Source) float64 {
			sum := 0.0
			for range nu {
				v := g.NormFloat64()
				sum += v * v
			}
			return g.NormFloat64() / math.Sqrt(sum/float64(nu))
		}
	}
	below := func(limit float64) func(g *rng.Source) float64 {
		return func(g *rng.Source) float64 {
			for {
				if v := g.NormFloat64(); v < limit {
					return v
				}
			}
		}
	}
	thousandths := func(draw func(g *rng.Source) float64) func(g *rng.Source) float64 {
		return func(g *rng.Source) float64 { return math.Round(1000*draw(g)) / 1000 }
	}
	const samples = 300
	found := func(n int, draw func(g *rng.Source) float64) (low, high int) {
		for i := range samples {
			g := rng.New(uint64(i), rng.StreamToy, 9)
			c := events.Column{Type: events.Float64}
			for range n {
				c.F64 = append(c.F64, draw(g))
			}
			s := Summarise(&events.Table{Columns: []events.Column{c}})[0]
			if s.LowEdge != nil {
				low++
			}
			if s.HighEdge != nil {
				high++
			}
		}
		return low, high
	}
	for _, c := range []struct {
		name string
		low  bool
		draw func(g *rng.Source) float64
	}{
		{"normal", false, (*rng.Source).NormFloat64}, {"normal in thousandths", false, thousandths((*rng.Source).NormFloat64)},
		{"exponential", true, exponential}, {"Cauchy", false, student(1)}, {"Student 3", false, student(3)}, {"Student 10", false, student(10)},
	} {
		for _, n := range []int{50, 100, 200, 300, 500, 1000} {
			low, high := found(n, c.draw)
			if c.low {
				low = 0
			}
			if low+high > samples/100 {
				t.Errorf("%s, %d events: %d low and %d high edges in %d samples", c.name, n, low, high, samples)
			}
		}
	}
	// A bulk that is positive by chance (a quarter of the samples of 1000 events around 3) seldom is one that ends at 0; that a polar angle ends at 0
	// and pi is seen in most.
	for _, far := range []float64{3, 3.5} {
		for n, share := range map[int]float64{200: 0.01, 300: 0.01, 1000: 0.07} {
			if low, _ := found(n, func(g *rng.Source) float64 { return far + g.NormFloat64() }); float64(low) > share*samples {
				t.Errorf("normal around %g, %d events: %d low edges in %d samples", far, n, low, samples)
			}
		}
	}
	polar := func(g *rng.Source) float64 { return math.Acos(2*g.Float64() - 1) }
	for n, share := range map[int]float64{300: 0.6, 1000: 0.97} {
		if low, high := found(n, polar); float64(min(low, high)) < share*samples {
			t.Errorf("polar angle, %d events: %d low and %d high edges in %d samples", n, low, high, samples)
		}
	}
	for _, c := range []struct {
		name  string
		share float64 // of samples of 500 events in which the cut is seen
		draw  func(g *rng.Source) float64
	}{
		{"uniform", 0.99, (*rng.Source).Float64}, {"uniform in thousandths", 0.99, thousandths((*rng.Source).Float64)},
		{"exponential up to 0", 0.99, func(g *rng.Source) float64 { return -exponential(g) }},
		{"normal up to 1", 0.97, below(1)}, {"normal up to 1.5", 0.85, below(1.5)}, {"the same in thousandths", 0.85, thousandths(below(1.5))},
	} {
		if _, high := found(500, c.draw); float64(high) < c.share*samples {
			t.Errorf("%s: the cut is seen in %d of %d samples", c.name, high, samples)
		}
	}
}

// Values that are 0 by rounding, one or several, leave the edge at 0 of a density that vanishes there, at either end, and make none of a tail.
func TestEdgeBesideZeros(t *testing.T) {
	for _, c := range []struct {
		name string
		edge bool
		draw func(g *rng.Source) float64
	}{
		{"gamma", true, func(g *rng.Source) float64 { return exponential(g) + exponential(g) + exponential(g) }},
		{"met", true, func(g *rng.Source) float64 { return math.Hypot(g.NormFloat64(), g.NormFloat64()) }},
		{"normal, away from 0", false, func(g *rng.Source) float64 { return math.Abs(5 + g.NormFloat64()) }},
	} {
		for _, zeros := range []int{0, 1, 4} {
			for _, n := range []int{5000, 50000} {
				x := columnOf(events.Float64, n, c.draw).Columns[0].F64
				polar := make([]float64, n)
				for i := range x {
					if i < zeros {
						x[i] = 0
					}
					polar[i] = max(math.Pi-x[i]/4, 1)
				}
				s := Summarise(&events.Table{Columns: []events.Column{{Type: events.Float64, F64: x}}})[0]
				if (s.LowEdge != nil) != c.edge || c.edge && *s.LowEdge != 0 {
					t.Errorf("%s, %d events, %d zeros: low edge %v", c.name, n, zeros, s.LowEdge)
				}
				s = Summarise(&events.Table{Columns: []events.Column{{Type: events.Float64, F64: polar}}})[0]
				if c.edge && (s.HighEdge == nil || *s.HighEdge != math.Pi) {
					t.Errorf("%s, %d events, %d at pi: high edge %v", c.name, n, zeros, s.HighEdge)
				}
			}
		}
	}
}
