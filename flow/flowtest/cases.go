package flowtest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Case is one flow that the suite runs over.
type Case struct {
	Name              string
	Features, Context int
	Spec              flow.Spec
	// Kinds are parts besides those of package flow, and Formulas what they mean.
	Kinds    []flow.Kind
	Formulas Formulas
	// Contracts says that a transform may shrink a far-out feature by e^5 or more beside another that keeps its size, so
	// that float32 cannot hold the way back from 1e6.
	Contracts bool
	// Circle is the bound of features that are angles, for which it and its negative are one point.
	Circle float64
	// Within draws events inside of +-Within alone, where the base has a density.
	Within float64
	// Absent has about a third of all cells absent.
	Absent bool
}

// distance is that of two values of a feature.
func (c Case) distance(a, b float64) float64 {
	d := math.Abs(a - b)
	if edge := c.Circle * (1 + 1e-6); math.Abs(a) <= edge && math.Abs(b) <= edge {
		d = min(d, math.Abs(2*c.Circle-d))
	}
	return d
}

// seed is that of every flow of the suite.
const seed = 7

// Cases lists every transform with every option that changes its arithmetic.
func Cases() []Case {
	small := []int{12, 16}
	cases := []Case{
		{Name: "maf/one-feature", Features: 1, Spec: flow.Spec{Type: "maf", Transforms: 2}},
		{Name: "maf/two", Features: 2, Spec: flow.Spec{Type: "maf", Transforms: 3}},
		{Name: "maf/context", Features: 3, Context: 2, Spec: flow.Spec{Type: "maf", Transforms: 2}},
		{Name: "maf/context-first", Features: 3, Context: 2, Spec: flow.Spec{Type: "maf", Transforms: 2, Context: "first"}},
		{Name: "maf/soft-equal-random", Features: 5, Spec: flow.Spec{Type: "maf", Transforms: 3, LogScale: "soft", Degrees: "equal", Permute: "random"}},
		{Name: "maf/none-tanh", Features: 4, Spec: flow.Spec{Type: "maf", Transforms: 2, LogScale: "none", Activation: "tanh"}},
		{Name: "maf/elu-orthogonal", Features: 4, Context: 1, Spec: flow.Spec{Type: "maf", Transforms: 2, Activation: "elu", Init: "orthogonal"}},
		{Name: "realnvp/two", Features: 2, Spec: flow.Spec{Type: "realnvp", Transforms: 4}},
		{Name: "realnvp/context-he", Features: 5, Context: 2, Spec: flow.Spec{Type: "realnvp", Transforms: 3, Init: "he"}},
		{Name: "realnvp/sigmoid", Features: 3, Spec: flow.Spec{Type: "realnvp", Transforms: 2, LogScale: "sigmoid"}},
		{Name: "realnvp/soft", Features: 3, Spec: flow.Spec{Type: "realnvp", Transforms: 2, LogScale: "soft"}},
		{Name: "realnvp/clamp", Features: 3, Spec: flow.Spec{Type: "realnvp", Transforms: 2, LogScale: "clamp"}},
		{Name: "circular/preset", Features: 2, Circle: math.Pi, Within: math.Pi, Spec: flow.Spec{Type: "circular", Transforms: 2, Base: flow.Part{Kind: "box", Options: map[string]any{"bound": math.Pi}}}},
		{Name: "glow/context", Features: 4, Context: 1, Spec: flow.Spec{Type: "glow", Transforms: 2}},
		{Name: "cinn/context", Features: 4, Context: 2, Spec: flow.Spec{Type: "cinn", Transforms: 3}},
		{Name: "nsf/two", Features: 2, Spec: flow.Spec{Type: "nsf", Transforms: 4}},
		{Name: "nsf/context-reverse", Features: 5, Context: 1, Spec: flow.Spec{Type: "nsf", Transforms: 3, Bins: 5, Bound: 3, Permute: "reverse"}},
		{Name: "nsf-ar/one-feature", Features: 1, Context: 1, Spec: flow.Spec{Type: "nsf-ar", Transforms: 2}},
		{Name: "nsf-ar/two", Features: 2, Spec: flow.Spec{Type: "nsf-ar", Transforms: 2}},
		{Name: "nsf-ar/context", Features: 4, Context: 2, Spec: flow.Spec{Type: "nsf-ar", Transforms: 2, Bins: 16, Bound: 4}},
		{Name: "maf/dropout-tanh", Features: 3, Context: 1, Spec: flow.Spec{Type: "maf", Transforms: 2, Activation: "tanh", Dropout: 0.3}},
		{Name: "nsf/dropout", Features: 4, Spec: flow.Spec{Type: "nsf", Transforms: 2, Dropout: 0.2}},
		{Name: "maf/batch-norm", Features: 3, Context: 1, Spec: flow.Spec{Type: "maf", Transforms: 3, BatchNorm: true}},
		{Name: "nsf-ar/batch-norm-dropout", Features: 2, Spec: flow.Spec{Type: "nsf-ar", Transforms: 2, BatchNorm: true, Dropout: 0.25}},
		{Name: "maf/lu", Features: 4, Spec: flow.Spec{Type: "maf", Transforms: 2, Linear: "lu", Permute: "random"}},
		{Name: "nsf/lu-two", Features: 2, Spec: flow.Spec{Type: "nsf", Transforms: 2, Linear: "lu"}},
		{Name: "realnvp/residual", Features: 4, Spec: flow.Spec{Type: "realnvp", Transforms: 2, Net: "residual", Activation: "elu"}},
		{Name: "nsf/residual-context", Features: 3, Context: 2, Spec: flow.Spec{Type: "nsf", Transforms: 2, Net: "residual", Bins: 5, Bound: 3}},
		{Name: "nsf/residual-norm-lu", Features: 5, Context: 3, Spec: flow.Spec{Type: "nsf", Transforms: 2, Net: "residual", Linear: "lu", NetBatchNorm: true, Bins: 6, Bound: 2}},
		{Name: "nsf/residual-everything", Features: 4, Context: 1, Spec: flow.Spec{Type: "nsf", Transforms: 2, Net: "residual", Blocks: 1, Activation: "tanh", NetBatchNorm: true, BatchNorm: true, Dropout: 0.4, Linear: "lu"}},
	}
	type o = map[string]any
	mlp, spline := flow.Part{Kind: "mlp", Options: o{"hidden": small}}, flow.Part{Kind: "spline", Options: o{"bins": 5, "bound": 3}}
	circular := flow.Part{Kind: "circular-spline", Options: o{"bins": 5, "bound": 3}}
	dsf := flow.Part{Kind: "dsf", Options: o{"units": 5}}
	bernstein := flow.Part{Kind: "bernstein", Options: o{"degree": 6, "bound": 3}}
	masked := flow.Part{Kind: "residual", Options: o{"width": 14, "batch_norm": true}}
	layers := func(parts ...flow.Part) flow.Spec { return flow.Spec{Repeat: 2, Layers: parts} }
	ar, coupling := "autoregressive", "coupling"
	student := layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": "affine"}})
	student.Base = flow.Part{Kind: "student-t", Options: o{"nu": 4}}
	bases, baseEach := layers(student.Layers[0]), layers(student.Layers[0])
	bases.Bases = map[string]flow.Part{"1": student.Base, "3": {Kind: "student-t"}}
	baseEach.Bases = map[string]flow.Part{"0": student.Base, "1": {Kind: "normal"}}
	cases = append(cases,
		Case{Name: "layers/residual-ar", Features: 4, Context: 2, Spec: layers(flow.Part{Kind: ar, Options: o{"net": masked, "transformer": spline}})},
		Case{Name: "layers/residual-ar-plain", Features: 3, Spec: layers(flow.Part{Kind: ar, Options: o{"transformer": "affine", "net": flow.Part{Kind: "residual", Options: o{"width": 12, "activation": "tanh"}}}}, flow.Part{Kind: "lu"})},
		Case{Name: "layers/residual-one-feature", Features: 1, Context: 1, Spec: layers(flow.Part{Kind: ar, Options: o{"net": masked}})},
		Case{Name: "layers/passes", Features: 5, Context: 1, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp, "passes": 2}})},
		Case{Name: "layers/passes-residual", Features: 5, Spec: layers(flow.Part{Kind: ar, Options: o{"net": masked, "passes": 3, "transformer": "affine"}})},
		Case{Name: "layers/each-its-own", Features: 3, Spec: layers(flow.Part{Kind: "batch-norm"}, flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": "affine", "transformers": o{"1": spline}}})},
		Case{Name: "layers/two-couplings", Features: 2, Spec: layers(flow.Part{Kind: coupling, Options: o{"net": mlp, "transformers": o{"0": "scale-shift"}}},
			flow.Part{Kind: coupling, Options: o{"net": mlp, "permute": "reverse", "transformer": "affine"}})},
		Case{Name: "circular/one-feature", Features: 1, Context: 1, Circle: 3, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": circular}})},
		Case{Name: "circular/two", Features: 2, Circle: 3, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": circular}})},
		Case{Name: "circular/mixed-coupling", Features: 3, Circle: 3, Spec: layers(flow.Part{Kind: coupling, Options: o{"net": mlp, "transformer": spline, "transformers": o{"1": circular}}})},
		Case{Name: "circular/mixed-residual", Features: 3, Context: 1, Circle: 3, Spec: layers(flow.Part{Kind: ar, Options: o{"net": masked, "transformer": spline, "transformers": o{"1": circular}}})},
		Case{Name: "dsf/one-feature", Features: 1, Context: 1, Contracts: true, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": dsf}})},
		Case{Name: "dsf/two-layers", Features: 2, Contracts: true, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": flow.Part{Kind: "dsf", Options: o{"units": 3, "layers": 2}}}})},
		Case{Name: "dsf/coupling-residual", Features: 3, Context: 1, Contracts: true, Spec: layers(flow.Part{Kind: coupling, Options: o{"net": masked, "transformer": dsf}})},
		Case{Name: "bernstein/one-feature", Features: 1, Context: 1, Contracts: true, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": bernstein}})},
		Case{Name: "bernstein/two", Features: 2, Contracts: true, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": bernstein}})},
		Case{Name: "bernstein/coupling-residual", Features: 3, Context: 1, Contracts: true, Spec: layers(flow.Part{Kind: coupling, Options: o{"net": masked, "transformer": bernstein}})},
		Case{Name: "linear/householder", Features: 4, Spec: layers(flow.Part{Kind: "householder"}, flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": "affine"}})},
		Case{Name: "linear/householder-odd", Features: 2, Spec: layers(flow.Part{Kind: ar, Options: o{"net": mlp}}, flow.Part{Kind: "householder", Options: o{"reflections": 3}})},
		Case{Name: "linear/rotation", Features: 3, Context: 1, Spec: layers(flow.Part{Kind: coupling, Options: o{"net": mlp}}, flow.Part{Kind: "rotation"})},
		Case{Name: "linear/permutation-glow", Features: 4, Spec: layers(flow.Part{Kind: "permutation"}, flow.Part{Kind: coupling, Options: o{"net": mlp, "permute": "none"}},
			flow.Part{Kind: "permutation", Options: o{"order": "reverse"}}, flow.Part{Kind: "lu", Options: o{"permute": "random"}})},
		Case{Name: "linear/act-norm", Features: 2, Spec: layers(flow.Part{Kind: "act-norm"}, flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": "affine"}})},
		Case{Name: "continuous/adaptive", Features: 2, Spec: flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: o{"hidden": []int{8}, "tolerance": 1e-6}}}}},
		Case{Name: "continuous/rk4-context", Features: 2, Context: 1, Spec: flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: o{"hidden": []int{7, 6}, "steps": 10}}}}},
		Case{Name: "continuous/elu-deep-one", Features: 1, Contracts: true, Spec: flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: o{"hidden": []int{5, 4, 5}, "activation": "elu", "steps": 10}}}}},
		Case{Name: "continuous/many", Features: 9, Spec: flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: o{"hidden": []int{5, 4}, "steps": 8}}, {Kind: "lu"}}}},
		Case{Name: "planar/one-feature", Features: 1, Spec: layers(flow.Part{Kind: "planar"}, flow.Part{Kind: "planar"})},
		Case{Name: "planar/two", Features: 2, Spec: layers(flow.Part{Kind: "planar"}, flow.Part{Kind: "planar"}, flow.Part{Kind: "planar"})},
		Case{Name: "planar/context", Features: 4, Context: 2, Spec: layers(flow.Part{Kind: "planar"}, flow.Part{Kind: "act-norm"})},
		Case{Name: "radial/one-feature", Features: 1, Context: 1, Spec: layers(flow.Part{Kind: "radial"})},
		Case{Name: "radial/two", Features: 2, Spec: layers(flow.Part{Kind: "radial"}, flow.Part{Kind: "radial"})},
		Case{Name: "radial/context", Features: 5, Context: 2, Spec: layers(flow.Part{Kind: "radial"}, flow.Part{Kind: "planar"})},
		Case{Name: "residual-flow/one-feature", Features: 1, Spec: layers(flow.Part{Kind: "residual-flow", Options: o{"hidden": small, "activation": "tanh"}})},
		Case{Name: "residual-flow/two", Features: 2, Spec: layers(flow.Part{Kind: "residual-flow", Options: o{"hidden": small}})},
		Case{Name: "residual-flow/context", Features: 3, Context: 2, Spec: layers(flow.Part{Kind: "residual-flow", Options: o{"hidden": small, "lipschitz": 0.9}}, flow.Part{Kind: "act-norm"})},
		Case{Name: "residual-flow/elu", Features: 10, Spec: layers(flow.Part{Kind: "residual-flow", Options: o{"hidden": small[:1], "activation": "elu"}})},
		Case{Name: "layers/student-t", Features: 2, Spec: student},
		Case{Name: "layers/bases", Features: 4, Spec: bases},
		Case{Name: "layers/base-each", Features: 2, Context: 1, Spec: baseEach},
	)
	of := func(base flow.Part, s flow.Spec) flow.Spec { s.Base = base; return s }
	box := flow.Part{Kind: "box", Options: o{"bound": 3}}
	cases = append(cases,
		Case{Name: "base/box", Features: 2, Context: 1, Circle: 3, Within: 3, Spec: of(box, layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": circular, "transformers": o{"1": spline}}}))},
		Case{Name: "base/box-one", Features: 2, Within: 3, Spec: flow.Spec{Repeat: 2, Bases: map[string]flow.Part{"1": box},
			Layers: []flow.Part{{Kind: "permutation"}, {Kind: coupling, Options: o{"net": mlp, "transformer": "affine", "transformers": o{"1": spline}}}}}},
		Case{Name: "base/truncated", Features: 1, Context: 1, Within: 3, Spec: of(flow.Part{Kind: "truncated", Options: o{"bound": 3, "width": 2}},
			layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": bernstein}}))},
		Case{Name: "base/mixture", Features: 2, Spec: of(flow.Part{Kind: "mixture", Options: o{"components": 3}}, layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": "affine"}}))},
		Case{Name: "base/mixture-one", Features: 3, Context: 1, Spec: flow.Spec{Bases: map[string]flow.Part{"2": {Kind: "mixture"}}, Layers: []flow.Part{{Kind: ar, Options: o{"net": masked}}}}},
		Case{Name: "base/conditional", Features: 2, Context: 2, Spec: of(flow.Part{Kind: "conditional-normal", Options: o{"net": mlp}}, layers(flow.Part{Kind: ar, Options: o{"net": mlp}}))},
	)
	through := func(net flow.Part, s flow.Spec) flow.Spec { s.ContextNet = net; return s }
	embedding := flow.Part{Kind: "mlp", Options: o{"hidden": 7, "out": 3}}
	sets := flow.Part{Kind: flow.DeepSets, Options: o{"hidden": 6, "out": 4, "each": 5, "pooled": 3, "objects": 3, "variables": 2, "activation": "tanh"}}
	twoSets := flow.Part{Kind: flow.DeepSets, Options: o{"hidden": 6, "out": 2, "each": []int{5, 4}, "pooled": 3, "objects": []int{2, 1}, "variables": []int{1, 3}, "activation": "elu"}}
	cases = append(cases,
		Case{Name: "context-net/preset", Features: 3, Context: 2, Spec: through(embedding, flow.Spec{Type: "maf", Transforms: 2, LogScale: "tanh"})},
		Case{Name: "context-net/preset-residual", Features: 3, Context: 2, Spec: through(embedding, flow.Spec{Type: "nsf-ar", Transforms: 2, Net: "residual", NetBatchNorm: true})},
		Case{Name: "context-net/coupling-first", Features: 2, Context: 1, Spec: through(embedding, layers(flow.Part{Kind: coupling, Options: o{"net": flow.Part{Kind: "mlp", Options: o{"hidden": small, "context": "first"}}}}, flow.Part{Kind: "batch-norm"}))},
		Case{Name: "context-net/residual-dropout", Features: 3, Context: 2, Spec: through(embedding, layers(flow.Part{Kind: coupling, Options: o{"net": flow.Part{Kind: "residual", Options: o{"width": 9, "dropout": 0.25, "activation": "tanh"}}}}, flow.Part{Kind: ar, Options: o{"net": masked}}))},
		Case{Name: "context-net/planar-radial", Features: 2, Context: 2, Spec: through(embedding, layers(flow.Part{Kind: "planar"}, flow.Part{Kind: "radial"}))},
		Case{Name: "context-net/residual-flow", Features: 2, Context: 2, Spec: through(embedding, layers(flow.Part{Kind: "residual-flow", Options: o{"hidden": small, "lipschitz": 0.9}}))},
		Case{Name: "context-net/continuous", Features: 2, Context: 2, Spec: through(embedding, flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: o{"hidden": []int{7, 6}, "steps": 10}}}})},
		Case{Name: "context-net/adaptive", Features: 1, Context: 2, Spec: through(embedding, flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: o{"hidden": []int{8}, "tolerance": 1e-6}}}})},
		Case{Name: "context-net/conditional-base", Features: 2, Context: 2, Spec: through(embedding, of(flow.Part{Kind: "conditional-normal", Options: o{"net": mlp}}, layers(flow.Part{Kind: "lu"})))},
		Case{Name: "deep-sets/plain", Features: 2, Context: 9, Spec: through(sets, flow.Spec{Type: "maf", Transforms: 2, LogScale: "tanh"})},
		Case{Name: "deep-sets/alone", Features: 2, Context: 7, Spec: through(sets, layers(flow.Part{Kind: ar, Options: o{"net": masked}}))},
		Case{Name: "deep-sets/two", Features: 1, Context: 8, Spec: through(twoSets, layers(flow.Part{Kind: ar, Options: o{"net": mlp, "transformer": "affine"}}))},
	)
	for i := range cases {
		s := &cases[i].Spec
		if len(s.Layers) > 0 {
			continue
		}
		s.Hidden = small
		if s.Net == "residual" {
			s.Hidden = small[:1]
		}
		cases[i].Contracts = s.LogScale != "" && s.LogScale != "tanh"
	}
	for _, c := range cases {
		if slices.Contains(partial, c.Name) {
			c.Name, c.Absent = "absent/"+strings.ReplaceAll(c.Name, "/", "-"), true
			cases = append(cases, c)
		}
	}
	return cases
}

