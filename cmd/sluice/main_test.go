package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// asProgram in the environment makes the program of a test binary.
const asProgram = "SLUICE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is the program as a process of its own, which signals end.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// runSluice runs the program in this process.
func runSluice(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	return code, out.String(), err.String()
}

// must runs the program and expects success.
func must(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := runSluice(t.Context(), args...)
	if code != 0 {
		t.Fatalf("sluice %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout, stderr
}

// object runs a verb with --json and returns its one object.
func object(t *testing.T, args ...string) map[string]any {
	t.Helper()
	stdout, _ := must(t, append(args, "--json", "--quiet")...)
	d := json.NewDecoder(strings.NewReader(stdout))
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("sluice %s: %v in %q", strings.Join(args, " "), err, stdout)
	}
	if d.More() {
		t.Fatalf("sluice %s printed more than one object: %q", strings.Join(args, " "), stdout)
	}
	return v
}

// has checks that an object holds the keys of the contract.
func has(t *testing.T, what string, v map[string]any, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if _, ok := v[k]; !ok {
			t.Errorf("%s: no key %q among %v", what, k, v)
		}
	}
}

// jets writes 3000 events with a falling, an angular, an integer, a constant, a missing and a text column.
func jets(t *testing.T) string {
	t.Helper()
	const n = 3000
	r := rand.New(rand.NewPCG(3, 4))
	pt, eta, njet, mass := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	one, gap, class := make([]float32, n), make([]float32, n), make([]string, n)
	for i := range pt {
		njet[i] = float32(2 + r.IntN(4))
		pt[i] = float32(30 + 20*r.ExpFloat64()*float64(njet[i]))
		eta[i] = float32(r.NormFloat64())
		mass[i] = pt[i] * float32(0.1+0.05*r.NormFloat64())
		one[i] = 7
		gap[i] = eta[i]
		class[i] = "qcd"
	}
	nan := float32(0)
	nan /= nan
	for _, i := range []int{11, 200, 2999} {
		gap[i] = nan
	}
	path := filepath.Join(t.TempDir(), "jets.csv")
	w, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	err = w.Write(&events.Table{Columns: []events.Column{
		{Name: "pt", F32: pt}, {Name: "eta", F32: eta}, {Name: "njet", F32: njet}, {Name: "mass", F32: mass},
		{Name: "one", F32: one}, {Name: "gap", F32: gap}, {Name: "class", Type: events.Text, Str: class},
	}})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// tiny are the flags of a training of a fraction of a second.
var tiny = []string{"--set", "flow.transforms=2", "--set", "flow.hidden=[16]", "--epochs", "2", "--batch", "100"}

// trained trains a model on jets.
func trained(t *testing.T, file string, args ...string) (model string) {
	t.Helper()
	model = filepath.Join(t.TempDir(), "m.safetensors")
	must(t, append(append([]string{"train", file, "-o", model, "--quiet"}, tiny...), args...)...)
	return model
}
