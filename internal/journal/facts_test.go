package journal

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A change of an input is noticed however the file is named, and a run whose inputs cannot be followed has no facts.
func TestFileFacts(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"a.h5", "b.h5", "odd:name.csv"} {
		if err := os.WriteFile(at(name), []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, files := range map[string]int{"a.h5": 1, "a.h5:x": 1, "a.h5:x:y": 1, "*.h5": 2, "*.h5:x:y": 2, "odd:name.csv": 1} {
		before, ok := Files("input", at(name))
		if !ok || len(before) != files {
			t.Errorf("%s: %v, %v", name, before, ok)
			continue
		}
		file := "a.h5"
		if name == "odd:name.csv" {
			file = name
		}
		if err := os.Chtimes(at(file), time.Time{}, time.Now().Add(time.Hour*time.Duration(1+len(name)))); err != nil {
			t.Fatal(err)
		}
		if after, ok := Files("input", at(name)); !ok || slices.Equal(before, after) {
			t.Errorf("%s: a change is not noticed: %v", name, after)
		}
	}
	for _, name := range []string{"none.h5", "none*.h5", "none.h5:x:y", "[", "."} {
		if facts, ok := Files("input", at(name)); ok {
			t.Errorf("%s: %v", name, facts)
		}
	}
}