// partial are cases that take events with absent cells too.
var partial = []string{"maf/context", "nsf-ar/two", "nsf/dropout", "maf/batch-norm", "realnvp/residual", "layers/residual-ar", "layers/passes",
	"layers/two-couplings", "layers/bases", "circular/mixed-coupling", "circular/mixed-residual", "dsf/two-layers", "bernstein/two", "linear/act-norm",
	"base/box", "base/truncated", "base/mixture", "base/conditional"}

// New builds the flow of a case, moved away from the identity by random parameters, with frozen statistics of its events.
func (c Case) New(t testing.TB) *flow.Flow {
	t.Helper()
	f := c.start(t)
	src := rng.New(11, rng.StreamTest, 0)
	p := f.Params()
	move := make([]float32, len(p))
	for _, v := range f.Views() {
		for i := range v.Of(move) {
			v.Of(move)[i] = float32(0.4 / math.Sqrt(float64(v.Cols)) * src.NormFloat64())
		}
	}
	f.Cut(move)
	for i := range p {
		p[i] += move[i]
	}
	x, context := c.Events(500, 2)
	likelihood(t, f, x, context).Freeze(all(500))
	return f
}

// invertible is New of a flow that has an inverse.
func (c Case) invertible(t testing.TB) *flow.Flow {
	t.Helper()
	f := c.New(t)
	if why := f.OneWay(); why != "" {
		t.Skip("no way back: " + why)
	}
	return f
}

