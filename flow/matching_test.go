package flow_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/whole"
)

func cfm(options map[string]any) flow.Spec {
	return flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: options}}}
}

// matched is flow matching of 300 normal events of 3 features and a context column, with weights.
func matched(t *testing.T, threads int, options map[string]any) (*flow.Matching, *flow.Flow) {
	t.Helper()
	f, err := flow.New(3, 1, cfm(options), 5)
	if err != nil {
		t.Fatal(err)
	}
	f.Threads = threads
	for i, v := range normalColumns(1, len(f.Params()))[0] {
		f.Params()[i] += 0.2 * v
	}
	weight := make([]float32, 300)
	for i := range weight {
		weight[i] = 0.5 + float32(i%3)/2
	}
	m, err := flow.NewMatching(f, normalColumns(3, 300), normalColumns(1, 300), weight)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, f
}

func rowsTo(n int) (rows []int32) {
	for i := range n {
		rows = append(rows, int32(i))
	}
	return rows
}

// The gradient of a step is the slope of the loss of that step, and the velocities of both paths are the derivatives of where they lead.
func TestMatchingGradient(t *testing.T) {
	for _, path := range []string{"ot", "vp"} {
		m, f := matched(t, 1, map[string]any{"hidden": []int{16, 12}, "path": path})
		rows, grad, p := rowsTo(291), make([]float32, f.Size()), f.Params()
		loss := func() float64 { m.SetStep(7); return m.Gradient(rows, make([]float32, f.Size())) }
		m.SetStep(7)
		m.Gradient(rows, grad)
		kept := slices.Clone(p)
		for _, v := range f.Views() {
			var along float64
			g := v.Of(grad)
			for _, d := range g {
				along += float64(d) * float64(d)
			}
			h := 1e-2 / math.Sqrt(along+1e-12)
			at := func(by float64) float64 {
				defer copy(p, kept)
				for i, d := range g {
					v.Of(p)[i] += float32(by * float64(d))
				}
				return loss()
			}
			// float32 losses of order 10 differ by 1e-6, over steps of 1e-2
			if got := (at(h) - at(-h)) / (2 * h); math.Abs(got-along) > 2e-3*(along+math.Sqrt(along)) {
				t.Errorf("%s: slope of the loss along the gradient of %s is %v, want %v", path, v.Name, got, along)
			}
		}
		for _, at := range []float64{0.1, 0.6, 0.99} {
			const h = 1e-6
			a, s, da, ds := whole.Path(path).At(at, 1e-3)
			up, sUp, _, _ := whole.Path(path).At(at+h, 1e-3)
			if math.Abs((up-a)/h-da) > 1e-3 || math.Abs((sUp-s)/h-ds) > 1e-3 {
				t.Errorf("%s: derivatives %v and %v at %v, want %v and %v", path, da, ds, at, (up-a)/h, (sUp-s)/h)
			}
		}
	}
}

// Loss and gradient are the same for any number of threads; another step has other draws, and Loss the same.
func TestMatchingSameBits(t *testing.T) {
	var first string
	for _, threads := range []int{1, 2, 5} {
		m, f := matched(t, threads, map[string]any{"hidden": []int{16}})
		grad := make([]float32, f.Size())
		m.SetStep(3)
		all := fmt.Sprint(m.Gradient(rowsTo(300), grad), grad, m.Loss(rowsTo(300)))
		if first == "" {
			first = all
		}
		if all != first {
			t.Fatalf("%d threads change the result", threads)
		}
		before, next := m.Loss(rowsTo(300)), m.Gradient(rowsTo(300), grad)
		m.SetStep(3)
		if again := m.Gradient(rowsTo(300), grad); again == next || m.Loss(rowsTo(300)) != before {
			t.Fatalf("steps have the losses %v and %v, Loss gives %v and %v", next, again, before, m.Loss(rowsTo(300)))
		}
		if n := testing.AllocsPerRun(5, func() { m.Gradient(rowsTo300, grad) }); n > 0 {
			t.Errorf("%v allocations in a step", n)
		}
	}
}

var rowsTo300 = rowsTo(300)

