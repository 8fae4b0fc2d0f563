package kernel

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
)

type adamInputs struct {
	Theta0 []float64
	Given  [][]float64 `json:"given_gradients"`
	Hyper  map[string]struct {
		LR      float64
		Betas   [2]float64
		Eps     float64
		Decay   float64 `json:"weight_decay"`
		AMSGrad bool
	} `json:"hyperparameters"`
}

type adamOutputs struct {
	Quadratic struct{ Theta, Gradient [][]float64 }
	Given     struct{ Theta [][]float64 } `json:"given_gradients"`
}

// The vectors are repeated over a length that takes both whole blocks and a tail.
func TestAdamReference(t *testing.T) {
	eachISA(t, adamReference)
}

func adamReference(t *testing.T) {
	t.Helper()
	var in adamInputs
	var outputs map[string]json.RawMessage
	reference.Read(t, "optimisers", &in, &outputs)
	followed := 0
	for name, hy := range in.Hyper {
		kind, _, _ := strings.Cut(name, "_")
		if kind != "adam" && kind != "adamw" || hy.AMSGrad || strings.HasPrefix(name, "adam_keras") {
			continue // other optimisers
		}
		followed++
		var out adamOutputs
		if err := json.Unmarshal(outputs[name], &out); err != nil {
			t.Fatal(err)
		}
		h := AdamStep{Rate: hy.LR, Beta1: hy.Betas[0], Beta2: hy.Betas[1], Epsilon: hy.Eps, WeightDecay: hy.Decay, Decoupled: kind == "adamw"}
		follow(t, name+" quadratic", h, in.Theta0, out.Quadratic.Gradient, out.Quadratic.Theta)
		follow(t, name+" given", h, in.Theta0, in.Given, out.Given.Theta)
		h.GradScale = 0.5
		double := make([][]float64, len(in.Given))
		for k, g := range in.Given {
			for _, v := range g {
				double[k] = append(double[k], 2*v)
			}
		}
		follow(t, name+" scaled", h, in.Theta0, double, out.Given.Theta)
	}
	if followed == 0 {
		t.Error("no Adam in the vectors")
	}
}

func follow(t *testing.T, what string, h AdamStep, theta0 []float64, grads, thetas [][]float64) {
	t.Helper()
	d := len(theta0)
	n := 9 * d
	p, g, m, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range p {
		p[i] = float32(theta0[i%d])
	}
	for k, grad := range grads {
		for i := range g {
			g[i] = float32(grad[i%d])
		}
		h.Step = k + 1
		f := h.Factors()
		Adam(p, g, m, v, &f)
		for i := range p {
			near(t, what+" parameter", i, p[i], thetas[k][i%d], 1e-5)
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
