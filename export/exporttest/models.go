// Package exporttest has the models that every export must give the numbers of: each family with a closed form, with context and without.
package exporttest

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/nn"
	"github.com/sluice-hep/sluice/prep"
)

// Case is a model of random parameters.
type Case struct {
	Name  string
	Model *model.Model
}

func part(kind string, options map[string]any) flow.Part {
	return flow.Part{Kind: kind, Options: options}
}

// flows cover the families; each stands for a model without context and, with "given" behind its name, one with.
var flows = []struct {
	name string
	spec flow.Spec
}{
	{"maf", flow.Spec{Type: "maf", Transforms: 3, Hidden: []int{16, 16}}},
	{"maf-none", flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{16}, LogScale: "none", Activation: "tanh", Degrees: "equal"}},
	{"realnvp", flow.Spec{Type: "realnvp", Transforms: 4, Hidden: []int{16}, LogScale: "soft", Activation: "tanh"}},
	{"nsf", flow.Spec{Type: "nsf", Transforms: 3, Hidden: []int{16}, Linear: "lu", Permute: "random"}},
	{"nsf-ar", flow.Spec{Type: "nsf-ar", Transforms: 2, Hidden: []int{16, 16}, Base: part("mixture", map[string]any{"components": 3}), Permute: "random"}},
	{"circular", flow.Spec{Type: "circular", Transforms: 2, Hidden: []int{16}}},
	{"glow", flow.Spec{Type: "glow", Transforms: 3, Hidden: []int{16}, LogScale: "sigmoid"}},
	{"cinn", flow.Spec{Type: "cinn", Transforms: 3, Hidden: []int{16}, Activation: "elu"}},
	{"residual", flow.Spec{Type: "nsf", Transforms: 2, Hidden: []int{16}, Net: "residual", NetBatchNorm: true, Linear: "householder", Base: part("student-t", nil)}},
	{"residual-ar", flow.Spec{Type: "nsf-ar", Transforms: 2, Hidden: []int{16}, Net: "residual", Linear: "rotation"}},
	{"batch-norm", flow.Spec{Type: "maf", Transforms: 3, Hidden: []int{16}, BatchNorm: true, Linear: "permutation", Context: "first"}},
	{"passes", flow.Spec{
		Layers: []flow.Part{
			part("autoregressive", map[string]any{
				"passes": 2, "transformer": part("spline", map[string]any{"bins": 5, "bound": 4.0}), "transformers": map[string]any{"2": part("circular-spline", nil)}, "net": part("mlp", map[string]any{"hidden": []int{16}}),
			}),
			part("coupling", map[string]any{"transformers": map[string]any{"0": part("affine", nil), "2": part("circular-spline", nil)}, "net": part("mlp", map[string]any{"hidden": []int{12}})}),
		},
		Repeat: 2,
		Bases:  map[string]flow.Part{"2": part("box", nil), "3": part("student-t", nil)},
	}},
	{"radial", flow.Spec{Layers: []flow.Part{part("radial", nil), part("coupling", map[string]any{"transformer": part("affine", nil), "net": part("mlp", map[string]any{"hidden": []int{12}})})}, Repeat: 3}},
	{"truncated", flow.Spec{Type: "nsf", Transforms: 2, Hidden: []int{16}, Base: part("truncated", map[string]any{"width": 1.5})}},
}

// Models are all cases, fitted to the columns of Events.
func Models(t testing.TB) (all []Case) {
	t.Helper()
	for i, f := range flows {
		all = append(all, Case{f.name, Model(t, Flow(t, f.spec, 0), "")})
		given := f.spec
		if i%3 == 0 {
			given.ContextNet = part("mlp", map[string]any{"hidden": []int{8}, "out": 3})
		}
		if f.name == "realnvp" {
			given.Base = part("conditional-normal", map[string]any{"net": part("mlp", map[string]any{"hidden": []int{8}})})
		}
		all = append(all, Case{f.name + "-given", Model(t, Flow(t, given, 1), "given")})
	}
	ensemble, err := mix.NewEnsemble(Flow(t, flows[0].spec, 0), Flow(t, flows[3].spec, 0))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, Case{"ensemble", Model(t, ensemble, "")})
}

