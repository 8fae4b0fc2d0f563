package flow_test

import (
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// After the first one, a gradient allocates nothing.
func TestGradientDoesNotAllocate(t *testing.T) {
	for name, spec := range map[string]flow.Spec{
		"maf":      {Type: "maf", Transforms: 2, Dropout: 0.1},
		"nsf":      {Type: "nsf", Transforms: 2},
		"nsf-ar":   {Type: "nsf-ar", Transforms: 2, BatchNorm: true},
		"residual": {Type: "nsf", Transforms: 2, Net: "residual", NetBatchNorm: true, Linear: "lu", Dropout: 0.1},
		"layers": {Base: flow.Part{Kind: "student-t"}, Layers: []flow.Part{
			{Kind: "autoregressive", Options: map[string]any{"passes": 2, "net": flow.Part{Kind: "mlp", Options: map[string]any{"hidden": 16}}, "transformers": map[string]any{"1": "affine"}}},
			{Kind: "autoregressive", Options: map[string]any{"net": flow.Part{Kind: "residual", Options: map[string]any{"width": 16}}}},
		}},
		"families": {
			Base:  flow.Part{Kind: "conditional-normal"},
			Bases: map[string]flow.Part{"1": {Kind: "mixture"}},
			Layers: []flow.Part{
				{Kind: "act-norm"}, {Kind: "planar"}, {Kind: "radial"}, {Kind: "residual-flow"}, {Kind: "householder"}, {Kind: "rotation"}, {Kind: "permutation"},
				{Kind: "autoregressive", Options: map[string]any{"transformer": "dsf", "transformers": map[string]any{"0": "circular-spline", "1": "bernstein"}}},
			},
		},
		"embedded":   {Type: "nsf", Transforms: 2, Net: "residual", ContextNet: flow.Part{Kind: "mlp"}},
		"continuous": {Layers: []flow.Part{{Kind: "continuous", Options: map[string]any{"hidden": 16}}}},
		"rk4":        {Layers: []flow.Part{{Kind: "continuous", Options: map[string]any{"hidden": 16, "steps": 2}}}},
		"circular":   {Type: "circular", Base: flow.Part{Kind: "box", Options: map[string]any{"bound": 10}}}, "glow": {Type: "glow"}, "cinn": {Type: "cinn"},
	} {
		t.Run(name, func(t *testing.T) {
			if spec.Layers == nil {
				spec.Hidden = []int{16}
			}
			f, err := flow.New(3, 1, spec, 1)
			if err != nil {
				t.Fatal(err)
			}
			f.Threads = 2
			l, err := flow.NewLikelihood(f, normalColumns(3, 500), normalColumns(1, 500), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			rows := rng.New(1, rng.StreamTest, 0).Perm(500)[:300]
			grad := make([]float32, len(f.Params()))
			if n := testing.AllocsPerRun(3, func() { l.Gradient(rows, grad) }); n > 0 {
				t.Errorf("%v allocations", n)
			}
			if n := testing.AllocsPerRun(3, func() { l.Loss(rows) }); n > 0 && name != "residual" && name != "layers" && name != "embedded" {
				t.Errorf("%v allocations in Loss", n)
			}
		})
	}
}
