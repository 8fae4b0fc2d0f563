package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

func normals(n int, stream uint32) []float64 {
	src := rng.New(7, rng.StreamTest, stream)
	x := make([]float64, n)
	for i := range x {
		x[i] = src.NormFloat64()
	}
	return x
}

// With samples of one distribution p must be uniform and chi2/ndf 1 on average, also for unequal sizes,
// with weights, and in columns with atoms: that is what a user reads them for.
func TestNullDistribution(t *testing.T) {
	const trials = 300
	for name, c := range map[string]struct {
		n, m    int
		weights bool
		atoms   bool
	}{
		"equal":    {n: 1000, m: 1000},
		"unequal":  {n: 4000, m: 400},
		"few":      {n: 200, m: 5000},
		"weighted": {n: 600, m: 600, weights: true},
		"atoms":    {n: 1000, m: 1000, atoms: true},
	} {
		t.Run(name, func(t *testing.T) {
			src := rng.New(11, rng.StreamTest, 0)
			draw := func(n int) *CDF {
				x, w := make([]float64, n), []float64(nil)
				for i := range x {
					x[i] = src.NormFloat64()
					if c.atoms && x[i] < 0 {
						x[i] = math.Round(2 * x[i])
					}
				}
				if c.weights { // correlated with x, and one in ten negative
					w = make([]float64, n)
					for i := range w {
						if w[i] = math.Exp(x[i] / 4); src.Float64() < 0.1 {
							w[i] = -w[i]
						}
					}
				}
				return cdf(t, x, w)
			}
			var chi2, p, below float64
			for trial := range trials {
				a, b := draw(c.n), draw(c.m)
				x, ndf, _ := Chi2(join(a, b))
				if ndf < 3 {
					t.Fatalf("%d degrees of freedom", ndf)
				}
				chi2 += x / float64(ndf) / trials
				ks, _ := distances(a, b, nulls{99, uint64(trial)})
				q := ks.P
				p += q / trials
				if q <= 0.05 {
					below += 1.0 / trials
				}
			}
			// chi2/ndf scatters by sqrt(2/ndf) a trial, so by less than 0.03 in the mean of 300; the weighted
			// form takes its variances from the data, which adds about 1/10 at 10 entries a bin
			if math.Abs(chi2-1) > 0.1 {
				t.Errorf("mean chi2/ndf is %.3f", chi2)
			}
			// the mean of 300 uniform numbers scatters by 0.017, the fraction below 0.05 by 0.013
			if math.Abs(p-0.5) > 0.06 || math.Abs(below-0.05) > 0.04 {
				t.Errorf("mean KS p is %.3f, and %.3f of them are below 0.05", p, below)
			}
		})
	}
}

