package record

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// ending is a context that is cancelled once it was asked so many times.
type ending struct {
	context.Context
	left int
}

func (c *ending) Err() error {
	if c.left == 0 {
		return context.Canceled
	}
	c.left--
	return nil
}

// recorded writes to dir what a run would, and its record.
func recorded(t *testing.T, dir string) {
	t.Helper()
	r := Run{Out: dir, Report: filepath.Join(dir, "r"), Learned: Learned{Model: filepath.Join(dir, "m"), Sample: filepath.Join(dir, "s"), Hash: "of the model"}}
	for _, f := range r.written() {
		if err := os.WriteFile(f[1], []byte("changed"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A check that ends early gives no answer, however late in a file it ends.
func TestCheckThatEndsEarlySaysNothing(t *testing.T) {
	dir := t.TempDir()
	recorded(t, dir)
	counted := &ending{t.Context(), 1000}
	whole, err := Check(counted, dir)
	if err != nil || len(whole.Files) != 3 || whole.Whole {
		t.Fatalf("%+v, %v", whole, err)
	}
	for looks := range 1000 - counted.left {
		if c, err := Check(&ending{t.Context(), looks}, dir); !errors.Is(err, context.Canceled) {
			t.Errorf("ended at look %d: %+v, %v", looks, c, err)
		}
	}
}

// A run at work keeps a log of its training in its folder: that is its own, and not yet whole.
func TestCheckKnowsTheLogOfATraining(t *testing.T) {
	dir := t.TempDir()
	recorded(t, dir)
	if err := os.Mkdir(filepath.Join(dir, LiveLog), 0o777); err != nil {
		t.Fatal(err)
	}
	found, err := Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found.Files {
		if f.File == LiveLog && f.Status == "unfinished" {
			return
		}
	}
	t.Errorf("%+v", found.Files)
}
