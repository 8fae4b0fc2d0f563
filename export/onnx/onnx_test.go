package onnx_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/export/exporttest"
	"github.com/sluice-hep/sluice/export/onnx"
	"github.com/sluice-hep/sluice/export/plain"
	"github.com/sluice-hep/sluice/model"
)

func graphs(t *testing.T, m *model.Model) []onnx.Graph {
	t.Helper()
	p, err := plain.Of(m)
	if err != nil {
		t.Fatal(err)
	}
	return onnx.Graphs(p)
}

// Every operator is one that ROOT's SOFIE parses, and each of the list is used by some graph.
func TestOperatorsAreThoseOfSOFIE(t *testing.T) {
	used := map[string]bool{}
	for _, c := range exporttest.Models(t) {
		all := graphs(t, c.Model)
		if want := 3; len(all) != want && c.Name != "ensemble" || len(all) == 0 {
			t.Errorf("%s: %d graphs, not %d", c.Name, len(all), want)
		}
		for _, g := range all {
			for o := range g.Operators {
				used[o] = true
				if !slices.Contains(onnx.Operators, o) {
					t.Errorf("%s: %s: operator %s is not one of SOFIE's", c.Name, g.Name, o)
				}
			}
		}
	}
	for _, o := range onnx.Operators {
		if !used[o] {
			t.Errorf("operator %s is in the list, and no graph has it", o)
		}
	}
}

// The same model gives the same bytes.
func TestGraphsAreReproducible(t *testing.T) {
	m := exporttest.Models(t)[4].Model
	a, b := graphs(t, m), graphs(t, m)
	for i := range a {
		if !slices.Equal(a[i].File(), b[i].File()) {
			t.Errorf("%s differs from one time to the next", a[i].Name)
		}
	}
}

// job is one of run.js.
type job struct {
	Graph  string            `json:"graph"`
	Inputs map[string]source `json:"inputs"`
	Output string            `json:"output"`
	Batch  int               `json:"batch"`
}

type source struct {
	File    string `json:"file"`
	Columns int    `json:"columns"`
}

// examples is where ONNX Runtime is installed, and a program that uses it.
const examples = "../../examples/onnx"

// installed skips where ONNX Runtime is not installed; not in CI.
func installed(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(examples, "node_modules/onnxruntime-node")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("no ONNX Runtime: (cd examples/onnx && npm ci --ignore-scripts)")
	}
}

// runtime runs jobs in ONNX Runtime.
func runtime(t *testing.T, jobs []job) (seconds []float64) {
	t.Helper()
	installed(t)
	text, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "jobs.json")
	if err := os.WriteFile(list, text, 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("node", filepath.Join(examples, "test/run.js"), list)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(out, &seconds); err != nil {
		t.Fatal(err)
	}
	return seconds
}

