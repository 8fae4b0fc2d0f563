package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// longEnough is a number of epochs of the card that takes about so long here: an interruption must find the training
// under way.
func longEnough(t *testing.T, card string, wanted time.Duration) string {
	t.Helper()
	const few = 5
	v := object(t, "run", card, "--out", t.TempDir(), "--set", "train.epochs="+strconv.Itoa(few))
	each := v["train"].(map[string]any)["seconds"].(float64) / few
	return strconv.Itoa(min(max(int(wanted.Seconds()/each), 2*few), 5000))
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
train: {batch: 100, ema: 0.9}
sample: {file: new.csv}
`

// A kill in the middle of a run costs seconds at most: run again, it ends with the bytes of a run left alone. The
// same for an interruption, which says how to go on.
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

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stopped := make(chan struct{})
	go func() {
		if secondSave(t, filepath.Join(dir, "stopped", "model.safetensors.state"), stopped) {
			cancel()
		}
	}()
	code, _, stderr := runSluice(ctx, args("stopped")...)
	close(stopped)
	if code != 130 || !strings.Contains(stderr, "interrupted; what was done is kept") || !strings.Contains(stderr, "sluice run "+card) {
		t.Errorf("interrupted: exit code %d, %q", code, stderr)
	}
	must(t, args("stopped")...)

	for _, name := range []string{"model.safetensors", "new.csv"} {
		whole, err := os.ReadFile(filepath.Join(dir, "whole", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{"killed", "stopped"} {
			if got, err := os.ReadFile(filepath.Join(dir, out, name)); err != nil || !bytes.Equal(got, whole) {
				t.Errorf("%s of the run that was %s differs from that of a run left alone (%v)", name, out, err)
			}
		}
	}
}

// SIGINT ends the program itself with 130, and train --resume goes on to the same bytes.
func TestTrainResumes(t *testing.T) {
	file, dir := jets(t), t.TempDir()
	args := func(model string, more ...string) []string {
		return append([]string{"train", file, "-o", filepath.Join(dir, model), "--features", "pt,eta", "--batch", "100", "--set",
			"flow.transforms=2", "--set", "flow.hidden=[16]", "--epochs", "60"}, more...)
	}
	must(t, args("whole.m")...)
	c := process(t, args("m.m")...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		if _, err := os.Stat(filepath.Join(dir, "m.m.state")); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	if c.ProcessState.ExitCode() != 130 || !strings.Contains(stderr.String(), "--resume") {
		t.Fatalf("exit code %d, %q", c.ProcessState.ExitCode(), stderr.String())
	}
	code, _, again := runSluice(t.Context(), args("m.m", "--resume", "--lr", "0.01")...)
	if code != 2 || !strings.Contains(again, "belongs to another configuration") {
		t.Errorf("resumed with another learning rate: exit code %d, %q", code, again)
	}
	must(t, args("m.m", "--resume")...)
	whole, err := os.ReadFile(filepath.Join(dir, "whole.m"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "m.m")); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("the resumed model is not that of a training left alone (%v)", err)
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
	model := trained(t, jets(t), "--features", "pt,eta")
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
		code, _, refused := runSluice(t.Context(), append(args, file)...)
		if code != 2 || !strings.Contains(refused, "go on with --resume") {
			t.Errorf("%s again: exit code %d, %q", args[0], code, refused)
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
