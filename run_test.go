package sluice

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/train"
)

// A journal that an interrupted run of another model left does not stand in the way.
func TestRunDropsTheJournalOfAnotherRun(t *testing.T) {
	c := streamCard(moonFiles(t, "npy"))
	c.Train.Epochs, c.Compare.Tests = 1, card.TestsOfColumns
	out := t.TempDir()
	path := journal.Path(filepath.Join(out, "sample.parquet"))
	if err := os.WriteFile(path, []byte("sluice journal 1\nof another run"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), c, out, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the journal is still there")
	}

	if err := os.WriteFile(path, []byte("dear diary"), 0o666); err != nil {
		t.Fatal(err)
	}
	var other *journal.Error
	if _, err := Run(context.Background(), c, out, Options{}); !errors.As(err, &other) {
		t.Errorf("a file of the user's has the name of the journal: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "dear diary" {
		t.Errorf("it was written over: %q %v", text, err)
	}
}

// A run that is interrupted after its training goes on to a whole folder, and to the model of one left alone.
func TestRunInterruptedAfterItsTraining(t *testing.T) {
	c := small("x1", "x2")
	c.Toy, c.Compare.Tests = card.Toy{Name: "banana", Events: 2000}, "columns"
	out, alone := t.TempDir(), t.TempDir()
	if _, err := Run(t.Context(), c, alone, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"sample", "report"} {
		ctx, end := context.WithCancel(t.Context())
		_, err := Run(ctx, c, out, Options{Stage: func(name string) {
			if name == stage {
				end()
			}
		}})
		var stop *InterruptedError
		if !errors.As(err, &stop) {
			t.Errorf("%s: %v is no interruption", stage, err)
		}
	}
	if _, err := Run(t.Context(), c, out, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.safetensors", "sample.parquet"} {
		if !bytes.Equal(bytesOf(t, filepath.Join(out, name)), bytesOf(t, filepath.Join(alone, name))) {
			t.Errorf("%s is another", name)
		}
	}
	if r, err := Check(t.Context(), out); err != nil || !r.Whole {
		t.Errorf("%v: %+v", err, r)
	}
}

// What fails after a training does not cost it: the command that is set right takes its end up, and another one starts anew.
func TestTrainingThatFailedLate(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	c := small("x1", "x2")
	c.Toy = card.Toy{Name: "banana", Events: 2000}
	out := filepath.Join(dir, "m")
	fail := Options{HeldOut: filepath.Join(gone, "h.csv"), Progress: func(train.Progress) { os.RemoveAll(gone) }}
	if _, err := Train(t.Context(), c, out, fail); err == nil {
		t.Fatal("the events were written to a folder that is gone")
	}
	var said []string
	o := Options{HeldOut: filepath.Join(dir, "h.csv"), Progress: func(p train.Progress) { said = append(said, p.Notice) }, Notice: func(line string) { said = append(said, line) }}
	again, err := Train(t.Context(), c, out, o)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Train(t.Context(), c, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(said, "\n"), "resumed in epoch") || again.TestNLL != alone.TestNLL {
		t.Errorf("%q; test NLL %v, left alone %v", said, again.TestNLL, alone.TestNLL)
	}
	if _, err := Train(t.Context(), c, out, Options{HeldOut: filepath.Join(gone, "h.csv")}); err == nil {
		t.Fatal("no error")
	}
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), c, out, fail); err == nil {
		t.Fatal("no error")
	}
	c.Train.Epochs++
	if r, err := Train(t.Context(), c, out, o); err != nil || r.Epochs != c.Train.Epochs || !strings.Contains(strings.Join(said, "\n"), "starts anew") {
		t.Errorf("%v, %q", err, said)
	}
}
