package train_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/train"
)

// ring gives events around the unit circle.
func ring(n int) [][]float32 {
	x := [][]float32{make([]float32, n), make([]float32, n)}
	s := rng.New(1, rng.StreamToy, 0)
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * s.Float64())
		r := 1 + 0.1*s.NormFloat64()
		x[0][i], x[1][i] = float32(r*cos), float32(r*sin)
	}
	return x
}

// tenths validates with one event in ten, tests with another, and trains with the others.
func tenths(n int) train.Data {
	var data train.Data
	for i := range int32(n) {
		switch i % 10 {
		case 0:
			data.Valid = append(data.Valid, i)
		case 1:
			data.Test = append(data.Test, i)
		default:
			data.Train = append(data.Train, i)
		}
	}
	return data
}

func Example() {
	x := ring(2000)
	f, err := flow.New(2, 0, flow.Spec{Type: "nsf-ar", Transforms: 2, Hidden: []int{32, 32}}, 1)
	if err != nil {
		log.Fatal(err)
	}
	obj, err := flow.NewLikelihood(f, x, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer obj.Close()

	cfg := train.Config{Epochs: 15, Batch: 100, LR: 5e-3}
	data := tenths(2000)
	r, err := train.Run(context.Background(), obj, data, cfg, train.Options{Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	// The entropy of a ring of radius 1 and width 0.1 is 0.949 nats; that of a normal density with its covariance, 2.15.
	fmt.Println(r.Steps, "steps; test NLL below 1.3 nats:", r.TestNLL < 1.3)
	// Output: 240 steps; test NLL below 1.3 nats: true
}

func TestFlowResumesToTheSameBits(t *testing.T) {
	x := ring(640)
	cfg := train.Config{Epochs: 3, Batch: 64, EMA: 0.9}
	data := tenths(640)
	opts := train.Options{Seed: 1, State: filepath.Join(t.TempDir(), "state"), Resume: true}
	for _, spec := range []flow.Spec{
		{Type: "maf"}, {Type: "realnvp"}, {Type: "nsf"}, {Type: "nsf-ar"},
		{Type: "maf", BatchNorm: true, Dropout: 0.2},
		{Type: "nsf", Net: "residual", NetBatchNorm: true, Dropout: 0.1, Linear: "lu"},
	} {
		spec.Transforms, spec.Hidden = 2, []int{16}
		once := func(stopAfter int, opts train.Options) ([]float32, *train.Result, error) {
			f, err := flow.New(2, 0, spec, 1)
			if err != nil {
				t.Fatal(err)
			}
			obj, err := flow.NewLikelihood(f, x, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer obj.Close()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			r, err := train.Run(ctx, &stopping{obj, stopAfter, cancel}, data, cfg, opts)
			return f.Params(), r, err
		}
		want, whole, err := once(-1, train.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range []int{3, 8, 5} { // of 24 steps
			if _, _, err := once(after, opts); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		got, resumed, err := once(-1, opts)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || !slices.Equal(resumed.History, whole.History) || resumed.TestNLL != whole.TestNLL {
			t.Errorf("%+v: resumed %+v, uninterrupted %+v", spec, resumed, whole)
		}
		if err := train.RemoveState(opts.State); err != nil {
			t.Fatal(err)
		}
	}
}

// stopping cancels a training after some steps.
type stopping struct {
	*flow.Likelihood
	left   int
	cancel func()
}

func (s *stopping) Gradient(rows []int32, grad []float32) float64 {
	if s.left--; s.left == 0 {
		s.cancel()
	}
	return s.Likelihood.Gradient(rows, grad)
}
