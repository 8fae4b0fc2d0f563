package onnx_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/export/exporttest"
)

// The program in examples gives the log-densities that the program gives, for a model that it trained and exported, with a context and without.
func TestExampleGivesTheNumbersOfTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	installed(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "sluice")
	run(t, "go", "build", "-o", program, "../../cmd/sluice")
	table := filepath.Join(dir, "events.csv")
	data := exporttest.Events(2000)
	text := "mass,pt,phi,eta,given\n"
	for e := range data.Len() {
		for i := range data.Columns {
			text += strconv.FormatFloat(data.Columns[i].Float(e), 'g', -1, 64) + map[bool]string{true: ",", false: "\n"}[i < 4]
		}
	}
	if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"--features", "mass,pt,phi,eta"}, {"--features", "pt,eta", "--context", "given", "--flow", "nsf"}} {
		model, scored, out := filepath.Join(dir, "m.safetensors"), filepath.Join(dir, "scored.csv"), filepath.Join(dir, "exported")
		run(t, program, append([]string{"train", table, "-o", model, "--epochs", "2", "--set", "flow.hidden=[16]", "--quiet"}, flags...)...)
		run(t, program, "density", model, table, "-o", scored, "--quiet")
		run(t, program, "export", model, "-o", out, "--onnx", "--quiet")
		want, err := os.ReadFile(scored)
		if err != nil {
			t.Fatal(err)
		}
		got, says := run(t, "node", filepath.Join(examples, "density.js"), out, table)
		if off := apart(t, got, string(want)); !(off < tolerance) {
			t.Errorf("%q: log_prob is off by %g", flags, off)
		} else {
			t.Logf("%q: log_prob is off by %.1e; %s", flags, off, strings.TrimSpace(says))
		}
		if err := os.WriteFile(table+".gap", []byte("mass,pt,phi,eta,given\n1,2,0.1,0.2,0.3\n1,,0.1,0.2,0.3\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := exec.Command("node", filepath.Join(examples, "density.js"), out, table+".gap").CombinedOutput()
		if want := table + ".gap: row 2: pt is \"\", which is no number\n"; err == nil || string(b) != want {
			t.Errorf("%q: a cell without a value: %v, %q", flags, err, b)
		}
	}
}

func run(t *testing.T, name string, args ...string) (out, says string) {
	t.Helper()
	var stderr bytes.Buffer
	command := exec.Command(name, args...)
	command.Env, command.Stderr = append(os.Environ(), "CGO_ENABLED=0"), &stderr
	b, err := command.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
	return string(b), stderr.String()
}

// apart is how far the columns log_prob of two tables are.
func apart(t *testing.T, a, b string) (worst float64) {
	t.Helper()
	x, y := logProbs(t, a), logProbs(t, b)
	if len(x) != len(y) || len(x) != 2000 {
		t.Fatalf("%d and %d events", len(x), len(y))
	}
	for e := range x {
		worst = max(worst, math.Abs(x[e]-y[e]))
	}
	return worst
}

func logProbs(t *testing.T, table string) (all []float64) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for i, name := range rows[0] {
		if name == "log_prob" {
			at = i
		}
	}
	for _, row := range rows[1:] {
		var v float64
		if _, err := fmt.Sscan(row[at], &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}
