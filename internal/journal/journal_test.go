package journal

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// A journal that cannot be written does not cost the run, and makes room.
func TestRunWithoutRoomForAJournal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	block := &events.Table{Columns: []events.Column{{Name: "x", F32: []float32{1, 2}}}}
	for _, state := range []string{Path(path), filepath.Join(dir, "missing", "a.journal")} {
		var notices []string
		o := Options{State: state, Warn: func(line string) { notices = append(notices, line) }}
		w, _, err := Create(t.Context(), path, []Fact{{"command", "test"}}, new(int), o)
		if err != nil {
			t.Fatal(err)
		}
		if w.journal != nil {
			w.journal.file.Close() // writes fail from now on
		}
		for range 2 {
			if err := w.Write(block, 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w.Abandon(nil)
		if len(notices) != 1 || !strings.Contains(notices[0], "cannot write "+state) {
			t.Errorf("it says %q", notices)
		}
		if _, err := os.Stat(state); err == nil {
			t.Error("a broken journal is left")
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "x\n1\n2\n1\n2\n" {
			t.Errorf("the file holds %q", got)
		}
	}
}

// No length in a block is believed: a damaged one is an error, without a panic or room for what is not there.
func FuzzBlock(f *testing.F) {
	block := appendBlock(nil, []byte(`{"Seen":3}`), &events.Table{Columns: []events.Column{
		{Name: "x", Unit: "GeV", F32: []float32{1, 2}}, {Name: "y", Type: events.Float64, F64: []float64{math.NaN(), 3}},
		{Name: "n", Type: events.Int64, I64: []int64{math.MinInt64, 1}}, {Name: "u", Type: events.Uint64, U64: []uint64{1, math.MaxUint64}}, {Name: "t", Type: events.Text, Str: []string{"", "µ"}},
	}})
	for i := 0; i < len(block); i += 16 {
		f.Add(block[:i])
	}
	f.Add(block)
	f.Add([]byte("\x00\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		state, table, err := decodeBlock(b)
		if err != nil {
			return
		}
		if again := appendBlock(nil, state, table); !bytes.Equal(again, b) {
			t.Errorf("%x is read as %x", b, again)
		}
	})
}

// What becomes of a file that others may not read is not to be read either.
func TestModeOfAJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, _, err := Create(t.Context(), path, []Fact{{"command", "test"}}, new(int), Options{State: Path(path)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abandon(nil)
	if at, err := os.Stat(Path(path)); err != nil || at.Mode() != 0o600 {
		t.Errorf("%v, %v", at.Mode(), err)
	}
}
