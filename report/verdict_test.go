package report

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/validate"
)

// measured is a comparison of a column in which nothing else differs.
func measured(ks, p, chi2NDF float64) stats.ColumnComparison {
	return stats.ColumnComparison{
		KS: ks, KSP: p, W1: ks / 10, Chi2: 50 * chi2NDF, NDF: 50, Chi2NDF: chi2NDF, Chi2P: stats.Chi2P(50*chi2NDF, 50),
		ReferenceRange: [2]float64{0.0123, 1.2345678}, GeneratedRange: [2]float64{0.02, 1.3}, Outside: 1e-4, OutsideP: 1, SkippedP: 1, Window: stats.Window{P: 1},
	}
}

func compared(a, b stats.ColumnComparison) *validate.Result {
	return &validate.Result{Comparison: &stats.Comparison{
		Names: []string{"a", "b"}, Columns: map[string]stats.ColumnComparison{"a": a, "b": b},
		ReferenceEvents: 5000, GeneratedEvents: 5000, ReferenceEffective: 5000, GeneratedEffective: 5000,
	}}
}

func TestVerdict(t *testing.T) {
	fine := measured(0.008, 0.5, 1)
	far, near, missing, none := fine, fine, fine, fine
	far.Outside, far.OutsideP, far.GeneratedRange[1] = 0.002, 1e-9, 1337
	near.Outside, near.OutsideP, near.GeneratedRange[1] = 0, 1e-9, 0.5
	missing.GeneratedSkipped, missing.SkippedP = 250, 1e-50
	none.GeneratedSkipped, none.SkippedP = 1, 0.3
	few := compared(measured(0.3, 0.4, 1), fine)
	single := measured(0.9, 1, 1)
	single.Cannot = "1 effective event"
	alone := compared(single, single)
	alone.GeneratedEffective = 1
	few.ReferenceEffective = 100
	pair := func(diff, err, p float64) *validate.Result {
		c := compared(fine, fine)
		c.Rank = &stats.CorrelationDifference{Pair: []string{"a", "b"}, Reference: 0.3, Generated: 0.3 + diff, Diff: diff, Error: err, P: p}
		return c
	}
	// of all columns: a classifier with this AUC
	told := func(of *validate.Result, auc, p float64) *validate.Result {
		of.C2ST = &validate.C2STResult{AUC: auc, AUCError: 0.004, NullMean: 0.5, NullStd: 0.004, P: p}
		of.NPLM = &validate.NPLMTest{Value: 40, NullMean: 40, NullStd: 9, P: 0.5, Draws: 200}
		return of
	}
	likely := told(compared(fine, fine), 0.5, 0.5)
	likely.NPLM.Value, likely.NPLM.P = 140, 1.0/201
	cannot := compared(fine, fine)
	cannot.C2ST = &validate.C2STResult{Cannot: "the weights cancel"}
	small := told(compared(fine, fine), 0.51, 0.3)
	small.ReferenceEffective, small.GeneratedEffective = 300, 300
	million := told(compared(measured(0.003, 1e-9, 1.2), fine), 0.503, 1e-10)
	copied := func(nearer, p float64, duplicates int) *validate.Result {
		r := told(compared(fine, fine), 0.5, 0.5)
		r.Copies = &stats.Copies{Nearer: stats.Test{Value: nearer, NullMean: 0.5, P: p}, Copied: 2 * (nearer - 0.5), Duplicates: duplicates, DuplicatesP: 1}
		if duplicates > 0 {
			r.Copies.DuplicatesP = 1e-9
		}
		return r
	}
	cut := func(passing float64, of *validate.Result) *validate.Result {
		r := told(compared(fine, fine), 0.5, 0.5)
		c := validate.Cut{Cut: "x > 2", Reference: 0.2, Generated: passing, Error: 0.01, P: math.Erfc(math.Abs(passing-0.2) / 0.01 / math.Sqrt2), Result: of}
		if of == nil {
			c.Cannot = "7 of 5000 reference events pass: fewer than 20 are too few to compare"
		}
		r.Cuts = []validate.Cut{c}
		return r
	}
	for _, c := range []struct {
		name  string
		c     *validate.Result
		level Level
		says  string
	}{
		{"chance", compared(measured(0.01, 0.3, 1), fine), Untested, "0.0100 in a (p = 0.300): the cumulative distributions come apart by at most 1.00 % of"},
		{"one of two columns is below 1 % by chance", compared(measured(0.01, 0.006, 1), fine), Untested, "0.00600 in a, is 0.0120 after allowing for 2 columns: what"},
		{"a shape that KS overlooks", compared(measured(0.01, 0.3, 1.4), fine), Untested, "largest"},
		{"small, but more than chance", compared(measured(0.01, 0.3, 2.5), fine), Differs, "Bin by bin, a differs by more than chance: χ²/ndf 2.50"},
		{"large, but by chance: few events", few, Untested, "a difference of 0.165 in the cumulative distributions would be no more than chance"},
		{"small, not by chance: many events", compared(measured(0.004, 1e-20, 1), fine), Close, "0.00800 in b (p = 0.500)"},
		{"visible", compared(measured(0.05, 1e-5, 1), fine), Differs, "p = 1.00×10⁻⁵"},
		{"apart", compared(measured(0.5, 0, 1), fine), Apart, "50.0 %"},
		{"far outside", compared(far, fine), Close, "from 0.02 to 1337 in a"},
		{"not as far", compared(near, fine), Close, "to 1.23457: they do not reach as far, as chance does not explain for"},
		{"missing", compared(fine, missing), Differs, "250 of 5000 generated events, 0 of 5000"},
		{"missing in both", compared(none, missing), Differs, "0 of 5000 of the reference. So are, more than chance explains, values of a."},
		{"one event", alone, Untested, "The columns were not tested: 1 effective event."},
		{"a column of few values", compared(single, fine), Untested, "The largest Kolmogorov–Smirnov distance is 0.00800 in b"},
		{"a classifier tells few events", told(compared(fine, fine), 0.505, 1e-30), Close, "few events differ, which its mean scores show rather than the AUC"},
		{"missing once, where it never is", compared(fine, none), Close, "1 of 5000 generated events"},
		{"correlations differ", pair(0.06, 0.01, 1e-8), Differs, "a with b: 0.360 where the reference has 0.300, by 6.00 standard errors"},
		{"correlations differ a little", pair(0.02, 0.003, 1e-8), Close, "by 6.67 standard errors"},
		{"correlations differ by chance", pair(0.06, 0.05, 0.2), Untested, "no more than chance"},
		{"all columns together agree", told(compared(fine, fine), 0.503, 0.2), Agree, "does not tell generated from reference events better than chance would (AUC 0.5030 ± 0.0040"},
		{"a classifier tells them", told(compared(fine, fine), 0.7, 1e-30), Apart, "tells generated from reference events: AUC 0.7000"},
		{"a classifier tells a little", told(compared(fine, fine), 0.51, 1e-6), Close, "AUC 0.5100"},
		{"another test tells", likely, Close, "the likelihood ratio (NPLM) differs by more than chance"},
		{"no test of all columns", cannot, Untested, "All columns together were not tested: the weights cancel"},
		{"300 events", small, Untested, "a difference of 0.133 in the cumulative distributions would be no more than chance"},
		{"tiny, of a million", million, Close, "AUC 0.5030"},
		{"copies", copied(0.7, 1e-30, 0), Differs, "The generated events copy training events, 40.0 % of them or so"},
		{"duplicates", copied(0.5, 0.5, 250), Differs, "250 of 5000 generated events agree with a training event"},
		{"no copies", copied(0.501, 0.4, 0), Agree, "no copies of training events"},
		{"the same after a cut", cut(0.201, told(compared(fine, fine), 0.5, 0.5)), Agree, "After the cut x > 2, 20.1 % of the generated events pass"},
		{"another after a cut", cut(0.201, told(compared(measured(0.2, 1e-9, 3), fine), 0.7, 1e-9)), Apart, "0.200 in a"},
		{"fewer pass", cut(0.1, told(compared(fine, fine), 0.5, 0.5)), Differs, "10.0 % of the generated events pass, of the reference 20.0 % (p < 10⁻¹²)"},
		{"too few pass", cut(0.2, nil), Agree, "After the cut x > 2: 7 of 5000 reference events pass"},
	} {
		v := Judge(c.c, func(name string) string { return name })
		if v.Level != c.level || v.Headline == "" {
			t.Errorf("%s: %s, not %s: %s", c.name, v.Level, c.level, v.Headline)
		}
		if all := strings.Join(v.Sentences, " "); !strings.Contains(all, c.says) {
			t.Errorf("%s: %q does not say %q", c.name, all, c.says)
		}
		if (v.Level > Untested) != (len(v.Reasons) > 0) {
			t.Errorf("%s: the reasons are %q", c.name, v.Reasons)
		}
		if c.level >= Close && strings.Contains(v.Headline, "No difference") && !strings.Contains(v.Headline, "found before cuts, but") {
			t.Errorf("%s: the headline %q contradicts the level", c.name, v.Headline)
		}
	}
}

