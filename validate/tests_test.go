package validate

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
)

// The AUC and its variance are those of the reference vectors, and labels exchanged turn it round.
func TestAUC(t *testing.T) {
	var in struct{ Positive, Negative []float64 }
	var out struct{ AUC, Variance float64 }
	reference.Read(t, "scores_auc_isotonic", &in, &out)
	e := classify.Events{Label: make([]int, len(in.Negative)+len(in.Positive))}
	for i := range in.Positive {
		e.Label[len(in.Negative)+i] = 1
	}
	b := oneBlock(t, e, append(slices.Clone(in.Negative), in.Positive...))
	auc, deviation := b.auc()
	if math.Abs(auc-out.AUC) > 1e-12 || math.Abs(deviation*deviation-out.Variance) > 1e-12 {
		t.Errorf("AUC %v with variance %v, want %v and %v", auc, deviation*deviation, out.AUC, out.Variance)
	}
	for i, l := range b.label {
		b.label[i] = 1 - l
	}
	b.events[0], b.events[1] = b.events[1], b.events[0]
	b.total[0], b.total[1] = b.total[1], b.total[0]
	if turned, _ := b.auc(); math.Abs(turned+auc-1) > 1e-12 {
		t.Errorf("AUC %v of exchanged labels, want %v", turned, 1-auc)
	}
}

func oneBlock(t *testing.T, e classify.Events, score []float64) *block {
	t.Helper()
	held := &classify.HeldOut{Logits: score, Fold: slices.Repeat([]uint8{1}, len(score)), Folds: 2}
	b, err := blocksOf(e, held)
	if err != nil {
		t.Fatal(err)
	}
	return b[0]
}

// A weight of 3 counts as three events, and one of -1 takes one away.
func TestWeightedAUC(t *testing.T) {
	plain := oneBlock(t, classify.Events{Label: []int{0, 0, 0, 0, 1, 1, 1}}, []float64{1, 1, 1, 4, 2, 4, 5})
	weighted := oneBlock(t, classify.Events{Label: []int{0, 0, 1, 1, 1, 1, 1}, Weights: []float64{3, 1, 1, 1, 1, 1, -1}}, []float64{1, 4, 2, 4, 5, 3, 3})
	a, _ := plain.auc()
	b, _ := weighted.auc()
	if math.Abs(a-b) > 1e-12 || plain.accuracy() != weighted.accuracy() {
		t.Errorf("AUC %v, accuracy %v with weights; %v, %v with as many events", b, weighted.accuracy(), a, plain.accuracy())
	}
}

