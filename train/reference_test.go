package train

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/reference"
)

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
		reference.Near(t, fmt.Sprintf("%s, value %d", name, i), float64(got[i]), w, float32Tolerance)
	}
}

type optimiserInputs struct {
	H               [][]float64
	B               []float64 `json:"b"`
	Theta0          []float64
	Steps           int
	GivenGradients  [][]float64 `json:"given_gradients"`
	Hyperparameters map[string]hyperparameters
	Clip            struct{ Gradients any }
	EMA             struct {
		Decay   float64
		Weights [][]float64
	}
}

type hyperparameters struct {
	LR                float64
	Betas             []float64
	Eps               float64
	WeightDecay       float64 `json:"weight_decay"`
	Momentum          float64
	Nesterov, AMSGrad bool
}

// config is that of the optimiser which the vectors call name, or false where there is none here.
func (h hyperparameters) config(name string) (c Config, ok bool) {
	c = Config{LR: h.LR, Betas: h.Betas, Epsilon: h.Eps, Momentum: h.Momentum, Nesterov: h.Nesterov, WeightDecay: h.WeightDecay}
	none := func(v *float64) {
		if *v == 0 {
			*v = -1
		}
	}
	none(&c.Momentum)
	none(&c.WeightDecay)
	c.Optimiser, _, _ = strings.Cut(name, "_")
	other := h.AMSGrad || strings.HasPrefix(name, "adam_keras") // whose epsilon is added to the uncorrected second moment
	return c, !other && slices.Contains([]string{"adam", "adamw", "sgd"}, c.Optimiser)
}

type trajectory struct{ Theta [][]float64 }

type trajectories struct {
	Quadratic trajectory
	Given     trajectory `json:"given_gradients"`
}

func TestReferenceOptimisers(t *testing.T) {
	var in optimiserInputs
	var out map[string]json.RawMessage
	reference.Read(t, "optimisers", &in, &out)
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
	followed := 0
	for name, h := range in.Hyperparameters {
		t.Run(name, func(t *testing.T) {
			cfg, ok := h.config(name)
			if !ok {
				t.Skip("no such optimiser here")
			}
			var want trajectories
			if err := json.Unmarshal(out[name], &want); err != nil {
				t.Fatal(err)
			}
			if len(want.Quadratic.Theta) != in.Steps || len(want.Given.Theta) != in.Steps {
				t.Fatalf("%d and %d steps in the vectors, not %d", len(want.Quadratic.Theta), len(want.Given.Theta), in.Steps)
			}
			follow(t, "quadratic", cfg, in.Theta0, quadratic, want.Quadratic.Theta)
			follow(t, "given gradients", cfg, in.Theta0, given, want.Given.Theta)
			followed++
		})
	}
	if followed == 0 {
		t.Error("no optimiser in the vectors is one of ours")
	}
}

