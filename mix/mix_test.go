package mix_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
)

var (
	_ model.Density   = (*mix.Table)(nil)
	_ train.Objective = (*mix.Likelihood)(nil)
	_ train.Parallel  = (*mix.Likelihood)(nil)
	_ train.Stepper   = (*mix.Likelihood)(nil)
	_ train.Starter   = (*mix.Likelihood)(nil)
	_ train.Freezer   = (*mix.Likelihood)(nil)
	_ train.Watching  = (*mix.Likelihood)(nil)
	_ train.Decaying  = (*mix.Likelihood)(nil)
)

// testCase is a table that every property is tested with.
type testCase struct {
	name    string
	context int
	spec    mix.Spec
}

func codes(k int) mix.Feature { return mix.Feature{Categories: k} }

func where(feature int, codes ...int) mix.Feature {
	return mix.Feature{Where: &mix.Where{Feature: feature, Codes: codes}}
}

// cases: a cell that one code takes away, two that one feature governs, an order that mixes both sorts, codes beyond what is seen
// one-hot, no continuous feature, layers of every sort that takes absent cells.
func cases() []testCase {
	type o = map[string]any
	mlp := flow.Part{Kind: "mlp", Options: o{"hidden": []int{12, 10}}}
	norms := flow.Spec{Repeat: 2, Layers: []flow.Part{{Kind: "batch-norm"},
		{Kind: "autoregressive", Options: o{"net": flow.Part{Kind: "residual", Options: o{"width": 10, "batch_norm": true}}}}}}
	circle := flow.Spec{Repeat: 2, Base: flow.Part{Kind: "student-t"}, Layers: []flow.Part{{Kind: "coupling", Options: o{"net": mlp,
		"transformers": o{"1": flow.Part{Kind: "circular-spline", Options: o{"bound": 3}}}}}, {Kind: "act-norm"}}}
	small := []int{9, 8}
	nsf := flow.Spec{Type: "nsf-ar", Transforms: 2, Hidden: small}
	return []testCase{
		{"one-cell", 0, mix.Spec{Features: []mix.Feature{codes(3), where(0, 0, 2), codes(2)}, Flow: nsf, Hidden: small}},
		{"two-cells", 0, mix.Spec{Features: []mix.Feature{where(3, 1, 2), where(2, 1), codes(2), codes(3)}, Flow: flow.Spec{Type: "maf", Transforms: 2, Hidden: small}, Hidden: small}},
		{"context", 2, mix.Spec{Features: []mix.Feature{codes(2), where(2, 1), codes(4), {}}, Flow: nsf, Hidden: []int{16}}},
		{"norms", 1, mix.Spec{Features: []mix.Feature{{}, codes(4), where(1, 1, 2), where(1, 2)}, Flow: norms, Hidden: small}},
		{"circle", 0, mix.Spec{Features: []mix.Feature{codes(2), where(0, 1), {}}, Flow: circle, Hidden: small}},
		{"many-codes", 1, mix.Spec{Features: []mix.Feature{codes(70), where(0, 3, 50, 69), codes(2)}, Flow: nsf, Hidden: small, Dropout: 0.25}},
		{"codes-alone", 0, mix.Spec{Features: []mix.Feature{codes(3), codes(2), codes(5)}, Hidden: small}},
	}
}

// table is that of a case, moved away from its start.
func (c testCase) table(t testing.TB) *mix.Table {
	t.Helper()
	m, err := mix.New(c.context, c.spec, 5)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	src, move := rng.New(3, rng.StreamTest, 0), make([]float32, m.Size())
	for _, v := range m.Views() {
		for i := range v.Of(move) {
			v.Of(move)[i] = float32(0.4 / math.Sqrt(float64(v.Cols)) * src.NormFloat64())
		}
	}
	m.Cut(move)
	for i, v := range move {
		m.Params()[i] += v
	}
	x, context := c.events(m, 500, 1)
	likelihood(t, m, x, context, nil).Freeze(all(500))
	return m
}

