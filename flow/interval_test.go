package flow

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow/base"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/nn"
)

// A base that ends somewhere goes with transforms that keep to its interval, and with no others.
func TestBaseMeetsTheRangeOfTheFlow(t *testing.T) {
	type o = map[string]any
	layer := func(transformer any) Part { return Part{"autoregressive", o{"transformer": transformer}} }
	spline := func(bound float64) any { return Part{"spline", o{"bound": bound}} }
	box := func(bound float64) Part { return Part{"box", o{"bound": bound}} }
	for name, c := range map[string]struct {
		base   Part
		layers []Part
		fault  string // or the bound
		bound  float32
	}{
		"by itself":        {Part{Kind: "box"}, []Part{layer("circular-spline")}, "", math.Pi},
		"the widest":       {Part{Kind: "box"}, []Part{layer(spline(2)), layer(spline(3))}, "", 3},
		"wider":            {box(4), []Part{layer(spline(2))}, "", 4},
		"narrower":         {box(1), []Part{layer(spline(2))}, "flow.base.bound: 1 is not the bound 2 of the transformers of feature 0", 0},
		"polynomials":      {box(6), []Part{layer("bernstein")}, "6 is not the bound 5", 0},
		"two intervals":    {Part{Kind: "box"}, []Part{layer("bernstein"), layer(spline(7))}, "layer 1 (autoregressive) keeps it within 5, and another layer within 7", 0},
		"permuted":         {Part{Kind: "truncated"}, []Part{layer("bernstein"), {Kind: "permutation"}}, "", 5},
		"affine":           {Part{Kind: "truncated"}, []Part{layer("affine")}, "flow.base: has no density outside of an interval, which feature 0 must not leave, but layer 0 (autoregressive) moves it without bound", 0},
		"sigmoidal":        {Part{Kind: "box"}, []Part{layer("dsf")}, "moves it without bound", 0},
		"linear":           {Part{Kind: "box"}, []Part{layer("spline"), {Kind: "lu"}}, "layer 1 (lu) mixes or scales features", 0},
		"norm":             {Part{Kind: "box"}, []Part{{Kind: "act-norm"}, layer("spline")}, "layer 0 (act-norm) mixes or scales features", 0},
		"no context":       {Part{Kind: "conditional-normal"}, []Part{layer("spline")}, "flow.base: a conditional-normal base needs a context", 0},
		"residual network": {Part{"conditional-normal", o{"net": "residual"}}, []Part{layer("spline")}, "needs a context", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := New(2, 0, Spec{Base: c.base, Layers: c.layers}, 1)
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("%v, want %s", err, c.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := f.base.(*base.Box).Bounds; len(got) != 2 || got[0] != c.bound || got[1] != c.bound {
				t.Errorf("the bounds are %v, want %v", got, c.bound)
			}
		})
	}
}

// Events outside of a box have no density, and are an error before a training.
func TestEventsOutsideOfABox(t *testing.T) {
	f, err := New(2, 0, Spec{Bases: map[string]Part{"1": {Kind: "box"}}, Layers: []Part{{Kind: "coupling"}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := [][]float32{{0, 9, 0}, {5, 4, math.Nextafter32(5, 6)}}
	logProb, err := f.LogProb(x, nil)
	if err != nil || math.IsInf(logProb[0], 0) || math.IsInf(logProb[2], 0) {
		t.Fatal(logProb, err)
	}
	if l, err := NewLikelihood(f, x, nil, nil); err != nil {
		t.Fatal(err)
	} else {
		l.Close()
	}
	x[1][1] = 5.01
	if logProb, err = f.LogProb(x, nil); err != nil || !math.IsInf(logProb[1], -1) {
		t.Fatal(logProb, err)
	}
	if _, err := NewLikelihood(f, x, nil, nil); err == nil || !strings.Contains(err.Error(), "feature 1 is outside of [-5, 5] in 1 of the events") {
		t.Error(err)
	}
}

type baseCase struct {
	X              matrix
	Low, High      []float64
	Weights        []float64
	Means, Scales  matrix
	Inside         []int
	LogProb        []float64 `json:"log_prob"`
	LogProbUniform float64   `json:"log_prob_inside"`
}

func readBase(t *testing.T, name string) (in, out baseCase) {
	t.Helper()
	var ins, outs map[string]baseCase
	reference.Read(t, "base_densities", &ins, &outs)
	if in, out = ins[name], outs[name]; len(in.X) == 0 {
		t.Fatal("no events in the vectors")
	}
	return in, out
}

func logProbOf(b Base, x matrix, p []float32) (all []float64) {
	rows, _ := b.Memory()
	for _, tile := range tilesOf(x, nil, nil) {
		one := make([]float64, tile.Events)
		b.LogProb(tile, p, make([]float32, rows*64), one)
		all = append(all, one...)
	}
	return all
}

func TestReferenceBox(t *testing.T) {
	in, out := readBase(t, "uniform")
	b, volume := &base.Box{Width: math.Inf(1)}, 0.0
	var x matrix
	for _, row := range in.X {
		var unit []float64
		for i, v := range row {
			unit = append(unit, 2*(v-in.Low[i])/(in.High[i]-in.Low[i])-1)
		}
		x = append(x, unit)
	}
	for i := range in.Low {
		b.Features, b.Bounds = append(b.Features, int32(i)), append(b.Bounds, 1)
		volume += math.Log((in.High[i] - in.Low[i]) / 2)
	}
	inside := map[int]bool{}
	for e, lp := range logProbOf(b, x, nil) {
		if out.Inside[e] == 1 {
			reference.Near(t, "log-density", lp-volume, out.LogProbUniform, 1e-6)
		} else if !math.IsInf(lp, -1) {
			t.Errorf("outside, the log-density is %v", lp)
		}
		inside[out.Inside[e]] = true
	}
	if len(inside) != 2 {
		t.Error("all vectors are on one side")
	}
}

func TestReferenceMixture(t *testing.T) {
	in, out := readBase(t, "diag_gaussian_mixture")
	b, l := &base.Mixture{Components: len(in.Weights)}, nn.Layout{}
	for i := range in.Means[0] {
		b.Features = append(b.Features, int32(i))
	}
	b.Layout(&l, "base")
	p := make([]float32, l.Size)
	for k, w := range in.Weights {
		b.Weight.Of(p)[k] = float32(math.Log(w))
		for i := range b.Features {
			b.Mean.Of(p)[k*len(b.Features)+i] = float32(in.Means[k][i])
			b.LogWide.Of(p)[k*len(b.Features)+i] = float32(math.Log(in.Scales[k][i] - 1e-3))
		}
	}
	nearVector(t, "log-density", logProbOf(b, in.X, p), out.LogProb, 1e-5)
}
