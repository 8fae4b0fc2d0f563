package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each case is one line on stderr, exit code 2, and nothing left behind.
func TestBadInput(t *testing.T) {
	file := jets(t)
	model := trained(t, file, "--features", "pt,eta", "--context", "njet")
	dir := t.TempDir()
	out := filepath.Join(dir, "out.csv")
	nowhere := filepath.Join(dir, "nowhere", "m")
	train := func(args ...string) []string { return append([]string{"train", file, "-o", out}, args...) }
	broken := filepath.Join(t.TempDir(), "broken.safetensors")
	whole, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, whole[:len(whole)-4], 0o666); err != nil {
		t.Fatal(err)
	}
	gaps := filepath.Join(t.TempDir(), "gaps.csv")
	if err := os.WriteFile(gaps, []byte("njet\n2\n3\nnan\n4\n5\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	wrongCard := writeCard(t, "files: [a.csv]\nfeatures: [a]\ntrain: {epochs: ten}\n")
	for _, c := range []struct {
		name   string
		args   []string
		expect []string
	}{
		{"no such verb", []string{"rain"}, []string{`no verb "rain"`, "--help"}},
		{"no such flag", []string{"train", file, "--epoch", "3"}, []string{"--epoch", "sluice train --help"}},
		{"no file", []string{"train", "-o", out}, []string{"one or more files"}},
		{"no output", []string{"train", file, "--features", "pt"}, []string{"-o MODEL"}},
		{"missing file", []string{"train", "none.csv", "-o", out, "--features", "pt"}, []string{"none.csv", "no such file"}},
		{"no features", train(), []string{"features", "sluice inspect"}},
		{"missing column", train("--features", "pt,etaa"), []string{`"etaa"`, "eta"}},
		{"missing weight", train("--features", "pt", "--weight", "w"), []string{`"w"`}},
		{"text feature", train("--features", "pt,class"), []string{`"class"`, "row 1", `"qcd" is not a number`}},
		{"NaN", train("--features", "pt,gap"), []string{`"gap"`, "3 of 3000", "row 12", "--drop-nan"}},
		{"NaN behind a selection", train("--features", "pt,gap", "--where", "pt > 0 && eta == eta"), []string{"row 12"}},
		{"only constants", train("--features", "one"), []string{"every feature is constant"}},
		{"few events", train("--features", "pt", "--batch", "9999"), []string{"9999", "2400", "--batch"}},
		{"empty selection", train("--features", "pt", "--where", "pt < 0"), []string{`"pt < 0"`, "none of 3000 events"}},
		{"bad expression", train("--features", "pt", "--define", "a=pt+ptt"), []string{"ptt", "pt"}},
		{"bad definition", train("--features", "pt", "--define", "a"), []string{"NAME=EXPR"}},
		{"bad setting", train("--features", "pt", "--set", "train.epoch=3"), []string{"train.epoch", "epochs"}},
		{"bad flow", train("--features", "pt", "--flow", "nfs"), []string{"flow.type", "nsf"}},
		{"bad threads", train("--features", "pt", "--threads", "-1"), []string{"--threads -1"}},
		{"coupling of one feature", train("--features", "pt", "--flow", "nsf"), []string{"at least two features"}},
		{"folder missing", []string{"train", file, "-o", nowhere, "--features", "pt"}, []string{nowhere, "folder"}},
		{"model missing", []string{"sample", nowhere, "-n", "1", "-o", out}, []string{nowhere}},
		{"model damaged", []string{"describe", broken}, []string{broken}},
		{"model is a table", []string{"describe", file}, []string{file, "safetensors"}},
		{"no number of events", []string{"sample", model, "-o", out}, []string{"-n N"}},
		{"half an event", []string{"sample", model, "-n", "0.5", "-o", out}, []string{"-n 0.5"}},
		{"no context", []string{"sample", model, "-n", "5", "-o", out}, []string{"njet", "--context"}},
		{"other context", []string{"sample", model, "-n", "5", "-o", out, "--context", "nope=1"}, []string{"nope", "njet"}},
		{"context is no number", []string{"sample", model, "-n", "5", "-o", out, "--context", "njet=many"}, []string{`"many"`}},
		{"context too short", []string{"sample", model, "-n", "5000", "-o", out, "--context", file}, []string{"3000 events", "-n"}},
		{"context with a gap", []string{"sample", model, "-n", "5", "-o", out, "--context", gaps}, []string{gaps, `"njet"`, "row 3", "convert --where"}},
		{"bad shard", []string{"sample", model, "-n", "5", "-o", out, "--context", "njet=2", "--shard", "0/4"}, []string{`"0/4"`, "1 to N"}},
		{"unknown format", []string{"sample", model, "-n", "5", "-o", filepath.Join(dir, "x.doc"), "--context", "njet=2"}, []string{".doc", ".csv"}},
		{"density without a column", []string{"density", model, wrongCard, "-o", out}, []string{"moons.yaml"}},
		{"compare without a column", []string{"compare", file, file, "--columns", "pt,nope"}, []string{"nope"}},
		{"convert to nothing", []string{"convert", file, "-o", out, "--where", "pt < 0"}, []string{"none of 3000"}},
		{"bad card", []string{"run", wrongCard}, []string{"moons.yaml:3", "train.epochs", `"ten" is not an integer`}},
		{"no card", []string{"run", nowhere}, []string{nowhere}},
		{"no card to measure", []string{"bench", "--card", nowhere}, []string{nowhere}},
		{"bad threads to measure", []string{"bench", "--threads", "-1"}, []string{"--threads -1"}},
	} {
		code, stdout, stderr := runSluice(t.Context(), append(c.args, "--quiet")...)
		if code != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "sluice: ") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", c.name, code, stdout, stderr)
		}
		for _, want := range c.expect {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: %q does not say %q", c.name, stderr, want)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Fatalf("%s: left %v behind (%v)", c.name, left, err)
		}
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := runSluice(t.Context(), "run", writeCard(t, moonCard), "--out", filepath.Join(blocked, "out"))
	if code != 2 || !strings.Contains(stderr, blocked) || strings.Contains(stderr, "reading") {
		t.Errorf("exit code %d: %q; it is to be found before the work begins", code, stderr)
	}
}

