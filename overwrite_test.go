package sluice

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/train"
)

// No verb writes over a file that it reads, however the file is named, and a training is not begun over the state of
// another that was interrupted.
func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "a.csv")
	const text = "x,y\n1,2\n3,4\n5,6\n"
	write := func(path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(data, text)
	ctx := context.Background()
	job := &card.Card{Files: []string{filepath.Join(dir, "*.csv")}, Features: []string{"x"}, Seed: 1}
	for name, run := range map[string]func() error{
		"convert": func() error {
			_, err := Convert(ctx, query.Query{Files: []string{data}}, filepath.Join(dir, ".", "a.csv"), Options{})
			return err
		},
		"compare": func() error {
			_, err := Compare(ctx, Pair{Reference: data, Generated: []string{data}}, CompareOutputs{Page: data}, Options{})
			return err
		},
		"train": func() error { _, err := Train(ctx, job, data, Options{}); return err },
	} {
		var in *InputError
		if err := run(); !errors.As(err, &in) || !strings.Contains(err.Error(), "would be overwritten") {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := os.ReadFile(data); err != nil || string(b) != text {
			t.Fatalf("%s changed its input: %q, %v", name, b, err)
		}
	}
	model := filepath.Join(dir, "m.safetensors")
	write(train.StatePath(model), "a state")
	var in *InputError
	if _, err := Train(ctx, job, model, Options{}); !errors.As(err, &in) || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("over a state: %v", err)
	}
}
