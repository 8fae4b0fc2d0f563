package flow_test

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/base"
	"github.com/sluice-hep/sluice/flow/flowtest"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// logistic is the base p(z) = 1/(4 cosh^2(z/2)) of each feature.
type logistic struct{ features []int32 }

func (logistic) Layout(*nn.Layout, string)   {}
func (logistic) Memory() (rows, scratch int) { return 0, 0 }

func (b logistic) LogProb(t *flow.Tile, _, _ []float32, logProb []float64) {
	for _, c := range b.features {
		for e := range logProb {
			z := math.Abs(float64(t.X[int(c)*kernel.Tile+e]))
			logProb[e] -= z + 2*math.Log1p(math.Exp(-z))
		}
	}
}

func (b logistic) Backward(t *flow.Tile, _, _, _, _, slope []float32) {
	for _, c := range b.features {
		for e := range t.N {
			i := int(c)*kernel.Tile + e
			t.DX[i] = slope[e] * float32(math.Tanh(float64(t.X[i])/2))
		}
	}
}

func (b logistic) Draw(t *flow.Tile, p, mem []float32, seed, first uint64) {
	(&base.Normal{Features: b.features}).Draw(t, p, mem, seed, first)
	for _, c := range b.features {
		for e := range t.Events {
			z := float64(t.X[int(c)*kernel.Tile+e])
			t.X[int(c)*kernel.Tile+e] = float32(math.Log(math.Erfc(-z/math.Sqrt2) / math.Erfc(z/math.Sqrt2)))
		}
	}
}

// widths is z = exp(a) x with a parameter a of each feature.
type widths struct {
	features int
	a        nn.View
	noWay    string
}

func (w *widths) Layout(l *nn.Layout, scope string) { w.a = l.Add(scope+".a", w.features, 1, nn.Scale) }
func (w *widths) Memory() (rows, scratch int)       { return w.features, 0 }
func (w *widths) OneWay() string                    { return w.noWay }

func (w *widths) move(t *flow.Tile, p []float32, sign float64) {
	for c, a := range w.a.Of(p) {
		for e := range t.N {
			t.X[c*kernel.Tile+e] *= float32(math.Exp(sign * float64(a)))
			t.LogDet[e] += float32(sign) * a
		}
	}
}

func (w *widths) ToLatent(t *flow.Tile, p, mem []float32) {
	copy(mem, t.X[:w.features*kernel.Tile])
	w.move(t, p, 1)
}

func (w *widths) ToData(t *flow.Tile, p, _ []float32) { w.move(t, p, -1) }

func (w *widths) Backward(t *flow.Tile, p, g, mem, _ []float32) {
	for c, a := range w.a.Of(p) {
		scale, da := float32(math.Exp(float64(a))), float32(0)
		for e := range t.N {
			i := c*kernel.Tile + e
			da += t.DX[i]*scale*mem[i] + t.DLogDet[e]
			t.DX[i] *= scale
		}
		if t.First {
			w.a.Of(g)[c] = 0
		}
		w.a.Of(g)[c] += da
	}
}

// The suite runs over a base and a layer from elsewhere, with an inverse and without.
func TestBaseAndLayerFromOutside(t *testing.T) {
	for _, noWay := range []string{"", "has none for this test"} {
		layer := flow.Kind{Name: "widths", Role: flow.RoleWhole, Build: func(*flow.Options) any {
			return func(s *flow.Site) (flow.Transform, error) {
				return &widths{features: len(s.Features()), noWay: noWay}, nil
			}
		}}
		base := flow.Kind{Name: "logistic", Role: flow.RoleBase, Build: func(*flow.Options) any {
			return func(s *flow.Site) (flow.Base, error) { return logistic{s.Features()}, nil }
		}}
		flowtest.Run(t, []flowtest.Case{{
			Name: "widths" + noWay, Features: 2, Kinds: []flow.Kind{layer, base},
			Spec: flow.Spec{Base: flow.Part{Kind: "logistic"}, Layers: []flow.Part{{Kind: "widths"}, {Kind: "lu"}}},
			Formulas: flowtest.Formulas{
				Layers: map[string]flowtest.LayerFormula{"widths": func(o *flowtest.Oracle, l flow.Layer, z [][]float64, logDet []float64) {
					for e := range z {
						for i, a := range o.Of(l.Scope + ".a") {
							z[e][i] *= math.Exp(a)
							logDet[e] += a
						}
					}
				}},
				Bases: map[string]flowtest.BaseFormula{"logistic": func(_ *flowtest.Oracle, _ string, _ int, z float64, _ []float64) float64 {
					return -2 * math.Log(2*math.Cosh(z/2))
				}},
			},
		}})
	}
}

