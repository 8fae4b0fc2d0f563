package hdf5_test

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
)

// The LHC Olympics events are the same in HDF5 and in Parquet, where they have 6
// digits: half a unit of the last, and the rounding to float32, may differ.
func TestRealFilesHaveTheEventsOfParquet(t *testing.T) {
	want, err := events.ReadAll([]string{reference.Data(t, "lhco_rnd_100k_core.parquet")}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.ReadAll([]string{reference.Data(t, "lhco_rnd_100k.h5:events")}, events.Options{Columns: want.Names()})
	if err != nil {
		t.Fatal(err)
	}
	if got.Len() != want.Len() {
		t.Fatalf("%d events, want %d", got.Len(), want.Len())
	}
	for k := range want.Columns {
		g, w := &got.Columns[k], &want.Columns[k]
		for i := range w.Len() {
			if a, b := g.Float(i), w.Float(i); !(math.Abs(a-b) <= 5.1e-6*math.Abs(b)) && !(math.IsNaN(a) && math.IsNaN(b)) {
				t.Fatalf("column %q, event %d: %g, want %g", w.Name, i, a, b)
			}
		}
	}
}