func TestDifferencesAreSeen(t *testing.T) {
	x, y := normals(2000, 1), normals(2000, 2)
	shifted, ones, atom := make([]float64, 2000), make([]float64, 2000), make([]float64, 2000)
	for i := range x {
		shifted[i] = y[i] + 3
		ones[i] = 1
		atom[i] = float64(i % 2)
	}
	smeared := make([]float64, 2000)
	for i := range smeared { // what a flow makes of two atoms
		smeared[i] = atom[i] + 0.001*math.Abs(y[i])
	}
	for _, c := range []struct {
		name     string
		ref, gen []float64
		w1       float64
	}{
		{"shifted", x, shifted, 3},
		{"collapsed", x, ones, 1.17}, // E|x-1| of a standard normal
		{"widened", ones, x, 1.17},
		{"smeared", atom, smeared, 0.0008},
	} {
		r, err := Compare(table([][]float64{c.ref}, nil), table([][]float64{c.gen}, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Columns["a"]
		// means of 2000 numbers scatter by 0.03 between two samples
		if math.Abs(got.W1-c.w1) > 0.1 || got.KSP > 1e-6 || got.Chi2NDF < 10 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestComparisonMarshals(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	x := normals(100, 3)
	gaps := append([]float64{nan, inf, -inf}, x[3:]...)
	huge := append([]float64{1e300, -1e300, 1e-320}, x[3:]...)
	constant := make([]float64, 100)
	for i := range constant {
		constant[i] = 0.1
	}
	ref := table([][]float64{x, gaps, constant, huge, x}, nil)
	gen := table([][]float64{gaps, x, constant, x, constant}, nil)
	c, err := Compare(ref, gen, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Columns map[string]map[string]any
		Diff    *float64 `json:"correlation_max_diff"`
		Pair    []string `json:"correlation_max_pair"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"ks", "ks_p", "w1", "chi2_ndf"} {
		for name, col := range got.Columns {
			if _, ok := col[key].(float64); ok == (key == "chi2_ndf" && name == "c") { // a constant has no bins to compare
				t.Errorf("column %s has %v for %q: %s", name, col[key], key, data)
			}
		}
	}
	if got.Diff == nil || len(got.Columns) != 5 {
		t.Errorf("%s", data)
	}
	a, b, k := c.Columns["a"], c.Columns["b"], c.Columns["c"]
	if a.ReferenceSkipped != 0 || a.GeneratedSkipped != 3 || b.ReferenceSkipped != 3 || b.GeneratedSkipped != 0 {
		t.Errorf("skipped: %+v, %+v", a, b)
	}
	if k.KS != 0 || k.KSP != 1 || k.W1 != 0 || k.Chi2NDF != 0 || k.Reference.Std != 0 {
		t.Errorf("two equal constants differ: %+v", k)
	}
	// columns a and e of the reference are equal, and e is constant in the generated table
	if r := c.CorrelationReference[4][0]; math.Abs(r-1) > 1e-12 || c.CorrelationGenerated[4][0] != 0 {
		t.Errorf("correlation of a and e is %v, and %v generated", r, c.CorrelationGenerated[4][0])
	}
	if math.Abs(c.CorrelationMaxDiff-1) > 1e-12 {
		t.Errorf("largest difference is %v, of %v", c.CorrelationMaxDiff, c.CorrelationMaxPair)
	}
}

// A value that is missing takes its event out of the pairs of that column, and of no other.
func TestCorrelationSkipsPairwise(t *testing.T) {
	x, y, z := normals(3000, 4), normals(3000, 5), normals(3000, 6)
	w := make([]float64, len(x))
	for i := range x {
		y[i] += 0.5*x[i] + 1e6
		z[i] -= x[i]
		w[i] = 1.2 + math.Sin(float64(i))
		if i%10 == 0 {
			w[i] = -w[i]
		}
	}
	gaps := append([]float64(nil), y...)
	var keep []int32
	for i := range gaps {
		if i%7 == 3 {
			gaps[i] = math.NaN()
		} else {
			keep = append(keep, int32(i))
		}
	}
	whole := table([][]float64{x, y, z}, w)
	c, err := Compare(whole, table([][]float64{x, gaps, z}, w), nil)
	if err != nil {
		t.Fatal(err)
	}
	all, with := c.CorrelationReference, c.CorrelationGenerated
	if c, err = Compare(whole.Take(keep), whole, nil); err != nil {
		t.Fatal(err)
	}
	complete := c.CorrelationReference
	reference.Near(t, "pair without gaps", with[0][2], all[0][2], 1e-12)
	// y lies 1e6 of its spreads from 0 and is summed over other events to standardise: 1e6 * 2^-53 * a few
	reference.Near(t, "pair with gaps", with[0][1], complete[0][1], 1e-9)
	reference.Near(t, "pair with gaps", with[2][1], complete[2][1], 1e-9)
}

func TestWeightsCountEvents(t *testing.T) {
	x, y := normals(500, 8), normals(700, 9)
	w := make([]float64, len(x))
	repeated := []float64{}
	for i := range x {
		w[i] = float64(i % 3)
		for range i % 3 {
			repeated = append(repeated, x[i])
		}
	}
	a, b, other := cdf(t, x, w), cdf(t, repeated, nil), cdf(t, y, nil)
	da, _ := KS(a, other)
	db, _ := KS(b, other)
	reference.Near(t, "KS", da, db, 1e-12)
	reference.Near(t, "W1", Wasserstein1(a, other), Wasserstein1(b, other), 1e-12)
	reference.Near(t, "quantile", a.Quantile(0.3), b.Quantile(0.3), 0)
	ma, mb := NewMoments(x, w), NewMoments(repeated, nil)
	reference.Near(t, "mean", ma.Mean, mb.Mean, 1e-12)
	reference.Near(t, "kurtosis", ma.Kurtosis, mb.Kurtosis, 1e-12)
	// twice the weights tell the same shape and the same number of events
	for i := range w {
		w[i] *= 2
	}
	reference.Near(t, "effective events", cdf(t, x, w).Effective(), a.Effective(), 1e-12)
}

func TestCompareSaysWhatIsWrong(t *testing.T) {
	good := table([][]float64{{1, 2, 3}, {3, 2, 1}}, nil)
	weighted := func(w ...float64) *events.Table { return table([][]float64{{1, 2, 3}, {3, 2, 1}}, w) }
	text := table([][]float64{{1, 2, 3}}, nil)
	text.Columns = append(text.Columns, events.Column{Name: "b", Type: events.Text, Str: []string{"x", "y", "z"}})
	noWeight := table([][]float64{{1, 2, 3}}, nil)
	noWeight.Weight = "weight"
	for _, c := range []struct {
		name     string
		ref, gen *events.Table
		columns  []string
		want     []string
	}{
		{"missing", good, good, []string{"a", "x", "y"}, []string{"reference", `"x", "y"`, "a, b"}},
		{"missing in one", good, table([][]float64{{1}}, nil), []string{"a", "b"}, []string{"generated", `"b"`}},
		{"text", good, text, []string{"b"}, []string{"generated", `"b"`, "text"}},
		{"twice", good, good, []string{"a", "b", "a"}, []string{`"a"`, "twice"}},
		{"nothing in common", text, &events.Table{}, nil, []string{"in common"}},
		{"empty", good, table([][]float64{{}, {}}, nil), nil, []string{"generated", `"a"`, "0 events"}},
		{"all NaN", good, table([][]float64{{math.NaN()}, {1}}, nil), nil, []string{`"a"`, "1 of them NaN"}},
		{"no weight column", noWeight, good, []string{"a"}, []string{"reference", `"weight"`}},
		{"NaN weight", good, weighted(1, math.NaN(), 1), nil, []string{"generated", "row 2", `"w"`}},
		{"negative sum", weighted(1, -3, 1), good, nil, []string{"reference", "sum of the weights is not a positive number"}},
	} {
		_, err := Compare(c.ref, c.gen, c.columns)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.HasPrefix(err.Error(), "stats: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q does not say %q in one line", c.name, err, want)
			}
		}
	}
}

// Distances do not depend on the unit of weights, though their sums and squares may lie beyond the numbers in it.
func TestCompareWithWeightsOfAnyUnit(t *testing.T) {
	x, y := normals(500, 30), normals(600, 31)
	weighted := func(x []float64, unit float64) *events.Table {
		w := make([]float64, len(x))
		for i, v := range x {
			w[i] = math.Exp(v/3) * unit
		}
		return table([][]float64{x}, w)
	}
	want, err := Compare(weighted(x, 1), weighted(y, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []float64{0x1p-150, 0x1p1000, 0x1p-1000} { // powers of 2 round nothing
		got, err := Compare(weighted(x, unit), weighted(y, 1/unit), nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("in units of %g: %+v, want %+v (%v)", unit, got, want, err)
		}
	}
}

// The correlations of very many columns are refused, not begun.
func TestTooManyColumns(t *testing.T) {
	wide := &events.Table{}
	for i := range mostColumns + 1 {
		wide.Columns = append(wide.Columns, events.Column{Name: fmt.Sprint("c", i), Type: events.Int64, I64: []int64{1, 2}})
	}
	if _, err := Compare(wide, wide, nil); err == nil || !strings.Contains(err.Error(), "4001 columns take gigabytes; name those to compare") {
		t.Error(err)
	}
	if c, err := Compare(wide, wide, []string{"c0", "c1"}); err != nil || len(c.Names) != 2 {
		t.Error(err)
	}
}
