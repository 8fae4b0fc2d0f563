package sluice

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
)

// simulated are pairs of a parameter and two measurements of it: the parameter of mean 0 and width 1, measured to 0.5 each. Given x1 and x2 it has the
// mean 4 (x1+x2) / 9 and the width 1/3.
func simulated(n int, seed uint64) *events.Table {
	g := rng.New(seed, rng.StreamToy, 0)
	columns := make([][]float64, 3)
	for range n {
		mu := g.NormFloat64()
		columns[0] = append(columns[0], mu)
		for k := 1; k < 3; k++ {
			columns[k] = append(columns[k], mu+0.5*g.NormFloat64())
		}
	}
	t := &events.Table{}
	for k, name := range []string{"mu", "x1", "x2"} {
		t.Columns = append(t.Columns, events.Column{Name: name, Type: events.Float64, F64: columns[k]})
	}
	return t
}

// measured is a model of mu given x1 and x2, and a file of pairs that it was not trained on.
func measured(t *testing.T) (m *model.Model, check string) {
	t.Helper()
	dir := t.TempDir()
	train, check := filepath.Join(dir, "train.parquet"), filepath.Join(dir, "check.parquet")
	writeTable(t, train, simulated(8000, 1))
	writeTable(t, check, simulated(2000, 2))
	c := small("mu")
	c.Files, c.Context = []string{train}, []string{"x1", "x2"}
	c.Train.Epochs, c.Train.LR = 10, 5e-3
	path := filepath.Join(dir, "m.safetensors")
	if _, err := Train(t.Context(), c, path, Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return m, check
}

// A posterior is that of Bayes' theorem, in the table, the file and on the page; an observation that the simulation does not make is told, on the page too,
// also where each of its columns is within the range.
func TestInfer(t *testing.T) {
	m, check := measured(t)
	page := filepath.Join(t.TempDir(), "posterior.html")
	for _, c := range []struct {
		x1, x2 float64
		warns  []string
	}{
		{0.6, 0.3, nil},
		{2, -2, []string{"the simulation does not make such events", "not what the posterior predicts"}},
		{9, 9, []string{"outside the trained range", "the simulation does not make such events", "not what the posterior predicts"}},
	} {
		var warned []string
		q := Observed{Values: apply.Values(map[string]any{"x1": c.x1, "x2": c.x2}), Check: check, Seed: 1, Within: math.Inf(1)}
		r, err := Infer(t.Context(), m, q, InferOutputs{Page: page}, Options{Warn: func(line string) { warned = append(warned, line) }})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if len(warned) != len(c.warns) {
			t.Errorf("x1 = %g, x2 = %g: %q", c.x1, c.x2, warned)
		}
		for _, want := range c.warns {
			if !slices.ContainsFunc(warned, func(line string) bool { return strings.Contains(line, want) }) || !strings.Contains(string(text), want) {
				t.Errorf("x1 = %g, x2 = %g: neither %q nor the page say both %q", c.x1, c.x2, warned, want)
			}
		}
		if k := r.Calibration; k == nil || !k.Good() || math.Abs(k.Coverage68-0.68) > 0.06 {
			t.Errorf("calibration: %+v", k)
		}
		if c.warns != nil {
			if *r.SurpriseP > 0.0025 {
				t.Errorf("x1 = %g, x2 = %g: surprise_p = %g", c.x1, c.x2, *r.SurpriseP)
			}
			continue
		}
		if *r.SurpriseP < 0.05 {
			t.Errorf("surprise_p = %g", *r.SurpriseP)
		}
		mean, width, p := 4*(c.x1+c.x2)/9, 1./3, r.Posterior["mu"]
		for _, q := range []struct {
			got   *float64
			sigma float64
		}{{p.Median, 0}, {p.Lo68, -0.994}, {p.Hi68, 0.994}, {p.Lo95, -1.96}, {p.Hi95, 1.96}} {
			if want := mean + q.sigma*width; math.Abs(*q.got-want) > 0.25*width {
				t.Errorf("%g, not %g", *q.got, want)
			}
		}
	}
}

// Several observations have a posterior each, that of one by itself where it is the first; the draws are the same on any number of threads.
func TestInferSeveral(t *testing.T) {
	m, _ := measured(t)
	observed := simulated(3, 5)
	file := filepath.Join(t.TempDir(), "observed.csv")
	writeTable(t, file, observed)
	var bytes [2]string
	for i := range bytes {
		m.Density.UseThreads(i + 1)
		out := filepath.Join(t.TempDir(), "draws.csv")
		r, err := Infer(t.Context(), m, Observed{File: file, Draws: 500, Seed: 3}, InferOutputs{Draws: out}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Posteriors) != 3 || r.Posterior != nil || r.SurpriseP != nil {
			t.Errorf("%+v", r)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		bytes[i] = string(text)
		drawn, err := events.ReadAll([]string{out}, events.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if last, err := drawn.Column("observation"); err != nil || drawn.Len() != 1500 || last.Float(500) != 2 || last.Float(499) != 1 {
			t.Errorf("%d draws, %v", drawn.Len(), err)
		}
		if _, err := Infer(t.Context(), m, Observed{Values: observed.Slice(0, 1), Draws: 500, Seed: 3}, InferOutputs{}, Options{}); err == nil {
			t.Error("a value of a parameter is no observation") // mu
		}
		given := observed.Slice(0, 1)
		given.Columns = given.Columns[1:]
		one, err := Infer(t.Context(), m, Observed{Values: given, Draws: 500, Seed: 3}, InferOutputs{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := *one.Posterior["mu"].Median, *r.Posteriors[0].Parameters["mu"].Median; got != want {
			t.Errorf("the first by itself has the median %g, not %g", got, want)
		}
	}
	if bytes[0] != bytes[1] {
		t.Error("two threads draw others than one")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(t.TempDir(), "draws.csv")
	var stop *InterruptedError
	if _, err := Infer(ctx, m, Observed{File: file}, InferOutputs{Draws: out, Page: out + ".html"}, Options{}); !errors.As(err, &stop) {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), "*")); len(left) > 0 {
		t.Errorf("an interruption leaves %q", left)
	}
}

// Draws are weighted and combined as Bayes' theorem has it: weights by expressions move the draws of the model to Bayes' posterior, tell the evidence, and go to
// the file; several observations have one posterior together; and the truth stands beside both.
func TestInferWeighsAndCombines(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a small flow and draws a chain")
	}
	m, check := measured(t)
	const likelihood = "-2*((x1-mu)^2 + (x2-mu)^2) - 2*log(0.5) - log(2*pi)"
	q := Observed{
		Values: apply.Values(map[string]any{"x1": 0.6, "x2": 0.3}), Truth: apply.Values(map[string]any{"mu": 0.5}), Check: check, CheckEvents: 200, Draws: 4000, Seed: 2,
		LogLikelihood: likelihood, LogPrior: "-mu^2/2 - log(2*pi)/2",
	}
	out := filepath.Join(t.TempDir(), "draws.csv")
	r, err := Infer(t.Context(), m, q, InferOutputs{Draws: out, Page: out + ".html"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, p := r.Each[0].Weights, r.Posterior["mu"]
	if w.Efficiency < 0.7 || w.Efficiency > 1 || w.ESS > 4000 {
		t.Errorf("%+v", w)
	}
	// x1 and x2 have variance 1 + 1/4 each, and covariance 1
	if want := -0.5*(1.25*0.36-2*0.18+1.25*0.09)/0.5625 - 0.5*math.Log(0.5625) - math.Log(2*math.Pi); math.Abs(*w.LogEvidence-want) > 5**w.Error || *w.Error > 0.02 {
		t.Errorf("the log evidence is %.4f +- %.4f, not %.4f", *w.LogEvidence, *w.Error, want)
	}
	if math.Abs(*p.Median-0.4) > 0.03 || math.Abs((*p.Hi68-*p.Lo68)/2-0.994/3) > 0.03 || *p.Truth != 0.5 || math.Abs(*p.Below-0.618) > 0.05 {
		t.Errorf("%g, %g to %g, %g of the draws below the truth", *p.Median, *p.Lo68, *p.Hi68, *p.Below)
	}
	if v := r.Each[0].Predictive; v == nil || v.P < 0.01 || v.Distance == nil || math.Abs(*v.Observables[0].Median-0.4) > 0.15 {
		t.Errorf("the pairs of the nearest parameters: %+v", v)
	}
	drawn, err := events.ReadAll([]string{out}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	weights, err := drawn.Column("weight")
	sum := 0.
	for i := range drawn.Len() {
		sum += weights.Float(i)
	}
	if err != nil || math.Abs(sum-4000) > 1 {
		t.Errorf("weights of a sum of %g, %v", sum, err)
	}
	text, err := os.ReadFile(out + ".html")
	for _, want := range []string{"Effective draws", "Log evidence", "Posterior predictive", "Calibration", "Truth"} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q, %v", want, err)
		}
	}

	observed := filepath.Join(t.TempDir(), "observed.csv")
	if err := os.WriteFile(observed, []byte("x1,x2,mu\n0.6,0.3,0.5\n0.9,0.7,0.5\n0.1,0.4,0.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	q = Observed{File: observed, Draws: 3000, Seed: 2, Combine: true, LogPrior: "-mu^2/2"}
	if r, err = Infer(t.Context(), m, q, InferOutputs{Page: out + ".html"}, Options{}); err != nil {
		t.Fatal(err)
	}
	// six measurements, each of weight 4, and the prior of weight 1
	if p, want, width := r.Combined.Parameters["mu"], 4*3./25, 0.2; math.Abs(*p.Median-want) > 0.5*width || math.Abs((*p.Hi68-*p.Lo68)/2-0.994*width) > 0.25*width || *p.Truth != 0.5 {
		t.Errorf("%g +- %g, not %g +- %g", *p.Median, (*p.Hi68-*p.Lo68)/2, want, width)
	}
	if len(r.Posteriors) != 3 || r.Posterior["mu"].Median != r.Combined.Parameters["mu"].Median {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct {
		q    Observed
		want string
	}{
		{Observed{File: observed, MaxSeconds: 1e-9}, "no posterior within 1e-09 s"},
		{Observed{File: observed, Reweight: true}, "give --log-likelihood EXPR"},
		{Observed{File: observed, Combine: true, LogLikelihood: likelihood}, "leave out --reweight"},
		{Observed{File: observed, LogLikelihood: "mu*"}, "--log-likelihood: "},
		{Observed{File: observed, LogLikelihood: "x1"}, "has no parameter in it"},
		{Observed{File: observed, LogLikelihood: "mu*x3"}, `--log-likelihood: the observation: no column "x3"`},
		{Observed{File: observed, LogLikelihood: "log(mu-10)"}, "--log-likelihood is NaN where mu = "},
		{Observed{File: observed, LogLikelihood: "log(0*mu)"}, "is 0 for all"},
		{Observed{File: observed, LogLikelihood: "-mu^2", LogPrior: "x1+mu"}, "--log-prior is of parameters alone"},
		{Observed{File: observed, Truth: apply.Values(map[string]any{"x1": 1.0})}, `--truth: no column "x1"`},
		{Observed{Values: apply.Values(map[string]any{"x1": 0.6, "x2": 0.3}), Combine: true}, "--combine takes several observations"},
		{Observed{Values: apply.Values(map[string]any{"x1": 0.6, "mu": 0.3})}, "give its true value with --truth mu=VALUE"},
	} {
		var bad *InputError
		if _, err := Infer(t.Context(), m, c.q, InferOutputs{}, Options{}); !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v does not say %q", c.q, err, c.want)
		}
	}
}

// By --mcmc the draws are those of prior times likelihood of the simulator, however little the model has learned, and as many as are independent.
func TestInferByMarkovChain(t *testing.T) {
	c := small("parameter_1", "parameter_2")
	c.Toy.Name, c.Toy.Events, c.Context, c.Train.Epochs = "gaussian-mixture", 3000, []string{"data_1", "data_2"}, 1
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if _, err := Train(t.Context(), c, path, Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	q := Observed{Values: &events.Table{Columns: []events.Column{
		{Name: "data_1", Type: events.Float64, F64: []float64{1}}, {Name: "data_2", Type: events.Float64, F64: []float64{-2}},
	}}, MCMC: true, Draws: 2000, Seed: 1}
	r, err := Infer(t.Context(), m, q, InferOutputs{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	chain := r.Each[0].Chain
	if chain == nil || slices.Min(chain.ESS) < 2000 || r.Shown[0].Len() != 2000 {
		t.Fatalf("the chain is %+v", chain)
	}
	for k, centre := range []float64{1, -2} { // half the draws have a width of 1, half one of 0.1
		x, err := r.Shown[0].Columns[k].Floats(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct{ within, share float64 }{{0.1, 0.3812}, {1, 0.8413}} {
			n := 0.0
			for _, v := range x {
				if math.Abs(v-centre) < want.within {
					n++
				}
			}
			if err := math.Sqrt(want.share * (1 - want.share) / 2000); math.Abs(n/2000-want.share) > 4.5*err {
				t.Errorf("a share of %.3f within %g of %g, not %.3f", n/2000, want.within, centre, want.share)
			}
		}
	}
	q.Reweight = true
	if _, err := Infer(t.Context(), m, q, InferOutputs{}, Options{}); err == nil || !strings.Contains(err.Error(), "leave out --combine, --reweight") {
		t.Errorf("with --reweight: %v", err)
	}
	other, _ := measured(t)
	q = Observed{Values: &events.Table{Columns: []events.Column{{Name: "x1", Type: events.Float64, F64: []float64{1}}, {Name: "x2", Type: events.Float64, F64: []float64{1}}}}, MCMC: true}
	if _, err := Infer(t.Context(), other, q, InferOutputs{}, Options{}); err == nil || !strings.Contains(err.Error(), "--mcmc takes a model whose card draws from a simulator") {
		t.Errorf("without a simulator: %v", err)
	}
}

// A card that draws from a simulator has its likelihood, prior and predictions: the evidence is that of Bayes' theorem, an observation outside of what is simulated is told
// before its posterior is drawn, and the combined one has the simulator's prior.
func TestInferWithASimulator(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a small flow and draws a chain")
	}
	c, err := card.Parse([]byte("toy: {name: gaussian-mixture, events: 4000}\nrange: {parameter_1: [-10, 10], parameter_2: [-10, 10]}\n"+
		"prepare_context: {'*': [standardise]}\nflow: {transforms: 2, hidden: [32]}\ntrain: {epochs: 15, valid: 0.1, test: 0}\n"), "card")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if _, err := Train(t.Context(), c, path, Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	observed := func(x1, x2 float64) *events.Table { return apply.Values(map[string]any{"data_1": x1, "data_2": x2}) }
	r, err := Infer(t.Context(), m, Observed{Values: observed(1, -2), Draws: 4000, Reweight: true}, InferOutputs{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if w, want := r.Weights, -2*math.Log(20); math.Abs(*w.LogEvidence-want) > 5**w.Error || w.ESS < 100 {
		t.Errorf("the evidence is %+v %g +- %g, not %g", w, *w.LogEvidence, *w.Error, want)
	}
	if v := r.Predictive; v == nil || v.From != "the simulator gaussian-mixture" || v.Distance != nil || v.P < 0.05 || len(v.Observables) != 2 {
		t.Errorf("%+v", v)
	}
	var warned []string
	if r, err = Infer(t.Context(), m, Observed{Values: observed(40, 0), Draws: 4000, Within: math.Inf(1)}, InferOutputs{}, Options{Warn: func(line string) { warned = append(warned, line) }}); err != nil {
		t.Fatal(err)
	}
	if len(warned) != 2 || !strings.Contains(warned[0], "outside the trained range") || !strings.Contains(warned[1], "not what the posterior predicts") || r.Posterior == nil {
		t.Errorf("%q", warned)
	}
	file := filepath.Join(t.TempDir(), "observed.csv")
	if err := os.WriteFile(file, []byte("data_1,data_2\n1,-2\n1.5,-1.6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err = Infer(t.Context(), m, Observed{File: file, Draws: 1000, Combine: true}, InferOutputs{}, Options{}); err != nil {
		t.Fatal(err)
	}
	if r.Combined.Prior != "the prior of gaussian-mixture" || math.Abs(*r.Combined.Parameters["parameter_1"].Median-1.25) > 0.6 {
		t.Errorf("%+v", r.Combined)
	}
}