// What is different is found, what is not is not, by each test: the first is a shift of columns of one sample, the last a correlation destroyed.
func TestDifferencesAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		shift, negative float64
		shuffled, found bool
	}{
		"alike":                   {},
		"alike, negative weights": {negative: 0.2},
		"shifted":                 {shift: 0.15, found: true},
		"shifted, negative":       {shift: 0.3, negative: 0.2, found: true},
		"shuffled":                {shuffled: true, found: true},
	} {
		ref, gen := normal(3000, 3, 0, c.negative, 1), normal(2500, 3, c.shift, c.negative, 2)
		if c.shuffled {
			slices.Reverse(gen.Columns[1])
		}
		classifier, err := C2ST(t.Context(), ref, gen, classify.Options{Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		likelihood, err := NPLM(t.Context(), ref, gen, NPLMOptions{Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		for test, r := range map[string]stats.Test{"C2ST": classifier.Test(), "NPLM": likelihood} {
			if found := r.P < 0.01; found != c.found || r.Cannot != "" {
				t.Errorf("%s of samples %s: %+v", test, name, r)
			}
		}
		if c.shuffled && (classifier.Accuracy < 0.6 || classifier.JSD < 0.03 || !strings.Contains(classifier.Text, "tells generated from reference events (")) {
			t.Errorf("%s: %+v", name, classifier)
		}
		if !c.found && (classifier.JSD > 0.01 || math.Abs(classifier.Accuracy-0.5) > 0.03) {
			t.Errorf("%s: %+v", name, classifier)
		}
	}
}

// Tests that cannot be done say why, in place of a number.
func TestCannot(t *testing.T) {
	good := func() stats.Sample { return normal(200, 2, 0, 0, 1) }
	for want, change := range map[string]func(s *stats.Sample){
		"has 1 events":                      func(s *stats.Sample) { *s = normal(1, 2, 0, 0, 2) },
		"sum to 0":                          func(s *stats.Sample) { s.Weights = make([]float64, 200) },
		"the weight of event 8 of the gene": func(s *stats.Sample) { s.Weights = slices.Repeat([]float64{1}, 200); s.Weights[7] = math.Inf(1) },
	} {
		gen := good()
		change(&gen)
		c, err := C2ST(t.Context(), good(), gen, classify.Options{})
		if err != nil || !strings.Contains(c.Cannot, want) || c.P != 0 {
			t.Errorf("C2ST: want %q, got %+v %v", want, c, err)
		}
		if text, err := json.Marshal(c); err != nil || strings.Contains(string(text), "auc") || !strings.Contains(string(text), "cannot") {
			t.Errorf("JSON %s %v", text, err)
		}
		n, err := NPLM(t.Context(), good(), gen, NPLMOptions{})
		if err != nil || !strings.Contains(n.Cannot, want) {
			t.Errorf("NPLM: want %q, got %+v %v", want, n, err)
		}
		r, err := Ratio(t.Context(), good(), gen, RatioOptions{})
		if err != nil || !strings.Contains(r.Cannot, want) || r.Weights != nil {
			t.Errorf("Ratio: want %q, got %+v %v", want, r, err)
		}
	}
	same := stats.Sample{Columns: [][]float64{make([]float64, 200)}}
	if c, err := C2ST(t.Context(), same, same, classify.Options{}); err != nil || !strings.Contains(c.Cannot, "single value") {
		t.Errorf("%+v %v", c, err)
	}
	if c, err := NPLM(t.Context(), same, same, NPLMOptions{}); err != nil || !strings.Contains(c.Cannot, "single value") {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := C2ST(t.Context(), same, good(), classify.Options{}); err == nil {
		t.Error("samples of 1 and 2 columns are compared")
	}
}

// Infinite and missing values are seen: as many in both samples are no difference, more in one are.
func TestMissingIsSeen(t *testing.T) {
	for share, found := range map[int]bool{20: false, 8: true} {
		ref, gen := normal(3000, 2, 0, 0, 5), normal(3000, 2, 0, 0, 6)
		for i := range 3000 {
			if i%20 == 0 {
				ref.Columns[1][i] = math.NaN()
			}
			if i%share == 0 {
				gen.Columns[1][i] = math.Inf(1 - 2*(i%2))
			}
		}
		c, err := C2ST(t.Context(), ref, gen, classify.Options{})
		if err != nil || (c.P < 0.001) != found {
			t.Errorf("one in %d missing: %+v %v", share, c, err)
		}
		n, err := NPLM(t.Context(), ref, gen, NPLMOptions{})
		if err != nil || (n.P < 0.001) != found {
			t.Errorf("one in %d missing: %+v %v", share, n, err)
		}
	}
}

// Generated events weighted with the ratio are distributed as the reference; where they are too few and too many is told.
func TestRatio(t *testing.T) {
	ref, gen := normal(6000, 2, 0, 0, 1), normal(6000, 2, 0.7, 0, 2)
	r, err := Ratio(t.Context(), ref, gen, RatioOptions{})
	if err != nil || r.Cannot != "" {
		t.Fatal(err, r.Cannot)
	}
	var sum, mean float64
	for i, w := range r.Weights {
		sum += w
		mean += w * gen.Columns[0][i]
	}
	if mean /= sum; math.Abs(mean) > 0.08 || math.Abs(sum-6000) > 1e-6 {
		t.Errorf("a mean of %v and weights of %v", mean, sum)
	}
	low, high := r.Tails[0].Lacking, r.Tails[0].Surplus
	if low.Off(r.Tails[0].Reference) > -1.5 || high.Off(r.Tails[0].Generated) < 1.5 {
		t.Errorf("too few at %v of %v, too many at %v of %v", low, r.Tails[0].Reference, high, r.Tails[0].Generated)
	}
	if r.Effective > 0.9*r.Before || r.Before != 6000 || r.Largest < 2 {
		t.Errorf("%+v", r)
	}
	// of normal densities at a distance d in units of their covariance, KL is d^2/2 and chi2 exp(d^2)-1
	d2 := 0.7 * 0.7 / (1 - 0.6*0.6)
	for name, m := range map[string][2]float64{"KL": {r.KL.Value, d2 / 2}, "the reverse KL": {r.KLReverse.Value, d2 / 2}, "chi2": {r.Chi2.Value, math.Expm1(d2)}} {
		if math.Abs(m[0]/m[1]-1) > 0.12 {
			t.Errorf("%s is %v, not %v", name, m[0], m[1])
		}
	}
	clipped, err := Ratio(t.Context(), ref, gen, RatioOptions{Clip: 2})
	if err != nil || clipped.Clipped == 0 || clipped.Largest >= r.Largest {
		t.Errorf("%d clipped, the largest %v after %v; %v", clipped.Clipped, clipped.Largest, r.Largest, err)
	}
	alike, err := Ratio(t.Context(), ref, normal(6000, 2, 0, 0, 3), RatioOptions{})
	if err != nil || alike.Effective < 0.97*6000 || math.Abs(alike.KL.Value) > 0.01 || alike.Chi2.Value > 0.02 {
		t.Errorf("%+v %v", alike, err)
	}
}

// A posterior that is right everywhere is not rejected, one too wide at large contexts is there, and draws do not depend on threads.
func TestLocalC2ST(t *testing.T) {
	r := rng.New(1, rng.StreamToy, 0)
	const n = 4000
	x, truth, drawn := make([]float64, n), make([]float64, n), make([]float64, n)
	q := func(x float64) float64 { return x + r.NormFloat64()*(1+max(x, 0)) } // the posterior has a width of 1
	for i := range n {
		x[i] = r.NormFloat64()
		truth[i], drawn[i] = x[i]+r.NormFloat64(), q(x[i])
	}
	var at []Observation
	for _, v := range []float64{-1.5, 1} {
		o := Observation{Context: []float64{v}, Drawn: [][]float64{nil}}
		for range 500 {
			o.Drawn[0] = append(o.Drawn[0], q(v))
		}
		at = append(at, o)
	}
	run := func(threads, most int) []stats.Test {
		o := LocalOptions{Draws: 20}
		o.Threads, o.Epochs, o.Most = threads, 5, most
		got, err := LocalC2ST(t.Context(), [][]float64{truth}, [][]float64{drawn}, [][]float64{x}, at, o)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := run(2, 0)
	if got[1].P > 0.01 || got[0].Value > got[1].Value/3 {
		t.Errorf("%+v", got)
	}
	if !reflect.DeepEqual(got, run(1, -1)) {
		t.Error("one thread and all pairs give others than two threads and up to as many")
	}
}

// The same bits for any number of threads.
func TestThreads(t *testing.T) {
	ref, gen := normal(700, 3, 0, 0.2, 1), normal(900, 3, 0.1, 0, 2)
	var first []any
	for _, threads := range []int{1, 3} {
		o := classify.Options{Threads: threads}
		c, err := C2ST(t.Context(), ref, gen, o)
		if err != nil {
			t.Fatal(err)
		}
		n, err := NPLM(t.Context(), ref, gen, NPLMOptions{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Ratio(t.Context(), ref, gen, RatioOptions{Options: o})
		if err != nil {
			t.Fatal(err)
		}
		if all := []any{c, n, r}; first == nil {
			first = all
		} else if !reflect.DeepEqual(first, all) {
			t.Errorf("%d threads give others than one", threads)
		}
	}
}