// rows writes columns of a table as rows of float32.
func rows(t *testing.T, path string, columns [][]float32) {
	t.Helper()
	var b []byte
	for e := range columns[0] {
		for _, c := range columns {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c[e]))
		}
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func floats(t *testing.T, path string) (all []float32) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for ; len(b) > 0; b = b[4:] {
		all = append(all, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return all
}

func columnsOf(t *events.Table, names []string) (all [][]float32) {
	for _, name := range names {
		c, _ := t.Column(name)
		all = append(all, c.F32)
	}
	return all
}

// tolerance of log p in nats, in units of a hundredth of it where that is more than 1: float32 numbers of such a size are 1e-5 apart, and so are
// the squares that they are sums of. Of columns it is relative to their size, or to their spread where that is larger.
const tolerance = 1e-4

// spread is the standard deviation of the columns of the events, as drawn.
var spread = map[string]float64{"mass": 0.9, "pt": 30, "phi": 1.8, "eta": 1.2}

// What ONNX Runtime gives is what the program gives: log-densities and latents of events, and the events of given latents.
func TestParityInONNXRuntime(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 2_000
	}
	data, dir := exporttest.Events(n), t.TempDir()
	cases := exporttest.Models(t)
	var jobs []job
	var took []float64
	latents := map[string][][]float32{}
	for _, c := range cases {
		inputs := map[string]source{}
		if c.Model.Context != nil {
			file := filepath.Join(dir, "context")
			rows(t, file, columnsOf(data, c.Model.Context.Names()))
			inputs["context"] = source{file, 1}
		}
		start := time.Now()
		if _, err := c.Model.LogProb(data, 1); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start).Seconds())
		for _, g := range graphs(t, c.Model) {
			j := job{Graph: filepath.Join(dir, c.Name+"."+g.Name+".onnx"), Output: filepath.Join(dir, c.Name+"."+g.Name), Inputs: map[string]source{}, Batch: 10_000}
			for k, v := range inputs {
				j.Inputs[k] = v
			}
			in := g.Inputs[0]
			file := filepath.Join(dir, c.Name+"."+g.Name+".in")
			if in.Name == "features" {
				rows(t, file, columnsOf(data, c.Model.Features.Names()))
			} else {
				z, err := c.Model.ToLatent(data, nil)
				if err != nil {
					t.Fatal(err)
				}
				latents[c.Name] = z
				rows(t, file, z)
			}
			j.Inputs[in.Name] = source{file, in.Columns}
			if err := os.WriteFile(j.Graph, g.File(), 0o644); err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, j)
		}
	}
	seconds := runtime(t, jobs)
	next := 0
	for i, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			line := ""
			all := graphs(t, c.Model)
			for k, g := range all {
				got := floats(t, jobs[next+k].Output)
				var worst float64
				switch g.Name {
				case "log_prob":
					worst = compareLogProb(t, c.Model, data, got)
					line += fmt.Sprintf("  %.0f events/s here", float64(n)/took[i])
				case "to_latent":
					worst = compareLatent(t, latents[c.Name], got)
				case "to_data":
					worst = compareData(t, c.Model, data, latents[c.Name], got)
				}
				line += fmt.Sprintf("  %s: off %.1e, %d kB, %d nodes, %.0f events/s", g.Name, worst, len(g.File())/1000, nodes(g), float64(n)/seconds[next+k])
				if !(worst <= tolerance) {
					t.Errorf("%s is off by %.2g, more than %g", g.Name, worst, tolerance)
				}
			}
			t.Log(line)
		})
		next += len(graphs(t, c.Model))
	}
}

func nodes(g onnx.Graph) (n int) {
	for _, k := range g.Operators {
		n += k
	}
	return n
}

func compareLogProb(t *testing.T, m *model.Model, data *events.Table, got []float32) (worst float64) {
	want, err := m.LogProb(data, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d values for %d events", len(got), len(want))
	}
	at := 0
	for e := range want {
		off := math.Abs(float64(got[e])-want[e]) / max(1, math.Abs(want[e])/100)
		if float64(got[e]) == want[e] { // both may be infinite
			off = 0
		}
		if !(off <= worst) {
			worst, at = off, e
		}
	}
	if !(worst <= tolerance) {
		t.Logf("event %d: log p %v, want %v: %v", at, got[at], want[at], event(data, at))
	}
	return worst
}

func event(data *events.Table, e int) (x []float64) {
	for i := range data.Columns {
		x = append(x, data.Columns[i].Float(e))
	}
	return x
}

func compareLatent(t *testing.T, want [][]float32, got []float32) (worst float64) {
	for e := range want[0] {
		for k := range want {
			z := float64(want[k][e])
			if off := math.Abs(float64(got[e*len(want)+k])-z) / max(1, math.Abs(z)); !(off <= worst) {
				worst = off
			}
		}
	}
	return worst
}

// compareData leaves out whole turns of an angle.
func compareData(t *testing.T, m *model.Model, data *events.Table, z [][]float32, got []float32) (worst float64) {
	want, at := exporttest.ToData(t, m, z, data), [2]int{}
	k := len(want.Columns)
	for e := range z[0] {
		for i := range want.Columns {
			c := &want.Columns[i]
			off := math.Abs(float64(got[e*k+i]) - c.Float(e))
			if c.Name == "phi" {
				off = min(off, math.Abs(off-2*math.Pi))
			}
			if off /= max(spread[c.Name], math.Abs(c.Float(e))); !(off <= worst) {
				worst, at = off, [2]int{e, i}
			}
		}
	}
	if e, i := at[0], at[1]; !(worst <= tolerance) {
		t.Logf("event %d: %s %v, want %v: %v", e, want.Columns[i].Name, got[e*k+i], want.Columns[i].Float(e), event(data, e))
	}
	return worst
}
