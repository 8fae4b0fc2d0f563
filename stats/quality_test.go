package stats

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

var seeded = QualityOptions{Seed: 1}

func all(n int) []int32 {
	e := make([]int32, n)
	for i := range e {
		e[i] = int32(i)
	}
	return e
}

func sumsOf(s affine, degree int) *powers {
	p := newPowers(s, degree)
	p.add(all(s.len()))
	return p
}

// The tolerance is the vectors' own, 1e-10; no batches are drawn here.
func TestReferenceQuality(t *testing.T) {
	var in struct{ Real, Generated [][]float64 }
	var out struct {
		Precision, Recall, Density, Coverage, Frechet float64
		MMD                                           float64 `json:"mmd_poly4_unbiased"`
	}
	reference.Read(t, "sample_quality", &in, &out)
	ref, gen := Sample{Columns: transpose(in.Real)}, Sample{Columns: transpose(in.Generated)}

	r, g := byLargest(ref, gen)
	a, b := sumsOf(r, 2), sumsOf(g, 2)
	reference.Near(t, "Frechet", frechet(a.sum, a.w2, b.sum, b.w2, 4), out.Frechet, 1e-10)
	r, g = kernelScale(ref, gen)
	reference.Near(t, "MMD", unbiased(sumsOf(r, 4), sumsOf(g, 4), multinomial(5, 4)), out.MMD, 1e-10)

	for _, most := range []int{16, 1000} { // neighbours kept: enough, and not always
		p := newGraph(ref, gen, 5, most, seeded).prdcOf(ref.len())
		for k, want := range []float64{out.Precision, out.Recall, out.Density, out.Coverage} {
			reference.Near(t, "PRDC", p[k], want, 1e-10)
		}
	}
}

// several is a sample of columns of normal numbers, correlated; each stream has its own.
func several(n, columns int, stream uint32) (s Sample) {
	common := normals(n, 1000*stream)
	for k := range columns {
		c := normals(n, 1000*stream+uint32(k)+1)
		for i := range c {
			c[i] += 0.5 * common[i]
		}
		s.Columns = append(s.Columns, c)
	}
	return s
}

// signed gives a sample weights of +-1, a fifth of them negative.
func signed(s Sample, stream uint32) Sample {
	src := rng.New(8, rng.StreamTest, stream)
	for range s.len() {
		w := 1.0
		if src.Float64() < 0.2 {
			w = -1
		}
		s.Weights = append(s.Weights, w)
	}
	return s
}

// Without its batches, what FPD and KPD find is the sum over pairs, or the formula, that they are defined by; weights of 2 count an event twice.
func TestSumsOfPowersAreSumsOverPairs(t *testing.T) {
	a, b := several(150, 3, 1), several(140, 3, 2)
	a, b = signed(a, 1), signed(b, 2)
	b.Weights[3] = 2.5
	r, g := kernelScale(a, b)
	kernel := func(x affine, i int, y affine, j int) float64 {
		s := 1.0
		for k := range x.Columns {
			s += x.Columns[k][i] * x.scale[k] * y.Columns[k][j] * y.scale[k]
		}
		return s * s * s * s
	}
	mean := func(x, y affine, same bool) float64 {
		var s, w float64
		for i := range x.len() {
			for j := range y.len() {
				if same && i == j {
					continue
				}
				v := x.Weights[i] * y.Weights[j]
				s += v * kernel(x, i, y, j)
				w += v
			}
		}
		return s / w
	}
	want := mean(r, r, true) + mean(g, g, true) - 2*mean(r, g, false)
	ways := multinomial(4, 4)
	reference.Near(t, "unbiased MMD with weights", unbiased(sumsOf(r, 4), sumsOf(g, 4), ways), want, 1e-12)

	blocks := newBlocks(r, g, 4, 30, seeded)
	got := blocks.discrepancy(all(len(blocks.of)), blocks.products(ways, seeded))
	reference.Near(t, "MMD of blocks", got, mean(r, r, false)+mean(g, g, false)-2*mean(r, g, false), 1e-12)

	twice := Sample{}
	doubled := a.Take(all(a.len()))
	for k, c := range a.Columns {
		twice.Columns = append(twice.Columns, append(append([]float64{}, c...), c[:40]...))
		doubled.Columns[k] = c
	}
	for i := range doubled.Weights {
		doubled.Weights[i] = 1
		if i < 40 {
			doubled.Weights[i] = 2
		}
	}
	x, _ := byLargest(doubled, doubled)
	y, _ := byLargest(twice, twice)
	p, q := sumsOf(x, 2), sumsOf(y, 2)
	for k := range p.sum {
		reference.Near(t, "weight 2", p.sum[k], q.sum[k], 1e-12)
	}
}

