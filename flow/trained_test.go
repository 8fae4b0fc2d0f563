package flow_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

type options = map[string]any

// trainedCases are flows that can be a base, and those on them.
var trainedCases = map[string]struct {
	on, spec flow.Spec
	context  int
}{
	"maf":         {flow.Spec{Type: "maf", Transforms: 2, Activation: "tanh"}, flow.Spec{Type: "nsf", Transforms: 2, Activation: "tanh"}, 0},
	"context":     {flow.Spec{Type: "nsf", Transforms: 2, Activation: "tanh", Dropout: 0.2}, flow.Spec{Type: "maf", Transforms: 1, Activation: "tanh"}, 1},
	"embedded":    {flow.Spec{Type: "maf", Transforms: 1, Activation: "tanh", ContextNet: flow.Part{Kind: "mlp"}}, flow.Spec{Type: "maf", Transforms: 1, Activation: "tanh", ContextNet: flow.Part{Kind: "mlp"}}, 1},
	"conditional": {flow.Spec{Type: "maf", Transforms: 1, Base: flow.Part{Kind: "conditional-normal"}}, flow.Spec{Type: "realnvp", Transforms: 2, Net: "residual", Activation: "tanh"}, 1},
	"families": {flow.Spec{Base: flow.Part{Kind: "mixture"}, Layers: []flow.Part{{Kind: "act-norm"}, {Kind: "householder"}, {Kind: "residual-flow"},
		{Kind: "autoregressive", Options: options{"transformer": "dsf"}}}}, flow.Spec{Type: "maf", Transforms: 1, Activation: "tanh", BatchNorm: true}, 0},
	"continuous": {flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: options{"steps": 4, "hidden": []int{8}}}}}, flow.Spec{Type: "maf", Transforms: 1, Activation: "tanh"}, 0},
	"box":        {flow.Spec{Type: "circular", Transforms: 2}, flow.Spec{Type: "circular", Transforms: 2, Activation: "tanh"}, 0},
}

// on is a flow on another, both off the start.
func on(t *testing.T, base, spec flow.Spec, context int, own ...flow.Kind) *flow.Flow {
	t.Helper()
	push := func(f *flow.Flow, err error) *flow.Flow {
		if err != nil {
			t.Fatal(err)
		}
		by := make([]float32, f.Size())
		rng.Normal(by, 5, rng.StreamTest, uint32(f.Size()), 0)
		for i := range by {
			f.Params()[i] += 0.1 * by[i]
		}
		f.Cut(f.Params())
		return f
	}
	small := func(s flow.Spec) flow.Spec {
		if s.Layers == nil {
			s.Hidden = []int{8}
		}
		return s
	}
	f := push(flow.New(2, context, small(base), 1, own...))
	spec.Base = flow.Part{Kind: flow.TrainedBase}
	return push(flow.New(2, context, small(spec), 2, flow.Trained(f)))
}

func within(x [][]float32, most float32) [][]float32 {
	for _, c := range x {
		for i := range c {
			c[i] = max(min(c[i], most), -most)
		}
	}
	return x
}

// The density is that of the flow under it at the latent, with the log-determinant of the layers above; events are those of the flow under
// it, moved; its gradient is that of differences; and a step allocates nothing and is the same for any number of threads.
func TestFlowOnAFlow(t *testing.T) {
	for name, c := range trainedCases {
		t.Run(name, func(t *testing.T) {
			f := on(t, c.on, c.spec, c.context)
			const n = 300
			x, given := within(normalColumns(2, n), 3), normalColumns(c.context, n)
			got, z, err := f.Evaluate(x, given)
			if err != nil {
				t.Fatal(err)
			}
			_, logDet, _ := f.ToLatent(x, given)
			want, err := f.On().LogProb(z, given)
			if err != nil {
				t.Fatal(err)
			}
			for e := range want {
				if w := want[e] + float64(logDet[e]); math.Abs(w-got[e]) > 1e-5*(1+math.Abs(w)) {
					t.Fatalf("event %d: %v, not %v", e, got[e], w)
				}
			}
			below, _ := f.On().Sample(n, given, 7, 100)
			moved, _, _ := f.ToData(below, given)
			if drawn, err := f.Sample(n, given, 7, 100); err != nil || !near(drawn, moved) {
				t.Errorf("the events are not those of the flow under it, moved: %v", err)
			}
			gradientOn(t, f, x, given)
		})
	}
}

