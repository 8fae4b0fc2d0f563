package root

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// jets is a block of events with two columns of many values, from event `first` on, and what counts them.
func jets(first, n int) []column.Column {
	c := []column.Column{
		column.New("Jet_pt", "GeV", column.Float32, 0), column.New("event", "", column.Int64, n), column.New("nJet", "", column.Int64, n),
		column.New("Jet_index", "", column.Int64, 0), column.New("weight", "", column.Float64, n),
	}
	for i := range n {
		e := first + i
		c[1].I64[i], c[2].I64[i], c[4].F64[i] = int64(e)<<33, int64(e%5), 1/float64(e+1)
		for k := range e % 5 {
			c[0].F32, c[3].I64 = append(c[0].F32, float32(e)+float32(k)/8), append(c[3].I64, int64(k-1))
		}
	}
	return c
}

func writeCollections(t *testing.T, blocks ...[]column.Column) (path string, err error) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.root")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := NewWriterOf(f, WriterOptions{Tree: "Events", Counters: map[string]string{"Jet_pt": "nJet", "Jet_index": "nJet"}, Narrow: []string{"Jet_index"}})
	for _, b := range blocks {
		if err := w.Write(b); err != nil {
			return path, err
		}
	}
	w.Describe("sluice.redrawn", "0")
	return path, w.Finish()
}

// Events of any number of objects are read as they were written, over several baskets and blocks that do not fit them. groottest has groot read them too.
func TestCollectionsAreRead(t *testing.T) {
	const n = 70_000
	path, err := writeCollections(t, jets(0, 1), jets(1, 40_000), jets(40_001, n-40_001))
	if err != nil {
		t.Fatal(err)
	}
	want := jets(0, n)
	events := table(t, path, Options{Columns: []string{"event", "nJet", "weight", "Jet_pt[0]"}})
	if !slices.Equal(events[0].I64, want[1].I64) || !slices.Equal(events[1].I64, want[2].I64) || !slices.Equal(events[2].F64, want[4].F64) {
		t.Error("columns of one value an event differ")
	}
	for i := range n {
		if first := events[3].Float(i); i%5 == 0 && !math.IsNaN(first) || i%5 > 0 && first != float64(i) {
			t.Fatalf("event %d: the first is %g", i, first)
		}
	}
	objects := table(t, path, Options{Flatten: "Jet", Columns: []string{"Jet_pt", "Jet_index"}})
	if !slices.Equal(objects[0].F32, want[0].F32) || !slices.Equal(objects[1].I64, want[3].I64) || objects[0].Unit != "GeV" {
		t.Error("columns of many values an event differ")
	}
}

func TestCollectionsMustFit(t *testing.T) {
	for what, change := range map[string]func(c []column.Column){
		`column "Jet_pt" holds 5 values, and its counter says 6`:                        func(c []column.Column) { c[0].F32 = c[0].F32[1:] },
		`column "Jet_index" holds 4294967296, and 32 bits hold at most 2147483647`:      func(c []column.Column) { c[3].I64[2] = 1 << 32 },
		`holds -1 values of an event`:                                                   func(c []column.Column) { c[2].I64[0] = -1 },
		`column "Jet_pt" is to be counted by "nJet", which is no column of integers`:    func(c []column.Column) { c[2].Name = "n" },
		`column "nJet" holds float64 values, which cannot be written as 32-bit integer`: func(c []column.Column) { c[2] = column.New("nJet", "", column.Float64, 4) },
	} {
		c := jets(0, 4)
		change(c)
		if _, err := writeCollections(t, c); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v instead of %s", err, what)
		}
	}
}
