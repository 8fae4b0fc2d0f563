package mmd

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/train"
)

// cloud is n normal events of two features in so many groups, moved and stretched, with a context that moves them, and weights, some of them negative.
func cloud(n, groups int, move, stretch float32, weighted bool, seed uint64) Sample {
	r := rng.New(seed, rng.StreamTest, 0)
	s := Sample{X: [][]float32{nil, nil}, Context: [][]float32{nil}}
	for i := range n {
		c := float32(r.NormFloat64())
		s.Context[0] = append(s.Context[0], c)
		s.X[0] = append(s.X[0], move+stretch*float32(r.NormFloat64())+0.3*c)
		s.X[1] = append(s.X[1], 0.5*s.X[0][i]+float32(r.NormFloat64()))
		s.Group = append(s.Group, int32(i%groups))
		if weighted {
			w := float32(0.5 + r.Float64())
			if i%10 == 0 {
				w = -w
			}
			s.Weight = append(s.Weight, w)
		}
	}
	return s
}

func newFlow(t *testing.T, seed uint64) *flow.Flow {
	t.Helper()
	f, err := flow.New(2, 1, flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{8}}, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// The gradient is that of finite differences, with weights and groups, and the same for any number of threads.
func TestGradient(t *testing.T) {
	for _, weighted := range []bool{false, true} {
		x, to := cloud(300, 3, 0.5, 1.4, weighted, 1), cloud(200, 3, 0, 1, weighted, 2)
		var grads [][]float32
		for _, threads := range []int{1, 3} {
			f := newFlow(t, 1)
			r := rng.New(9, rng.StreamTest, 1)
			for i := range f.Params() {
				f.Params()[i] += 0.1 * float32(r.NormFloat64())
			}
			f.Cut(f.Params())
			o, err := New(f, x, to, 4, threads)
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			var rows []int32
			for i := range 200 {
				rows = append(rows, int32((7*i)%300))
			}
			grad := make([]float32, len(f.Params()))
			at := func() float64 {
				o.SetStep(5)
				return o.Gradient(rows, make([]float32, len(grad)))
			}
			o.SetStep(5)
			loss := o.Gradient(rows, grad)
			if grads = append(grads, grad); at() != loss {
				t.Error("the same step has two losses")
			}
			if threads > 1 {
				continue
			}
			var checked int
			for i, g := range grad {
				if math.Abs(float64(g)) < 2e-3 {
					continue
				}
				was, h := f.Params()[i], float32(2e-3)
				f.Params()[i] = was + h
				up := at()
				f.Params()[i] = was - h
				down := at()
				f.Params()[i] = was
				if slope := (up - down) / float64(2*h); math.Abs(slope-float64(g)) > 0.02*math.Abs(float64(g))+1e-4 { // float32 kernels
					t.Errorf("parameter %d: the gradient is %g, by differences %g", i, g, slope)
				}
				checked++
			}
			if checked < 30 {
				t.Errorf("%d parameters matter", checked)
			}
		}
		if !slices.Equal(grads[0], grads[1]) {
			t.Error("three threads have another gradient than one")
		}
	}
}

// A flow trained so moves events to where the targets are, and the discrepancy of events of one distribution is 0.
func TestTransport(t *testing.T) {
	x, to := cloud(3000, 2, 1, 1.5, false, 3), cloud(3000, 2, 0, 1, false, 4)
	f := newFlow(t, 2)
	o, err := New(f, x, to, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var data train.Data
	for i := range int32(3000) {
		if i%10 == 0 {
			data.Valid = append(data.Valid, i)
		} else {
			data.Train = append(data.Train, i)
		}
	}
	before := o.Loss(data.Valid)
	if _, err := train.Run(context.Background(), o, data, train.Config{Epochs: 15, Batch: 256, LR: 1e-2}, train.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	after := o.Loss(data.Valid)
	if before < 0.05 || after > 0.01 { // 300 pairs of one distribution scatter by about 0.003
		t.Errorf("the discrepancy was %g and became %g", before, after)
	}
	y, _, err := f.ToLatent(x.X, x.Context)
	if err != nil {
		t.Fatal(err)
	}
	mean, width := moments(y[0])
	want, wide := moments(to.X[0])
	if math.Abs(mean-want) > 0.1 || math.Abs(width/wide-1) > 0.1 {
		t.Errorf("mean %.3f and width %.3f, not %.3f and %.3f", mean, width, want, wide)
	}
}

func moments(x []float32) (mean, width float64) {
	for _, v := range x {
		mean += float64(v) / float64(len(x))
	}
	for _, v := range x {
		width += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
	}
	return mean, math.Sqrt(width)
}

// What cannot be trained so is told.
func TestRefused(t *testing.T) {
	x, to := cloud(100, 2, 0, 1, false, 1), cloud(100, 1, 0, 1, false, 2)
	if _, err := New(newFlow(t, 1), x, to, 1, 1); err == nil {
		t.Error("a group without targets")
	}
	f, err := flow.New(2, 1, flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{8}, BatchNorm: true}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := New(f, x, x, 1, 1); err == nil {
		t.Error("a batch norm")
	}
}