func gradientOn(t *testing.T, f *flow.Flow, x, given [][]float32) {
	rows := make([]int32, len(x[0]))
	for i := range rows {
		rows[i] = int32(i)
	}
	kept := append([]float32(nil), f.On().Params()...)
	var all [][]float32
	for _, threads := range []int{1, 3} {
		f.Threads = threads
		l, err := flow.NewLikelihood(f, x, given, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		grad := make([]float32, f.Size())
		if a := testing.AllocsPerRun(10, func() { l.Gradient(rows, grad) }); a > 0 {
			t.Errorf("%v allocations", a)
		}
		all = append(all, grad)
		if threads > 1 {
			continue
		}
		l.Freeze(rows)
		for i := 0; i < len(grad); i += 1 + len(grad)/60 {
			const h = 4e-3
			p := &f.Params()[i]
			was := *p
			loss := func(v float32) float64 { *p = v; return l.Gradient(rows, make([]float32, f.Size())) }
			by := (loss(was+h) - loss(was-h)) / (2 * h)
			if *p = was; math.Abs(by-float64(grad[i])) > 2e-3+0.02*math.Abs(by) && grad[i] != 0 {
				t.Errorf("parameter %d: %v, by differences %v", i, grad[i], by)
			}
		}
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Error("the gradient depends on the number of threads")
	}
	if !reflect.DeepEqual(kept, f.On().Params()) {
		t.Error("the flow under it has changed")
	}
}

// It integrates to 1, and what is drawn lies where the density says.
func TestFlowOnAFlowIsADensity(t *testing.T) {
	f := on(t, flow.Spec{Type: "nsf-ar", Transforms: 2}, flow.Spec{Type: "nsf", Transforms: 2}, 0)
	const half, step = 80, 0.1 // cells
	x := [][]float32{nil, nil}
	for i := -half; i < half; i++ {
		for j := -half; j < half; j++ {
			x[0], x[1] = append(x[0], (float32(i)+0.5)*step), append(x[1], (float32(j)+0.5)*step)
		}
	}
	logProb, err := f.LogProb(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	drawn, err := f.Sample(n, nil, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	var mass, quarters, counts [4]float64
	at := func(a, b float32) int {
		q := 0
		if a > 0.5 {
			q++
		}
		if b > -0.3 {
			q += 2
		}
		return q
	}
	for e, v := range logProb {
		mass[0] += math.Exp(v) * step * step
		quarters[at(x[0][e], x[1][e])] += math.Exp(v) * step * step
	}
	for e := range n {
		counts[at(drawn[0][e], drawn[1][e])]++
	}
	if math.Abs(mass[0]-1) > 3e-3 {
		t.Errorf("it integrates to %v", mass[0])
	}
	for q, p := range quarters {
		if d := counts[q] - n*p; math.Abs(d) > 5*math.Sqrt(n*p)+3e-3*n {
			t.Errorf("quarter %d: %v of %v events, not %v", q, counts[q], n, n*p)
		}
	}
}

// What cannot be a base is told.
func TestFlowsThatAreNoBase(t *testing.T) {
	build := func(spec, over flow.Spec, features, context int) error {
		f, err := flow.New(2, 1, spec, 1)
		if err != nil {
			t.Fatal(err)
		}
		over.Base = flow.Part{Kind: flow.TrainedBase}
		_, err = flow.New(features, context, over, 1, flow.Trained(f))
		return err
	}
	for want, err := range map[string]error{
		"flow.base: is a flow of 2 features, and there are 3":                              build(flow.Spec{}, flow.Spec{}, 3, 1),
		"flow.base: is a flow of 1 context columns, and there are 0":                       build(flow.Spec{}, flow.Spec{}, 2, 0),
		"flow.base: its layer batch-norm takes a batch as a whole":                         build(flow.Spec{BatchNorm: true}, flow.Spec{}, 2, 1),
		"flow.base: its layer coupling takes a batch as a whole":                           build(flow.Spec{Type: "nsf", Net: "residual"}, flow.Spec{}, 2, 1),
		"flow.base: has no density outside of an interval, which feature 0 must not leave": build(flow.Spec{Type: "circular"}, flow.Spec{Type: "maf"}, 2, 1),
		"flow.base: has no density beyond 3.1415927 of feature 0":                          build(flow.Spec{Type: "circular"}, flow.Spec{}, 2, 1),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f := on(t, flow.Spec{Type: "circular"}, flow.Spec{Type: "circular"}, 0)
	if err := f.Support([][]float32{{4}, {0}}); err == nil || !strings.Contains(err.Error(), "feature 0 is outside of [-3.14159") {
		t.Errorf("events outside of the flow under it: %v", err)
	}
}

// Events of given numbers are those of the sample, where the context is embedded too, by the flow and by the one under it.
func TestSampleAtSeesTheEmbeddedContext(t *testing.T) {
	f := on(t, flow.Spec{}, flow.Spec{Type: "maf", Transforms: 1, ContextNet: flow.Part{Kind: "mlp"}}, 1)
	c := normalColumns(1, 5)
	at, err := f.SampleAt([]uint64{0, 1, 2, 3, 4}, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := f.Sample(5, c, 1, 0); err != nil || !reflect.DeepEqual(at, all) {
		t.Errorf("%v, not %v: %v", at, all, err)
	}
}

// near: the flow under another takes its linear maps one by one, by itself as one.
func near(a, b [][]float32) bool {
	for c := range a {
		for e, v := range a[c] {
			if math.Abs(float64(v-b[c][e])) > 2e-5*(1+math.Abs(float64(v))) {
				return false
			}
		}
	}
	return len(a) == len(b)
}