// events draws some that the codes allow.
func (c testCase) events(_ *mix.Table, n int, seed uint64) (x, context [][]float32) {
	src := rng.New(seed, rng.StreamTest, 1)
	column := func(value func(e int) float64) []float32 {
		col := make([]float32, n)
		for e := range col {
			col[e] = float32(value(e))
		}
		return col
	}
	normal := func(int) float64 { return 1.5 * src.NormFloat64() }
	x = make([][]float32, len(c.spec.Features))
	for _, i := range c.spec.Categorical() {
		x[i] = column(func(int) float64 { return float64(src.IntN(c.spec.Features[i].Categories)) })
	}
	for _, i := range c.spec.Continuous() {
		x[i] = column(normal)
		if w := c.spec.Features[i].Where; w != nil {
			for e, code := range x[w.Feature] {
				if !slices.Contains(w.Codes, int(code)) {
					x[i][e] = float32(math.NaN())
				}
			}
		}
	}
	for range c.context {
		context = append(context, column(normal))
	}
	return x, context
}

func likelihood(t testing.TB, m *mix.Table, x, context [][]float32, weight []float32) *mix.Likelihood {
	t.Helper()
	l, err := mix.NewLikelihood(m, x, context, weight)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func all(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

func each(t *testing.T, property func(t *testing.T, c testCase)) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { property(t, c) })
	}
}

// The density integrates to 1: summed over all codes, and over the cells that each lets there be.
func TestNormalised(t *testing.T) {
	each(t, func(t *testing.T, c testCase) {
		if len(c.spec.Continuous()) > 2 {
			t.Skip("the integral is taken in up to two dimensions")
		}
		m := c.table(t)
		var sum float64
		for number := range c.combinations() {
			x, step := c.grid(number)
			var context [][]float32
			for range c.context {
				context = append(context, slices.Repeat([]float32{0.3}, len(x[0])))
			}
			logProb, err := m.LogProb(x, context)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range logProb {
				sum += step * math.Exp(v)
			}
		}
		// the midpoint rule at a step of 0.07 across the kinks of ReLU networks
		if !(math.Abs(sum-1) <= 5e-3) {
			t.Errorf("the density integrates to %v", sum)
		}
	})
}

// combinations is how many of all codes there are.
func (c testCase) combinations() int {
	n := 1
	for _, i := range c.spec.Categorical() {
		n *= c.spec.Features[i].Categories
	}
	return n
}

// grid is one combination of codes with a grid of the cells that are there, and the volume of its cell.
func (c testCase) grid(number int) (x [][]float32, volume float64) {
	x = make([][]float32, len(c.spec.Features))
	for _, i := range c.spec.Categorical() {
		k := c.spec.Features[i].Categories
		x[i] = []float32{float32(number % k)}
		number /= k
	}
	var there []int
	for _, i := range c.spec.Continuous() {
		if w := c.spec.Features[i].Where; w == nil || slices.Contains(w.Codes, int(x[w.Feature][0])) {
			there = append(there, i)
		}
	}
	const lim = 25
	n := []int{1, 6000, 700}[len(there)]
	total := int(math.Pow(float64(n), float64(len(there))))
	step := 2 * lim / float64(n)
	for i := range x {
		k := slices.Index(there, i)
		switch {
		case x[i] != nil:
			x[i] = slices.Repeat(x[i], total)
		case k < 0:
			x[i] = slices.Repeat([]float32{float32(math.NaN())}, total)
		default:
			for e := range total {
				x[i] = append(x[i], float32(-lim+step*(float64([]int{e % n, e / n}[k])+0.5)))
			}
		}
	}
	return x, math.Pow(step, float64(len(there)))
}

