package sluice

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A journal that an interrupted run of another model left does not stand in the way.
func TestRunDropsTheJournalOfAnotherRun(t *testing.T) {
	c := streamCard(moonFiles(t, "npy"))
	c.Train.Epochs = 1
	out := t.TempDir()
	journal := JournalPath(filepath.Join(out, "sample.parquet"))
	if err := os.WriteFile(journal, []byte(journalMagic+"of another run"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), c, out, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(journal); err == nil {
		t.Error("the journal is still there")
	}
}
