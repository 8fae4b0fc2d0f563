package flow_test

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/flowtest"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// stretch is z = exp(h + a) (x + b) with a and b of its own, which start at 0.2 and -0.3.
type stretch struct{ a, b nn.View }

func (*stretch) Saved() int          { return 0 }
func (*stretch) Identity() []float32 { return []float32{0} }

func (s *stretch) Layout(l *nn.Layout, scope string) {
	s.a, s.b = l.Add(scope+".a", 1, 1, nn.Scale), l.Add(scope+".b", 1, 1, nn.Bias)
}

func (s *stretch) Start(p []float32, _ *nn.Source) { s.a.Of(p)[0], s.b.Of(p)[0] = 0.2, -0.3 }

func (s *stretch) own(p []float32) (a, b float64) {
	return float64(s.a.Of(p)[0]), float64(s.b.Of(p)[0])
}

func (s *stretch) ToLatent(f *flow.Feature) {
	a, b := s.own(f.P)
	for e := range f.N {
		l := float64(f.H[e]) + a
		f.Z[e] = float32(math.Exp(l) * (float64(f.X[e]) + b))
		f.LogDet[e] += float32(l)
	}
}

func (s *stretch) Backward(f *flow.Feature) {
	if f.First {
		s.a.Of(f.G)[0], s.b.Of(f.G)[0] = 0, 0
	}
	a, b := s.own(f.P)
	for e := range f.N {
		scale := math.Exp(float64(f.H[e]) + a)
		f.DH[e] = f.D[e]*float32(scale*(float64(f.X[e])+b)) + f.DLogDet[e]
		f.D[e] *= float32(scale)
		s.a.Of(f.G)[0] += f.DH[e]
		s.b.Of(f.G)[0] += f.D[e]
	}
}

func (s *stretch) ToData(f *flow.Feature) {
	a, b := s.own(f.P)
	for e := range f.N {
		l := float64(f.H[e]) + a
		f.X[e] = float32(math.Exp(-l)*float64(f.Z[e]) - b)
		f.LogDet[e] -= float32(l)
	}
}

var stretchKind = flow.Kind{Name: "stretch", Role: flow.RoleTransformer, Build: func(*flow.Options) any { return &stretch{} }}

// stretched is a flow of layers of stretches.
func stretched(net flow.Part, layer string, options map[string]any) flow.Spec {
	all := map[string]any{"net": net, "transformer": "stretch"}
	for name, v := range options {
		all[name] = v
	}
	return flow.Spec{Repeat: 2, Layers: []flow.Part{{Kind: layer, Options: all}}}
}

// A transformer with parameters of its own goes with every network, in every order.
func TestTransformerWithParametersOfItsOwn(t *testing.T) {
	mlp := flow.Part{Kind: "mlp", Options: map[string]any{"hidden": 8}}
	residual := flow.Part{Kind: "residual", Options: map[string]any{"width": 8, "batch_norm": true}}
	one := map[string]any{"transformers": map[string]any{"1": flow.Part{Kind: "spline", Options: map[string]any{"bins": 4}}}}
	formula := flowtest.Formulas{Transformers: map[string]flowtest.Formula{"stretch": func(s flowtest.Scalar) (z, logDet float64) {
		l := s.H[0] + s.Own("a")[0]
		return math.Exp(l) * (s.X + s.Own("b")[0]), l
	}}}
	var cases []flowtest.Case
	for name, spec := range map[string]flow.Spec{
		"mlp":             stretched(mlp, "autoregressive", nil),
		"mlp-coupling":    stretched(mlp, "coupling", one),
		"residual":        stretched(residual, "coupling", one),
		"residual-ar":     stretched(residual, "autoregressive", nil),
		"residual-passes": stretched(residual, "autoregressive", map[string]any{"passes": 2}),
	} {
		cases = append(cases, flowtest.Case{Name: name, Features: 3, Context: 1, Spec: spec,
			Kinds: []flow.Kind{stretchKind}, Formulas: formula, Contracts: true})
	}
	flowtest.Run(t, cases)
}

// They start where they say, beside a residual network too, and a step allocates nothing for them.
func TestParametersOfItsOwnStart(t *testing.T) {
	residual := flow.Part{Kind: "residual", Options: map[string]any{"width": 8}}
	f, err := flow.New(2, 0, stretched(residual, "coupling", nil), 1, stretchKind)
	if err != nil {
		t.Fatal(err)
	}
	f.Threads = 2
	x := normalColumns(2, 5*kernel.Tile)
	z, _, err := f.ToLatent(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range z {
		var off float64
		for e, v := range z[i] {
			off += math.Abs(float64(v)-math.Exp(0.2)*(float64(x[i][e])-0.3)) / float64(len(z[i]))
		}
		if off > 0.05 { // the network starts near 0
			t.Errorf("feature %d starts %v from where it should be", i, off)
		}
	}
	l, err := flow.NewLikelihood(f, x, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows, grad := make([]int32, 5*kernel.Tile), make([]float32, len(f.Params()))
	for i := range rows {
		rows[i] = int32(i)
	}
	if n := testing.AllocsPerRun(10, func() { l.Gradient(rows, grad) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
