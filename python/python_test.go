package python_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/export/exporttest"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
)

// The flows that the reader evaluates itself, each with context and without.
var flows = map[string]flow.Spec{
	"maf":        {Type: "maf", Transforms: 3, Hidden: []int{16, 16}},
	"realnvp":    {Type: "realnvp", Transforms: 4, Hidden: []int{16}, LogScale: "soft", Activation: "tanh"},
	"nsf":        {Type: "nsf", Transforms: 3, Hidden: []int{16}, Linear: "lu", Permute: "random"},
	"nsf-ar":     {Type: "nsf-ar", Transforms: 2, Hidden: []int{16}, Base: flow.Part{Kind: "mixture", Options: map[string]any{"components": 3}}, Permute: "random"},
	"circular":   {Type: "circular", Transforms: 2, Hidden: []int{16}},
	"glow":       {Type: "glow", Transforms: 3, Hidden: []int{16}, LogScale: "sigmoid"},
	"cinn":       {Type: "cinn", Transforms: 3, Hidden: []int{16}, Activation: "elu"},
	"residual":   {Type: "nsf", Transforms: 2, Hidden: []int{16}, Net: "residual", NetBatchNorm: true, Linear: "householder", Base: flow.Part{Kind: "student-t"}},
	"batch-norm": {Type: "maf", Transforms: 3, Hidden: []int{16}, BatchNorm: true, Linear: "permutation", Context: "first"},
}

func given(s flow.Spec) flow.Spec {
	s.ContextNet = flow.Part{Kind: "mlp", Options: map[string]any{"hidden": []int{8}, "out": 3}}
	return s
}

// python runs Python with the reader on the path, or skips where there is no NumPy; not in CI.
func python(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command("python3", args...)
	if _, err := os.Stat("/usr/bin/python3"); err == nil { // Debian's, whose packages are NumPy and pandas
		command.Path = "/usr/bin/python3"
	}
	if out, err := exec.Command(command.Path, "-c", "import numpy, pandas").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Python with NumPy and pandas: %s", out)
		}
		t.Skip("no Python with NumPy and pandas")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	command.Env = append(os.Environ(), "PYTHONPATH="+here, "PYTHONDONTWRITEBYTECODE=1", "OPENBLAS_NUM_THREADS=1")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

const parity = `
import json, sys
import numpy as np, pandas as pd
import sluice
out = open(sys.argv[2], "w")
for path in sys.argv[3:]:
    m, data = sluice.load(path), pd.read_csv(sys.argv[1])
    assert not m.why, m.why
    z, back = np.zeros((0, 0)), {}
    if not path.endswith("ensemble"):
        z = m.transform(data)
        back = m.inverse_transform(z, data if m.context else None)
    drawn = m.sample(64, data[m.context].head(1) if m.context else None, seed=3)
    np.testing.assert_array_equal(m.log_prob(data[m.features].to_numpy(), data), m.log_prob(data))
    out.write(json.dumps({"log_prob": np.maximum(m.log_prob(data), -1e300).tolist(), "z": z.tolist(), "x": {k: v.tolist() for k, v in back.items()},
        "drawn": bool(np.all(np.isfinite(m.log_prob(drawn, data.head(1) if m.context else None))))}) + "\n")
`