const fitted = 4000 // events

// Events are n of columns that each step of the preparation is for: four features and one to be given.
func Events(n int) *events.Table {
	r := rand.New(rand.NewPCG(1, 2))
	t := &events.Table{}
	for _, c := range []struct {
		name, unit string
		draw       func() float64
	}{
		{"mass", "GeV", func() float64 { return math.Round(500+1500*(r.Float64()+r.Float64())) / 1000 }},
		{"pt", "GeV", func() float64 { return 20 + 30*r.ExpFloat64() }},
		{"phi", "", func() float64 { return math.Pi * (2*r.Float64() - 1) }},
		{"eta", "", func() float64 { return 1.2 * r.NormFloat64() }},
		{"given", "GeV", func() float64 { return 100 + 10*r.NormFloat64() }},
	} {
		column := events.Column{Name: c.name, Unit: c.unit, Type: events.Float32}
		for range n {
			column.F32 = append(column.F32, float32(c.draw()))
		}
		t.Columns = append(t.Columns, column)
	}
	return t
}

// Flow is one of four features with random parameters, far from the identity, and about as steep as flows that are trained: in steeper ones float32
// leaves fewer digits, of the program's numbers as of others.
func Flow(t testing.TB, s flow.Spec, context int) *flow.Flow {
	t.Helper()
	if context == 0 {
		s.Context = ""
	}
	f, err := flow.New(4, context, s, 7)
	if err != nil {
		t.Fatal(err)
	}
	Shake(f, 0.07)
	return f
}

// Shake adds random numbers of a scale to the parameters of a flow, and smaller ones to statistics and scales.
func Shake(f *flow.Flow, scale float64) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, v := range f.Views() {
		by := scale
		if v.Role == nn.Statistic || v.Role == nn.Scale {
			by = 0.02
		}
		p := v.Of(f.Params())
		for i := range p {
			p[i] += float32(by * r.NormFloat64())
		}
	}
	f.Cut(f.Params())
}

// ToData is a model's way from latents to events, given the context that is in data.
func ToData(t testing.TB, m *model.Model, z [][]float32, data *events.Table) *events.Table {
	t.Helper()
	var context [][]float32
	var err error
	if m.Context != nil {
		if context, _, err = m.Context.Apply(data, nil); err != nil {
			t.Fatal(err)
		}
	}
	x, _, err := m.Density.(*flow.Flow).ToData(z, context)
	if err != nil {
		t.Fatal(err)
	}
	table, _, err := m.Features.Invert(x)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Model is a density of the four features of Events, given a column or none.
func Model(t testing.TB, d model.Density, given string) *model.Model {
	t.Helper()
	data := Events(fitted)
	var spec prep.Spec
	const clip = `{"clip": {"b": 0.05}}` // no event is far out, where the flow of random parameters is steep
	steps := `{"mass": ["minmax", ` + clip + `, "logit", "standardise"], "pt": ["log", "quantile"], "phi": ["periodic", ` + clip + `, "logit"], "eta": ["asinh"]}`
	if f, ok := d.(*flow.Flow); ok && confined(f) {
		steps = `{"mass": [{"round": {"step": 0.001}}, {"quantile": {"low": 0.5, "high": 3.5}}], "pt": ["quantile"], "phi": [{"periodic": {"circle": 1}}], "eta": ["quantile"]}`
	}
	if err := json.Unmarshal([]byte(steps), &spec); err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Density: d, Seed: 7}
	var err error
	if m.Features, _, err = prep.Fit(data, []string{"mass", "pt", "phi", "eta"}, spec, 1); err != nil {
		t.Fatal(err)
	}
	if given != "" {
		if m.Context, _, err = prep.FitContext(data, []string{given}, prep.Spec{}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// confined says whether a flow has no density beyond some interval, or sees angles as such.
func confined(f *flow.Flow) bool {
	return len(f.Spec.Bases) > 0 || f.Spec.Base.Kind == "box" || f.Spec.Base.Kind == "truncated"
}
