package validate

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

func numbers(name string, x []float64) events.Column {
	return events.Column{Name: name, Type: events.Float64, F64: x}
}

// correlated has two normal columns of n events and a weight of 1, or, for a share of them, of -1.
func correlated(n int, seed uint64, negative float64) *events.Table {
	r := rng.New(seed, rng.StreamTest, 1)
	x, y, w := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		x[i] = r.NormFloat64()
		y[i] = 0.8*x[i] + 0.6*r.NormFloat64()
		if w[i] = 1; r.Float64() < negative {
			w[i] = -1
		}
	}
	return &events.Table{Columns: []events.Column{numbers("x", x), numbers("y", y), numbers("w", w)}, Weight: "w"}
}

// The share that passes a cut, and its error, are those of the sums of weights, of either sign.
func TestPassing(t *testing.T) {
	w := []float64{1, 1, 1, -1, 2, 2}
	table := &events.Table{Columns: []events.Column{numbers("x", []float64{1, 2, 3, 4, 5, 6}), numbers("w", w)}, Weight: "w"}
	cuts, err := compileCuts(table, table, []string{"x > 2 && x < 6"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := passing(cuts[0].ref, table)
	if err != nil {
		t.Fatal(err)
	}
	share := 2 / 6.0 // of 1, -1 and 2
	deviation := math.Sqrt((1+1+4)*(1-share)*(1-share)+(1+1+4)*share*share) / 6
	if p.share != share || math.Abs(p.deviation-deviation) > 1e-15 || len(p.rows) != 3 || math.Abs(p.effective-2*2/6.0) > 1e-15 {
		t.Errorf("%+v, not %g +- %g", p, share, deviation)
	}
}

// Of samples of one distribution, also with negative weights, as many of 400 cuts pass differently by chance as the p-value says.
func TestSharesOfCutsByChance(t *testing.T) {
	for _, negative := range []float64{0, 0.2} {
		low := 0
		for seed := range uint64(400) {
			a, b := correlated(1000, 2*seed, negative), correlated(700, 2*seed+1, negative)
			cuts, err := compileCuts(a, b, []string{"x > 0.5"})
			if err != nil {
				t.Fatal(err)
			}
			found, err := cuts[0].compare(t.Context(), a, b, Options{Columns: []string{"x"}, Alone: true})
			if err != nil {
				t.Fatal(err)
			}
			if found.P < 0.05 {
				low++
			}
		}
		if low < 8 || low > 34 { // of 20 +- 4.4
			t.Errorf("with a share of %g of negative weights, %d of 400 have p below 5 %%", negative, low)
		}
	}
}

func TestCuts(t *testing.T) {
	a, b := correlated(3000, 1, 0), correlated(3000, 2, 0)
	for i := range b.Columns[0].F64 {
		if b.Columns[0].F64[i] > 1 { // wrong there alone
			b.Columns[1].F64[i] *= -1
		}
	}
	r, err := Compare(t.Context(), a, b, Options{Columns: []string{"y"}, Cuts: []string{"x < 1", "x > 1", "x > 30"}, Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Cuts[0].Columns["y"].KSP; p < 0.001 {
		t.Errorf("p %g where nothing differs", p)
	}
	if p := r.Cuts[1].Columns["y"].KSP; p > 1e-9 {
		t.Errorf("p %g where the sign differs", p)
	}
	if c := r.Cuts[2]; c.Result != nil || c.Cannot != "0 of 3000 reference events pass: fewer than 20 are too few to compare" {
		t.Errorf("%+v", c)
	}
	for i, x := range a.Columns[0].F64 { // a column that events have not where x is low
		if x < -1 {
			a.Columns[1].F64[i] = math.NaN()
		}
		if b.Columns[0].F64[i] < -1 {
			b.Columns[1].F64[i] = math.NaN()
		}
	}
	if r, err = Compare(t.Context(), a, b, Options{Columns: []string{"x", "y"}, Cuts: []string{"x < -1"}, Alone: true}); err != nil {
		t.Fatal(err)
	}
	if c := r.Cuts[0]; len(c.Names) != 1 || c.Names[0] != "x" || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "not compared: y") {
		t.Errorf("%q, %q", c.Names, r.Notes)
	}
	for cut, want := range map[string]string{
		"z > 1": `the cut on the reference table: expression "z > 1"`, "x +": "expression", "x + 1": "is a number, not a condition",
	} {
		if _, err := Compare(t.Context(), a, b, Options{Cuts: []string{cut}, Alone: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", cut, err)
		}
	}
}

// What is missing stays an event for the tests of all columns, and what is constant takes no part.
func TestJoint(t *testing.T) {
	nan := math.NaN()
	a := &events.Table{Columns: []events.Column{numbers("x", []float64{1, nan, 3}), numbers("c", []float64{7, 7, 7}), numbers("big", nil)}}
	b := &events.Table{Columns: []events.Column{numbers("x", []float64{5, math.Inf(1)}), numbers("c", []float64{7, 7}), numbers("big", nil)}}
	a.Columns[2] = events.Column{Name: "big", Type: events.Int64, I64: []int64{1 << 60, 1<<60 + 1, 1<<60 + 3}}
	b.Columns[2] = events.Column{Name: "big", Type: events.Int64, I64: []int64{1<<60 + 2, 1 << 60}}
	j, err := newJoint([]string{"x", "c", "big"}, a, b)
	if err != nil {
		t.Fatal(err)
	}
	x, y, notes := j.samples[0], j.samples[1], j.notes()
	want := [2][][]float64{{{1, 3, 3}, {0, 1, 0}, {0, 1, 3}}, {{5, 3}, {0, 1}, {2, 0}}}
	for k := range want[0] {
		for i, v := range want[0][k] {
			if x.Columns[k][i] != v {
				t.Errorf("column %d of the reference is %v", k, x.Columns[k])
			}
		}
		for i, v := range want[1][k] {
			if y.Columns[k][i] != v {
				t.Errorf("column %d of the generated sample is %v", k, y.Columns[k])
			}
		}
	}
	if len(x.Columns) != 3 || len(y.Columns) != 3 || len(notes) != 2 || !strings.Contains(notes[0], "together: c") || !strings.Contains(notes[1], "values of x are") {
		t.Errorf("%d columns, %q", len(x.Columns), notes)
	}
}
