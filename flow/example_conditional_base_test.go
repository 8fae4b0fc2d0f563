package flow_test

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/base"
	"github.com/sluice-hep/sluice/flow/flowtest"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
	"github.com/sluice-hep/sluice/train"
)

// given is the base N(a c + b, exp(w)) of each feature, with the first context column c, and a, b and w that are trained. It
// keeps (z - a c - b) exp(-w).
type given struct {
	features []int32
	v        nn.View // a row [a, b, w] a feature
}

func (g *given) Layout(l *nn.Layout, scope string) {
	g.v = l.Add(scope+".given", len(g.features), 3, nn.Scale)
}

func (g *given) Memory() (rows, scratch int) { return len(g.features), 0 }

func (g *given) of(p []float32, i int) []float32 { return g.v.Of(p)[3*i : 3*i+3] }

// Start starts the widths at exp(0.1).
func (g *given) Start(p []float32, _ *nn.Source) {
	for i := range g.features {
		g.of(p, i)[2] = 0.1
	}
}

func (g *given) LogProb(t *flow.Tile, p, mem []float32, logProb []float64) {
	for i, f := range g.features {
		v := g.of(p, i)
		for e := range t.N {
			d := t.X[int(f)*kernel.Tile+e] - v[0]*t.Context[e] - v[1]
			mem[i*kernel.Tile+e] = d * float32(math.Exp(-float64(v[2])))
		}
		for e := range logProb {
			r := float64(mem[i*kernel.Tile+e])
			logProb[e] -= r*r/2 + float64(v[2]) + 0.5*math.Log(2*math.Pi)
		}
	}
}

func (g *given) Backward(t *flow.Tile, p, grad, mem, _, slope []float32) {
	for i, f := range g.features {
		d, inverse := g.of(grad, i), float32(math.Exp(-float64(g.of(p, i)[2])))
		if t.First {
			clear(d)
		}
		for e, s := range slope {
			r := mem[i*kernel.Tile+e]
			dx := s * r * inverse
			t.DX[int(f)*kernel.Tile+e] = dx
			d[0] -= dx * t.Context[e]
			d[1] -= dx
			d[2] += s * (1 - r*r)
		}
	}
}

func (g *given) Draw(t *flow.Tile, p, mem []float32, seed, first uint64) {
	(&base.Normal{Features: g.features}).Draw(t, p, mem, seed, first)
	for i, f := range g.features {
		v := g.of(p, i)
		x := t.X[int(f)*kernel.Tile:][:t.Events]
		for e := range x {
			x[e] = x[e]*float32(math.Exp(float64(v[2]))) + v[0]*t.Context[e] + v[1]
		}
	}
}

var givenKind = flow.Kind{Name: "given", Role: flow.RoleBase, Build: func(*flow.Options) any {
	return func(s *flow.Site) (flow.Base, error) { return &given{features: s.Features()}, nil }
}}

// The suite runs over a base with parameters that sees the context, of all features and of one.
func TestConditionalBaseFromOutside(t *testing.T) {
	layers := []flow.Part{{Kind: "autoregressive", Options: map[string]any{"transformer": "affine", "net": flow.Part{Kind: "mlp", Options: map[string]any{"hidden": 8}}}}}
	formulas := flowtest.Formulas{Bases: map[string]flowtest.BaseFormula{
		"given": func(o *flowtest.Oracle, scope string, i int, z float64, context []float64) float64 {
			v := o.Of(scope + ".given")[3*i:]
			r := (z - v[0]*context[0] - v[1]) * math.Exp(-v[2])
			return -r*r/2 - v[2] - 0.5*math.Log(2*math.Pi)
		},
	}}
	var cases []flowtest.Case
	for name, spec := range map[string]flow.Spec{
		"all": {Base: flow.Part{Kind: "given"}, Layers: layers},
		"one": {Base: flow.Part{Kind: "student-t"}, Bases: map[string]flow.Part{"1": {Kind: "given"}}, Layers: append(layers, flow.Part{Kind: "batch-norm"})},
	} {
		cases = append(cases, flowtest.Case{Name: name, Features: 2, Context: 1, Spec: spec, Kinds: []flow.Kind{givenKind}, Formulas: formulas})
	}
	flowtest.Run(t, cases)
}

// Trained on x = 2 c + 1 + n/2, it finds these numbers; on t it keeps a base of its own beside it.
func TestConditionalBaseIsTrained(t *testing.T) {
	const n = 4000
	x, c := normalColumns(2, n), normalColumns(3, n)[2:]
	for e := range x[0] {
		x[0][e] = 2*c[0][e] + 1 + x[0][e]/2
	}
	identity := flow.Kind{Name: "identity", Role: flow.RoleWhole, Build: func(*flow.Options) any {
		return func(*flow.Site) (flow.Transform, error) { return &widths{}, nil }
	}}
	f, err := flow.New(2, 1, flow.Spec{Bases: map[string]flow.Part{"0": {Kind: "given"}}, Layers: []flow.Part{{Kind: "identity"}}}, 1, givenKind, identity)
	if err != nil {
		t.Fatal(err)
	}
	l, err := flow.NewLikelihood(f, x, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows := rng.New(1, rng.StreamTest, 0).Perm(n)
	cfg := train.Config{Epochs: 20, Batch: 100, LR: 0.05}
	if _, err := train.Run(t.Context(), l, train.Data{Train: rows[500:], Valid: rows[:500]}, cfg, train.Options{}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{2, 1, math.Log(0.5)} {
		if got := float64(f.Params()[i]); math.Abs(got-want) > 0.05 { // the error of a mean of 3,500 is 0.01
			t.Errorf("parameter %d is %v, not %v", i, got, want)
		}
	}
	grad := make([]float32, len(f.Params()))
	if n := testing.AllocsPerRun(10, func() { l.Gradient(rows[:500], grad) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Features whose bases are alike but apart are drawn independently, and a sample does not depend on its cut.
func TestBasesDrawIndependently(t *testing.T) {
	const n = 20_000
	normal, student := flow.Part{Kind: "normal"}, flow.Part{Kind: "student-t", Options: map[string]any{"nu": 500}}
	f, err := flow.New(5, 0, flow.Spec{Bases: map[string]flow.Part{"0": normal, "1": normal, "2": student, "3": student}, Layers: []flow.Part{{Kind: "lu"}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	z, err := f.Latent(n, nil, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range z {
		for j := range i {
			var sum float64
			for e := range z[i] {
				sum += float64(z[i][e]) * float64(z[j][e]) / n
			}
			if math.Abs(sum) > 5/math.Sqrt(n) {
				t.Errorf("features %d and %d have a correlation of %v", j, i, sum)
			}
		}
	}
}