// The density is that of the codes times the flow's of the cells present, and of an absent cell nothing is left: a flow with other
// cells in its place, but marked absent, is the same by construction, so what is compared is the flow given the same context.
func TestDensityIsTheFlows(t *testing.T) {
	each(t, func(t *testing.T, c testCase) {
		if len(c.spec.Continuous()) == 0 || c.name == "many-codes" {
			t.Skip("no flow, or codes that are not seen one-hot")
		}
		m := c.table(t)
		x, context := c.events(m, 300, 4)
		logProb, z, err := m.Evaluate(x, context)
		if err != nil {
			t.Fatal(err)
		}
		given := slices.Clone(context)
		for _, i := range c.spec.Categorical() {
			for k := range c.spec.Features[i].Categories {
				hot := make([]float32, len(x[i]))
				for e, v := range x[i] {
					if int(v) == k {
						hot[e] = 1
					}
				}
				given = append(given, hot)
			}
		}
		var cells [][]float32
		for _, i := range c.spec.Continuous() {
			cells = append(cells, x[i])
		}
		flows, latent, err := m.Flow().Evaluate(cells, given)
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range c.spec.Continuous() {
			if fmt.Sprint(z[i]) != fmt.Sprint(latent[k]) {
				t.Fatalf("feature %d has another latent than in the flow", i)
			}
		}
		// log P(codes) is what is left: it must not depend on the cells
		moved := slices.Clone(x)
		for _, i := range c.spec.Continuous() {
			moved[i] = slices.Clone(x[i])
			for e := range moved[i] {
				moved[i][e] += 0.5
			}
		}
		for k, i := range c.spec.Continuous() {
			cells[k] = moved[i]
		}
		again, err := m.LogProb(moved, context)
		if err != nil {
			t.Fatal(err)
		}
		flowsAgain, err := m.Flow().LogProb(cells, given)
		if err != nil {
			t.Fatal(err)
		}
		for e := range logProb {
			if p, q := logProb[e]-flows[e], again[e]-flowsAgain[e]; !(math.Abs(p-q) < 1e-9) || p >= 0 {
				t.Fatalf("event %d: log P(codes) is %v, and %v with other cells", e, p, q)
			}
		}
	})
}

// The gradient is that of the loss, by differences along a random direction for each view of the parameters.
func TestGradient(t *testing.T) {
	each(t, func(t *testing.T, c testCase) {
		c.spec.Dropout = 0
		m := c.table(t)
		const n = 200
		x, context := c.events(m, n, 6)
		src, weight := rng.New(8, rng.StreamTest, 0), make([]float32, n)
		for i := range weight {
			weight[i] = float32(src.NormFloat64() + 1)
		}
		l := likelihood(t, m, x, context, weight)
		grad := make([]float32, m.Size())
		first := l.Gradient(all(n), grad)
		if c.name != "norms" {
			if loss := l.Loss(all(n)); loss != first {
				t.Fatalf("Gradient says %v, Loss %v", first, loss)
			}
		}
		kept := slices.Clone(m.Params())
		other := make([]float32, m.Size())
		at := func(direction []float32, h float32) float64 {
			for i, d := range direction {
				m.Params()[i] = kept[i] + h*d
			}
			defer copy(m.Params(), kept)
			return l.Gradient(all(n), other) // by the statistics of the batch
		}
		for _, v := range m.Views() {
			direction := make([]float32, m.Size())
			for i := range v.Of(direction) {
				v.Of(direction)[i] = float32(src.NormFloat64())
			}
			m.Cut(direction)
			var want, size float64
			for i, d := range direction {
				want += float64(d) * float64(grad[i])
				size += float64(d) * float64(d)
			}
			// Of three steps the best, between a loss that is good to 1e-7 and the kinks of ReLUs and knots (the suite of package flow
			// has the flow's gradient against float64).
			size, off := math.Sqrt(max(size, 1e-9)), math.Inf(1)
			for _, step := range []float64{3e-4, 2e-3, 1e-2} {
				h := float32(step / size)
				off = min(off, math.Abs((at(direction, h)-at(direction, -h))/(2*float64(h))-want))
			}
			if !(off <= 1e-3*size+5e-3*math.Abs(want)) {
				t.Errorf("%s: the loss has a slope %v off that of its gradient, %v", v.Name, off, want)
			}
		}
	})
}