// A shift of one column, without batches: |shift|^2 for equal covariances; and a matrix of rank 1 has a distance of 0 from itself.
func TestFrechet(t *testing.T) {
	a := several(5000, 3, 1)
	a.Columns = append(a.Columns, a.Columns[0], make([]float64, 5000)) // a copy, and zeros
	b := a.Take(all(5000))
	for i := range b.Columns[1] {
		b.Columns[1][i] += 0.5
	}
	r, g := byLargest(a, b)
	p, q := sumsOf(r, 2), sumsOf(g, 2)
	shift := 0.5 * r.scale[1]
	reference.Near(t, "shift", frechet(p.sum, p.w2, q.sum, q.w2, 5), shift*shift, 1e-12)
	if d := frechet(p.sum, p.w2, p.sum, p.w2, 5); !(d < 1e-15) {
		t.Errorf("a sample is %g from itself", d)
	}
}

// The line through exact points, and its bounds: neither intercept nor slope is negative.
func TestExtrapolate(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	for _, c := range []struct {
		y       []float64
		want    float64
		scatter bool
	}{
		{[]float64{5, 7, 9, 11}, 3, false},
		{[]float64{1, 4, 7, 10}, 0, true},
		{[]float64{4, 3, 2, 1}, 2.5, true},
	} {
		a, err := extrapolate(x, c.y)
		reference.Near(t, "intercept", a, c.want, 1e-12)
		if (err > 1e-9) != c.scatter {
			t.Errorf("%v: error %g", c.y, err)
		}
	}
}

func TestDistancesSeeShiftAndCorrelation(t *testing.T) {
	if testing.Short() {
		t.Skip("draws batches of JetNet's sizes")
	}
	ref, same, shuffled := several(6000, 4, 1), several(6000, 4, 2), several(6000, 4, 3)
	c := shuffled.Columns[2]
	shuffled.Columns[2] = append(append([]float64{}, c[1:]...), c[0])
	for i := range shuffled.Columns[0] {
		shuffled.Columns[0][i] += 0.2
	}
	for _, f := range []struct {
		name string
		test func(ref, gen Sample) Test
	}{
		{"FPD", func(r, g Sample) Test { return FPD(r, g, seeded) }},
		{"KPD", func(r, g Sample) Test { return KPD(r, g, seeded) }},
		{"PRDC", func(r, g Sample) Test {
			p := NewPRDC(r, g, seeded)
			return Test{Value: math.Abs(p.Density - 1), P: p.P, Cannot: p.Cannot}
		}},
	} {
		for _, weighted := range []bool{false, true} {
			r, s, bad := ref, same, shuffled
			if weighted {
				r, s, bad = signed(ref, 1), signed(same, 2), signed(shuffled, 3)
			}
			good, worse := f.test(r, s), f.test(r, bad)
			t.Logf("%s weighted %v: %+v, shuffled %+v", f.name, weighted, good, worse)
			if good.Cannot != "" || !(good.P > 0.02) {
				t.Errorf("%s of one distribution: %+v", f.name, good)
			}
			if worse.Cannot != "" || !(worse.P < 0.02) && f.name != "PRDC" {
				t.Errorf("%s with a column shuffled: %+v", f.name, worse)
			}
			if weighted {
				continue
			}
			if again := f.test(r, s); again != good {
				t.Errorf("%s differs in a second run: %+v", f.name, again)
			}
		}
	}
}

