package stats

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

func TestRanksAndTARPAgreeWithTheReference(t *testing.T) {
	var in struct {
		Truth, References [][]float64
		Samples           [][][]float64
		Alpha             []float64
	}
	var out struct {
		F, Coverage []float64
		SBC         [][]int `json:"sbc_rank"`
	}
	reference.Read(t, "tarp_sbc", &in, &out)
	events, columns := len(in.Truth), len(in.Truth[0])
	truth, draws, references := make([][]float64, columns), make([][]float64, columns), make([][]float64, columns)
	for k := range columns {
		for i := range events {
			truth[k] = append(truth[k], in.Truth[i][k])
			references[k] = append(references[k], in.References[i][k])
			for s := range in.Samples {
				draws[k] = append(draws[k], in.Samples[s][i][k])
			}
		}
		ranks, perEvent, err := Ranks(truth[k], draws[k], 1)
		if err != nil || perEvent != len(in.Samples) {
			t.Fatal(perEvent, err)
		}
		for i, r := range ranks {
			if r != out.SBC[i][k] {
				t.Errorf("event %d, column %d: rank %d, want %d", i, k, r, out.SBC[i][k])
			}
		}
	}
	ranks, perEvent, err := TARP(truth, draws, references, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := make([]float64, events)
	for i, r := range ranks {
		f[i] = float64(r) / float64(perEvent)
		if math.Abs(f[i]-out.F[i]) > 1e-12 {
			t.Errorf("event %d: level %g, want %g", i, f[i], out.F[i])
		}
	}
	for k, alpha := range in.Alpha {
		if share, _ := Coverage(f, nil, alpha); math.Abs(share-out.Coverage[k]) > 1e-12 {
			t.Errorf("coverage at %g is %g, want %g", alpha, share, out.Coverage[k])
		}
	}
}

// calibrated are events of a normal law, whose mean, of two columns, is their context: width 1 for a calibrated density, less for one that is too
// sure of itself.
type calibrated struct {
	truth, draws, references [][]float64
	w                        []float64
	perEvent                 int
	mean                     []float64    // of the first column
	density                  [2][]float64 // of the truths and of the draws, but for a constant
}

func newCalibrated(seed uint64, n, perEvent int, width, shift float64, weights string) *calibrated {
	s := rng.New(seed, rng.StreamTest, 99)
	c := &calibrated{perEvent: perEvent}
	for range 2 {
		c.truth, c.draws = append(c.truth, make([]float64, n)), append(c.draws, make([]float64, n*perEvent))
		c.references = append(c.references, make([]float64, n))
	}
	c.density = [2][]float64{make([]float64, n), make([]float64, n*perEvent)}
	for i := range n {
		x, y := 2*s.NormFloat64(), 2*s.NormFloat64()
		c.mean = append(c.mean, x)
		c.references[0][i], c.references[1][i] = 3*s.NormFloat64(), 3*s.NormFloat64()
		// correlated by 0.8, and of a law that is drawn from again where the weights are those of an importance
		pair := func(width, shift float64) (a, b, density float64) {
			a, b = s.NormFloat64(), s.NormFloat64()
			a, b = a*width+shift, b*width
			return x + a, y + 0.8*a + 0.6*b, -a*a - b*b
		}
		if weights == "importance" { // truths from wider ones, weighted back to a law of width 1
			a, b, d := pair(1.4, 0)
			c.truth[0][i], c.truth[1][i], c.density[0][i] = a, b, d
			c.w = append(c.w, math.Exp(d/2-d/(2*1.4*1.4)))
		} else {
			c.truth[0][i], c.truth[1][i], c.density[0][i] = pair(1, 0)
		}
		if weights == "negative" {
			e := 1.0
			if s.Float64() < 0.2 {
				e = -1
			}
			c.w = append(c.w, e)
		}
		for l := i * perEvent; l < (i+1)*perEvent; l++ {
			c.draws[0][l], c.draws[1][l], c.density[1][l] = pair(width, shift)
		}
	}
	return c
}

// tests are the p-values of everything that judges them.
func (c *calibrated) tests(t *testing.T, seed uint64) map[string]float64 {
	p := map[string]float64{}
	calibration := func(name string, ranks []int, perEvent int, err error) []float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		u := PIT(ranks, perEvent, seed)
		k, err := NewCalibration(u, c.w, seed)
		if err != nil {
			t.Fatal(err)
		}
		p[name+", KS"], p[name+", chi2"] = k.KS.P, k.Chi2.P
		return u
	}
	ranks, n, err := Ranks(c.truth[0], c.draws[0], seed)
	u := calibration("PIT", ranks, n, err)
	k, err := NewCalibration(Central(u), c.w, seed)
	if err != nil {
		t.Fatal(err)
	}
	p["central, KS"], p["central, chi2"] = k.KS.P, k.Chi2.P
	ranks, n, err = Ranks(c.density[0], c.density[1], seed)
	calibration("HPD", ranks, n, err)
	ranks, n, err = TARP(c.truth, c.draws, c.references, []float64{2, 2}, seed)
	calibration("TARP", ranks, n, err)
	a, err := NewAveraged(c.truth[0], c.draws[0], c.w)
	if err != nil {
		t.Fatal(err)
	}
	p["averaged, chi2"] = a.Chi2.P
	codes := func(x []float64) (y []float64) {
		for _, v := range x {
			y = append(y, math.Floor(v))
			if v < -1.5 {
				y[len(y)-1] = math.NaN()
			}
		}
		return y
	}
	ranks, n, err = Ranks(codes(c.truth[0]), codes(c.draws[0]), seed)
	calibration("PIT of codes with gaps", ranks, n, err)
	a, err = NewAveraged(codes(c.truth[0]), codes(c.draws[0]), c.w)
	if err != nil {
		t.Fatal(err)
	}
	p["averaged codes, chi2"] = a.Chi2.P
	rare := func(x, context []float64) (y []float64) { // hardly ever but what the context says
		for i, v := range x {
			y = append(y, math.Floor(context[i*len(context)/len(x)]))
			if v > context[i*len(context)/len(x)]+1.5 {
				y[i]++
			}
		}
		return y
	}
	if a, err = NewAveraged(rare(c.truth[0], c.mean), rare(c.draws[0], c.mean), c.w); err != nil {
		t.Fatal(err)
	}
	if p["averaged rare codes, chi2"] = a.Chi2.P; a.Chi2.Cannot != "" {
		p["averaged rare codes, chi2"] = 1
	}
	return p
}

