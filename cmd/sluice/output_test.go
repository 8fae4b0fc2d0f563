package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/anomaly"
	"github.com/sluice-hep/sluice/events/profile"
)

// What cannot be printed is a failure, whatever the verb.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer full.Close()
	for _, verb := range [][]string{{"version"}, {"version", "--json"}, {"inspect", "../../cards/data/lhco.parquet"}, {"--help"}} {
		var messages bytes.Buffer
		if code := run(context.Background(), verb, full, &messages); code != failed || !strings.Contains(messages.String(), "no space left") {
			t.Errorf("%v: exit code %d, %q", verb, code, messages.String())
		}
	}
}

// A reader that has seen enough ends the program without a word.
func TestReaderThatEnds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	c := process(t, "convert", "../../cards/data/lhco.parquet", "-o", "-", "--format", "csv", "--quiet")
	var messages bytes.Buffer
	c.Stdout, c.Stderr = w, &messages
	err = c.Run()
	w.Close()
	var end *exec.ExitError
	if !errors.As(err, &end) || messages.Len() > 0 {
		t.Fatalf("%v, %q", err, messages.String())
	}
	if at, ok := end.Sys().(syscall.WaitStatus); ok && at.Signal() != syscall.SIGPIPE {
		t.Errorf("it ended by %v", err)
	}
}

// A pipe is not read again without the selection of the model: the refusal says how all its events are evaluated.
func TestSelectionOfPipe(t *testing.T) {
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.csv", []byte("pt,mass\n1,5\n2,6\n3,7\n4,8\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, said := runSluice(t.Context(), "train", "a.csv", "-o", "a.safetensors", "--features", "pt", "--where", "mass < 9",
		"--valid", "0", "--test", "0", "--epochs", "1", "--batch", "4", "--set", "flow.hidden=[8]", "--quiet"); code != done {
		t.Fatal(said)
	}
	density := func(text string, more ...string) (int, string) {
		r, w, err := os.Pipe()
		if err == nil {
			_, err = w.WriteString(text)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		code, _, said := runSluice(t.Context(), append([]string{"density", "a.safetensors", fmt.Sprintf("/dev/fd/%d", r.Fd()), "-o", "out.csv", "--quiet"}, more...)...)
		return code, said
	}
	const remedy = "the model selects events by mass < 9: --where '1>0' evaluates all"
	if code, said := density("pt\n1\n2\n"); code != badInput || !strings.HasSuffix(said, `no column "mass"; there is pt; `+remedy+"\n") {
		t.Errorf("exit code %d, %s", code, said)
	}
	if code, said := density("mass\n1\n2\n"); code != badInput || strings.Contains(said, remedy) {
		t.Errorf("exit code %d, %s", code, said)
	}
	for _, whole := range [][]string{{"pt\n1\n2\n", "--where", "1>0"}, {"pt,mass\n1,5\n2,6\n"}} {
		if code, said := density(whole[0], whole[1:]...); code != done {
			t.Errorf("exit code %d, %s", code, said)
		}
	}
}

// The ends of a narrow range are told apart.
func TestInspectionShowsANarrowRange(t *testing.T) {
	var out strings.Builder
	var column sluice.InspectedColumn
	column.Name, column.Type, column.Kind = "t", "float64", profile.KindContinuous
	column.Min, column.Max, column.Mean = 999999.99, 1000000.01, 1e6
	printInspection(&out, &sluice.Inspection{Rows: 2, Columns: []sluice.InspectedColumn{column}}, false)
	for _, want := range []string{"999999.99 ", "1000000.01 ", "1000000 "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// Numbers of events are whole, however many they are.
func TestAnomalyShowsLargeNumbers(t *testing.T) {
	var out strings.Builder
	r := &anomaly.Result{Hunt: &anomaly.Hunt{}}
	r.Hunt.Expected, r.Hunt.Error = 13078.3, 158.2
	printAnomaly(&out, r)
	if !strings.Contains(out.String(), "where 13078 +- 158 are expected") {
		t.Error(out.String())
	}
}
