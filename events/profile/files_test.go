package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

func writeText(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Files are described as the table that they are, whatever turns up late in them.
func TestSummariseFiles(t *testing.T) {
	var long strings.Builder
	for i := range 150_000 {
		fmt.Fprintf(&long, "%d.5,%d\n", i, i)
	}
	dir := writeText(t, map[string]string{
		"words.csv":  "x,n\n" + long.String() + "signal,\n",
		"wide.csv":   "x,n\n" + long.String() + "1,9007199254740993\n",
		"late.csv":   "x,n\n" + long.String() + "-7,0\n" + long.String() + strings.Repeat("-7,0\n", 20_000),
		"none.csv":   "x,n\n",
		"part1.csv":  "x,n\n" + long.String(),
		"part2.csv":  "n,x\n" + strings.Repeat("0,-7\n", 20_000),
		"repeat.csv": "x\n" + strings.Repeat("3\n", 100_000) + "4\n",
	})
	huge := filepath.Join(dir, "huge.npy")
	w, err := events.Create(huge)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	x := make([]float64, 100_000)
	x[99_999] = 1e300
	if err := errors.Join(w.Write(&events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: x}}}), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"words.csv", "wide.csv", "late.csv", "none.csv", "part*.csv", "repeat.csv", "huge.npy"} {
		paths := []string{filepath.Join(dir, name)}
		table, err := events.ReadAll(paths, events.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, _, _, err := SummariseFiles(t.Context(), paths, events.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := asJSON(t, got), asJSON(t, Summarise(table)); got != want {
			t.Errorf("%s is\n%s, not\n%s", name, got, want)
		}
		if strings.HasPrefix(name, "late") && (len(got[0].Atoms) != 1 || got[0].Atoms[0] != Atom{-7, 20_001. / 320_001}) {
			t.Errorf("atoms that came late: %v", got[0].Atoms)
		}
	}
}

func TestSummariseFilesThatCannotBe(t *testing.T) {
	dir := writeText(t, map[string]string{"a.csv": "x\n1\n", "b.csv": "y\n1\n"})
	if _, _, _, err := SummariseFiles(t.Context(), []string{filepath.Join(dir, "*.csv")}, events.Options{}, nil); err == nil || !strings.Contains(err.Error(), "lacks x") {
		t.Errorf("files of other columns: %v", err)
	}
	if _, _, _, err := SummariseFiles(t.Context(), []string{filepath.Join(dir, "a.csv")}, events.Options{Columns: []string{"z"}}, nil); err == nil {
		t.Error("a column that is not there is described")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := SummariseFiles(ctx, []string{filepath.Join(dir, "a.csv")}, events.Options{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestSummariserRefusesOtherColumns(t *testing.T) {
	var s Summariser
	for i, c := range []struct {
		table events.Table
		ok    bool
	}{
		{events.Table{Columns: []events.Column{{Name: "x"}, {Name: "y"}}}, true},
		{events.Table{Columns: []events.Column{{Name: "x"}, {Name: "y"}}}, true},
		{events.Table{Columns: []events.Column{{Name: "x"}}}, false},
		{events.Table{Columns: []events.Column{{Name: "y"}, {Name: "x"}}}, false},
		{events.Table{Columns: []events.Column{{Name: "x"}, {Name: "y", Type: events.Text}}}, false},
	} {
		if err := s.Add(&c.table, "", nil); (err == nil) != c.ok {
			t.Errorf("table %d: %v", i, err)
		}
	}
	if got := Summarise(&events.Table{}); len(got) != 0 {
		t.Errorf("no columns are described as %v", got)
	}
}