// With SLUICE_STUDY the rates are those of 3,000 cases, which must be from 3.5 to 6.5 %: 5 % with 3.8 standard errors; but of rare codes with weights,
// which are rejected less often, only not more. Else they are
// of 40, with 4 of them.
func TestCalibrationRejectsOneCaseInTwenty(t *testing.T) {
	if testing.Short() {
		t.Skip("a study of rates: left out by -short")
	}
	cases, events, low, high := 40, 300, 0.0, 0.05+4*0.034
	if os.Getenv("SLUICE_STUDY") != "" {
		cases, events, low, high = 3000, 1000, 0.035, 0.065
	}
	for _, weights := range []string{"", "negative", "importance"} {
		t.Run(weights, func(t *testing.T) {
			rejected := map[string]int{}
			for i := range cases {
				for name, p := range newCalibrated(uint64(i), events, 50, 1, 0, weights).tests(t, uint64(i)) {
					if rejected[name] += 0; p < 0.05 {
						rejected[name]++
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(rejected)) {
				rate := float64(rejected[name]) / float64(cases)
				t.Logf("%s: %.3f", name, rate)
				if rate < low && !(weights != "" && strings.Contains(name, "rare")) || rate > high {
					t.Errorf("%s rejects %.3f of %d calibrated cases at 0.05", name, rate, cases)
				}
			}
		})
	}
}

func TestCalibrationFindsFaults(t *testing.T) {
	for _, c := range []struct {
		name         string
		width, shift float64
		finds        []string
	}{
		{"too sure", 0.8, 0, []string{"PIT, chi2", "central, KS", "HPD, KS", "TARP, KS"}},
		{"too unsure", 1.25, 0, []string{"PIT, chi2", "central, KS", "HPD, KS", "TARP, KS"}},
		{"shifted", 1, 0.3, []string{"PIT, KS", "PIT of codes with gaps, KS", "averaged, chi2", "averaged codes, chi2"}},
	} {
		for _, weights := range []string{"", "negative", "importance"} {
			t.Run(fmt.Sprint(c.name, " ", weights), func(t *testing.T) {
				p := newCalibrated(7, 2000, 50, c.width, c.shift, weights).tests(t, 1)
				for _, name := range c.finds {
					if p[name] > 0.02 {
						t.Errorf("%s: p = %g", name, p[name])
					}
				}
			})
		}
	}
}

// A density that is too sure of itself covers less than its levels say; the curve leaves the band where KS rejects at 5 %.
func TestCoverageOfATooNarrowDensity(t *testing.T) {
	for _, weights := range []string{"", "negative"} {
		c := newCalibrated(3, 2000, 100, 0.7, 0, weights)
		ranks, n, _ := Ranks(c.density[0], c.density[1], 1)
		u := PIT(ranks, n, 1)
		for i := range u {
			u[i] = 1 - u[i]
		}
		k, err := NewCalibration(u, c.w, 1)
		if err != nil {
			t.Fatal(err)
		}
		// the region of 68 % of a normal law of width 0.7 in two columns holds 1 - (1-0.68)^0.49
		for _, at := range []struct{ level, got, e float64 }{{0.68, k.Coverage68, k.Error68}, {0.95, k.Coverage95, k.Error95}} {
			if want := 1 - math.Pow(1-at.level, 0.49); math.Abs(at.got-want) > 4*at.e || at.e > 0.03 || at.e < 0.005 {
				t.Errorf("weights %q: coverage at %g is %g ± %g, want %g", weights, at.level, at.got, at.e, want)
			}
		}
		if k.KS.P > 0.002 || k.Band > 0.06 || k.Band < 0.02 {
			t.Errorf("weights %q: p = %g, band %g", weights, k.KS.P, k.Band)
		}
		if below := k.Coverage[10] < k.Low[10]; !below {
			t.Errorf("weights %q: coverage at 0.5 is %g, within %g and %g", weights, k.Coverage[10], k.Low[10], k.High[10])
		}
	}
}

// The bands hold what chance does: 95 % of calibrated cases, at a level and over the whole curve.
func TestBandsHoldCalibratedCases(t *testing.T) {
	const cases = 200
	for _, weights := range []string{"", "negative"} {
		var point, share, curve int
		for i := range cases {
			s := rng.New(uint64(i), rng.StreamTest, 98)
			var w, u []float64
			for range 500 {
				u = append(u, s.Float64())
				if weights != "" {
					w = append(w, []float64{1, 1, 1, 1, -1}[s.IntN(5)])
				}
			}
			k, err := NewCalibration(u, w, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if k.Coverage[6] < k.Low[6] || k.Coverage[6] > k.High[6] {
				point++
			}
			if k.Shares[1] < k.ShareLow || k.Shares[1] > k.ShareHigh {
				share++
			}
			if k.KS.Value > k.Band {
				curve++
			}
			if out := k.KS.Value > k.Band; out != (k.KS.P < 0.05) && math.Abs(k.KS.P-0.05) > 0.002 {
				t.Errorf("KS of %g with p %g, and a band of %g", k.KS.Value, k.KS.P, k.Band)
			}
		}
		for name, n := range map[string]int{"a level": point, "a bin": share, "the curve": curve} {
			if rate := float64(n) / cases; rate > 0.105 { // 5 % and 3.5 standard errors
				t.Errorf("weights %q: %s is out of its band in %g of the cases", weights, name, rate)
			}
		}
	}
}

func TestRanksOfTiesAreUniform(t *testing.T) {
	// all values the same: any rank is as likely
	truth, draws := make([]float64, 5000), make([]float64, 5000*4)
	ranks, n, err := Ranks(truth, draws, 5)
	if err != nil || n != 4 {
		t.Fatal(n, err)
	}
	count := make([]int, 5)
	for _, r := range ranks {
		count[r]++
	}
	for r, k := range count {
		if math.Abs(float64(k)-1000) > 4*math.Sqrt(1000*0.8) {
			t.Errorf("rank %d: %d of 5000", r, k)
		}
	}
	other, _, _ := Ranks(truth, draws, 5)
	if !slices.Equal(ranks, other) {
		t.Error("the same seed gives other ranks")
	}
	nan := math.NaN()
	ranks, _, _ = Ranks([]float64{nan, 1}, []float64{3, 2, nan, 0}, 1)
	if !slices.Equal(ranks, []int{0, 2}) {
		t.Errorf("ranks with missing cells: %v", ranks)
	}
}

func TestCalibrationOfLittle(t *testing.T) {
	k, err := NewCalibration([]float64{0.1, 0.5, 0.9}, nil, 1)
	if err != nil || k.KS.Cannot == "" || k.Chi2.Cannot == "" {
		t.Errorf("%+v, %v", k, err)
	}
	for _, c := range []struct{ u, w []float64 }{{nil, nil}, {[]float64{1.5}, nil}, {[]float64{math.NaN()}, nil}, {[]float64{0.5, 0.6}, []float64{1, -1}}, {[]float64{0.5}, []float64{1, 2}}} {
		if _, err := NewCalibration(c.u, c.w, 1); err == nil {
			t.Errorf("levels %v with weights %v: no error", c.u, c.w)
		}
	}
	if _, _, err := Ranks([]float64{1, 2}, []float64{1, 2, 3}, 1); err == nil {
		t.Error("3 draws for 2 events: no error")
	}
	if _, _, err := TARP([][]float64{{1}}, [][]float64{{1, 2}}, nil, nil, 1); err == nil {
		t.Error("no references: no error")
	}
	same := make([]float64, 100)
	if a, err := NewAveraged(same, same, nil); err != nil || a.Chi2.Cannot == "" || a.Distance != 0 {
		t.Errorf("constants: %+v, %v", a, err)
	}
	if a, err := NewAveraged([]float64{1, 2, 3}, []float64{1, 2, 3}, nil); err != nil || a.Chi2.Cannot == "" {
		t.Errorf("3 events: %+v, %v", a, err)
	}
}

// The errors of oversampled bins hold the truth as often as normal ones do; those of as many independent draws do not.
func TestErrorsOfOversampledBins(t *testing.T) {
	const cases, events, perEvent, bins = 300, 200, 50, 8
	edges := []float64{-4, -3, -2, -1, 0, 1, 2, 3, 4}
	for _, weights := range []bool{false, true} {
		var right, wrong, all float64
		for i := range cases {
			s := rng.New(uint64(i), rng.StreamTest, 97)
			var draws, w []float64
			var total float64
			// a number of events as from a beam: by Poisson's law, from exponential gaps
			for at := -math.Log(s.Float64()); at < events; at -= math.Log(s.Float64()) {
				mean, e := s.NormFloat64(), 1.0
				if weights {
					e = []float64{1, 1, 1, 1, -1}[s.IntN(5)]
				}
				for range perEvent {
					draws = append(draws, mean+0.5*s.NormFloat64())
				}
				w, total = append(w, e), total+e
			}
			if !weights {
				w = nil
			}
			share, naive, err := Oversample(edges, draws, perEvent, w)
			if err != nil {
				t.Fatal(err)
			}
			expected := float64(events)
			if weights {
				expected *= 0.6
			}
			if math.Abs(share.Total()-total) > 1e-9 || !slices.Equal(share.SumW, naive.SumW) {
				t.Fatalf("total %g, want %g", share.Total(), total)
			}
			for b := range bins {
				width := math.Sqrt(1 + 0.25)
				want := expected * (normalCDF(edges[b+1]/width) - normalCDF(edges[b]/width))
				if want < 5 {
					continue
				}
				all++
				if math.Abs(share.SumW[b]-want) < math.Sqrt(share.SumW2[b]) {
					right++
				}
				if math.Abs(naive.SumW[b]-want) < math.Sqrt(naive.SumW2[b]) {
					wrong++
				}
			}
		}
		t.Logf("weights %v: %.3f of %g bins are within 1 sigma, %.3f within the naive one", weights, right/all, all, wrong/all)
		if r := right / all; r < 0.64 || r > 0.72 { // 0.683 within 4 standard errors, less for the few events of outer bins
			t.Errorf("weights %v: %.3f of the bins are within 1 sigma, want 0.683", weights, r)
		}
		if r := wrong / all; r > 0.3 {
			t.Errorf("weights %v: %.3f of the bins are within the naive sigma: the test cannot tell it from the right one", weights, r)
		}
	}
	if _, _, err := Oversample(edges, make([]float64, 5), 2, nil); err == nil {
		t.Error("5 draws, 2 an event: no error")
	}
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

func TestSurprise(t *testing.T) {
	var sim []float64
	for i := range 999 {
		sim = append(sim, float64(i))
	}
	for _, c := range []struct{ at, p float64 }{{-1, 0.001}, {math.Inf(-1), 0.001}, {499, 0.501}, {5000, 1}} {
		if got := Surprise(c.at, sim, nil); math.Abs(got.P-c.p) > 1e-12 {
			t.Errorf("at %g: p = %g, want %g", c.at, got.P, c.p)
		}
	}
	if Surprise(math.NaN(), sim, nil).Cannot == "" || Surprise(1, nil, nil).Cannot == "" {
		t.Error("p of nothing")
	}
}

// Few observations of the simulated distribution are misspecified in one case of twenty; those of another are found.
func TestMisspecified(t *testing.T) {
	sample := func(seed uint64, n int, shift float64) (s Sample) {
		src := rng.New(seed, rng.StreamTest, 96)
		s.Columns = [][]float64{make([]float64, n), make([]float64, n)}
		for i := range n {
			a := src.NormFloat64()
			s.Columns[0][i], s.Columns[1][i] = a+shift, math.Exp(a+0.5*src.NormFloat64())
		}
		return s
	}
	simulated, rejected, cases := sample(1, 200, 0), 0, 60
	for i := range cases {
		test, err := Misspecified(sample(uint64(100+i), 5, 0), simulated, uint64(i))
		if err != nil || test.Cannot != "" {
			t.Fatal(test.Cannot, err)
		}
		if test.P < 0.1 {
			rejected++
		}
	}
	if rejected > 15 { // 6 expected, with a standard error of 2.3
		t.Errorf("%d of %d cases of the simulated distribution are below 0.1", rejected, cases)
	}
	if test, _ := Misspecified(sample(9, 12, 2), simulated, 1); test.P > 0.005 {
		t.Errorf("shifted by 2 standard deviations: p = %g", test.P)
	}
	if test, _ := Misspecified(sample(9, 1, 2), simulated, 1); test.Cannot == "" {
		t.Error("p of one observation")
	}
}
