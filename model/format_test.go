package model

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// A file of every format version goes on being read, and gives the log-densities that the program of its time gave.
func TestEveryFormatIsRead(t *testing.T) {
	given := &events.Table{Columns: []events.Column{
		{Name: "a", Type: events.Float64, F64: []float64{0.80187, 1.41818, 7.02772}},
		{Name: "b", Type: events.Float64, F64: []float64{-0.46616, 0.70856, 3.90364}},
		{Name: "c", Type: events.Float64, F64: []float64{1.60374, 2.83636, 14.05544}}, // left out of the flow, from format 3 on
		{Name: "q", Type: events.Float64, F64: []float64{0, 2, 2}},
		{Name: "m1", Type: events.Float64, F64: []float64{-999, 17.25, 31.5}}, // -999 of both is one hidden feature, in format 4,
		{Name: "m2", Type: events.Float64, F64: []float64{-999, -999, 12.125}},
		{Name: "k", Type: events.Float64, F64: []float64{11, 13, 22}},
		{Name: "s", Type: events.Float64, F64: []float64{-1, 7, 3}}, // and this follows from k by a table
	}}
	want := [][]float64{
		{-2.4289661010582204, -3.430061878731648, -6.619455474460748},
		{-2.349594836599464, -3.477476418728868, -6.010510010023913},
		{-2.3330244057714977, -2.545775494316911, -8.01122578359842},
		{-7.423611155507233, -10.291484575002388, -20.25384161603721},
		{-5.140108296743502, -7.826900024418448, -57.45989703725506},
	}
	if len(want) != FormatVersion {
		t.Fatalf("format %d has no file in testdata", FormatVersion)
	}
	for i, w := range want {
		m, err := Load(fmt.Sprintf("testdata/format%d.safetensors", i+1))
		if err != nil {
			t.Errorf("format %d: %v", i+1, err)
			continue
		}
		if i+1 == 5 { // the density of a mixed table, in which b may be missing
			given.Columns[1].F64[1] = math.NaN()
		}
		got, err := m.LogProb(given, 0)
		if err != nil {
			t.Fatal(err)
		}
		for e := range w {
			// kernels of other instruction sets may round otherwise, by about 1e-6 a transform
			if math.Abs(got[e]-w[e]) > 1e-5 {
				t.Errorf("format %d, event %d: log-density %v, want %v", i+1, e, got[e], w[e])
			}
		}
	}
}

// A table of more codes than are seen one-hot, whose vectors stayed as they were drawn and are in no file, gives what it gave.
func TestDrawnVectorsAreRead(t *testing.T) {
	const path = "testdata/drawn-vectors.safetensors"
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.LogProb(&events.Table{Columns: []events.Column{
		{Name: "x", Type: events.Float64, F64: []float64{0.25, 3.5, -1.125}}, {Name: "k", Type: events.Int64, I64: []int64{11, 110, 759}},
	}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for e, want := range []float64{-6.643862108190913, -5.563262778719758, -7.418964687369641} {
		if math.Abs(got[e]-want) > 1e-5 { // see TestEveryFormatIsRead
			t.Errorf("event %d: log-density %v, want %v", e, got[e], want)
		}
	}
	info, err := ReadInfo(path)
	if err != nil || info.Parameters != 500 || info.Table.Parameters != 418 {
		t.Errorf("%d parameters, %+v, %v", info.Parameters, info.Table, err)
	}
	// saved again it has them, and is the same density
	again := filepath.Join(t.TempDir(), "again.safetensors")
	if err := m.Save(again); err != nil {
		t.Fatal(err)
	}
	if info, err = ReadInfo(again); err != nil || info.Parameters != 500+70*16 {
		t.Errorf("%d parameters, %v", info.Parameters, err)
	}
	if _, err := Load(again); err != nil {
		t.Error(err)
	}
}
