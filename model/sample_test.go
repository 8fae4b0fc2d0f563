package model

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/prep"
)

// wild is a model whose flow throws a good part of its events far out.
func wild(t *testing.T) *Model {
	t.Helper()
	g := rng.New(3, rng.StreamToy, 0)
	a, b := make([]float64, 500), make([]float64, 500)
	for i := range a {
		a[i], b[i] = math.Exp(g.NormFloat64()), g.NormFloat64()
	}
	tab := &events.Table{Columns: []events.Column{{Name: "a", Type: events.Float64, F64: a}, {Name: "b", Type: events.Float64, F64: b}}}
	return pushed(t, tab, prep.Spec{}, "maf")
}

// No event lies further than the factor times the range beyond it, those that need not be drawn again stay as they are, and
// slices of a sample are the sample's, on any number of threads and whether many are drawn again or few.
func TestSampleWithin(t *testing.T) {
	m := wild(t)
	const n = 5000
	free, err := m.Sample(n, nil, 7, 100)
	if err != nil {
		t.Fatal(err)
	}
	few := 0
	for _, within := range []float64{math.SmallestNonzeroFloat64, 0.5, 1e4} {
		far, _ := m.Features.Beyond(free, Factor(within))
		got, redrawn, err := m.SampleWithin(n, nil, 7, 100, within)
		if err != nil {
			t.Fatal(err)
		}
		if redrawn == 0 || redrawn != len(far) {
			t.Errorf("within %g: %d drawn again, of %d", within, redrawn, len(far))
		}
		if redrawn <= n/64 {
			few++
		}
		if rows, first := m.Features.Beyond(got, Factor(within)); len(rows) > 0 {
			t.Errorf("within %g: %d events lie further: %s", within, len(rows), first)
		}
		again := map[int]bool{}
		for _, r := range far {
			again[int(r)] = true
		}
		for i := range n {
			if same := free.Columns[0].F64[i] == got.Columns[0].F64[i]; same == again[i] {
				t.Fatalf("within %g, event %d: drawn again %v, the same %v", within, i, again[i], same)
			}
		}
		m.Density.UseThreads(1)
		part, _, err := m.SampleWithin(700, nil, 7, 100+1234, within)
		if err != nil || !reflect.DeepEqual(part, got.Slice(1234, 1934)) {
			t.Errorf("within %g: a slice of the sample differs: %v", within, err)
		}
		m.Density.UseThreads(0)
	}
	if few == 0 || few == 3 {
		t.Errorf("%d of 3 samples draw few events again: both ways should be tried", few)
	}
	usual, _, _ := m.SampleWithin(n, nil, 7, 100, 0)
	half, _, _ := m.SampleWithin(n, nil, 7, 100, Within)
	if !reflect.DeepEqual(usual, half) {
		t.Error("0 is not the usual factor")
	}
}

// Where next to every event lies too far, the drawing ends with an error that names one.
func TestSampleWithinGivesUp(t *testing.T) {
	m := wild(t)
	m.Features.Columns[1].Min, m.Features.Columns[1].Max = 50, 50.001
	_, _, err := m.SampleWithin(100, nil, 7, 41, 0)
	if err == nil || !strings.Contains(err.Error(), "event 42 was drawn 100 times, and lay further than 0.5 times the trained range beyond it each time (column \"b\" at last at ") {
		t.Error(err)
	}
}

// With a context, an event is drawn again with its own.
func TestSampleWithinKeepsTheContext(t *testing.T) {
	m := untrained(t, "maf", true)
	tab := table(2000)
	free, err := m.Sample(2000, tab, 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, redrawn, err := m.SampleWithin(2000, tab, 4, 0, math.SmallestNonzeroFloat64)
	if err != nil || redrawn == 0 {
		t.Fatal(redrawn, err)
	}
	for _, i := range []int{0, 999, 1999} {
		if got.Columns[3].F32[i] != free.Columns[3].F32[i] {
			t.Error("the context of an event changed")
		}
	}
	part, _, err := m.SampleWithin(30, tab.Slice(700, 730), 4, 700, math.SmallestNonzeroFloat64)
	if err != nil || !reflect.DeepEqual(part, got.Slice(700, 730)) {
		t.Errorf("a slice of the sample differs: %v", err)
	}
}
