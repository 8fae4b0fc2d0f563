package model

import (
	"math"
	"reflect"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/prep"
)

// pushed is a model of columns whose flow is off the identity.
func pushed(t *testing.T, tab *events.Table, spec prep.Spec, kind string) *Model {
	t.Helper()
	features, _, err := prep.Fit(tab, tab.Names(), spec, 3)
	if err != nil {
		t.Fatal(err)
	}
	f, err := flow.New(features.Dim(), 0, flow.Spec{Type: kind, Transforms: 3, Hidden: []int{8, 8}, Permute: "random"}, 11)
	if err != nil {
		t.Fatal(err)
	}
	push := make([]float32, f.Size())
	rng.Normal(push, 2, rng.StreamTest, 1, 0)
	for i := range push {
		f.Params()[i] += 0.3 * push[i]
	}
	f.Cut(f.Params())
	return &Model{Features: features, Density: f, Seed: 11}
}

// poisson draws n counts of mean 3.
func poisson(n int) []int64 {
	g := rng.New(9, rng.StreamToy, 0)
	x := make([]int64, n)
	for i := range x {
		for p := g.Float64(); p > math.Exp(-3); p *= g.Float64() {
			x[i]++
		}
	}
	return x
}

func logProb(t *testing.T, m *Model, tab *events.Table, draws int) []float64 {
	t.Helper()
	l, err := m.LogProb(tab, draws)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The log_prob of an integer is the logarithm of its probability: over all integers they sum to 1. The bound is that of the
// midpoint rule with 32 points for a flow that was pushed far from the data; what it puts below 0, which comes back as 0, is
// missing, too.
func TestProbabilitiesOfIntegersSumToOne(t *testing.T) {
	counts := &events.Table{Columns: []events.Column{{Name: "n", Type: events.Int64, I64: poisson(3000)}}}
	all := events.Column{Name: "n", Type: events.Int64}
	for i := range int64(40) {
		all.I64 = append(all.I64, i)
	}
	for _, steps := range [][]prep.StepSpec{nil, {{Kind: "dequantise"}, {Kind: "quantile", Options: map[string]float64{"low": 0}}}} {
		for _, kind := range []string{"maf", "nsf-ar"} {
			m := pushed(t, counts, prep.Spec{All: steps}, kind)
			tab := &events.Table{Columns: []events.Column{all}}
			if steps == nil { // the values that training held are all that there are
				tab.Columns[0].I64 = all.I64[:int(m.Features.Columns[0].Max)+1]
			}
			sum := 0.0
			for _, l := range logProb(t, m, tab, 0) {
				sum += math.Exp(l)
			}
			if math.Abs(sum-1) > 1e-2 {
				t.Errorf("%s, %v: the probabilities sum to %.6f", kind, steps, sum)
			}
		}
	}
}

// The log_prob of an atom is the logarithm of its probability, and elsewhere the density is per unit: together they are 1.
func TestAtomAndDensityBesideItSumToOne(t *testing.T) {
	g := rng.New(2, rng.StreamToy, 0)
	x := make([]float64, 5000)
	for i := range x {
		if g.Float64() > 0.3 {
			x[i] = math.Exp(0.5 * g.NormFloat64())
		}
	}
	column := func(x ...float64) *events.Table {
		return &events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: x}}}
	}
	for _, push := range []bool{false, true} {
		m := pushed(t, column(x...), prep.Spec{}, "nsf-ar")
		if !push {
			f, err := flow.New(1, 0, flow.Spec{Type: "nsf-ar", Transforms: 1, Hidden: []int{4}}, 1)
			if err != nil {
				t.Fatal(err)
			}
			m.Density = f // the identity at the start
		}
		atom := math.Exp(logProb(t, m, column(0), 0)[0])
		if !push && math.Abs(atom-0.3) > 0.02 { // 0.0065 by chance, and the map of quantiles
			t.Errorf("the atom has probability %.4f, want 0.3", atom)
		}
		grid, cell := make([]float64, 0, 1<<20), 200./(1<<20)
		for i := range 1 << 20 {
			grid = append(grid, -100+(float64(i)+0.5)*cell)
		}
		rest, beside := 0.0, 0
		for i, l := range logProb(t, m, column(grid...), 0) {
			if n, _, _ := m.Features.OutOfRange(column(grid[i])); n > 0 && math.Abs(grid[i]) < 0.01 {
				beside++ // no event lies there
				continue
			}
			rest += math.Exp(l) * cell
		}
		if math.Abs(atom+rest-1) > 5e-3 || beside == 0 {
			t.Errorf("pushed %v: atom %.5f and the rest %.5f sum to %.5f; %d beside", push, atom, rest, atom+rest, beside)
		}
	}
}

// The log_prob of an event depends on its values alone: not on its row, on the events beside it, or on threads.
func TestLogProbDoesNotDependOnTheRow(t *testing.T) {
	n := 3000
	g := rng.New(6, rng.StreamToy, 0)
	tag, x := make([]float32, n), make([]float32, n)
	for i := range n {
		tag[i] = []float32{0, 1.0865, 2.1731}[g.IntN(3)]
		if g.IntN(3) > 0 {
			x[i] = float32(g.NormFloat64()) + tag[i]
		}
	}
	tab := &events.Table{Columns: []events.Column{{Name: "tag", F32: tag}, {Name: "n", Type: events.Int64, I64: poisson(n)}, {Name: "x", F32: x}}}
	m := pushed(t, tab, prep.Spec{}, "nsf-ar")
	want := logProb(t, m, tab, 0)
	order := rng.New(1, rng.StreamTest, 5).Perm(n)
	m.Density.UseThreads(1)
	for i, l := range logProb(t, m, tab.Take(order), 0) {
		if l != want[order[i]] {
			t.Fatalf("in another order, event %d has %v, not %v", order[i], l, want[order[i]])
		}
	}
	if got := logProb(t, m, tab.Slice(1000, 1100), 0); !reflect.DeepEqual(got, want[1000:1100]) {
		t.Error("the log-densities of a part differ")
	}
	same := tab.Take([]int32{7, 7, 7, 8, 7})
	if l := logProb(t, m, same, 0); l[0] != l[1] || l[0] != l[2] || l[0] != l[4] {
		t.Errorf("one event, four rows: %v", l)
	}
	if l := logProb(t, m, same, 1); l[0] != l[4] || l[0] == want[7] {
		t.Errorf("one draw: %v", l)
	}
	if l := logProb(t, m, same, 512); math.Abs(l[0]-want[7]) > 0.4 { // of a flow that was pushed far from smooth in the cells: 0.2
		t.Errorf("512 draws give %v, 16 draws %v", l[0], want[7])
	}
}

func TestLogMean(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		terms []float64
		want  float64
	}{
		{[]float64{0, 0, 0}, 0}, {[]float64{-1000, math.Log(2) - 1000}, math.Log(1.5) - 1000}, {[]float64{800, -800}, 800 - math.Log(2)},
		{[]float64{-inf, 1}, 1 - math.Log(2)}, {[]float64{1, -inf}, 1 - math.Log(2)}, {[]float64{-inf, -inf}, -inf}, {[]float64{3}, 3},
	} {
		var m logMean
		for _, v := range c.terms {
			m.add(v)
		}
		if got := m.of(len(c.terms)); !(got == c.want || math.Abs(got-c.want) < 1e-12) {
			t.Errorf("%v: %v, want %v", c.terms, got, c.want)
		}
	}
}