func TestClosedFormsAreTheProgramsNumbers(t *testing.T) {
	dir, names := t.TempDir(), []string{}
	data := table(300)
	w, err := events.Create(filepath.Join(dir, "data.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmp.Or(w.Write(data), w.Close()); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, "results")
	args := []string{filepath.Join(dir, "data.csv"), results}
	for name, spec := range flows {
		for _, conditional := range []bool{false, true} {
			path := filepath.Join(dir, fmt.Sprint(name, conditional))
			s := spec
			if conditional && len(names)%3 == 0 {
				s = given(s)
			}
			save(t, path, data, conditional, density(t, s, 4, conditional))
			names, args = append(names, path), append(args, path)
		}
	}
	ensemble := filepath.Join(dir, "ensemble")
	save(t, ensemble, data, false, &mix.Ensemble{Members: []mix.Density{density(t, flows["maf"], 4, false), density(t, flows["nsf"], 4, false)}})
	names, args = append(names, ensemble), append(args, ensemble)
	python(t, append([]string{"-c", parity}, args...)...)
	text, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, path := range names {
		compare(t, path, data, lines[i])
	}
}

func compare(t *testing.T, path string, data *events.Table, line string) {
	t.Helper()
	m, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		LogProb []float64            `json:"log_prob"`
		Z       [][]float64          `json:"z"`
		X       map[string][]float64 `json:"x"`
		Drawn   bool                 `json:"drawn"`
	}
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	logProb, err := m.LogProb(data, 1)
	if err != nil {
		t.Fatal(err)
	}
	var z [][]float32
	if m.NoLatent() == "" {
		if z, err = m.ToLatent(data, nil); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Base(path)
	for e := range logProb {
		logProb[e] = max(logProb[e], -1e300) // where there is no density
		if d := math.Abs(got.LogProb[e] - logProb[e]); d > 1e-5*(1+math.Abs(logProb[e])) {
			t.Fatalf("%s: event %d: log p %v, want %v", name, e, got.LogProb[e], logProb[e])
		}
		for f := range z {
			if d := math.Abs(got.Z[e][f] - float64(z[f][e])); d > 2e-5*(1+math.Abs(float64(z[f][e]))) {
				t.Fatalf("%s: event %d: latent %v, want %v", name, e, got.Z[e][f], z[f][e])
			}
		}
		for _, c := range data.Columns {
			if x, ok := got.X[c.Name]; ok && math.Abs(x[e]-c.Float(e)) > 1e-5*(1+math.Abs(c.Float(e))) {
				t.Fatalf("%s: event %d: %s comes back as %v, was %v", name, e, c.Name, x[e], c.Float(e))
			}
		}
	}
	if !got.Drawn {
		t.Errorf("%s: an event drawn has no density", name)
	}
}

// table has columns that each step of the preparation is for.
func table(n int) *events.Table {
	r := rand.New(rand.NewPCG(1, 2))
	columns := map[string]func() float64{
		"mass": func() float64 { return 0.5 + r.Float64()*3 }, "pt": func() float64 { return 20 + 30*r.ExpFloat64() },
		"phi": func() float64 { return math.Pi * (2*r.Float64() - 1) }, "eta": func() float64 { return 1.2 * r.NormFloat64() },
		"given": func() float64 { return 100 + 10*r.NormFloat64() },
	}
	t := &events.Table{}
	for _, name := range []string{"mass", "pt", "phi", "eta", "given"} {
		c := events.Column{Name: name, Type: events.Float64}
		for range n {
			c.F64 = append(c.F64, columns[name]())
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// density is a flow of random parameters.
func density(t *testing.T, s flow.Spec, features int, conditional bool) *flow.Flow {
	t.Helper()
	context := 0
	if conditional {
		context = 1
	} else {
		s.ContextNet, s.Context = flow.Part{}, ""
	}
	plan, err := flow.NewPlan(features, context, s, 7)
	if err != nil {
		t.Fatal(err)
	}
	f := flow.Draw(plan)
	exporttest.Shake(f, 0.1)
	return f
}

func save(t *testing.T, path string, data *events.Table, conditional bool, d model.Density) {
	t.Helper()
	var spec prep.Spec
	if err := json.Unmarshal([]byte(`{"mass": ["minmax", "clip", "logit", "standardise"], "pt": ["log", "quantile"], "phi": ["periodic", "logit"], "eta": ["asinh"]}`), &spec); err != nil {
		t.Fatal(err)
	}
	names := []string{"mass", "pt", "phi", "eta"}
	features, _, err := prep.Fit(data, names, spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Features: features, Density: d, Seed: 7}
	if conditional {
		if m.Context, _, err = prep.FitContext(data, []string{"given"}, prep.Spec{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
}

const estimator = `
import sys
import numpy as np, pandas as pd
import sluice
random = np.random.default_rng(1)
frame = pd.DataFrame({"x": random.normal(size=400), "n": random.integers(0, 4, size=400)})
flow = sluice.Flow("train.epochs=2", "flow.hidden=[8]", "flow.transforms=1").fit(frame)
assert "categor" in flow.model.why or "kind" in flow.model.why, flow.model.why
score = flow.score_samples(frame)
assert score.shape == (400,) and np.all(np.isfinite(score)), score
assert set(np.unique(flow.sample(50)[:, 1])) <= {0, 1, 2, 3}
try:
    flow.model.log_prob({"x": [1.0]})
except KeyError as e:
    assert "no column n; there are x" in str(e), e
else:
    raise AssertionError("a column that is not there")
plain = sluice.Flow("train.epochs=2", "flow.hidden=[8]", "flow.transforms=1").fit(random.normal(size=(400, 2)))
assert not plain.model.why, plain.model.why
assert plain.transform(random.normal(size=(5, 2))).shape == (5, 2)
drawn = plain.model.sample(10, seed=2)
assert list(drawn) == ["x0", "x1"], drawn
try:
    sluice.Flow("train.epochs=0").fit(frame)
except RuntimeError as e:
    assert "train.epochs" in str(e), e
else:
    raise AssertionError("no epochs")

def refused(kind, words, do):
    try:
        do()
    except kind as e:
        assert words in str(e) and "\n" not in str(e), e
    else:
        raise AssertionError(words)

# what is evaluated by the program has every event too, texts with commas, and names with them
frame["word"] = np.where(frame.n > 1, 'one, "two"', "three")
some = sluice.Flow("train.epochs=1", "flow.hidden=[8]", "flow.transforms=1", "where=x > 0").fit(frame)
assert some.model.why and some.score_samples(frame).shape == (400,)
assert set(some.model.sample(50)["word"]) == set(frame.word)
named = sluice.Flow("train.epochs=1", "flow.hidden=[8]", "flow.transforms=1").fit({"a,b": random.normal(size=400), "c": random.normal(size=400)})
assert named.model.features == ["a,b", "c"], named.model.features
refused(sluice.Unsupported, "no way back", lambda: some.model.inverse_transform(np.zeros((1, 3))))
refused(ValueError, "column x1 has 2 values and there are 3 events", lambda: plain.model.log_prob({"x0": [1, 2, 3], "x1": [1, 2]}))
refused(ValueError, "column x1: could not convert", lambda: plain.model.log_prob({"x0": [1.0], "x1": ["a"]}))
refused(ValueError, "n is -1", lambda: plain.model.sample(-1))
refused(ValueError, "n is 2.5", lambda: plain.model.sample(2.5))
refused(ValueError, "call fit first", lambda: sluice.Flow().score_samples(frame))
with open(sys.argv[1], "w") as f:
    f.write("x,y\n1,2\n" * 9)
refused(ValueError, "not a model of sluice", lambda: sluice.load(sys.argv[1]))
open(sys.argv[1], "w").close()
refused(ValueError, "not a model of sluice", lambda: sluice.load(sys.argv[1]))
import os
os.environ["SLUICE"] = sys.argv[1]
refused(FileNotFoundError, "which the variable SLUICE names", lambda: sluice.program(["version"]))
`

func TestTheProgramDoesTheRest(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	t.Setenv("SLUICE", program(t))
	python(t, "-c", estimator, filepath.Join(t.TempDir(), "events.csv"))
	// The example's own checks, of densities, latents and draws against the program's, are what can fail here.
	t.Log("\n" + python(t, "../examples/python/notebook.py"))
}

func program(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "sluice")
	build := exec.Command("go", "build", "-o", path, "../cmd/sluice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}
