package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// A new user's way from a raw file to a report, with the keys that scripts rely on.
func TestFromFileToReport(t *testing.T) {
	file, dir := jets(t), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }

	v := object(t, "inspect", file)
	has(t, "inspect", v, "rows", "columns")
	kinds := map[string]string{}
	for _, c := range v["columns"].([]any) {
		c := c.(map[string]any)
		has(t, "inspect", c, "name", "type", "kind", "count", "nan", "min", "max", "mean", "std", "prepare")
		kinds[c["name"].(string)] = c["kind"].(string)
	}
	for name, kind := range map[string]string{"pt": "continuous", "njet": "integer", "one": "constant", "class": "text"} {
		if kinds[name] != kind {
			t.Errorf("%s is %s, not %s", name, kinds[name], kind)
		}
	}

	model := at("m.safetensors")
	v = object(t, append([]string{"train", file, "-o", model, "--features", "pt, eta,njet", "--where", "pt < 300",
		"--define", "logm=log(abs(mass) + 10)", "--context", "logm"}, tiny...)...)
	has(t, "train", v, "model", "parameters", "epochs", "steps", "best_epoch", "train_nll", "valid_nll", "test_nll", "seconds", "events_per_second", "history")
	has(t, "history", v["history"].([]any)[0].(map[string]any), "epoch", "train_nll", "valid_nll", "lr")
	if _, err := os.Stat(model + ".state"); !os.IsNotExist(err) {
		t.Errorf("the state is still there after the training: %v", err)
	}

	v = object(t, "describe", model)
	has(t, "describe", v, "features", "context", "flow", "train", "sha256")

	v = object(t, "sample", model, "-n", "500", "-o", at("given.csv"), "--context", "logm=3")
	has(t, "sample", v, "file", "events", "seconds", "events_per_second")
	v = object(t, "sample", model, "-n", "3e3", "-o", at("new.csv.gz"), "--context", file)
	if v["events"].(float64) != 3000 {
		t.Errorf("sample wrote %v events, not 3000", v["events"])
	}

	v = object(t, "density", model, file, "-o", at("scored.csv"), "--latent")
	has(t, "density", v, "file", "events", "mean_log_prob", "out_of_range", "seconds")
	scored, err := events.ReadAll([]string{at("scored.csv")}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(scored.Names(), " "); got != "pt eta njet mass one gap class log_prob z_0 z_1 z_2" {
		t.Errorf("density wrote the columns %s", got)
	}

	v = object(t, "compare", file, at("new.csv.gz"), "--columns", "pt,eta,njet", "-o", at("report.html"))
	has(t, "compare", v, "columns", "correlation_max_diff")
	has(t, "compare", v["columns"].(map[string]any)["pt"].(map[string]any), "ks", "ks_p", "w1", "chi2_ndf")
	for _, want := range []string{"<svg", "chance alone gives up to"} {
		if page, err := os.ReadFile(at("report.html")); err != nil || !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report has no %q: %v", want, err)
		}
	}

	v = object(t, "convert", file, "-o", at("two.npy"), "--define", "ratio=mass/pt", "--where", "njet == 2", "--columns", "ratio,pt")
	if v["events"].(float64) == 0 || v["events"].(float64) == v["read"].(float64) {
		t.Errorf("convert wrote %v of %v events", v["events"], v["read"])
	}
	if v := object(t, "version"); v["version"] == "" {
		t.Error("no version")
	}
}

// The number of different values ends at a bound, and says so.
func TestInspectSaysWhatItDidNotCount(t *testing.T) {
	file := jets(t)
	for _, c := range object(t, "inspect", file)["columns"].([]any) {
		c := c.(map[string]any)
		distinct, more := c["distinct"].(float64), c["distinct_at_least"] == true
		if c["name"] == "pt" && (distinct != 1000 || !more) || c["name"] == "njet" && (distinct != 4 || more) {
			t.Errorf("%s has %g values (at least: %t)", c["name"], distinct, more)
		}
	}
	stdout, _ := must(t, "inspect", file)
	for line := range strings.Lines(stdout) {
		name, _, _ := strings.Cut(line, " ")
		if many := slices.Contains([]string{"pt", "eta", "mass", "gap"}, name); many != strings.Contains(line, " 1000+ ") {
			t.Errorf("the table says %q", line)
		}
	}
}

// Objects of a ROOT file are compared with those of another, and with events that are flat.
func TestCompareFlattened(t *testing.T) {
	flat := filepath.Join(t.TempDir(), "muons.csv")
	must(t, "convert", hzz, "-o", flat, "--flatten", "Muon")
	for _, files := range [][]string{{hzz, flat}, {flat, hzz}, {hzz, hzz}} {
		v := object(t, append([]string{"compare", "--flatten", "Muon", "--columns", "Muon_Px"}, files...)...)
		if v["reference_events"].(float64) != 3825 || v["generated_events"].(float64) != 3825 || v["columns"].(map[string]any)["Muon_Px"].(map[string]any)["ks"].(float64) != 0 {
			t.Errorf("%s: %v", files, v)
		}
	}
	for want, files := range map[string][]string{"nothing to flatten as": {hzz, flat, "Muo"}, "there is no \"Muon\" to flatten": {flat, flat, "Muon"}} {
		code, _, stderr := runSluice(t.Context(), "compare", files[0], files[1], "--flatten", files[2])
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit code %d, %q", files, code, stderr)
		}
	}
}

