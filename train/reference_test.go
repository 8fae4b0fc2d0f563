package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// readReference reads one file of reference vectors into v, which has the fields Inputs and Outputs.
func readReference(t *testing.T, name string, v any) {
	t.Helper()
	dir := os.Getenv("SLUICE_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "testdata", "reference")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// off is the difference as the vectors' tolerances count it.
func off(got, want float64) float64 { return math.Abs(got-want) / (1 + math.Abs(want)) }

// float32Tolerance is that of testdata/reference/README.md for optimisers in float32.
const float32Tolerance = 1e-5

func floats32(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func compare(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if d := off(float64(got[i]), w); !(d <= float32Tolerance) {
			t.Errorf("%s: value %d is %v, want %v (off by %.2g)", name, i, got[i], w, d)
		}
	}
}

type optimiserVectors struct {
	Inputs struct {
		H              [][]float64
		B              []float64 `json:"b"`
		Theta0         []float64
		GivenGradients [][]float64 `json:"given_gradients"`
		Clip           struct{ Gradients any }
		EMA            struct {
			Decay   float64
			Weights [][]float64
		}
	}
	Outputs struct {
		Adam        trajectories
		AdamL2      trajectories `json:"adam_l2"`
		AdamW       trajectories
		SGD         trajectories
		SGDMomentum trajectories `json:"sgd_momentum"`
		SGDNesterov trajectories `json:"sgd_nesterov_wd"`
		Clip        map[string]clipped
		EMA         struct {
			FromFirst [][]float64 `json:"from_first_weights"`
			FromZero  [][]float64 `json:"zero_start_bias_corrected"`
		}
	}
}

type trajectories struct {
	Quadratic, GivenGradients struct{ Theta [][]float64 }
}

func (tr *trajectories) UnmarshalJSON(b []byte) error {
	var v struct {
		Quadratic struct{ Theta [][]float64 }
		Given     struct{ Theta [][]float64 } `json:"given_gradients"`
	}
	err := json.Unmarshal(b, &v)
	tr.Quadratic, tr.GivenGradients = v.Quadratic, v.Given
	return err
}

type clipped struct {
	TotalNorm float64 `json:"total_norm"`
	Clipped   any
}

func TestReferenceOptimisers(t *testing.T) {
	var ref optimiserVectors
	readReference(t, "optimisers.json", &ref)
	in, out := ref.Inputs, ref.Outputs
	for _, c := range []struct {
		name string
		cfg  Config
		want trajectories
	}{
		{"adam", Config{Optimiser: "adam", LR: 0.05}, out.Adam},
		{"adam_l2", Config{Optimiser: "adam", LR: 0.05, WeightDecay: 0.1}, out.AdamL2},
		{"adamw", Config{Optimiser: "adamw", LR: 0.05, WeightDecay: 0.01}, out.AdamW},
		{"sgd", Config{Optimiser: "sgd", LR: 0.02, Momentum: -1}, out.SGD},
		{"sgd_momentum", Config{Optimiser: "sgd", LR: 0.02, Momentum: 0.9}, out.SGDMomentum},
		{"sgd_nesterov_wd", Config{Optimiser: "sgd", LR: 0.02, Nesterov: true, WeightDecay: 0.01}, out.SGDNesterov},
	} {
		quadratic := func(_ int, theta []float32) []float32 {
			g := make([]float32, len(theta))
			for i, row := range in.H {
				s := -in.B[i]
				for j, h := range row {
					s += h * float64(theta[j])
				}
				g[i] = float32(s)
			}
			return g
		}
		given := func(k int, _ []float32) []float32 { return floats32(in.GivenGradients[k]) }
		follow(t, c.name+", quadratic", c.cfg, in.Theta0, quadratic, c.want.Quadratic.Theta)
		follow(t, c.name+", given gradients", c.cfg, in.Theta0, given, c.want.GivenGradients.Theta)
	}
}

func follow(t *testing.T, name string, cfg Config, from []float64, gradient func(int, []float32) []float32, want [][]float64) {
	t.Helper()
	if len(want) != 10 {
		t.Fatalf("%s: %d steps in the vectors, not 10", name, len(want))
	}
	theta := floats32(from)
	opt := cfg.WithDefaults().optimiser(len(theta))
	for k, w := range want {
		opt.step(0, theta, gradient(k, theta), nil, cfg.LR, 1, k+1)
		compare(t, name, theta, w)
	}
}

// flat gives the numbers of nested lists of any shape.
func flat(v any) (x []float64) {
	switch v := v.(type) {
	case float64:
		return []float64{v}
	case []any:
		for _, w := range v {
			x = append(x, flat(w)...)
		}
	}
	return x
}

func TestReferenceClipping(t *testing.T) {
	var ref optimiserVectors
	readReference(t, "optimisers.json", &ref)
	g := floats32(flat(ref.Inputs.Clip.Gradients))
	norm := math.Sqrt(kernel.SquaredNorm(g))
	for name, limit := range map[string]float64{"max_norm_1.0": 1, "max_norm_100.0": 100} {
		want := ref.Outputs.Clip[name]
		if len(g) == 0 || want.TotalNorm == 0 {
			t.Fatalf("%s: nothing in the vectors", name)
		}
		if d := off(norm, want.TotalNorm); !(d < float32Tolerance) {
			t.Errorf("%s: norm %v, want %v", name, norm, want.TotalNorm)
		}
		// A plain gradient step from 0 at rate 1 shows the gradient that an optimiser sees.
		p := make([]float32, len(g))
		(&sgd{}).step(0, p, g, nil, -1, clipScale(norm, limit), 1)
		compare(t, name, p, flat(want.Clipped))
	}
}

func TestReferenceAverage(t *testing.T) {
	var ref optimiserVectors
	readReference(t, "optimisers.json", &ref)
	in, out := ref.Inputs.EMA, ref.Outputs.EMA
	avg := floats32(in.Weights[0])
	for k, want := range out.FromFirst {
		moveAverage(avg, floats32(in.Weights[k+1]), 1-in.Decay)
		compare(t, "from the first weights", avg, want)
	}
	clear(avg)
	for k, want := range out.FromZero {
		moveAverage(avg, floats32(in.Weights[k]), averageRate(in.Decay, k+1))
		compare(t, "without bias", avg, want)
	}
}

func TestReferenceSchedules(t *testing.T) {
	var ref struct{ Outputs map[string][]float64 }
	readReference(t, "lr_schedules.json", &ref)
	for name, s := range map[string]Schedule{
		"step":                 {Type: "step", Every: 5},
		"polynomial_power_0.5": {Type: "polynomial", End: 1e-4, Power: 0.5, Over: 100},
		"polynomial_power_1":   {Type: "polynomial", End: 1e-4, Over: 100},
		"cosine":               {End: 1e-5, Over: 50},
		"cosine_warm_restarts": {Type: "cosine-restarts", First: 10, Factor: 2, End: 1e-6},
		"linear_warmup_cosine": {Warmup: 10},
	} {
		want := ref.Outputs[name]
		if len(want) < 20 {
			t.Fatalf("%s: only %d values in the vectors", name, len(want))
		}
		for _, per := range []string{"step", "epoch"} {
			perEpoch := 1
			if per == "epoch" {
				if s.Warmup > 0 {
					continue // begins after the warm-up only where it counts steps
				}
				perEpoch = 3
			}
			s.Per = per
			s := s.withDefaults()
			for k, w := range want {
				for i := range perEpoch {
					at := clock{step: k*perEpoch + i, perEpoch: perEpoch, epochs: 60}
					// 1e-12 is the tolerance of the vectors; the rates are about 1e-3, so it is taken relative to them.
					if got := s.rate(0.0011, at); !(math.Abs(got-w) <= 1e-12*0.0011) {
						t.Errorf("%s per %s: %v after %d, want %v", name, per, got, k, w)
					}
				}
			}
		}
	}
}
