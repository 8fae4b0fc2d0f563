package prep

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// cellCase is a step with cells: each value has its own, the inverse finds the value from any place in it, and the
// log-det is that of the place.
type cellCase struct {
	name  string
	spec  StepSpec
	train []float64
	all   bool // every value is in a cell
	total bool // the cells hold all of the probability of a normal y
	step  Randomised
}

func cellCases(t *testing.T) []cellCase {
	g := rng.New(3, rng.StreamToy, 1)
	counts, tags, atoms := make([]float64, 3000), make([]float64, 3000), make([]float64, 3000)
	tenths, middles := make([]float64, 3000), make([]float64, 3000)
	for i := range counts {
		counts[i] = math.Floor(math.Exp(1.2 * g.NormFloat64()))
		tags[i] = []float64{0, 1.0865, 2.1731, -7.5}[g.IntN(4)*g.IntN(2)]
		tenths[i], middles[i] = math.Round(30*g.NormFloat64())/10, (10*math.Floor(30*g.Float64())+5)/100
		atoms[i] = []float64{0, -999, 5 * g.Float64(), 5 * g.Float64(), 5 * g.Float64()}[g.IntN(5)]
	}
	cases := []cellCase{
		{"dequantise", StepSpec{"dequantise", nil}, counts, true, true, nil},
		{"dequantise scaled", StepSpec{"dequantise", map[string]float64{"scaled": 1}}, counts, true, false, nil},
		{"dequantise tenths", StepSpec{"dequantise", map[string]float64{"step": 0.1}}, tenths, true, false, nil},
		{"dequantise middles of bins", StepSpec{"dequantise", map[string]float64{"step": 0.1, "offset": 0.05}}, middles, true, false, nil},
		{"dequantise tenths, scaled", StepSpec{"dequantise", map[string]float64{"step": 0.1, "scaled": 1}}, tenths, true, false, nil},
		{"levels of integers", StepSpec{"levels", nil}, counts, true, true, nil},
		{"levels", StepSpec{"levels", nil}, tags, true, true, nil},
		{"spread", StepSpec{"spread", nil}, atoms, false, false, nil},
	}
	for i, c := range cases {
		steps, err := build([]StepSpec{c.spec})
		if err == nil {
			err = steps[0].Fit(c.train, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		cases[i].step = steps[0].(Randomised)
	}
	return cases
}

func TestCellsRoundTripIsExact(t *testing.T) {
	for _, c := range cellCases(t) {
		for _, place := range []float64{0x1p-53, 1e-9, 0.3, 0.5, 1 - 1e-9, 1 - 0x1p-51} {
			y, u, d := slices.Clone(c.train), make([]float64, len(c.train)), make([]float64, len(c.train))
			for i := range u {
				u[i] = place
			}
			c.step.ApplyNoise(y, u, d)
			if !finite(y...) || !finite(d...) {
				t.Fatalf("%s: not finite", c.name)
			}
			if place == 0x1p-53 || place == 1-0x1p-51 {
				continue // x+u may round to the next cell: finite is enough, and noise comes so close once in 10^15 events
			}
			c.step.Invert(y, d)
			for i, v := range c.train {
				if y[i] != v || math.Abs(d[i]) > 1e-6 {
					t.Fatalf("%s: %g comes back as %g, log-dets differ by %g", c.name, v, y[i], d[i])
				}
			}
		}
		saveAndLoad(t, c.step, c.train)
	}
}

// The middle of the cell is what Apply takes.
func TestCellsWithoutNoise(t *testing.T) {
	for _, c := range cellCases(t) {
		a, b, u := slices.Clone(c.train), slices.Clone(c.train), make([]float64, len(c.train))
		for i := range u {
			u[i] = 0.5
		}
		c.step.Apply(a, nil)
		c.step.ApplyNoise(b, u, nil)
		if !slices.Equal(a, b) {
			t.Errorf("%s: Apply is not the middle of the cells", c.name)
		}
	}
}

// Within a cell, dy/du over its width in x is the derivative that the log-det gives.
func TestCellsLogDet(t *testing.T) {
	for _, c := range cellCases(t) {
		if !c.all {
			continue
		}
		for _, x := range c.train[:50] {
			const h = 1e-6
			y, d := []float64{x, x, x}, make([]float64, 3)
			c.step.ApplyNoise(y, []float64{0.4 - h, 0.4, 0.4 + h}, d)
			step := 1.0
			if v, ok := c.spec.Options["step"]; ok {
				step = v
			}
			if got, want := math.Exp(d[1]), (y[2]-y[0])/(2*h*step); math.Abs(got/want-1) > 1e-6 { // 1e-16/h, and h^2
				t.Errorf("%s: dy/du at %g is %g; finite differences say %g", c.name, x, got, want)
			}
		}
	}
}

// Summed over values and integrated over their cells, a normal density of y gives 1; for levels, each value
// gets exactly its frequency.
func TestCellsProbabilitiesSumToOne(t *testing.T) {
	for _, c := range cellCases(t) {
		if !c.total {
			continue
		}
		values := grid(-20, 200, 220)
		if l, ok := c.step.(*levels); ok {
			values = l.Value
		}
		sum := 0.0
		for _, v := range values {
			const n = 1000
			y, u, d := make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range u {
				y[i], u[i] = v, (float64(i)+0.5)/n
			}
			c.step.ApplyNoise(y, u, d)
			p := 0.0
			for i := range y {
				p += math.Exp(d[i]+logNormal(y[i])) / n
			}
			if l, ok := c.step.(*levels); ok {
				k := 0
				for _, x := range c.train {
					if x == v {
						k++
					}
				}
				if want := float64(k) / l.Events; math.Abs(p-want) > 1e-9 {
					t.Errorf("%s: value %g has probability %g; its frequency is %g", c.name, v, p, want)
				}
			}
			sum += p
		}
		if math.Abs(sum-1) > 1e-6 { // midpoint rule of 1e-3: 1e-7
			t.Errorf("%s: probabilities sum to %v", c.name, sum)
		}
	}
}

func TestLevelsUnseenValueIsImprobableNotImpossible(t *testing.T) {
	s := &levels{}
	if err := s.Fit([]float64{0, 0, 0, 1, 1, 3}, nil); err != nil {
		t.Fatal(err)
	}
	x, d := []float64{2.9}, []float64{0}
	s.Apply(x, d)
	if got := math.Exp(d[0] + logNormal(x[0])); math.Abs(got-1./7) > 1e-12 {
		t.Errorf("probability %g, want 1/7", got)
	}
	s.Invert(x, nil)
	if x[0] != 3 {
		t.Errorf("comes back as %g, want the nearest value 3", x[0])
	}
}

func TestSpreadLeavesOtherValuesAlone(t *testing.T) {
	for _, c := range cellCases(t) {
		s, ok := c.step.(*spread)
		if !ok {
			continue
		}
		if !slices.Equal(s.Atom, []float64{-999, 0}) {
			t.Errorf("atoms %v, want -999 and 0", s.Atom)
		}
		y := slices.Clone(c.train)
		s.Apply(y, nil)
		for i, v := range c.train {
			if v != 0 && v != -999 && y[i] != v {
				t.Fatalf("%g became %g", v, y[i])
			}
		}
	}
}

// Values of a grid come back as decimals, in single precision too, and those that are none are counted.
func TestDequantiseOfDecimals(t *testing.T) {
	s := &dequantise{Step: 0.1}
	x := []float64{0.3, 0.1 * 3, float64(float32(0.7)), -0.2, 12345.6}
	if err := s.Fit(x, nil); err != nil {
		t.Fatal(err)
	}
	s.Apply(x, nil)
	s.Invert(x, nil)
	if want := []float64{0.3, 0.3, 0.7, -0.2, 12345.6}; !slices.Equal(x, want) {
		t.Errorf("%v, want %v", x, want)
	}
	err := (&dequantise{Step: 0.1, Offset: 0.05}).Fit([]float64{0.05, 1.15, 0.2, 0.3}, nil)
	if want := "row 3: dequantise takes 0.05 plus multiples of 0.1, not 0.2; 2 of 4 are none"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// Next to nothing of 99 zeros in 100 and values above 800 comes back as anything between, or below 0, and what does as the
// nearer.
func TestSpreadSnapsWhereNothingWasSeen(t *testing.T) {
	g := rng.New(3, rng.StreamToy, 2)
	x := make([]float64, 20000)
	for i := range x {
		if g.IntN(100) == 0 {
			x[i] = 1900 + 300*g.NormFloat64()
		}
	}
	s := &spread{Above: 0.01}
	if err := s.Fit(x, nil); err != nil {
		t.Fatal(err)
	}
	next := s.After[0]
	y := []float64{-1e9, -1, 0, 0.45 * next, 0.55 * next, next, next + 1}
	s.Invert(y, nil)
	if want := []float64{0, 0, 0, 0, next, next, next + 1}; !slices.Equal(y, want) {
		t.Errorf("%v, want %v", y, want)
	}
	old := *s // as models were saved before
	old.Before, old.After = nil, nil
	y = []float64{0.45 * next}
	if old.Invert(y, nil); y[0] != 0.45*next || old.check() != nil {
		t.Errorf("without neighbours: %v", y)
	}
}

// The density beside an atom is per unit, and at it a probability: the log-det of its place is the width of the window.
func TestSpreadLogDetIsTheWidth(t *testing.T) {
	s := &spread{Above: 0.01, Atom: []float64{0, 5}, Low: []float64{-0.25, 4.5}, High: []float64{0.25, 5.5}}
	x, d := []float64{0, 0.125, 1, 5, 4.25}, make([]float64, 5)
	s.Apply(x, d)
	if want := []float64{math.Log(0.5), math.Log(0.5), 0, 0, 0}; !slices.Equal(d, want) || !slices.Equal(x, []float64{0, 0, 1, 5, 4.25}) {
		t.Errorf("log-dets %v of %v, want %v", d, x, want)
	}
	s.Invert(x, d)
	if !slices.Equal(d, make([]float64, 5)) {
		t.Errorf("log-dets there and back: %v", d)
	}
	for v, has := range map[float64]bool{0: true, 0.125: false, 1: true, 4.5: true, 4.75: false} {
		if s.has(v) != has {
			t.Errorf("has(%g) is %v", v, !has)
		}
	}
}

// The draws of a column are the middles of equal parts of its cells, each once, and the same for all events; of one draw the
// middle.
func TestApplyDrawVisitsEveryPartOfACell(t *testing.T) {
	n := events.Column{Name: "n", Type: events.Int64}
	m := events.Column{Name: "m", Type: events.Int64}
	for i := range int64(300) {
		n.I64, m.I64 = append(n.I64, i), append(m.I64, i*i%301)
	}
	tab := &events.Table{Columns: []events.Column{n, m, {Name: "x", F32: f32(sample(300))}}}
	p := mustFit(t, tab, tab.Names(), Spec{Columns: map[string][]StepSpec{"n": {{Kind: "dequantise"}}, "m": {{Kind: "dequantise"}}}})
	const draws = 8
	seen, pairs := map[float32]int{}, map[float32]float32{}
	for k := range draws {
		x, _, placed, err := p.ApplyDraw(tab, k, draws)
		if err != nil || len(placed) != 300 || !placed[0] || !placed[299] {
			t.Fatal(err, len(placed))
		}
		place := x[0][7] - 7
		if x[0][200]-200 != place {
			t.Fatalf("draw %d: places %v and %v", k, place, x[0][200]-200)
		}
		seen[place]++
		pairs[place] = x[1][0]
	}
	same := 0
	for k := range draws {
		place := (float32(k) + 0.5) / draws
		if seen[place] != 1 {
			t.Errorf("place %v comes %d times", place, seen[place])
		}
		if pairs[place] == place {
			same++
		}
	}
	if same == draws {
		t.Error("two columns go through their cells in the same order")
	}
	if x, _, _, _ := p.ApplyDraw(tab, 0, 1); x[0][7] != 7.5 {
		t.Errorf("one draw is at %v", x[0][7])
	}
	only := mustFit(t, tab, []string{"x"}, Spec{})
	if _, _, placed, _ := only.ApplyDraw(tab, 0, draws); placed != nil {
		t.Error("a column without noise has places")
	}
}

func TestDequantiseRefusesWhatIsNotAnInteger(t *testing.T) {
	err := (&dequantise{}).Fit([]float64{1, 2, 2.5}, nil)
	if err == nil || err.Error() != "row 3: dequantise takes integers, not 2.5; 1 of 3 are none" {
		t.Errorf("got %v", err)
	}
}
