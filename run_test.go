package sluice

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/internal/journal"
)

// A journal that an interrupted run of another model left does not stand in the way.
func TestRunDropsTheJournalOfAnotherRun(t *testing.T) {
	c := streamCard(moonFiles(t, "npy"))
	c.Train.Epochs = 1
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