func TestDropNaN(t *testing.T) {
	file := jets(t)
	model := trained(t, file, "--features", "pt,gap", "--drop-nan")
	out := filepath.Join(t.TempDir(), "d.csv")
	code, _, stderr := runSluice(t.Context(), "density", model, file, "-o", out)
	for _, want := range []string{`"gap"`, "3 of 3000", "row 12 of " + file, "--drop-nan"} {
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, %q does not say %q", code, stderr, want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a half-written file was left")
	}
	if v := object(t, "density", model, file, "-o", out, "--drop-nan"); v["events"].(float64) != 2997 {
		t.Errorf("%v events, not 2997", v["events"])
	}
}

// A context outside the trained range is drawn all the same, with a warning that names the range.
func TestContextOutOfRange(t *testing.T) {
	model := trained(t, jets(t), "--features", "pt,eta", "--context", "njet")
	_, stderr := must(t, "sample", model, "-n", "5", "-o", filepath.Join(t.TempDir(), "s.csv"), "--context", "njet=9", "--quiet")
	for _, want := range []string{"warning", `"njet"`, "5 of 5 events", "2 to 5"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q does not say %q", stderr, want)
		}
	}
}

// A value between those that training held is an extrapolation too.
func TestContextBetweenTheTrainedValues(t *testing.T) {
	model := trained(t, jets(t), "--features", "pt,eta", "--context", "njet")
	_, stderr := must(t, "sample", model, "-n", "5", "-o", filepath.Join(t.TempDir(), "s.csv"), "--context", "njet=2.5", "--quiet")
	if !strings.Contains(stderr, `warning: column "njet": 5 of 5 events have a value that no training event had`) {
		t.Errorf("no warning in %q", stderr)
	}
}
