package flow_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/flowtest"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// sinhArcsinh is z = sinh(a u) with u = asinh(x), a = exp(tanh(h)), which makes tails heavier or lighter (Jones and
// Pewsey, Biometrika 96, 2009): log dz/dx = tanh(h) + log cosh(a u) - log(1+x^2)/2.
type sinhArcsinh struct{}

func (sinhArcsinh) Saved() int          { return 0 }
func (sinhArcsinh) Identity() []float32 { return []float32{0} }
func (sinhArcsinh) terms(x, h float32) (s, u float64) {
	return math.Tanh(float64(h)), math.Asinh(float64(x))
}

func (m sinhArcsinh) ToLatent(f *flow.Feature) {
	for e := range f.N {
		s, u := m.terms(f.X[e], f.H[e])
		au := math.Exp(s) * u
		f.Z[e] = float32(math.Sinh(au))
		f.LogDet[e] += float32(s + math.Log(math.Cosh(au)) - math.Log(math.Cosh(u)))
	}
}

func (m sinhArcsinh) Backward(f *flow.Feature) {
	for e := range f.N {
		s, u := m.terms(f.X[e], f.H[e])
		a := math.Exp(s)
		dz, dLogDet := float64(f.D[e]), float64(f.DLogDet[e])
		byAU := dz*math.Cosh(a*u) + dLogDet*math.Tanh(a*u)
		f.DH[e] = float32((byAU*a*u + dLogDet) * (1 - s*s))
		f.D[e] = float32((byAU*a - dLogDet*math.Tanh(u)) / math.Cosh(u))
	}
}

func (m sinhArcsinh) ToData(f *flow.Feature) {
	for e := range f.N {
		s, v := m.terms(f.Z[e], f.H[e]) // v = a u
		u := v * math.Exp(-s)
		f.X[e] = float32(math.Sinh(u))
		f.LogDet[e] += float32(-s + math.Log(math.Cosh(u)) - math.Log(math.Cosh(v)))
	}
}

var sinhKind = flow.Kind{Name: "sinh-arcsinh", Role: flow.RoleTransformer, Build: func(*flow.Options) any { return sinhArcsinh{} }}

// tails is a flow with that transformer, and with an affine one, without which nothing would be shifted.
func tails() flow.Spec {
	layer := func(transformer string) flow.Part {
		return flow.Part{Kind: "autoregressive", Options: map[string]any{
			"transformer": transformer, "net": flow.Part{Kind: "mlp", Options: map[string]any{"hidden": []int{12}}},
		}}
	}
	return flow.Spec{Layers: []flow.Part{layer("sinh-arcsinh"), layer("affine")}}
}

// The whole compliance suite runs over a transformer from elsewhere, against its formula in float64.
func TestTransformerFromOutside(t *testing.T) {
	flowtest.Run(t, []flowtest.Case{{
		Name: "sinh-arcsinh", Features: 2, Context: 1, Spec: tails(), Kinds: []flow.Kind{sinhKind}, Contracts: true,
		Formulas: flowtest.Formulas{Transformers: map[string]flowtest.Formula{"sinh-arcsinh": func(s flowtest.Scalar) (z, logDet float64) {
			a := math.Exp(math.Tanh(s.H[0]))
			u := a * math.Asinh(s.X)
			return math.Sinh(u), math.Log(a * math.Cosh(u) / math.Sqrt(1+s.X*s.X))
		}}},
	}})
}

// It is trained, saved and loaded as those of the package are.
func TestTransformerFromOutsideIsTrainedAndSaved(t *testing.T) {
	x := normalColumns(2, 2000)
	table := &events.Table{}
	for i, name := range []string{"a", "b"} {
		for e, v := range x[i] {
			x[i][e] = float32(math.Sinh(1.5 * float64(v))) // heavy tails
		}
		table.Columns = append(table.Columns, events.Column{Name: name, F32: x[i]})
	}
	features, _, err := prep.Fit(table, []string{"a", "b"}, prep.Spec{All: []prep.StepSpec{{Kind: "standardise"}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	prepared, _, err := features.Apply(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := flow.New(2, 0, tails(), 1, sinhKind)
	if err != nil {
		t.Fatal(err)
	}
	l, err := flow.NewLikelihood(f, prepared, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows := make([]int32, 2000)
	for i := range rows {
		rows[i] = int32(i)
	}
	before := l.Loss(rows)
	if _, err := train.Run(context.Background(), l, train.Data{Train: rows}, train.Config{Epochs: 30, LR: 1e-2, Valid: -1, Test: -1}, train.Options{}); err != nil {
		t.Fatal(err)
	}
	if after := l.Loss(rows); !(after < before-0.1) {
		t.Errorf("NLL %v before the training, %v after", before, after)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	m := &model.Model{Features: features, Density: f, Seed: 1}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Load(path); err == nil || !strings.Contains(err.Error(), `"sinh-arcsinh" is not one of [affine`) {
		t.Errorf("read without the kind: %v", err)
	}
	loaded, err := model.Load(path, sinhKind)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.LogProb(table, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.LogProb(table, 0); err != nil || !slices.Equal(got, want) {
		t.Errorf("the model that was read has other densities: %v", err)
	}
}

// CONTRIBUTING shows the transformer above, line by line.
func TestContributingShowsThisTransformer(t *testing.T) {
	page, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_transformer_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, ok := strings.Cut(string(page), "```go\n")
	shown, _, closed := strings.Cut(shown, "```")
	if !ok || !closed || !strings.Contains(shown, "flow.Kind{") || !strings.Contains(string(source), shown) {
		t.Error("the code in CONTRIBUTING.md is not that of example_transformer_test.go")
	}
}
