package sluice

import (
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/train"
)

// small is a card that trains in a fraction of a second.
func small(features ...string) *card.Card {
	return &card.Card{
		Name: "small", Features: features, Seed: 1,
		Flow:  flow.Spec{Transforms: 2, Hidden: []int{16}},
		Train: train.Config{Epochs: 2, Batch: 128},
	}
}

// write writes columns to a file of the test's folder and returns its path.
func write(t *testing.T, name string, columns ...events.Column) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	w, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&events.Table{Columns: columns}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