// start builds the flow as it starts.
func (c Case) start(t testing.TB) *flow.Flow {
	t.Helper()
	p, err := flow.NewPlan(c.Features, c.Context, c.Spec, seed, c.Kinds...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int32(c.Features) {
		if !c.Absent {
			break
		}
		if err := p.AllowAbsent(i); err != nil {
			t.Fatal(err)
		}
	}
	return flow.Draw(p)
}

// likelihood ends with the test.
func likelihood(t testing.TB, f *flow.Flow, x, context [][]float32) *flow.Likelihood {
	t.Helper()
	l, err := flow.NewLikelihood(f, x, context, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// all are the rows of n events.
func all(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// Events draws n events of standard deviation 1.5, as columns.
func (c Case) Events(n int, seed uint64) (x, context [][]float32) {
	draw := func(cols int, sub uint32) (out [][]float32) {
		src := rng.New(seed, rng.StreamTest, sub)
		for range cols {
			col := make([]float32, n)
			for e := range col {
				v := 1.5 * src.NormFloat64()
				if c.Within > 0 {
					v = c.Within * math.Tanh(v/c.Within)
				}
				col[e] = float32(v)
			}
			out = append(out, col)
		}
		return out
	}
	x, context = draw(c.Features, 1), draw(c.Context, 2)
	if c.Absent {
		c.leaveOut(x, seed)
	}
	return x, context
}

// leaveOut makes cells absent.
func (c Case) leaveOut(x [][]float32, seed uint64) {
	src := rng.New(seed, rng.StreamTest, 3)
	for _, col := range x {
		for e := range col {
			if src.Float64() < 1./3 {
				col[e] = float32(math.NaN())
			}
		}
	}
}

// rowsOf turns columns into n float64 events.
func rowsOf(cols [][]float32, n int) [][]float64 {
	out := make([][]float64, n)
	for e := range out {
		for _, c := range cols {
			out[e] = append(out[e], float64(c[e]))
		}
	}
	return out
}
