package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/toy"
)

// Of a method that draws the truth and the wrong solution by turns, and one that answers in the middle, the table says what they are.
func TestJudge(t *testing.T) {
	const n, each = 400, 20
	held, err := toy.Generate("ttbar", n, 5, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) []float32 {
		c, err := held.Column(name)
		if err != nil {
			t.Fatal(err)
		}
		return c.F32
	}
	dir := t.TempDir()
	draws := func(name string, eta func(small, large float64, k int) float64) string {
		t.Helper()
		var px, py, of, etas []float64
		for i := range n {
			x, y := float64(column("met_px")[i]), float64(column("met_py")[i])
			pt := math.Hypot(x, y)
			small, large := math.Asinh(float64(column("nu_pz_small")[i])/pt), math.Asinh(float64(column("nu_pz_large")[i])/pt)
			for k := range each {
				px, py, of = append(px, x), append(py, y), append(of, float64(i+1))
				etas = append(etas, eta(small, large, k))
			}
		}
		path := filepath.Join(dir, name+".csv")
		write(t, path, &events.Table{Columns: []events.Column{
			{Name: "nu_px", Type: events.Float64, F64: px}, {Name: "nu_py", Type: events.Float64, F64: py}, {Name: "nu_eta", Type: events.Float64, F64: etas}, {Name: "observation", Type: events.Float64, F64: of},
		}})
		return path
	}
	path := filepath.Join(dir, "held.parquet")
	write(t, path, held)
	middle := draws("middle", func(small, large float64, _ int) float64 { return (small + large) / 2 })
	both := draws("both", func(small, large float64, k int) float64 {
		if k%2 == 0 {
			return small
		}
		return large
	})
	var out bytes.Buffer
	picture := filepath.Join(dir, "nu.png")
	if err := judge(path, middle, both, picture, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "The flow gives both 20 % of its draws or more in 100.0 % of them; in 100.0 % of these the feed-forward network's answer is in the middle half between the two.") {
		t.Error(out.String())
	}
	if _, err := os.Stat(picture); err != nil {
		t.Error(err)
	}
	if err := judge(path, path, both, picture, &out); err == nil || !strings.Contains(err.Error(), `no column "observation"`) {
		t.Errorf("%v", err)
	}
}

func write(t *testing.T, path string, table *events.Table) {
	t.Helper()
	w, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(table); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
