package kernel

import (
	"math"
	"testing"
)

type optimiserRef struct {
	Inputs struct {
		Theta0 []float64   `json:"theta0"`
		Given  [][]float64 `json:"given_gradients"`
		Hyper  map[string]struct {
			LR    float64    `json:"lr"`
			Betas [2]float64 `json:"betas"`
			Eps   float64    `json:"eps"`
			Decay float64    `json:"weight_decay"`
		} `json:"hyperparameters"`
	}
	Outputs map[string]struct {
		Quadratic struct {
			Theta, Gradient [][]float64
		}
		Given struct{ Theta [][]float64 } `json:"given_gradients"`
	}
}

// The vectors are repeated over a length that takes both whole blocks and a tail.
func TestAdamReference(t *testing.T) {
	eachISA(t, adamReference)
}

func adamReference(t *testing.T) {
	t.Helper()
	var ref optimiserRef
	reference(t, "optimisers.json", &ref)
	for _, name := range []string{"adam", "adam_l2", "adamw"} {
		hy, out := ref.Inputs.Hyper[name], ref.Outputs[name]
		h := AdamStep{Rate: hy.LR, Beta1: hy.Betas[0], Beta2: hy.Betas[1], Epsilon: hy.Eps, WeightDecay: hy.Decay, Decoupled: name == "adamw"}
		follow(t, name+" quadratic", h, ref.Inputs.Theta0, out.Quadratic.Gradient, out.Quadratic.Theta)
		follow(t, name+" given", h, ref.Inputs.Theta0, ref.Inputs.Given, out.Given.Theta)
		h.GradScale = 0.5
		double := make([][]float64, len(ref.Inputs.Given))
		for k, g := range ref.Inputs.Given {
			for _, v := range g {
				double[k] = append(double[k], 2*v)
			}
		}
		follow(t, name+" scaled", h, ref.Inputs.Theta0, double, out.Given.Theta)
	}
}

func follow(t *testing.T, what string, h AdamStep, theta0 []float64, grads, thetas [][]float64) {
	t.Helper()
	const n = 4 * 9
	p, g, m, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range p {
		p[i] = float32(theta0[i%4])
	}
	for k, grad := range grads {
		for i := range g {
			g[i] = float32(grad[i%4])
		}
		h.Step = k + 1
		Adam(p, g, m, v, h, nil)
		for i := range p {
			near(t, what+" parameter", i, p[i], thetas[k][i%4], 1e-5)
		}
	}
}

func TestSquaredNorm(t *testing.T) {
	x := make([]float32, 1003)
	want := 0.0
	for i := range x {
		x[i] = float32(i) - 500.25
		want += float64(x[i]) * float64(x[i])
	}
	if got := SquaredNorm(x); math.Abs(got-want) > 1e-12*want { // 1003 float64 additions
		t.Errorf("%g, want %g", got, want)
	}
}