// With pairs, the gradient is the same for any number of threads, and the loss of v = 0 less: of draws paired at random it is what two normal
// variables are apart.
func TestMatchingPairs(t *testing.T) {
	x := normalColumns(2, 1000)
	losses := map[string]float64{}
	var same []float32
	for _, threads := range []int{1, 3} {
		for _, pairing := range []string{"none", "ot"} {
			f, err := flow.New(2, 0, cfm(map[string]any{"hidden": []int{8}, "pairing": pairing}), 5)
			if err != nil {
				t.Fatal(err)
			}
			f.Threads = threads
			m, err := flow.NewMatching(f, x, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			grad, p := make([]float32, f.Size()), f.Params()
			clear(p)
			losses[pairing] = m.Gradient(rowsTo(1000), grad)
			kept := slices.Clone(grad)
			if n := testing.AllocsPerRun(3, func() { m.Gradient(rowsTo300, grad) }); n > 0 {
				t.Errorf("%v allocations in a step", n)
			}
			m.Close()
			if pairing == "none" {
				continue
			}
			if same != nil && !slices.Equal(same, kept) {
				t.Error("threads change the gradient")
			}
			same = kept
		}
	}
	if none, ot := losses["none"], losses["ot"]; math.Abs(none-2) > 0.2 || ot > 0.3 || ot == 0 {
		t.Errorf("losses %v without pairs, want about 2, and %v with: want less than 0.3", none, ot)
	}
	f, err := flow.New(2, 1, cfm(map[string]any{"pairing": "ot"}), 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flow.NewMatching(f, x, normalColumns(1, 1000), nil); err == nil || !strings.Contains(err.Error(), "without context") {
		t.Errorf("with a context: %v", err)
	}
}

// What flow matching cannot train is said.
func TestMatchingRefuses(t *testing.T) {
	two := cfm(nil)
	two.Repeat = 2
	student := cfm(nil)
	student.Base.Kind = "student-t"
	for want, spec := range map[string]flow.Spec{"one continuous layer": two, "has parameters": student, "autoregressive": {}} {
		f, err := flow.New(2, 0, spec, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := flow.NewMatching(f, normalColumns(2, 10), nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", spec, err, want)
		}
	}
}

// An estimated trace has the exact one for its mean; it depends on the event alone, and the estimate's gradient is that of what it says.
func TestProbedTrace(t *testing.T) {
	const n = 40
	f, err := flow.New(n, 0, cfm(map[string]any{"hidden": []int{24}, "steps": 3}), 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range normalColumns(1, len(f.Params()))[0] {
		f.Params()[i] += 0.1 * v
	}
	x := normalColumns(n, 200)
	z, logDet, err := f.ToLatent(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	var mean, spread, truth float64
	const h = 1e-2
	for e := range 20 {
		// the volume by differences, from one call for all directions
		moved := make([][]float32, n)
		for i := range moved {
			for j := range n {
				moved[i] = append(moved[i], x[i][e], x[i][e])
				if i == j {
					moved[i][2*j] += h
					moved[i][2*j+1] -= h
				}
			}
		}
		ends, _, err := f.ToLatent(moved, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := logDeterminant(n, func(i, j int) float64 { return float64(ends[i][2*j]-ends[i][2*j+1]) / (2 * h) })
		off := float64(logDet[e]) - d
		mean, spread, truth = mean+off/20, spread+off*off/20, truth+d/20
	}
	if deviation := math.Sqrt(spread / 20); math.Abs(mean) > 4*deviation || spread == 0 {
		t.Errorf("log-dets are off by %v on average, with a deviation of %v (mean %v)", mean, deviation, truth)
	}
	var part [][]float32
	for _, c := range x {
		part = append(part, c[3:30])
	}
	zPart, some, err := f.ToLatent(part, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(some, logDet[3:30]) || !slices.Equal(zPart[7], z[7][3:30]) {
		t.Error("an event depends on those beside it")
	}
	l, err := flow.NewLikelihood(f, x, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	grad, p := make([]float32, f.Size()), f.Params()
	loss, rows := l.Gradient(rowsTo(200), grad), rowsTo(200)
	if again := l.Loss(rows); again != loss {
		t.Errorf("Gradient says %v, Loss %v", loss, again)
	}
	var along float64
	for _, d := range grad {
		along += float64(d) * float64(d)
	}
	kept, step := slices.Clone(p), 1e-2/math.Sqrt(along)
	at := func(by float64) float64 {
		for i, d := range grad {
			p[i] = kept[i] + float32(by*float64(d))
		}
		return l.Loss(rows)
	}
	if got := (at(step) - at(-step)) / (2 * step); math.Abs(got-along) > 0.01*along {
		t.Errorf("slope of the loss along its gradient %v, want %v", got, along)
	}
}

// logDeterminant is log|det| by elimination with pivots.
func logDeterminant(n int, of func(i, j int) float64) (sum float64) {
	m := make([][]float64, n)
	for i := range m {
		for j := range n {
			m[i] = append(m[i], of(i, j))
		}
	}
	for k := range n {
		best := k
		for i := k; i < n; i++ {
			if math.Abs(m[i][k]) > math.Abs(m[best][k]) {
				best = i
			}
		}
		m[k], m[best] = m[best], m[k]
		sum += math.Log(math.Abs(m[k][k]))
		for i := k + 1; i < n; i++ {
			r := m[i][k] / m[k][k]
			for j := k; j < n; j++ {
				m[i][j] -= r * m[k][j]
			}
		}
	}
	return sum
}
