package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func writeCard(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "card.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// longEnough is a number of epochs of the card that takes about so long here: a kill must find the training under way.
func longEnough(t *testing.T, card string, wanted time.Duration) string {
	t.Helper()
	const few = 5
	stdout, _ := must(t, "run", card, "--out", t.TempDir(), "--set", "train.epochs="+strconv.Itoa(few), "--json")
	var v struct{ Train struct{ Seconds float64 } }
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(min(max(int(wanted.Seconds()/v.Train.Seconds*few), 2*few), 5000))
}

// secondSave waits until a state has been written twice, the second time in the middle of the training.
func secondSave(t *testing.T, state string, ended <-chan struct{}) bool {
	t.Helper()
	var first os.FileInfo
	for {
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		at, err := os.Stat(state)
		switch {
		case err != nil:
		case first == nil:
			first = at
		case !os.SameFile(first, at):
			return true
		}
	}
}

const longCard = `toy: {name: banana, events: 2000}
flow: {transforms: 2, hidden: [16]}
train: {batch: 100, ema: 0.9, patience: 0}
sample: {file: new.csv}
`

// A kill in the middle of a run costs seconds at most: run again, it ends with the bytes of a run left alone.
func TestRunSurvives(t *testing.T) {
	card := writeCard(t, longCard)
	epochs := "train.epochs=" + longEnough(t, card, 3*time.Second)
	dir := t.TempDir()
	args := func(out string) []string {
		return []string{"run", card, "--set", epochs, "--out", filepath.Join(dir, out)}
	}
	must(t, args("whole")...)

	killed := process(t, args("killed")...)
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { killed.Wait(); close(ended) }()
	if !secondSave(t, filepath.Join(dir, "killed", "model.safetensors.state"), ended) {
		t.Fatal("the run ended before it could be killed")
	}
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if _, err := os.Stat(filepath.Join(dir, "killed", "model.safetensors")); err == nil {
		t.Fatal("there is a model already: the kill came too late")
	}
	_, stderr := must(t, args("killed")...)
	if !strings.Contains(stderr, "resumed in epoch") {
		t.Errorf("run again it says %q", stderr)
	}

	for _, name := range []string{"model.safetensors", "new.csv"} {
		if !same(t, filepath.Join(dir, "whole", name), filepath.Join(dir, "killed", name)) {
			t.Errorf("%s of the run that was killed differs from that of a run left alone", name)
		}
	}
}

// grows waits until a file is larger than before.
func grows(t *testing.T, path string, before int64) {
	t.Helper()
	for range 10_000 {
		if at, err := os.Stat(path); err == nil && at.Size() > before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s does not grow", path)
}

// A sample that is killed, goes on and is interrupted, goes on again to the bytes of one left alone; so does a density.
func TestSampleAndDensityGoOn(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, "run", writeCard(t, longCard), "--out", dir, "--set", "train.epochs=1")
	model := at("model.safetensors")
	for _, args := range [][]string{{"sample", model, "-n", "6e5", "-o"}, {"density", model, at("sample.npy"), "-o"}} {
		whole, file := at(args[0]+".npy"), at(args[0]+"-stopped.npy")
		must(t, append(args, whole)...)
		var size int64
		for _, signal := range []os.Signal{os.Kill, os.Interrupt} {
			c := process(t, append(args, file, "--resume")...)
			var stderr bytes.Buffer
			c.Stderr = &stderr
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			grows(t, file+".journal", size+1<<19)
			if err := c.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			if signal == os.Interrupt && (c.ProcessState.ExitCode() != 130 || !strings.Contains(stderr.String(), "goes on with: the same command and --resume")) {
				t.Errorf("%s interrupted: exit code %d, %q", args[0], c.ProcessState.ExitCode(), stderr.String())
			}
			journal, err := os.Stat(file + ".journal")
			if err != nil {
				t.Fatal(err)
			}
			size = journal.Size()
			if _, err := os.Stat(file); err == nil {
				t.Errorf("%s left a file when it ended too early", args[0])
			}
		}
		if _, stderr := must(t, append(args, file, "--resume")...); !strings.Contains(stderr, "resumed after") {
			t.Errorf("%s resumed says %q", args[0], stderr)
		}
		if !same(t, whole, file) {
			t.Errorf("the resumed %s is not that of a run left alone", args[0])
		}
	}
	if left, _ := filepath.Glob(at(".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A simulation that is killed, goes on and is interrupted, goes on again to the bytes of one left alone; only then there is a page. Other draws do not go on from it.
func TestSimulationGoesOn(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	trainDetector(t, at)
	args := func(out string, more ...string) []string {
		return append([]string{"simulate", at("jets.safetensors"), "--generated", at("test.parquet"), "--fakes", at("fakes.safetensors"), "--draws", "40", "-o", at(out), "--report", at(out + ".html")}, more...)
	}
	must(t, args("whole.root")...)
	var size int64
	for _, signal := range []os.Signal{os.Kill, os.Interrupt} {
		c := process(t, args("stopped.root", "--resume")...)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		grows(t, at("stopped.root.journal"), size+1<<19)
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		c.Wait()
		if signal == os.Interrupt && (c.ProcessState.ExitCode() != 130 || !strings.Contains(stderr.String(), "goes on with: the same command and --resume")) {
			t.Errorf("interrupted: exit code %d, %q", c.ProcessState.ExitCode(), stderr.String())
		}
		journal, err := os.Stat(at("stopped.root.journal"))
		if err != nil {
			t.Fatal(err)
		}
		size = journal.Size()
		for _, name := range []string{"stopped.root", "stopped.root.html"} {
			if _, err := os.Stat(at(name)); err == nil {
				t.Errorf("it left %s when it ended too early", name)
			}
		}
	}
	if code, _, stderr := runSluice(t.Context(), args("stopped.root", "--resume", "--draws", "41")...); code != 2 || !strings.Contains(stderr, "the --draws was 40 and is 41") {
		t.Errorf("with other draws: exit code %d, %q", code, stderr)
	}
	if _, stderr := must(t, args("stopped.root", "--resume")...); !strings.Contains(stderr, "resumed after") {
		t.Errorf("resumed it says %q", stderr)
	}
	if !same(t, at("whole.root"), at("stopped.root")) {
		t.Error("the resumed file is not that of a run left alone")
	}
	if _, err := os.Stat(at("stopped.root.html")); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(at("*.journal")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// trainDetector makes small models of the toy detector and its fakes, and jets to simulate: jets.safetensors, fakes.safetensors, test.parquet.
func trainDetector(t *testing.T, at func(name string) string) {
	t.Helper()
	must(t, "convert", "--toy", "detector", "-n", "3000", "-o", at("jets.parquet"), "--quiet")
	must(t, "convert", "--toy", "detector-fakes", "-n", "1000", "-o", at("fakes.parquet"), "--quiet")
	must(t, "convert", "--toy", "detector", "-n", "20000", "--seed", "2", "-o", at("test.parquet"), "--quiet")
	small := []string{"--missing", "model", "--set", "flow.hidden=[8]", "--set", "categorical.hidden=[8]", "--epochs", "2", "--quiet"}
	must(t, append([]string{"train", at("jets.parquet"), "-o", at("jets.safetensors"), "--features", "reconstructed,r_pt,Jet_puId", "--context", "GenJet_pt,GenJet_eta",
		"--define", "r_pt=Jet_pt / GenJet_pt", "--set", "restore={Jet_pt: r_pt * GenJet_pt}", "--set", "simulate={exists: reconstructed, coverage: 100}"}, small...)...)
	must(t, append([]string{"train", at("fakes.parquet"), "-o", at("fakes.safetensors"), "--features", "reconstructed,Jet_pt,Jet_puId", "--context", "slot,Pileup_nTrueInt",
		"--set", "simulate={exists: reconstructed, slot: slot}"}, small...)...)
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

const searchCard = `toy: {name: two-moons, events: 20000}
define: {m: x2 + 3}
features: [x1]
context: [m]
flow: {type: maf, transforms: 1, hidden: [8]}
train: {epochs: 2}
anomaly: {signal_region: [3.1, 3.3], label: moon, methods: [cathode], seeds: 4, folds: 2, networks: 1, experiments: 20}
`

// A search that is killed after its first trial goes on with the same command, to the page and the numbers of one left alone.
func TestAnomalyAfterAKill(t *testing.T) {
	card := writeCard(t, searchCard)
	args := []string{"anomaly", card, "--out", "o", "--json"}
	whole, dir := t.TempDir(), t.TempDir()
	alone := inFolder(t, whole, args)
	want, err := alone.Output()
	if err != nil {
		t.Fatal(err)
	}
	p := inFolder(t, dir, args)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if kept, _ := filepath.Glob(filepath.Join(dir, "o/stages/*.stage")); len(kept) > 0 {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	p.Process.Kill()
	if p.Wait() == nil {
		t.Skip("it ended before it was killed")
	}
	var stderr bytes.Buffer
	again := inFolder(t, dir, args)
	again.Stderr = &stderr
	got, err := again.Output()
	if err != nil {
		t.Fatal(err)
	}
	seconds := regexp.MustCompile(`"seconds(_per_seed)?":[0-9.e+-]+`)
	if a, b := seconds.ReplaceAll(got, nil), seconds.ReplaceAll(want, nil); !bytes.Equal(a, b) {
		t.Errorf("after a kill\n%s\nleft alone\n%s", a, b)
	}
	if !strings.Contains(stderr.String(), "goes on after") {
		t.Errorf("it does not say that it goes on: %s", stderr.String())
	}
	trial{name: "anomaly", files: []string{"o/report.html"}}.compare(t, whole, dir)
}
