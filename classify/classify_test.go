package classify

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

// normals are n events of class 0 and m of class 1, normal in each column; those of class 1 are shifted in the first by shift.
func normals(n, m, columns int, shift float64, seed uint64) Events {
	r := rng.New(seed, rng.StreamToy, 0)
	e := Events{Columns: make([][]float64, columns), Label: make([]int, n+m)}
	for c := range e.Columns {
		e.Columns[c] = make([]float64, n+m)
		for i := range e.Columns[c] {
			e.Columns[c][i] = r.NormFloat64()
			if c == 0 && i >= n {
				e.Columns[c][i] += shift
			}
		}
	}
	for i := n; i < n+m; i++ {
		e.Label[i] = 1
	}
	return e
}

// signed are weights of which a share is -1 and the rest 1, whatever the event.
func signed(n int, share float64, seed uint64) []float64 {
	r := rng.New(seed, rng.StreamToy, 1)
	w := make([]float64, n)
	for i := range w {
		if w[i] = 1; r.Float64() < share {
			w[i] = -1
		}
	}
	return w
}

// The gradient of each loss is the slope of the loss, with weights of either sign and a tile that is not full.
func TestGradient(t *testing.T) {
	const n = 150
	e := normals(n/2, n/2, 3, 0.5, 1)
	e.Columns[1][4], e.Columns[1][90] = math.NaN(), math.Inf(1)
	in := newInputs(e.Columns, all(n))
	x := in.take(e.Columns, all(n))
	class, third, y := make([]float32, n), make([]float32, n), [][]float32{make([]float32, n), make([]float32, n)}
	weight := make([]float32, n)
	for i := range n {
		class[i], third[i] = float32(e.Label[i]), float32(i%3)
		y[0][i], y[1][i], weight[i] = float32(i%7), float32(i%5)/3, float32(i%4)-0.7
	}
	for _, c := range []struct {
		loss    loss
		outputs int
	}{{binary{class}, 1}, {categorical{third}, 3}, {squares{y}, 2}} {
		net := newNetwork(in, []int{8, 6}, c.outputs)
		p := net.start(3)
		for i, v := range normals(len(p), 0, 1, 0, 5).Columns[0] {
			p[i] += float32(0.3 * v)
		}
		o, all150 := newObjective(net, p, x, weight, c.loss, 2), all(n)
		grad, other := make([]float32, len(p)), make([]float32, len(p))
		if got, want := o.Gradient(all(n), grad), o.Loss(all(n)); got != want {
			t.Errorf("%T: Gradient says %v, Loss %v", c.loss, got, want)
		}
		kept := slices.Clone(p)
		for _, v := range net.layout.Views {
			var along float64
			for _, g := range v.Of(grad) {
				along += float64(g) * float64(g)
			}
			h := 1e-2 / math.Sqrt(along+1e-12)
			at := func(by float64) float64 {
				defer copy(p, kept)
				for i, g := range v.Of(grad) {
					v.Of(p)[i] += float32(by * float64(g))
				}
				return o.Gradient(all(n), other)
			}
			// float32 losses of order 1 differ by 1e-7, over steps of 1e-2
			if got := (at(h) - at(-h)) / (2 * h); math.Abs(got-along) > 2e-3*(along+math.Sqrt(along)) {
				t.Errorf("%T: the slope along the gradient of %s is %v, want %v", c.loss, v.Name, got, along)
			}
		}
		if allocations := testing.AllocsPerRun(5, func() { o.Gradient(all150, grad) }); allocations > 0 {
			t.Errorf("%T: a step allocates %v times", c.loss, allocations)
		}
		o.Close()
	}
}

