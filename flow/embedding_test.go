package flow_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/nn"
)

// embedded is a flow of 2 features whose context of 9 columns, 2 beside a set of 3 objects of 2 variables, goes through DeepSets.
func embedded(t *testing.T, layers ...flow.Part) *flow.Flow {
	t.Helper()
	net := flow.Part{Kind: flow.DeepSets, Options: map[string]any{"objects": 3, "variables": 2, "out": 3, "activation": "tanh"}}
	f := newFlow(t, 2, 9, flow.Spec{ContextNet: net, Layers: layers})
	for i, v := range normalColumns(1, len(f.Params()))[0] {
		f.Params()[i] += 0.2 * v
	}
	f.Cut(f.Params())
	f.Threads = 2
	return f
}

// sets draws context columns for it, with 0 to 3 objects.
func sets(n int) [][]float32 {
	c := normalColumns(9, n)
	for e := range c[8] {
		c[8][e] = float32(e % 4)
	}
	return c
}

// Flow matching and reverse KL train the embedding too: the gradient of a step is the slope of its loss.
func TestObjectivesTrainTheEmbedding(t *testing.T) {
	const n = 150
	type objective interface {
		Gradient(rows []int32, grad []float32) float64
		SetStep(step int)
	}
	f := embedded(t, flow.Part{Kind: "continuous", Options: map[string]any{"hidden": 12}})
	m, err := flow.NewMatching(f, normalColumns(2, n), sets(n), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g := embedded(t, flow.Part{Kind: "autoregressive", Options: map[string]any{"transformer": "affine", "net": flow.Part{Kind: "mlp", Options: map[string]any{"hidden": 12, "activation": "tanh"}}}})
	k := reverseKL(t, g, flow.EventTarget(gauss), sets(n))
	for _, c := range []struct {
		of objective
		f  *flow.Flow
	}{{m, f}, {k, g}} {
		rows, grad, p := rowsTo(n), make([]float32, c.f.Size()), c.f.Params()
		c.of.SetStep(7)
		c.of.Gradient(rows, grad)
		kept := slices.Clone(p)
		for _, v := range c.f.Views() {
			if !strings.HasPrefix(v.Name, "context_net.") {
				continue
			}
			var along float64
			for _, d := range v.Of(grad) {
				along += float64(d) * float64(d)
			}
			h := 1e-2 / math.Sqrt(along+1e-12)
			at := func(by float64) float64 {
				defer copy(p, kept)
				for i, d := range v.Of(grad) {
					v.Of(p)[i] += float32(by * float64(d))
				}
				c.of.SetStep(7)
				return c.of.Gradient(rows, make([]float32, len(p)))
			}
			// float32 losses of order 10 differ by 1e-6, over steps of 1e-2
			if got := (at(h) - at(-h)) / (2 * h); along == 0 || math.Abs(got-along) > 3e-3*(along+math.Sqrt(along)) {
				t.Errorf("%T: slope of the loss along the gradient of %s is %v, want %v", c.of, v.Name, got, along)
			}
		}
	}
}

// The order of objects does not matter but for the rounding of their sum, and what stands where there is none not at all, in densities,
// samples and gradients; a step allocates nothing.
func TestSetsOfObjects(t *testing.T) {
	const n = 200
	f := embedded(t, flow.Part{Kind: "coupling", Options: map[string]any{"net": flow.Part{Kind: "residual", Options: map[string]any{"width": 12}}}})
	x, given := normalColumns(2, n), sets(n)
	all := func(context [][]float32) (logProb []float64, text string) {
		logProb, err := f.LogProb(x, context)
		if err != nil {
			t.Fatal(err)
		}
		sample, err := f.Sample(n, context, 3, 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := flow.NewLikelihood(f, x, context, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		grad, rows := make([]float32, f.Size()), rowsTo(n)
		if allocations := testing.AllocsPerRun(3, func() { l.Gradient(rows, grad) }); allocations > 0 {
			t.Errorf("%v allocations in a step", allocations)
		}
		return logProb, fmt.Sprint(logProb, sample, grad)
	}
	want, text := all(given)
	for _, filler := range []float32{float32(math.NaN()), 1e30, float32(math.Inf(-1))} {
		filled := clone(given)
		for e, count := range filled[8] {
			for c := 2 + 2*int(count); c < 8; c++ {
				filled[c][e] = filler
			}
		}
		if _, got := all(filled); got != text {
			t.Errorf("%v where there is no object changes the result", filler)
		}
	}
	turned := clone(given)
	for e, count := range turned[8] {
		if last := int(count) - 1; last > 0 {
			for v := range 2 {
				a, b := &turned[2+v][e], &turned[2+2*last+v][e]
				*a, *b = *b, *a
			}
		}
	}
	got, _ := all(turned)
	moved := 0.0
	for e := range got {
		moved = max(moved, math.Abs(got[e]-want[e]))
	}
	if moved > 1e-4 { // some units of the last place of float32, through networks
		t.Errorf("another order of the objects moves a log-density by %v", moved)
	}
	turned[2][3]++ // of three objects
	if other, _ := all(turned); other[3] == got[3] {
		t.Error("an object has no influence")
	}
}

func clone(columns [][]float32) (out [][]float32) {
	for _, c := range columns {
		out = append(out, slices.Clone(c))
	}
	return out
}

// What an embedding cannot be, and what cannot stand beside one, is told.
func TestEmbeddingRefuses(t *testing.T) {
	own := flow.Kind{Name: "line", Role: flow.RoleNet, Build: func(*flow.Options) any {
		return flow.Network{Single: func(l *nn.Layout, scope string, s nn.Shape) flow.Conditioner { return single{newLine(l, scope, s)} }}
	}}
	for _, c := range []struct {
		want    string
		context int
		spec    flow.Spec
	}{
		{"no effect on a flow without a context", 0, flow.Spec{ContextNet: flow.Part{Kind: "mlp"}}},
		{`context_net: "mpl" is not one of [mlp deep-sets]`, 1, flow.Spec{ContextNet: flow.Part{Kind: "mpl"}}},
		{"context_net.mlp.out", 1, flow.Spec{ContextNet: flow.Part{Kind: "mlp", Options: map[string]any{"out": 0}}}},
		{"take 4 context columns, and there are 3", 3, flow.Spec{ContextNet: flow.Part{Kind: "deep-sets", Options: map[string]any{"objects": 3}}}},
		{"2 numbers of objects for 1 sets", 3, flow.Spec{ContextNet: flow.Part{Kind: "deep-sets", Options: map[string]any{"objects": []int{1, 1}}}}},
		{"is of the kind line, which gives no gradient of the context", 1, flow.Spec{ContextNet: flow.Part{Kind: "mlp"},
			Layers: []flow.Part{{Kind: "coupling", Options: map[string]any{"net": "line"}}}}},
	} {
		_, err := flow.NewPlan(2, c.context, c.spec, 1, own)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