// Samples have the frequencies of their density, the cells that their codes say and no others, and are finite.
func TestSamplesFollowTheDensity(t *testing.T) {
	each(t, func(t *testing.T, c testCase) {
		m := c.table(t)
		const n = 40_000
		var context [][]float32
		for range c.context {
			context = append(context, slices.Repeat([]float32{0.3}, n))
		}
		x, err := m.Sample(n, context, 9, 0)
		if err != nil {
			t.Fatal(err)
		}
		logProb, _, err := m.Evaluate(x, context) // which checks codes and patterns
		if err != nil {
			t.Fatal(err)
		}
		for e, v := range logProb {
			if v-v != 0 {
				t.Fatalf("event %d has the log-density %v", e, v)
			}
		}
		worst := 0.0
		for number, p := range c.probabilities(t, m) {
			got := 0
			for e := range n {
				if c.number(x, e) == number {
					got++
				}
			}
			worst = max(worst, math.Abs(float64(got)-n*p)/math.Sqrt(n*p*(1-p)+1))
		}
		if worst > 4.5 { // of up to 140 combinations: one in a thousand would be beyond
			t.Errorf("a combination of codes is %.1f standard deviations off", worst)
		}
	})
}

// number is that of the codes of an event, as grid takes it.
func (c testCase) number(x [][]float32, e int) (number int) {
	unit := 1
	for _, i := range c.spec.Categorical() {
		number += unit * int(x[i][e])
		unit *= c.spec.Features[i].Categories
	}
	return number
}

// probabilities are those of the combinations of codes, at the context of TestSamplesFollowTheDensity: of one event of each, the
// density less the flow's.
func (c testCase) probabilities(t *testing.T, m *mix.Table) (p []float64) {
	var context [][]float32
	for range c.context {
		context = append(context, []float32{0.3})
	}
	for number := range c.combinations() {
		x := make([][]float32, len(c.spec.Features))
		rest := number
		for _, i := range c.spec.Categorical() {
			k := c.spec.Features[i].Categories
			x[i] = []float32{float32(rest % k)}
			rest /= k
		}
		for _, i := range c.spec.Continuous() {
			x[i] = []float32{float32(math.NaN())}
		}
		one, err := m.CodeLogProb(x, context)
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, math.Exp(one[0]))
	}
	sum := 0.0
	for _, v := range p {
		sum += v
	}
	if math.Abs(sum-1) > 1e-5 {
		t.Errorf("the probabilities of all codes add up to %v", sum)
	}
	return p
}

// A table with the parameters of another is that table, bit for bit, on any number of threads; an event of a sample does not depend on
// the cut.
func TestSameBits(t *testing.T) {
	each(t, func(t *testing.T, c testCase) {
		m := c.table(t)
		x, context := c.events(m, 700, 6)
		rows := rng.New(1, rng.StreamTest, 9).Perm(700)[:650]
		var first string
		for _, threads := range []int{1, 2, 5} {
			other, err := mix.New(c.context, c.spec, 5)
			if err != nil {
				t.Fatal(err)
			}
			other.UseThreads(threads)
			for i, v := range other.Views() {
				copy(v.Of(other.Params()), m.Views()[i].Of(m.Params()))
			}
			logProb, z, err := other.Evaluate(x, context)
			if err != nil {
				t.Fatal(err)
			}
			sample, err := other.Sample(700, context, 5, 0)
			if err != nil {
				t.Fatal(err)
			}
			grad := make([]float32, other.Size())
			l := likelihood(t, other, x, context, nil)
			losses := make([]float64, len(rows))
			text := fmt.Sprint(logProb, z, sample, l.Gradient(rows, grad), grad, l.Losses(rows, losses), losses)
			if first == "" {
				first = text
			}
			if text != first {
				t.Fatalf("%d threads change the result", threads)
			}
			var tail [][]float32
			for _, col := range context {
				tail = append(tail, col[111:])
			}
			part, err := other.Sample(589, tail, 5, 111)
			if err != nil {
				t.Fatal(err)
			}
			for i := range part {
				if fmt.Sprint(part[i]) != fmt.Sprint(sample[i][111:]) {
					t.Fatalf("feature %d depends on the cut", i)
				}
			}
			other.Close()
		}
	})
}

