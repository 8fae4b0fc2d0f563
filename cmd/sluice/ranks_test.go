package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// launchers are those whose processes train together, with what lets them start more than there are cores.
var launchers = map[string][]string{
	"mpirun.openmpi": {"--allow-run-as-root", "--oversubscribe", "--bind-to", "none"},
	"mpirun.mpich":   nil,
}

// eachLauncher runs a test by every launcher that is there.
func eachLauncher(t *testing.T, test func(t *testing.T, mpirun func(n int, args ...string) *exec.Cmd)) {
	for name, options := range launchers {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err)
				}
				t.Skipf("there is no %s: install openmpi-bin and mpich", name)
			}
			test(t, func(n int, args ...string) *exec.Cmd {
				own := process(t, args...)
				c := exec.Command(name, append(append(options[:len(options):len(options)], "-n", strconv.Itoa(n), own.Path), args...)...)
				c.Env = own.Env
				return c
			})
		})
	}
}

// succeeds runs a command and returns what it says on stderr.
func succeeds(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v: %s", c.Args, err, stderr.String())
	}
	return stderr.String()
}

// Any number of processes trains the model of one, bit for bit: of a flow, of one whose layers take a batch as a whole, of a mixture, by flow
// matching, an ensemble, and of a stream.
func TestRanksTrainOneModel(t *testing.T) {
	if testing.Short() {
		t.Skip("more processes than cores take a minute")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	jets := filepath.Join("..", "..", "cards", "data", "lhco.parquet")
	for name, args := range map[string][]string{
		"flow":     {"--batch", "500", "--ensemble", "2"},
		"whole":    {"--set", "flow.batch_norm=true"},
		"mixture":  {"--set", "mixture.components=2"},
		"matching": {"--flow", "cfm", "--batch", "640"},
		"stream":   {"--memory", "1.6MB", "--flow", "nsf-ar", "--set", "train.ema=0.9"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"train", jets, "--features", "mj1,mj2,tau2j1", "--where", "mj1 < 200", "--epochs", "2", "--set", "flow.hidden=[16]", "--quiet"}, args...)
			must(t, append(args, "-o", at(name))...)
			eachLauncher(t, func(t *testing.T, mpirun func(n int, args ...string) *exec.Cmd) {
				for _, n := range counts(name) {
					out := at(fmt.Sprint(name, n, filepath.Base(mpirun(n).Path)))
					succeeds(t, mpirun(n, append(args, "-o", out)...))
					if !same(t, at(name), out) {
						t.Errorf("%d processes train another model", n)
					}
				}
			})
		})
	}
}

// counts are how many processes train a model: more of them of a plain flow.
func counts(of string) []int {
	if of == "flow" {
		return []int{2, 4}
	}
	return []int{3}
}

// A process that is killed ends all, with a state from which another number of processes goes on to the same files; so does a signal to all.
func TestRanksEndAndGoOn(t *testing.T) {
	if testing.Short() {
		t.Skip("more processes than cores take a minute")
	}
	card := writeCard(t, longCard)
	args := func(out string, more ...string) []string {
		return append([]string{"run", card, "--set", "train.epochs=" + longEnough(t, card, 4*time.Second), "--out", out}, more...)
	}
	dir := t.TempDir()
	whole := args(filepath.Join(dir, "whole"))
	must(t, whole...)
	whole = whole[:len(whole)-1]
	eachLauncher(t, func(t *testing.T, mpirun func(n int, args ...string) *exec.Cmd) {
		out := filepath.Join(t.TempDir(), "out")
		for _, stop := range []struct {
			n    int
			what func(c *exec.Cmd) error
		}{
			{2, func(c *exec.Cmd) error { return syscall.Kill(youngest(t, c.Process.Pid), syscall.SIGKILL) }},
			{3, func(c *exec.Cmd) error { return c.Process.Signal(syscall.SIGTERM) }},
		} {
			c := mpirun(stop.n, append(whole, out)...)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			var err error
			go func() { err = c.Wait(); close(ended) }()
			if !secondSave(t, filepath.Join(out, "model.safetensors.state"), ended) {
				t.Fatal("the run ended before it could be stopped")
			}
			if err := stop.what(c); err != nil {
				t.Fatal(err)
			}
			<-ended
			if _, there := os.Stat(filepath.Join(out, "model.safetensors")); err == nil || there == nil {
				t.Fatalf("%v: there is a model already", err)
			}
		}
		if stderr := succeeds(t, mpirun(4, append(whole, out)...)); !strings.Contains(stderr, "resumed in epoch") {
			t.Errorf("run again it says %q", stderr)
		}
		for _, name := range []string{"model.safetensors", "new.csv"} {
			if !same(t, filepath.Join(dir, "whole", name), filepath.Join(out, name)) {
				t.Errorf("%s differs from that of a run left alone", name)
			}
		}
	})
}

// youngest is the last process that has this one for an ancestor.
func youngest(t *testing.T, pid int) int {
	t.Helper()
	out, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output() // fails where there are none
	children := strings.Fields(string(out))
	if len(children) == 0 {
		return pid
	}
	last, err := strconv.Atoi(children[len(children)-1])
	if err != nil {
		t.Fatal(err)
	}
	return youngest(t, last)
}

// What is wrong is said once, by the first process, whichever it happened to; verbs that are for one process say so.
func TestRanksFailInOneLine(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model.safetensors")
	eachLauncher(t, func(t *testing.T, mpirun func(n int, args ...string) *exec.Cmd) {
		for _, c := range []struct{ args, want string }{
			{"train nowhere.csv --features a -o " + model, "nowhere.csv"},
			{"train --features a -o " + model, "one or more files"},
			{"sample " + model + " -n 5 -o " + filepath.Join(dir, "new.csv"), "--shard"},
		} {
			var stderr bytes.Buffer
			p := mpirun(3, strings.Fields(c.args)...)
			p.Stderr = &stderr
			if err := p.Run(); err == nil || p.ProcessState.ExitCode() != badInput {
				t.Errorf("%s: %v", c.args, err)
			}
			if text := stderr.String(); strings.Count(text, "sluice: ") != 1 || !strings.Contains(text, c.want) {
				t.Errorf("%s: %q", c.args, text)
			}
		}
	})
}