func follow(t *testing.T, name string, cfg Config, from []float64, gradient func(int, []float32) []float32, want [][]float64) {
	t.Helper()
	theta := floats32(from)
	opt := cfg.WithDefaults().optimiser(len(theta))
	for k, w := range want {
		g := gradient(k, theta)
		opt.begin(cfg.LR, 1, k+1)
		opt.step(0, theta, g, kept{})
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
	var in optimiserInputs
	var out struct {
		Clip map[string]struct {
			TotalNorm float64 `json:"total_norm"`
			Clipped   any
		}
	}
	reference.Read(t, "optimisers", &in, &out)
	g := floats32(flat(in.Clip.Gradients))
	if len(g) == 0 || len(out.Clip) == 0 {
		t.Fatal("nothing in the vectors")
	}
	for name, want := range out.Clip {
		limit, err := strconv.ParseFloat(strings.TrimPrefix(name, "max_norm_"), 64)
		if err != nil {
			t.Fatal(err)
		}
		norm := math.Sqrt(kernel.SquaredNorm(g))
		reference.Near(t, name+": norm", norm, want.TotalNorm, float32Tolerance)
		// A plain gradient step from 0 at rate 1 shows the gradient that an optimiser sees.
		p := make([]float32, len(g))
		plain := &sgd{}
		plain.begin(-1, clipScale(norm, limit), 1)
		plain.step(0, p, g, kept{})
		compare(t, name, p, flat(want.Clipped))
	}
}

func TestReferenceAverage(t *testing.T) {
	var file optimiserInputs
	var out struct {
		EMA struct {
			FromFirst [][]float64 `json:"from_first_weights"`
			FromZero  [][]float64 `json:"zero_start_bias_corrected"`
		}
	}
	reference.Read(t, "optimisers", &file, &out)
	in := file.EMA
	avg := floats32(in.Weights[0])
	for k, want := range out.EMA.FromFirst {
		moveAverage(avg, floats32(in.Weights[k+1]), 1-in.Decay)
		compare(t, "from the first weights", avg, want)
	}
	clear(avg)
	for k, want := range out.EMA.FromZero {
		moveAverage(avg, floats32(in.Weights[k]), averageRate(in.Decay, k+1))
		compare(t, "without bias", avg, want)
	}
}

// scheduleInputs is the union of what the cases of schedules hold; which of it there is tells the kind.
type scheduleInputs struct {
	Base       float64
	StepSize   int     `json:"step_size"`
	Gamma      float64 // alone: an exponential fall
	Milestones []int
	DecaySteps int `json:"decay_steps"`
	Power, End float64
	Cycle      bool
	Steps      []int   // polynomial: the step of each rate; others count from 0
	TMax       int     `json:"T_max"`
	T0         int     `json:"T_0"`
	TMult      float64 `json:"T_mult"`
	EtaMin     float64 `json:"eta_min"`
	Warmup     int
	Total      int
}

// schedule is ours of a case, or false where there is none. Counted in epochs, it goes over the same rates.
func (in *scheduleInputs) schedule() (s Schedule, ok bool) {
	switch {
	case in.StepSize > 0:
		return Schedule{Type: "step", Every: in.StepSize, Gamma: in.Gamma}, true
	case in.Gamma > 0 && in.Milestones == nil:
		return Schedule{Type: "step", Every: 1, Gamma: in.Gamma}, true
	case in.DecaySteps > 0 && !in.Cycle:
		return Schedule{Type: "polynomial", Over: in.DecaySteps, Power: in.Power, End: in.End}, true
	case in.TMax > 0:
		return Schedule{Type: "cosine", Over: in.TMax, End: in.EtaMin}, true
	case in.T0 > 0:
		return Schedule{Type: "cosine-restarts", First: in.T0, Factor: in.TMult, End: in.EtaMin}, true
	case in.Warmup > 0:
		return Schedule{Type: "cosine", Warmup: in.Warmup}, true
	}
	return Schedule{}, false
}

func TestReferenceSchedules(t *testing.T) {
	checked := 0
	for name, c := range reference.Cases[scheduleInputs, []float64](t, "lr_schedules") {
		t.Run(name, func(t *testing.T) {
			s, ok := c.In.schedule()
			if !ok {
				t.Skip("no such schedule here")
			}
			for _, s.Per = range []string{"step", "epoch"} {
				if s.Per == "step" || s.Warmup == 0 { // which counts steps alone
					checkRates(t, s.withDefaults(), &c.In, c.Out)
				}
			}
			checked++
		})
	}
	if checked == 0 {
		t.Error("no schedule in the vectors is one of ours")
	}
}

func checkRates(t *testing.T, s Schedule, in *scheduleInputs, want []float64) {
	t.Helper()
	perEpoch := 1
	if s.Per == "epoch" {
		perEpoch = 3
	}
	for i, w := range want {
		k := i
		if in.Steps != nil {
			k = in.Steps[i]
		}
		if in.TMax > 0 && k > in.TMax {
			break // where the formula rises again, and ours stays
		}
		for j := range perEpoch {
			at := clock{step: k*perEpoch + j, perEpoch: perEpoch, epochs: in.Total}
			// 1e-12 is the tolerance of the vectors; the rates are small, so it is taken relative to the first.
			if got := s.rate(in.Base, at); !(math.Abs(got-w) <= 1e-12*in.Base) {
				t.Errorf("per %s: %v after %d, want %v", s.Per, got, k, w)
			}
		}
	}
}