const moonCard = `toy: {name: two-moons, events: 2000}
context: [moon]
flow: {type: nsf-ar, transforms: 2, hidden: [16], bins: 4}
train: {epochs: 2, batch: 100}
sample: {file: new.csv}
plots: {steps: true, latent: true}
`

func writeCard(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "moons.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	card, out := writeCard(t, moonCard), filepath.Join(t.TempDir(), "out")
	v := object(t, "run", card, "--out", out)
	has(t, "run", v, "out", "model", "report", "train", "compare", "true_entropy")
	has(t, "run: train", v["train"].(map[string]any), "model", "parameters", "test_nll", "history")
	has(t, "run: compare", v["compare"].(map[string]any), "columns", "correlation_max_diff")
	wrote, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, w := range wrote {
		names = append(names, w.Name())
	}
	if got := strings.Join(names, " "); got != "model.safetensors new.csv report.html summary.json" {
		t.Errorf("run left %s", got)
	}
	page, err := os.ReadFile(v["report"].(string))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"True entropy", "after transform 2", "z_0", "sluice run"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report does not say %q", want)
		}
	}
	sample, err := events.ReadAll([]string{filepath.Join(out, "new.csv")}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sample.Names(), " "); got != "x1 x2 moon" || sample.Len() != 2000 {
		t.Errorf("the sample has %d events of %s; 2000 of x1 x2 moon were given", sample.Len(), got)
	}
}

// A second run keeps the model, and a changed card or changed data does not.
func TestRunAgain(t *testing.T) {
	card, out := writeCard(t, moonCard), filepath.Join(t.TempDir(), "out")
	must(t, "run", card, "--out", out)
	before, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	_, stderr := must(t, "run", card, "--out", out, "--set", "sample.events=10")
	if !strings.Contains(stderr, "not trained again") {
		t.Errorf("the second run says %q", stderr)
	}
	_, stderr = must(t, "run", card, "--out", out, "--set", "train.epochs=1")
	if !strings.Contains(stderr, "starts anew") {
		t.Errorf("the run of a changed card says %q", stderr)
	}
	if after, err := os.ReadFile(filepath.Join(out, "model.safetensors")); err != nil || bytes.Equal(before, after) {
		t.Errorf("the model of a changed card is the old one (%v)", err)
	}
	must(t, "run", card, "--out", out)
	if after, err := os.ReadFile(filepath.Join(out, "model.safetensors")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the same card gives another model (%v)", err)
	}
}

// The shards of a sample are the sample, for any number of threads.
func TestShards(t *testing.T) {
	dir := t.TempDir()
	model := trained(t, jets(t), "--features", "pt,eta", "--context", "njet")
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(text), "\n")
		return body
	}
	args := []string{"sample", model, "-n", "1001", "--context", "njet=3", "--seed", "5", "-o"}
	must(t, append(args, filepath.Join(dir, "all.csv"))...)
	var parts string
	for _, s := range []string{"1", "2", "3"} {
		must(t, append(args, filepath.Join(dir, s+".csv"), "--shard", s+"/3", "--threads", s)...)
		parts += read(s + ".csv")
	}
	if parts != read("all.csv") {
		t.Error("three shards are not the sample")
	}
}

// A constant feature is dropped with a notice and put back.
func TestConstantFeature(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "m.safetensors")
	_, stderr := must(t, append([]string{"train", jets(t), "-o", model, "--features", "pt,one"}, tiny...)...)
	if !strings.Contains(stderr, `column "one" is 7 in every event: dropped`) {
		t.Errorf("training says %q", stderr)
	}
	must(t, "sample", model, "-n", "10", "-o", filepath.Join(dir, "s.csv"))
	text, err := os.ReadFile(filepath.Join(dir, "s.csv"))
	if err != nil || strings.Count(string(text), ",7\n") != 10 {
		t.Errorf("the sample is %q (%v)", text, err)
	}
}

func TestHelpShowsAnExample(t *testing.T) {
	a := &app{}
	for _, c := range a.command().Commands() {
		if !strings.Contains(c.Example, "  sluice "+c.Name()) {
			t.Errorf("sluice %s --help shows no example of it", c.Name())
		}
	}
	stdout, _ := must(t, "train", "--help")
	if !strings.Contains(stdout, "Examples:") {
		t.Errorf("help is %q", stdout)
	}
}

// The text on stdout is the result alone, and progress goes to stderr.
func TestStdoutIsTheResult(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.safetensors")
	args := append([]string{"train", jets(t), "-o", model, "--features", "pt,eta"}, tiny...)
	stdout, stderr := must(t, args...)
	if !strings.HasPrefix(stdout, "model ") || !strings.Contains(stderr, "epoch 2/2") || strings.Contains(stderr, "\r") {
		t.Errorf("stdout %q, stderr %q", stdout, stderr)
	}
	if _, stderr = must(t, append(args, "--quiet")...); stderr != "" {
		t.Errorf("--quiet says %q", stderr)
	}
	stdout, _ = must(t, append(args, "--json")...)
	if !json.Valid([]byte(stdout)) {
		t.Errorf("--json prints %q", stdout)
	}
}