// A base kind that builds something else is named, and no crash.
func TestBaseKindThatBuildsNoBase(t *testing.T) {
	kind := flow.Kind{Name: "odd", Role: flow.RoleBase, Build: func(*flow.Options) any { return 3 }}
	if _, err := flow.New(1, 0, flow.Spec{Base: flow.Part{Kind: "odd"}, Layers: []flow.Part{{Kind: "lu"}}}, 1, kind); err == nil {
		t.Error("taken")
	}
}

func TestIdleFields(t *testing.T) {
	first := map[string]any{"net": flow.Part{Kind: "mlp", Options: map[string]any{"context": "first"}}}
	own := map[string]any{"transformer": "affine", "transformers": map[string]any{"0": "spline", "1": "affine"}}
	for field, s := range map[string]flow.Spec{
		"batch_norm":                          {Type: "maf", Transforms: 1, BatchNorm: true},
		"context":                             {Context: "first"},
		"between":                             {Layers: []flow.Part{{Kind: "lu"}}, Between: []flow.Part{{Kind: "lu"}}},
		"layers.0.autoregressive.net.context": {Layers: []flow.Part{{Kind: "autoregressive", Options: first}}},
		"layers.0.conditional.coupling.transformer": {Layers: []flow.Part{{Kind: "conditional",
			Options: map[string]any{"": flow.Part{Kind: "coupling", Options: own}}}}},
		"layers.0.continuous.tolerance": {Layers: []flow.Part{{Kind: "continuous", Options: map[string]any{"steps": 4, "tolerance": 1e-4}}}},
		"layers.0.continuous.path":      {Layers: []flow.Part{{Kind: "continuous", Options: map[string]any{"path": "vp"}}}},
	} {
		var f *flow.FieldError
		if err := s.Idle(2, 0, false); !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (flow.Spec{Type: "maf", BatchNorm: true, Context: "first"}).Idle(2, 1, false); err != nil {
		t.Error(err)
	}
	matched := flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: map[string]any{"path": "vp", "steps": 0, "tolerance": 1e-4}}}}
	if err := matched.Idle(2, 0, true); err != nil {
		t.Error(err)
	}
}

// Names of features stand for their numbers in every layer, and come back.
func TestNamesOfFeatures(t *testing.T) {
	part := func(key string) flow.Part {
		return flow.Part{Kind: "coupling", Options: map[string]any{"transformers": map[string]any{key: "affine"}}}
	}
	spec := func(key string) flow.Spec {
		return flow.Spec{Repeat: 2, Layers: []flow.Part{{Kind: "conditional", Options: map[string]any{"": part(key)}}}, Between: []flow.Part{part(key)}}
	}
	s, err := spec("pt").Resolve([]string{"eta", "pt"})
	if err != nil || !reflect.DeepEqual(s, spec("1")) || !reflect.DeepEqual(s.Named([]string{"eta", "pt"}), spec("pt")) {
		t.Errorf("%v, %v", s.Lines(), err)
	}
	if s.Layers[0].String() != "conditional: {coupling: {transformers: {1: affine}}}" {
		t.Errorf("%s", s.Layers[0])
	}
	if _, err := spec("pz").Resolve([]string{"eta", "pt"}); err == nil {
		t.Error("an unknown name passes")
	}
}