// Losses are minus the log-densities.
func TestLosses(t *testing.T) {
	each(t, func(t *testing.T, c testCase) {
		m := c.table(t)
		x, context := c.events(m, 150, 6)
		logProb, err := m.LogProb(x, context)
		if err != nil {
			t.Fatal(err)
		}
		losses := make([]float64, 150)
		likelihood(t, m, x, context, nil).Losses(all(150), losses)
		for e, v := range losses {
			if math.Abs(v+logProb[e]) > 1e-9 {
				t.Fatalf("event %d: NLL %v, log-density %v", e, v, logProb[e])
			}
		}
	})
}

// A step takes no memory from the heap.
func TestStepsDoNotAllocate(t *testing.T) {
	each(t, func(t *testing.T, c testCase) {
		m := c.table(t)
		m.UseThreads(1)
		x, context := c.events(m, 300, 6)
		l, grad := likelihood(t, m, x, context, nil), make([]float32, m.Size())
		l.Gradient(all(300), grad)
		rows := all(300)
		if n := testing.AllocsPerRun(5, func() { l.Gradient(rows, grad) }); n > 0 {
			t.Errorf("a step allocates %v times", n)
		}
	})
}

// A million events without what is not finite, but for absent cells.
func TestMillionSamples(t *testing.T) {
	c := cases()[2]
	m := c.table(t)
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	const chunk = 50_000
	_, context := c.events(m, chunk, 8)
	for first := 0; first < n; first += chunk {
		x, err := m.Sample(chunk, context, 8, uint64(first))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range c.spec.Features {
			for e, v := range x[i] {
				there := f.Where == nil || slices.Contains(f.Where.Codes, int(x[f.Where.Feature][e]))
				if there && v-v != 0 || !there && v == v {
					t.Fatalf("event %d, feature %d is %v", first+e, i, v)
				}
			}
		}
	}
}