// A column shuffled among the events is right by itself; only tests of all columns see that it does not go with the others.
func TestVerdictOfShuffledColumn(t *testing.T) {
	if testing.Short() {
		t.Skip("whole comparisons")
	}
	const n = 2000
	draw := func(seed uint64) *events.Table {
		r := rng.New(seed, rng.StreamTest, 5)
		x, y := make([]float64, n), make([]float64, n)
		for i := range n {
			x[i] = r.NormFloat64()
			y[i] = x[i]*x[i] + 0.3*r.NormFloat64() // without a correlation
		}
		return &events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: x}, {Name: "y", Type: events.Float64, F64: y}}}
	}
	ref, gen := draw(1), draw(2)
	slices.Reverse(gen.Columns[1].F64) // with the x of other events
	r, err := validate.Compare(t.Context(), ref, gen, validate.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	v := Judge(r, func(s string) string { return s })
	if v.Level != Apart || v.Headline != "The samples do not agree: all columns together" || len(v.Reasons) != 1 {
		t.Errorf("%s: %s %q", v.Level, v.Headline, v.Reasons)
	}
	if r, err = validate.Compare(t.Context(), ref, draw(4), validate.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if v := Judge(r, func(s string) string { return s }); v.Level != Agree {
		t.Errorf("%s: %s %q", v.Level, v.Headline, v.Reasons)
	}
}

func TestVerdictAsJSON(t *testing.T) {
	for level, want := range map[Level]string{Agree: `"good"`, Untested: `"cannot say"`, Close: `"differs"`, Apart: `"differs"`} {
		text, err := json.Marshal(Verdict{Level: level, Headline: "h"})
		if err != nil || !strings.Contains(string(text), `"level":`+want) || !strings.Contains(string(text), `"grade":"`+level.String()) {
			t.Errorf("%s, %v", text, err)
		}
	}
}

// How often the verdict is wrong, of 40 repetitions with 5,000 events: on samples of one distribution at most 4 alarms, and none
// of the faults overlooked.
func TestVerdictOfRepetitions(t *testing.T) {
	if testing.Short() {
		t.Skip("whole comparisons")
	}
	const repetitions, n = 40, 5000
	sample := func(seed, stream uint32, change func(i int, x, y *float64, r *rng.Source)) *events.Table {
		r := rng.New(uint64(seed), rng.StreamTest, stream)
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = r.NormFloat64()
			y[i] = 0.7*x[i] + r.NormFloat64()
			if change != nil {
				change(i, &x[i], &y[i], r)
			}
		}
		return &events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: x}, {Name: "y", Type: events.Float64, F64: y}}}
	}
	weigh := func(t *events.Table, r *rng.Source) *events.Table { // accepted by the inverse of the weight: the same distribution
		w := make([]float64, t.Len())
		for i := range w {
			w[i] = math.Exp(1.33*r.NormFloat64() - 0.4*t.Columns[0].F64[i])
		}
		t.Columns = append(t.Columns, events.Column{Name: "w", Type: events.Float64, F64: w})
		t.Weight = "w"
		return t
	}
	heavy := func(_ int, x, y *float64, r *rng.Source) { // two correlated Pareto tails, index 2.5
		common := math.Pow(1-r.Float64(), -1/2.5)
		*x, *y = 20*common*math.Pow(1-r.Float64(), -1/2.5), 20*common*math.Pow(1-r.Float64(), -1/2.5)
	}
	resonance := func(share float64) func(int, *float64, *float64, *rng.Source) {
		return func(i int, x, _ *float64, r *rng.Source) {
			if *x = 5 - 3*math.Log(1-r.Float64()); r.Float64() < share {
				*x = 9 + 0.2*r.NormFloat64()
			}
		}
	}
	for _, c := range []struct {
		name     string
		ref, gen func(int, *float64, *float64, *rng.Source)
		weights  bool
		shifted  float64 // of the reference before it is weighted back
		alarms   [2]int  // at least, at most
	}{
		{name: "plain", alarms: [2]int{0, 4}},
		{name: "weighted", weights: true, shifted: 0.4, alarms: [2]int{0, 4}},
		{name: "heavy tails", ref: heavy, gen: heavy, alarms: [2]int{0, 4}},
		{name: "5 % NaN", alarms: [2]int{40, 40}, gen: func(i int, x, _ *float64, r *rng.Source) {
			if r.Float64() < 0.05 {
				*x = math.NaN()
			}
		}},
		{name: "2 % at -999", alarms: [2]int{40, 40}, gen: func(i int, x, _ *float64, r *rng.Source) {
			if r.Float64() < 0.02 {
				*x = -999
			}
		}},
		{name: "a resonance of 5 % is missing", ref: resonance(0.05), gen: resonance(0), alarms: [2]int{40, 40}},
	} {
		alarms := 0
		for k := range uint32(repetitions) {
			ref, gen := sample(k, 1, c.ref), sample(k, 2, c.gen)
			if c.weights {
				for i := range n {
					ref.Columns[0].F64[i] += c.shifted
					ref.Columns[1].F64[i] += 0.7 * c.shifted
				}
				ref = weigh(ref, rng.New(uint64(k), rng.StreamTest, 3))
			}
			got, err := stats.Compare(ref, gen, []string{"x", "y"})
			if err != nil {
				t.Fatal(err)
			}
			if c.weights && k == 0 {
				t.Logf("effective share of the weighted reference: %.2f", got.ReferenceEffective/n)
			}
			if v := Judge(&validate.Result{Comparison: got}, func(s string) string { return s }); v.Level > Untested {
				alarms++
				if c.alarms[0] == 0 {
					t.Logf("%s %d: %s %v", c.name, k, v.Headline, v.Sentences)
				}
			}
		}
		if t.Logf("%s: %d of %d", c.name, alarms, repetitions); alarms < c.alarms[0] || alarms > c.alarms[1] {
			t.Errorf("%s: %d alarms of %d, not %v", c.name, alarms, repetitions, c.alarms)
		}
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1.00", -1: "−1.00", 0.012345: "0.0123", 0.99999: "1.00", 9.996: "10.0", 123.4: "123", 1234.5: "1230",
		999999: "1.00×10⁶", 1e6: "1.00×10⁶", 0.00012345: "0.000123", 1.2345e-5: "1.23×10⁻⁵", -4.5e-10: "−4.50×10⁻¹⁰",
		math.Inf(1): "∞", math.Inf(-1): "−∞",
	} {
		if got := digits(v); got != want {
			t.Errorf("%v is written %s, not %s", v, got, want)
		}
	}
	if digits(math.NaN()) != "–" || bound(math.NaN()) != "–" {
		t.Error("NaN is not written as a dash")
	}
	for v, want := range map[float64]string{0: "0", 2: "2", 1.2345678: "1.23457", -0.5: "−0.5", 125000: "125000", 3e7: "3.00000×10⁷"} {
		if got := bound(v); got != want {
			t.Errorf("the bound %v is written %s, not %s", v, got, want)
		}
	}
	for p, want := range map[float64]string{0: "< 10⁻¹²", 1e-13: "< 10⁻¹²", 0.21: "= 0.210", 1: "= 1.00"} {
		if got := probability(p); got != want {
			t.Errorf("p of %v is %s, not %s", p, got, want)
		}
	}
}

// Numbers have minus signs; a date, a name and a power of ten keep what they have.
func TestSigns(t *testing.T) {
	for text, want := range map[string]string{"-0.39": "−0.39", "1 ± -2": "1 ± −2", "-1.5 to -0.5": "−1.5 to −0.5", "8.6e-07": "8.6e-07", "c-3": "c-3", "2026-01-02": "2026-01-02"} {
		if got := signs(text); got != want {
			t.Errorf("%q is written %q, not %q", text, got, want)
		}
	}
	s := Section{Numbers: [2]int{1, 2}}
	if name, number := s.Cell(0, "-5"), s.Cell(1, "-5"); name != "-5" || number != "−5" {
		t.Errorf("a name %q, a number %q", name, number)
	}
}

func TestByDraws(t *testing.T) {
	for want, test := range map[string]stats.Test{
		"≤ 0.00500": {P: 1.0 / 200, Draws: 199}, "0.0100": {P: 2.0 / 200, Draws: 199}, "0.00500": {P: 0.005}, "< 10⁻¹²": {P: 1e-20, Draws: 199},
	} {
		if said := byDraws(test); said != want {
			t.Errorf("%+v is %s, not %s", test, said, want)
		}
	}
}
