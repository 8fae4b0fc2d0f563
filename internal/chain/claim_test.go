package chain

import (
	"os"
	"path/filepath"
	"testing"
)

// An output is recognised among the inputs by all names that reading takes.
func TestDistinctKnowsKeys(t *testing.T) {
	out := filepath.Join(t.TempDir(), "a.h5")
	if err := os.WriteFile(out, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{out, out + ":x", out + ":x:y", filepath.Join(filepath.Dir(out), "*.h5:x")} {
		if distinct(out, in) == nil {
			t.Errorf("%s would be overwritten", in)
		}
	}
	if err := distinct(out, "b.h5", "none*.csv"); err != nil {
		t.Error(err)
	}
}
