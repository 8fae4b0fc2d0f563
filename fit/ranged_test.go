package fit

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// A range that is stated is kept by what comes back, whatever the data reach, and data that leave it are refused with
// their number and the first.
func TestStatedRange(t *testing.T) {
	g := rng.New(1, rng.StreamToy, 0)
	eta := events.Column{Name: "eta"}
	n := events.Column{Name: "n", Type: events.Int64}
	for range 4000 {
		eta.F32 = append(eta.F32, float32(2.3*math.Tanh(g.NormFloat64())))
		n.I64 = append(n.I64, int64(20+10*g.NormFloat64()))
	}
	load := func(text string) (*Data, error) {
		c, err := card.Parse([]byte("files: [x]\nfeatures: [eta]\ncontext: [n]\n"+text), "x.yaml")
		if err != nil {
			return nil, err
		}
		c.Files, c.Table = nil, &events.Table{Columns: []events.Column{eta, n}}
		return Load(t.Context(), c, Options{})
	}
	d, err := load("range: {eta: [-2.5, 2.5]}")
	if err != nil {
		t.Fatal(err)
	}
	back, _, err := d.Features.Invert([][]float32{{-30, -8, 0, 8, 30}})
	if err != nil {
		t.Fatal(err)
	}
	if x := back.Columns[0].F32; x[0] != math.Nextafter32(-2.5, 0) || x[4] != math.Nextafter32(2.5, 0) {
		t.Errorf("%v, want up to 2.5", x)
	}
	for text, want := range map[string]string{
		"range: {eta: [-2, 2]}":                                      `row `,
		"range: {eta: [-2.4, null], n: [20, null]}":                  `values outside the range stated, 20 to +Inf; widen it (range)`,
		"range: {eta: [-2.5]}":                                       "x.yaml:4:14: range.eta: a range is written [low, high]",
		"range: {eta: [2, 1]}":                                       "2 is not below 1",
		"range: {phi: [1, 2]}":                                       `range.phi: "phi" is not listed under features or context`,
		"range: {eta: [-3, 3]}\nprepare: {eta: [standardise]}":       "range.eta: the column has steps of its own",
		"range: {n: [-99, 99]}\nprepare_context: {n: [standardise]}": "range.n: the column has steps of its own",
	} {
		if _, err := load(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(file, []byte("x\n1\n2\n9\n3\n8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := card.Parse([]byte("files: ["+file+"]\nfeatures: [x]\nrange: {x: [0, 5]}\n"), "x.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := file + `: row 3: column "x": 9 is the first of 2 values outside the range stated, 0 to 5`
	if _, err := Load(t.Context(), c, Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if text, err := c.YAML(); err != nil || !strings.Contains(string(text), "range:\n  x: [0, 5]\n") {
		t.Errorf("%s, %v", text, err)
	}
	if again := *c; again.Set("range.x", "[null, 7]") != nil || again.Range["x"].High != 7 || !math.IsInf(again.Range["x"].Low, -1) || c.Range["x"].High != 5 {
		t.Errorf("set: %v, before %v", again.Range, c.Range)
	}
}

// A mark lies outside of the range of a column, which is that of its other values: whether it comes alone or with another column's.
func TestStatedRangeBesideMarks(t *testing.T) {
	g := rng.New(6, rng.StreamToy, 0)
	a, b, c := events.Column{Name: "a"}, events.Column{Name: "b"}, events.Column{Name: "c", Type: events.Float64}
	for range 6000 {
		v := [3]float64{30 - 20*math.Log(1-g.Float64()), 2 * math.Tanh(g.NormFloat64()), 5 + g.NormFloat64()}
		if g.IntN(3) == 0 {
			v[0], v[1] = -999, -999
		}
		if g.IntN(5) == 0 {
			v[2] = -1e20
		}
		a.F32, b.F32, c.F64 = append(a.F32, float32(v[0])), append(b.F32, float32(v[1])), append(c.F64, v[2])
	}
	load := func(text string) (*Data, error) {
		one, err := card.Parse([]byte("files: [x]\nfeatures: [a, b, c]\nrange: "+text), "x.yaml")
		if err != nil {
			return nil, err
		}
		one.Files, one.Table = nil, &events.Table{Columns: []events.Column{a, b, c}}
		return Load(t.Context(), one, Options{})
	}
	d, err := load("{a: [25, null], b: [-2.5, 2.5], c: [0, 11]}")
	if err != nil {
		t.Fatal(err)
	}
	cols := make([][]float32, d.Features.Dim())
	for k, f := range d.Features.Layout() {
		for range 20000 {
			v := 1.5 * g.NormFloat64()
			if f.Categories > 0 {
				v = float64(g.IntN(f.Categories))
			}
			cols[k] = append(cols[k], float32(v))
		}
	}
	back, _, err := d.Features.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for k, l := range []struct{ low, high, mark float64 }{{25, math.Inf(1), -999}, {-2.5, 2.5, -999}, {0, 11, -1e20}} {
		marks := 0
		for i := range back.Len() {
			switch v := back.Columns[k].Float(i); {
			case v == l.mark:
				marks++
			case v < l.low || v > l.high:
				t.Fatalf("%s: %v", back.Columns[k].Name, v)
			}
		}
		if marks < 1000 {
			t.Errorf("%s: %d marks", back.Columns[k].Name, marks)
		}
	}
	if _, err := load("{a: [31, null]}"); err == nil || strings.Contains(err.Error(), "-999") || !strings.Contains(err.Error(), "values outside the range stated, 31 to +Inf") {
		t.Error(err)
	}
}
