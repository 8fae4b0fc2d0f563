package mix

import (
	"math"
	"reflect"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// pushed is a flow off the identity.
func pushed(t *testing.T, features, context int, spec flow.Spec, seed uint64) *flow.Flow {
	t.Helper()
	f, err := flow.New(features, context, spec, seed)
	if err != nil {
		t.Fatal(err)
	}
	push := make([]float32, f.Size())
	rng.Normal(push, seed, rng.StreamTest, 1, 0)
	for i := range push {
		f.Params()[i] += 0.2 * push[i]
	}
	f.Cut(f.Params())
	t.Cleanup(f.Close)
	return f
}

func small(kind string) flow.Spec { return flow.Spec{Type: kind, Transforms: 2, Hidden: []int{8}} }

// normals are n events of so many columns.
func normals(columns, n int, seed uint64) [][]float32 {
	x := make([][]float32, columns)
	for c := range x {
		x[c] = make([]float32, n)
		rng.Normal(x[c], seed, rng.StreamTest, uint32(c), 0)
	}
	return x
}

func ensembleOf(t *testing.T, context, n int) *Ensemble {
	t.Helper()
	var members []Density
	for i := range n {
		members = append(members, pushed(t, 2, context, small("maf"), MemberSeed(3, i)))
	}
	e, err := NewEnsemble(members...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func must[T any](t *testing.T) func(x T, err error) T {
	return func(x T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// The density is the mean of those of the members, and integrates to 1 as they do.
func TestEnsembleIsTheMeanDensity(t *testing.T) {
	e := ensembleOf(t, 1, 3)
	x, c := normals(2, 200, 1), normals(1, 200, 2)
	got := must[[]float64](t)(e.LogProb(x, c))
	for i := range got {
		var mean float64
		for _, m := range e.Members {
			mean += math.Exp(must[[]float64](t)(m.LogProb(x, c))[i]) / 3
		}
		if math.Abs(got[i]-math.Log(mean)) > 1e-12*math.Abs(got[i])+1e-12 {
			t.Fatalf("event %d has %v, want %v", i, got[i], math.Log(mean))
		}
	}
	if mass := integral(t, e, 0.7); math.Abs(mass-1) > 2e-3 { // the midpoint rule over +-12
		t.Errorf("it integrates to %v", mass)
	}
}

// integral is that of a density of two features, given one value of a context of one column.
func integral(t *testing.T, d Density, given float32) float64 {
	t.Helper()
	const cells, edge = 600, 12.
	width := 2 * edge / cells
	x, c := [][]float32{make([]float32, cells*cells), make([]float32, cells*cells)}, [][]float32{make([]float32, cells*cells)}
	for i := range x[0] {
		x[0][i], x[1][i] = float32(-edge+width*(float64(i%cells)+0.5)), float32(-edge+width*(float64(i/cells)+0.5))
		c[0][i] = given
	}
	if _, context := d.Dims(); context == 0 {
		c = nil
	}
	var sum float64
	for _, l := range must[[]float64](t)(d.LogProb(x, c)) {
		sum += math.Exp(l) * width * width
	}
	return sum
}

func TestMeanOfDensities(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ of, want []float64 }{
		{[]float64{0, 0}, []float64{0, 0}},
		{[]float64{-1000, math.Log(2) - 1000}, []float64{math.Log(1.5) - 1000, math.Log(2) / math.Sqrt2}},
		{[]float64{800, -800}, []float64{800 - math.Log(2), 800 * math.Sqrt2}},
		{[]float64{-inf, 1}, []float64{1 - math.Log(2), math.NaN()}},
		{[]float64{-inf, -inf}, []float64{-inf, math.NaN()}},
		{[]float64{math.NaN(), 1}, []float64{math.NaN(), math.NaN()}},
		{[]float64{3}, []float64{3, 0}},
	} {
		var each [][]float64
		for _, v := range c.of {
			each = append(each, []float64{v})
		}
		mean, deviation := Mean(each)
		for i, got := range []float64{mean[0], deviation[0]} {
			if want := c.want[i]; got != want && !(math.Abs(got-want) < 1e-12*math.Abs(want)) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%v: number %d is %v, want %v", c.of, i, got, want)
			}
		}
	}
}

// Every event comes from one member, each as often as the others, and is that member's event of the same number, wherever a sample is cut.
func TestEnsembleSample(t *testing.T) {
	e := ensembleOf(t, 1, 3)
	testChosen(t, e, e.Members, func(int) float64 { return 1. / 3 })
	for k, m := range e.Members {
		e.Members[k] = inRuns{m}
	}
	testChosen(t, e, e.Members, func(int) float64 { return 1. / 3 })
}

// inRuns is a density that draws events of numbers in a row only, as a mixed table does.
type inRuns struct{ Density }

// chooser is a density that draws each event from one of several.
type chooser interface {
	Density
	Choose(numbers []uint64, context [][]float32, seed uint64) ([]int, error)
}

// testChosen checks a sample from several densities; share is the expected share of one.
func testChosen[D Density](t *testing.T, d chooser, of []D, share func(k int) float64) {
	t.Helper()
	const n, seed, first = 30000, 5, 1 << 33
	c := normals(1, n, 2)
	x := must[[][]float32](t)(d.Sample(n, c, seed, first))
	which := must[[]int](t)(d.Choose(upFrom(first, n), c, seed))
	count := make([]int, len(of))
	for k := range of {
		own := must[[][]float32](t)(of[k].Sample(n, c, seed, first))
		for i, w := range which {
			if w == k {
				count[k]++
				if x[0][i] != own[0][i] || x[1][i] != own[1][i] {
					t.Fatalf("event %d is not that of density %d", i, k)
				}
			}
		}
		p := share(k)
		if off := float64(count[k])/n - p; math.Abs(off) > 4.5*math.Sqrt(p*(1-p)/n) {
			t.Errorf("density %d drew %d of %d events, want a share of %.4f", k, count[k], n, p)
		}
	}
	d.UseThreads(1)
	for _, cut := range [][2]int{{0, 1}, {63, 129}, {5000, 9100}} {
		given := [][]float32{c[0][cut[0]:cut[1]]}
		part := must[[][]float32](t)(d.Sample(cut[1]-cut[0], given, seed, first+uint64(cut[0])))
		for f := range x {
			if !reflect.DeepEqual(part[f], x[f][cut[0]:cut[1]]) {
				t.Errorf("events %v alone are others", cut)
			}
		}
	}
}

// Members of other dimensions make no ensemble.
func TestEnsembleRefuses(t *testing.T) {
	if _, err := NewEnsemble(pushed(t, 2, 0, small("maf"), 1), pushed(t, 2, 1, small("maf"), 1)); err == nil {
		t.Error("members with and without a context")
	}
	if _, err := NewEnsemble(); err == nil {
		t.Error("no members")
	}
}