// Networks and logits are the same bits for any number of threads, and others with another seed.
func TestThreads(t *testing.T) {
	e := normals(900, 700, 3, 0.5, 1)
	e.Weights = signed(1600, 0.2, 2)
	run := func(threads int, seed uint64) []float64 {
		h, err := CrossFit(t.Context(), e, 2, Options{Threads: threads, Epochs: 3, Ensemble: 2, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return h.Logits
	}
	one := run(1, 1)
	if !slices.Equal(one, run(3, 1)) {
		t.Error("three threads give other logits than one")
	}
	if slices.Equal(one, run(1, 2)) {
		t.Error("another seed gives the same logits")
	}
}

// The logit of normal samples a shift apart is the logarithm of their ratio, shift x - shift^2/2; of widths apart it is a parabola; and of bands,
// which no parabola sees, the network finds most.
func TestLogRatio(t *testing.T) {
	logRatio := map[string]struct {
		of func(x, y float64) (float64, float64) // events of class 1 from those of class 0
		is func(x, y float64) float64
	}{
		"shift": {func(x, y float64) (float64, float64) { return x + 0.5, y }, func(x, _ float64) float64 { return 0.5*x - 0.125 }},
		"width": {func(x, y float64) (float64, float64) { return x, 1.5 * y },
			func(_, y float64) float64 { return y*y/2 - y*y/4.5 - math.Log(1.5) }},
		"bands": {func(x, y float64) (float64, float64) {
			if int(math.Floor(x))%2 != 0 {
				x++ // to the next band
			}
			return x, y
		}, nil},
	}
	const n = 6000
	for name, c := range logRatio {
		e := normals(n, n, 2, 0, 7)
		for i := n; i < 2*n; i++ {
			e.Columns[0][i], e.Columns[1][i] = c.of(e.Columns[0][i], e.Columns[1][i])
		}
		h, err := CrossFit(t.Context(), e, 2, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if c.is == nil {
			right := 0
			for i, f := range h.Logits {
				if f > 0 == (e.Label[i] == 1) {
					right++
				}
			}
			if share := float64(right) / (2 * n); share < 0.65 { // 0.75 at best
				t.Errorf("%s: %v of the events are told right", name, share)
			}
			continue
		}
		var off, size float64
		for i, f := range h.Logits {
			want := c.is(e.Columns[0][i], e.Columns[1][i])
			off += (f - want) * (f - want)
			size += want * want
		}
		if off > 0.05*size { // 6,000 events train one network
			t.Errorf("%s: log ratios are %v of their size off", name, math.Sqrt(off/size))
		}
	}
}

// An event of weight -1 takes away what one of weight 1 at its place adds: with as many of both in a region there is no difference there.
func TestNegativeWeights(t *testing.T) {
	const n = 8000
	e := normals(n, n+n, 2, 1, 3) // the last n of class 1 take away those of them that are shifted
	e.Weights = make([]float64, 3*n)
	for i := range e.Weights {
		switch {
		case i < n:
			e.Weights[i] = 1
		case i < 2*n:
			e.Weights[i] = 2
			e.Columns[0][i] -= float64(i%2) * 1 // half of them are as those of class 0
		default:
			e.Weights[i] = -0.95 // shifted all: what is left is nearly as class 0
		}
	}
	h, err := CrossFit(t.Context(), e, 2, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var mean float64
	for _, f := range h.Logits {
		mean += math.Abs(f) / float64(len(h.Logits))
	}
	if mean > 0.25 {
		t.Errorf("logits of %v where the weights leave no difference", mean)
	}
}

// Missing values, a marker and a constant column: what tells the classes apart is that a value is missing or marked, and a value far out
// does not squeeze the rest.
func TestMissingAndFarOut(t *testing.T) {
	for name, v := range map[string]float64{"NaN": math.NaN(), "-999": -999, "infinite": math.Inf(-1), "a value in the middle": 0.25} {
		e := normals(2000, 2000, 2, 0, 9)
		e.Columns = append(e.Columns, make([]float64, 4000))
		for i := range 4000 {
			if i%10 < 1+4*e.Label[i] { // a tenth of class 0, half of class 1
				e.Columns[1][i] = v
			}
		}
		e.Columns[0][17] = 1e36
		h, err := CrossFit(t.Context(), e, 2, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var of [2][]float64
		for i, f := range h.Logits {
			if i%10 == 0 {
				of[0] = append(of[0], f)
			} else if i%10 > 4 {
				of[1] = append(of[1], f)
			}
		}
		slices.Sort(of[0])
		slices.Sort(of[1])
		marked, plain := of[0][len(of[0])/2], of[1][len(of[1])/2]
		if want := math.Log(5); math.Abs(marked-want) > 0.3 {
			t.Errorf("%s: the median log ratio of marked events is %v, want %v", name, marked, want)
		}
		if want := math.Log(5. / 9); math.Abs(plain-want) > 0.2 {
			t.Errorf("%s: that of the others is %v, want %v", name, plain, want)
		}
	}
}

// Few events of one class against many of the other: the ratio stays that of the densities, not of the numbers.
func TestFewEvents(t *testing.T) {
	e := normals(20_000, 200, 3, 2, 4)
	c, err := Train(t.Context(), e, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Logits(t.Context(), [][]float64{{0, 1, 2}, {0, 0, 0}, {0, 0, 0}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range got {
		if want := 2*float64(i) - 2; math.Abs(f-want) > 0.8 {
			t.Errorf("log ratio %v at %d, want %v", f, i, want)
		}
	}
	if !slices.Equal(c.Events, []int{20_000, 200}) {
		t.Errorf("trained on %v", c.Events)
	}
}

func TestSeveralClasses(t *testing.T) {
	e := normals(3000, 1000, 2, 2, 1)
	for i := 2000; i < 3000; i++ {
		e.Label[i] = 2
		e.Columns[1][i] += 2
	}
	c, err := Train(t.Context(), e, nil, Options{Classes: 3, Ensemble: 2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.LogProb(t.Context(), [][]float64{{0, 2, 0}, {0, 0, 2}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		var sum float64
		for _, v := range got[3*i:][:3] {
			sum += math.Exp(v)
		}
		if p := math.Exp(got[3*i+i]); p < 0.65 || math.Abs(sum-1) > 0.01 { // e^2/(e^2+2) = 0.79 or e^2/(e^2+1+e^-2)
			t.Errorf("class %d has probability %v of %v", i, p, sum)
		}
	}
	if _, err := c.Logits(t.Context(), e.Columns, nil); err == nil {
		t.Error("one logit for three classes")
	}
}

func TestRegress(t *testing.T) {
	e := normals(4000, 0, 3, 0, 1)
	y := [][]float64{make([]float64, 4000), make([]float64, 4000)}
	for i := range 4000 {
		y[0][i] = 1000 + 300*e.Columns[0][i]
		y[1][i] = 1e-3 * math.Abs(e.Columns[1][i]+e.Columns[2][i])
	}
	r, err := Regress(t.Context(), e.Columns, y, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Predict(t.Context(), e.Columns)
	if err != nil {
		t.Fatal(err)
	}
	for k := range y {
		_, std := spread(y[k])
		var off float64
		for i, v := range got[k] {
			off += (v - y[k][i]) * (v - y[k][i]) / 4000
		}
		if math.Sqrt(off) > 0.15*std {
			t.Errorf("target %d: off by %v of a spread of %v", k, math.Sqrt(off), std)
		}
	}
}

func TestErrors(t *testing.T) {
	good := func() Events { return normals(50, 50, 2, 1, 1) }
	for want, change := range map[string]func(e *Events){
		"class 0 has 1 events":            func(e *Events) { *e = normals(1, 50, 2, 0, 1) },
		"each column has a single value":  func(e *Events) { clear(e.Columns[0]); clear(e.Columns[1]) },
		"sum to 0":                        func(e *Events) { e.Weights = make([]float64, 100) },
		"the weight of event 3 is NaN":    func(e *Events) { e.Weights = signed(100, 0, 1); e.Weights[2] = math.NaN() },
		"99 labels for 100 events":        func(e *Events) { e.Label = e.Label[:99] },
		"columns of 100 and 9":            func(e *Events) { e.Columns[1] = e.Columns[1][:9] },
		"event 1 is of class 2":           func(e *Events) { e.Label[0] = 2 },
		"there are no columns":            func(e *Events) { e.Columns = nil },
		"7 weights for 100 events":        func(e *Events) { e.Weights = signed(7, 0, 1) },
		"the weights of class 1 sum to -": func(e *Events) { e.Weights = signed(100, 0, 1); negate(e.Weights[50:]) },
	} {
		e := good()
		change(&e)
		if _, err := Train(t.Context(), e, nil, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Train(ctx, good(), nil, Options{}); err == nil {
		t.Error("a training went on after it was cancelled")
	}
}

func negate(w []float64) {
	for i := range w {
		w[i] = -w[i]
	}
}

func TestIsotonic(t *testing.T) {
	var in struct{ Positive, Negative, Weights []float64 }
	var out struct{ Fitted []float64 }
	reference.Read(t, "scores_auc_isotonic", &in, &out)
	score, label := slices.Concat(in.Positive, in.Negative), make([]float64, len(out.Fitted))
	for i := range in.Positive {
		label[i] = 1
	}
	c, err := NewIsotonic(score, label, in.Weights)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range score {
		if got := c.At(s); math.Abs(got-out.Fitted[i]) > 1e-12 {
			t.Errorf("event %d: %v, want %v", i, got, out.Fitted[i])
		}
	}
}

// By hand: equal scores, weights of either sign, between steps and beyond them.
func TestIsotonicSteps(t *testing.T) {
	c, err := NewIsotonic([]float64{3, 1, 2, 2, 4}, []float64{1, 0, 1, 0, 0}, []float64{1, 1, 2, 2, -0.5})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range [][2]float64{{0, 0}, {1, 0}, {1.5, 0.25}, {2, 0.5}, {2.5, 1.25}, {3, 2}, {9, 2}} { // (1*1)/(1-0.5) from 3 on
		if got := c.At(v[0]); math.Abs(got-v[1]) > 1e-12 {
			t.Errorf("at %v: %v, want %v", v[0], got, v[1])
		}
	}
	if _, err := NewIsotonic([]float64{1, 2}, []float64{0, 1}, []float64{-1, 0.5}); err == nil {
		t.Error("weights of a negative sum are calibrated")
	}
}

// Logits that are too large by a factor are brought back; those of labels that know nothing of them vanish.
func TestTemperature(t *testing.T) {
	r := rng.New(1, rng.StreamToy, 0)
	const n = 40_000
	logit, label, chance := make([]float64, n), make([]int, n), make([]int, n)
	for i := range n {
		f := r.NormFloat64()
		if logit[i] = 3 * f; r.Float64() < 1/(1+math.Exp(-f)) {
			label[i] = 1
		}
		chance[i] = i % 2
	}
	if got, err := Temperature(logit, label, nil); err != nil || math.Abs(got-1./3) > 0.02 {
		t.Errorf("factor %v (%v), want 1/3", got, err)
	}
	if got, err := Temperature(logit, chance, nil); err != nil || got > 0.01 {
		t.Errorf("factor %v (%v) of chance, want 0", got, err)
	}
}