// What cannot be is one line that says where.
func TestErrors(t *testing.T) {
	nan := float32(math.NaN())
	m, err := mix.New(0, mix.Spec{Features: []mix.Feature{codes(3), where(0, 1), {}}, Flow: flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{4}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for want, x := range map[string][][]float32{
		"event 1: feature 0 is 3, which is none of its codes 0 to 2":        {{0, 3}, {nan, nan}, {1, 1}},
		"event 0: feature 0 is NaN":                                         {{nan, 1}, {nan, 1}, {1, 1}},
		"event 0: feature 1 is 2, while feature 0 has code 0":               {{0, 1}, {2, 1}, {1, 1}},
		"event 1: feature 1 is NaN, while feature 0 has code 1":             {{0, 1}, {nan, nan}, {1, 1}},
		"event 1: feature 2 is NaN, and no code says that it may be absent": {{0, 1}, {nan, 1}, {1, nan}},
		"columns of 2 and 1 events":                                         {{0, 1}, {nan, 1}, {1}},
	} {
		if _, err := m.LogProb(x, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v in place of %q", err, want)
		}
	}
	for want, spec := range map[string]mix.Spec{
		"no feature is categorical": {Features: []mix.Feature{{}}},
		"feature 0: 1 categories":   {Features: []mix.Feature{codes(1)}},
		"feature 1: where names feature 1, which is not a categorical one": {Features: []mix.Feature{codes(2), where(1, 0)}},
		"feature 1: where names code 2 of feature 0, which has 2":          {Features: []mix.Feature{codes(2), where(0, 2)}},
		"layer 1 (lu) mixes all features":                                  {Features: []mix.Feature{codes(2), where(0, 1), {}}, Flow: flow.Spec{Type: "glow"}},
	} {
		if _, err := mix.New(0, spec, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v in place of %q", err, want)
		}
	}
	if _, err := mix.New(0, mix.Spec{Features: []mix.Feature{codes(2), {}, {}}, Flow: flow.Spec{Type: "glow"}}, 1); err != nil {
		t.Errorf("no cell is absent, and yet: %v", err)
	}
}

// Whatever a transformer comes to where a cell is absent, nothing of it is seen: here it overflows.
func TestAbsentCellsDoNotLeak(t *testing.T) {
	spec := mix.Spec{Features: []mix.Feature{codes(2), where(0, 1), {}}, Hidden: []int{8},
		Flow: flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{8}, LogScale: "none"}}
	m, err := mix.New(0, spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const n = 100
	x := [][]float32{make([]float32, n), slices.Repeat([]float32{float32(math.NaN())}, n), slices.Repeat([]float32{0.5}, n)}
	m.UseThreads(1)
	want, err := m.LogProb(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range m.Views() {
		if v.Name == "transforms.0.2.bias" || v.Name == "transforms.0.1.bias" {
			b := v.Of(m.Params())
			b[0], b[1] = -3e38, -1000 // of the first feature in this order, which is absent: shift and log-scale
		}
	}
	got, err := m.LogProb(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	grad := make([]float32, m.Size())
	loss := likelihood(t, m, x, nil, nil).Gradient(all(n), grad)
	for i, g := range grad {
		if g-g != 0 {
			t.Fatalf("gradient %d is %v", i, g)
		}
	}
	if got[0] != want[0] || math.Abs(loss+want[0]) > 1e-5 {
		t.Errorf("the log-density is %v (loss %v), and was %v", got[0], loss, want[0])
	}
	drawn, err := m.Sample(1000, nil, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for e := range drawn[0] {
		if there := drawn[0][e] == 1; (drawn[1][e] == drawn[1][e]) != there {
			t.Fatalf("event %d of code %v has the cell %v", e, drawn[0][e], drawn[1][e])
		}
	}
}

// A training finds a density that is known: of codes that depend on each other, and a cell that is there with one of them alone.
func TestTrainingFindsTheDensity(t *testing.T) {
	const n = 6000
	src := rng.New(4, rng.StreamTest, 0)
	x := [][]float32{make([]float32, n), make([]float32, n), make([]float32, n)}
	var truth float64 // mean log-density
	for e := range n {
		p, a, b := 0.3, 0, 0
		if src.Float64() < p {
			a = 1
		} else {
			p = 0.7
		}
		q := []float64{0.9, 0.2}[a] // of b = 1
		if src.Float64() < q {
			b = 1
		} else {
			q = 1 - q
		}
		x[0][e], x[1][e], x[2][e] = float32(a), float32(b), float32(math.NaN())
		truth += math.Log(p*q) / n
		if a == 1 {
			u := src.NormFloat64()
			x[2][e] = float32(0.5*u + float64(2*b))
			truth += (-u*u/2 - math.Log(0.5*math.Sqrt(2*math.Pi))) / n
		}
	}
	spec := mix.Spec{Features: []mix.Feature{codes(2), codes(2), where(0, 1)}, Hidden: []int{16},
		Flow: flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{16}}}
	m, err := mix.New(0, spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	l := likelihood(t, m, x, nil, nil)
	if _, err := train.Run(t.Context(), l, train.Data{Train: all(n)}, train.Config{Epochs: 12, Batch: 256, LR: 5e-3}, train.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	// 12 parameters of the truth fit the sample better by 6/n nats, and as much again is left to the training
	if off := -l.Loss(all(n)) - truth; !(math.Abs(off) < 0.01) {
		t.Errorf("the mean log-density is %v off the truth, %v", off, truth)
	}
}
