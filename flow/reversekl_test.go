package flow_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
)

// gauss is N(mean + c, width^2) of each feature with a correlation of a half between two.
func gauss(x, c, gradient []float64) float64 {
	mean, width := [2]float64{1.5, -1}, [2]float64{0.5, 2}
	var d [2]float64
	logP, rho := 0.0, 0.0
	for f := range x {
		d[f] = (x[f] - mean[f]) / width[f]
		if len(c) > 0 {
			d[f] -= c[0] / width[f]
		}
		logP -= math.Log(width[f]) + 0.5*math.Log(2*math.Pi)
	}
	if len(x) == 2 {
		rho = 0.5
	}
	k := 1 / (1 - rho*rho)
	for f := range gradient {
		gradient[f] = -k * (d[f] - rho*d[1-f]) / width[f]
	}
	return logP - 0.5*math.Log(1-rho*rho) - k*(d[0]*d[0]-2*rho*d[0]*d[1]+d[1]*d[1])/2
}

// potential is one of U1 to U4 of table 1 of arXiv:1505.05770.
func potential(t *testing.T, name string) (u flow.EventTarget, logIntegral float64) {
	t.Helper()
	p, err := toy.NewPotential(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.LogProb, p.LogIntegral()
}

func reverseKL(t *testing.T, f *flow.Flow, target flow.Target, context [][]float32) *flow.ReverseKL {
	t.Helper()
	k, err := flow.NewReverseKL(f, target, context)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func newFlow(t *testing.T, features, context int, spec flow.Spec, own ...flow.Kind) *flow.Flow {
	t.Helper()
	f, err := flow.New(features, context, spec, 5, own...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func upTo(n int) []int32 { return rng.New(1, rng.StreamTest, 0).Perm(n) }

// A flow that is trained by reverse KL on a density comes as near to it as is said, in nats; what it reaches is what its
// samples have under both densities. Of U4, 0.21 nats are the price of one of its two arms, which reverse KL leaves out, as it does with
// modes that it has once left; planar layers lose half an arm of U3.
func TestReverseKLReachesTheTarget(t *testing.T) {
	planar := flow.Spec{Repeat: 24, Layers: []flow.Part{{Kind: "planar"}}}
	spline := flow.Spec{Type: "nsf-ar", Transforms: 4, Hidden: []int{32, 32}}
	affine := func(transforms, hidden int) flow.Spec {
		return flow.Spec{Type: "maf", Transforms: transforms, Hidden: []int{hidden}, Activation: "tanh"}
	}
	for name, c := range map[string]struct {
		potential         string
		features, context int
		spec              flow.Spec
		steps             int
		lr                float64
		within            float64
	}{
		"gauss-1":       {"", 1, 0, flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{4}}, 2000, 0.02, 2e-3},
		"gauss-2":       {"", 2, 0, affine(2, 8), 1200, 0.01, 3e-3},
		"gauss-context": {"", 2, 1, affine(2, 16), 1500, 0.01, 1e-2},
		"U1":            {"U1", 2, 0, spline, 1500, 5e-3, 0.02},
		"U2":            {"U2", 2, 0, spline, 1500, 5e-3, 0.02},
		"U3":            {"U3", 2, 0, spline, 3000, 3e-3, 0.03},
		"U4":            {"U4", 2, 0, spline, 1500, 5e-3, 0.25},
		"U1-planar":     {"U1", 2, 0, planar, 3000, 5e-3, 0.05},
		"U2-planar":     {"U2", 2, 0, planar, 3000, 5e-3, 0.05},
		"U3-planar":     {"U3", 2, 0, planar, 3000, 1e-2, 0.2},
		"U4-planar":     {"U4", 2, 0, planar, 3000, 1e-2, 0.3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && c.potential != "" {
				t.Skip("learns for seconds")
			}
			const batch = 256
			target, factor := flow.EventTarget(gauss), 0.0
			if c.potential != "" {
				target, factor = potential(t, c.potential)
			}
			f := newFlow(t, c.features, c.context, c.spec)
			context := normalColumns(c.context, c.steps*batch)
			k := reverseKL(t, f, target, context)
			cfg := train.Config{Epochs: 1, Batch: batch, LR: c.lr}
			if _, err := train.Run(t.Context(), k, train.Data{Train: upTo(c.steps * batch)}, cfg, train.Options{}); err != nil {
				t.Fatal(err)
			}
			const n = 20_000
			kl := k.Loss(upTo(n)) + factor
			t.Logf("%s: KL %.4f nats", name, kl)
			if kl > c.within || kl < -0.01 { // of 20,000 draws, the mean of what scatters by less than 1
				t.Errorf("a KL of %v nats", kl)
			}
			q := flow.Invert(f)
			var given [][]float32
			for _, col := range context {
				given = append(given, col[:n])
			}
			x, err := q.Sample(n, given, 9, 0)
			if err != nil {
				t.Fatal(err)
			}
			logQ, err := q.LogProb(x, given)
			if err != nil {
				t.Fatal(err)
			}
			var mean float64
			for e := range logQ {
				var at, ctx []float64
				for _, col := range x {
					at = append(at, float64(col[e]))
				}
				for _, col := range given {
					ctx = append(ctx, float64(col[e]))
				}
				mean += (logQ[e] - target(at, ctx, nil) + factor) / n
			}
			if math.Abs(mean-kl) > 0.02 {
				t.Errorf("the samples have a KL of %v, the loss says %v", mean, kl)
			}
		})
	}
}

// The gradient against central differences of the loss of the same step.
func TestReverseKLGradient(t *testing.T) {
	residual := flow.Part{Kind: "residual", Options: map[string]any{"width": 6, "activation": "tanh", "batch_norm": true}}
	for name, spec := range map[string]flow.Spec{
		"maf":      {Type: "maf", Transforms: 2, Hidden: []int{6}, Activation: "tanh", BatchNorm: true, Linear: "lu"},
		"realnvp":  {Type: "realnvp", Transforms: 2, Hidden: []int{6}, Activation: "tanh"},
		"residual": {Repeat: 2, Layers: []flow.Part{{Kind: "batch-norm"}, {Kind: "coupling", Options: map[string]any{"net": residual, "transformer": "affine"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, 2, 1, spec)
			src := rng.New(3, rng.StreamTest, 0)
			for i := range f.Params() {
				f.Params()[i] += 0.2 * float32(src.NormFloat64())
			}
			f.Cut(f.Params())
			k := reverseKL(t, f, flow.EventTarget(gauss), normalColumns(1, 300))
			rows, grad, other := upTo(300)[:150], make([]float32, len(f.Params())), make([]float32, len(f.Params()))
			loss := func() float64 {
				k.SetStep(7)
				return k.Gradient(rows, other)
			}
			k.SetStep(7)
			k.Gradient(rows, grad)
			cut := slices.Repeat([]float32{1}, len(grad))
			f.Cut(cut)
			for _, v := range f.Views() {
				for i := v.Offset; i < v.Offset+v.Rows*v.Cols; i += 1 + v.Rows*v.Cols/4 {
					if cut[i] == 0 || v.Role == nn.Statistic {
						continue
					}
					const h = 1e-2
					p := &f.Params()[i]
					kept := *p
					*p = kept + h
					up := loss()
					*p = kept - h
					down := loss()
					*p = kept
					want := (up - down) / (2 * h)
					if math.Abs(float64(grad[i])-want) > 5e-3*(1+math.Abs(want)) { // float32, and a curvature times h^2
						t.Errorf("%s[%d]: %v, not %v", v.Name, i-v.Offset, grad[i], want)
					}
				}
			}
		})
	}
}

// Loss and gradient are the same bits for any number of threads, every step has draws of its own, and none allocates.
func TestReverseKLSteps(t *testing.T) {
	ring, _ := potential(t, "U1")
	for name, spec := range map[string]flow.Spec{
		"nsf-ar":   {Type: "nsf-ar", Transforms: 2, Hidden: []int{8}, Dropout: 0.1},
		"residual": {Type: "nsf", Transforms: 2, Hidden: []int{8}, Net: "residual", BatchNorm: true},
		"planar":   {Repeat: 2, Layers: []flow.Part{{Kind: "planar"}, {Kind: "radial"}}},
		"bases":    {Type: "nsf-ar", Transforms: 1, Hidden: []int{8}, Bases: map[string]flow.Part{"1": {Kind: "normal"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var first string
			for _, threads := range []int{1, 2} {
				f := newFlow(t, 2, 0, spec)
				f.Threads = threads
				k := reverseKL(t, f, ring, nil)
				rows, grad := upTo(700), make([]float32, len(f.Params()))
				k.Freeze(rows)
				a := k.Gradient(rows, grad)
				bits := fmt.Sprint(a, k.Loss(rows), grad)
				if first == "" {
					first = bits
				}
				if bits != first {
					t.Errorf("%d threads change the result", threads)
				}
				if b := k.Gradient(rows, grad); a == b {
					t.Error("two steps have the same draws")
				}
				if n := testing.AllocsPerRun(10, func() { k.Gradient(rows, grad) }); n > 0 {
					t.Errorf("%v allocations", n)
				}
			}
		})
	}
}

// What is no flow for reverse KL is refused.
func TestReverseKLRefuses(t *testing.T) {
	student := newFlow(t, 2, 0, flow.Spec{Base: flow.Part{Kind: "student-t"}})
	if _, err := flow.NewReverseKL(student, flow.EventTarget(gauss), nil); err == nil || !strings.Contains(err.Error(), "the base student-t: {nu: 5} has parameters") {
		t.Error(err)
	}
	given := newFlow(t, 2, 2, flow.Spec{})
	for _, context := range [][][]float32{nil, {{1}, {1, 2}}} {
		if _, err := flow.NewReverseKL(given, flow.EventTarget(gauss), context); err == nil {
			t.Errorf("a context of %d columns is taken", len(context))
		}
	}
}

// A flow read backwards has the way back that the flow has forth: its densities and samples are those of the flow's
// inverse, also where that has no closed form.
func TestInverted(t *testing.T) {
	f := newFlow(t, 2, 1, flow.Spec{Type: "nsf", Transforms: 2, Hidden: []int{8}})
	src := rng.New(3, rng.StreamTest, 0)
	for i := range f.Params() {
		f.Params()[i] += 0.3 * float32(src.NormFloat64())
	}
	q := flow.Invert(f)
	const n = 200
	c := normalColumns(1, n)
	z, err := f.Latent(n, c, 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	x, logDet, err := f.ToLatent(z, c)
	if err != nil {
		t.Fatal(err)
	}
	if sample, err := q.Sample(n, c, 4, 0); err != nil || !slices.Equal(sample[1], x[1]) {
		t.Errorf("samples differ (%v)", err)
	}
	logQ, back, err := q.Evaluate(x, c)
	if err != nil {
		t.Fatal(err)
	}
	for e, l := range logQ {
		want := -math.Log(2*math.Pi) - float64(logDet[e])
		for i := range z {
			want -= float64(z[i][e]) * float64(z[i][e]) / 2
			if math.Abs(float64(back[i][e]-z[i][e])) > 1e-4 {
				t.Fatalf("event %d: z is %v, not %v", e, back[i][e], z[i][e])
			}
		}
		if math.Abs(l-want) > 1e-3 {
			t.Fatalf("event %d: log-density %v, not %v", e, l, want)
		}
	}
	oneWay := flow.Kind{Name: "widths", Role: flow.RoleWhole, Build: func(*flow.Options) any {
		return func(s *flow.Site) (flow.Transform, error) {
			return &widths{features: len(s.Features()), noWay: "has no inverse"}, nil
		}
	}}
	one := flow.Invert(newFlow(t, 2, 0, flow.Spec{Layers: []flow.Part{{Kind: "widths"}}}, oneWay))
	if _, err := one.Sample(10, nil, 1, 0); err != nil {
		t.Error(err)
	}
	if _, err := one.LogProb(normalColumns(2, 10), nil); err == nil || !strings.Contains(err.Error(), "no densities can be given: layer 0 (widths) has no inverse") {
		t.Error(err)
	}
}