// Samples that cannot be compared have a sentence in place of numbers.
func TestQualityOfBadSamples(t *testing.T) {
	good := several(100, 2, 1)
	with := func(change func(s *Sample)) Sample {
		s := good.Take(all(100))
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		gen  Sample
		want string
	}{
		"columns":   {several(100, 3, 2), "columns"},
		"one event": {good.Take([]int32{0}), "effective events"},
		"infinity":  {with(func(s *Sample) { s.Columns[1][7] = math.Inf(-1); s.Columns[0][7] = math.NaN() }), "1 events with a value or weight that is not finite"},
		"weights 0": {with(func(s *Sample) { s.Weights = make([]float64, 100) }), "sum to 0"},
		"few":       {with(func(s *Sample) { s.Weights = make([]float64, 100); s.Weights[0], s.Weights[1] = 1, 1 }), "effective events"},
		"lengths":   {with(func(s *Sample) { s.Columns[1] = s.Columns[1][:50] }), "different lengths"},
		"nothing":   {Sample{Columns: [][]float64{nil, nil}}, "effective events"},
	} {
		for test, cannot := range map[string]string{
			"FPD": FPD(good, c.gen, seeded).Cannot, "KPD": KPD(good, c.gen, seeded).Cannot, "PRDC": NewPRDC(good, c.gen, seeded).Cannot, "FPD reversed": FPD(c.gen, good, seeded).Cannot,
		} {
			if !strings.Contains(cannot, c.want) {
				t.Errorf("%s, %s: %q", test, name, cannot)
			}
		}
	}
	if c := FPD(good, with(func(s *Sample) { s.Columns[0][0] = 1e200 }), seeded); !strings.Contains(c.Cannot, "overflows") {
		t.Errorf("an overflow: %+v", c)
	}
	wild := several(4000, 2, 2)
	for i := range 4000 {
		wild.Weights = append(wild.Weights, 1-2*float64(i*53%101/53)) // 48 of 101 are negative
	}
	for test, p := range map[string]Test{"FPD": FPD(good, wild, seeded), "KPD": KPD(good, wild, seeded)} {
		if !(p.Cannot != "" || finite(p.NullMean) && finite(p.NullStd)) {
			t.Errorf("%s with nearly half of the weights negative: %+v", test, p)
		}
	}
	if c := KPD(several(30, 51, 1), several(30, 51, 2), seeded); !strings.Contains(c.Cannot, "51 columns") {
		t.Errorf("51 columns: %+v", c)
	}
}

// Constants and columns of few values are no reason for an alarm, and every result is JSON.
func TestQualityOfConstants(t *testing.T) {
	few := func(stream uint32) (s Sample) {
		a, b := normals(400, stream), make([]float64, 400)
		for i := range a {
			a[i], b[i] = math.Round(a[i]), 91.2
		}
		return Sample{Columns: [][]float64{a, b}}
	}
	ref, gen := few(1), few(2)
	p := NewPRDC(ref, gen, seeded)
	results := []any{FPD(ref, gen, seeded), KPD(ref, gen, seeded), p}
	if fpd := results[0].(Test); !(fpd.P > 0.01) || fpd.Cannot != "" {
		t.Errorf("FPD %+v", fpd)
	}
	if !(p.P > 0.01) || math.Abs(p.Density-1) > 0.3 || p.Cannot != "" {
		t.Errorf("PRDC %+v", p)
	}
	far := Sample{Columns: [][]float64{scaledBy(ref.Columns[0], 1e200), gen.Columns[1]}}
	if p := NewPRDC(ref, far, seeded); p.Precision > 0.9 || p.Cannot != "" {
		t.Errorf("PRDC far out %+v", p)
	}
	for _, r := range results {
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	}
	same := FPD(ref, ref, seeded)
	if same.P != 1 {
		t.Errorf("FPD of a sample against itself %+v", same)
	}
}

func scaledBy(x []float64, f float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v * f
	}
	return y
}
