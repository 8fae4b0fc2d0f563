package sluice

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// pairs are a column a and one, b, that goes with it up to a sign: |b| is a.
func pairs() *events.Table {
	g := rng.New(1, rng.StreamToy, 0)
	a, b := events.Column{Name: "a", Type: events.Float64}, events.Column{Name: "b", Type: events.Float64}
	for range 1000 {
		x := 1 + math.Abs(g.NormFloat64())
		a.F64, b.F64 = append(a.F64, x), append(b.F64, math.Copysign(x, g.NormFloat64()))
	}
	return &events.Table{Columns: []events.Column{a, b}}
}

// What a card takes apart it puts together again: in the sample, and in the comparison, whose reference has the column too.
func TestRestore(t *testing.T) {
	c := small("a", "size", "sign")
	c.Table = pairs()
	c.Define = card.Definitions{{Name: "size", Expr: "abs(b)"}, {Name: "sign", Expr: "where(b < 0, -1, 1)"}}
	c.Restore = card.Definitions{{Name: "b", Expr: "size * sign"}, {Name: "twice", Expr: "2 * b"}}
	c.Compare.Columns, c.Compare.Tests, c.Compare.Cuts = []string{"a", "b"}, card.TestsOfColumns, []string{"b > 0"}
	out := t.TempDir()
	r, err := Run(t.Context(), c, out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Compare.Columns["b"]; !ok || len(r.Compare.Columns) != 2 || len(r.Compare.Cuts) != 1 {
		t.Errorf("compared %v", r.Compare.Names)
	}
	drawn, err := events.ReadAll([]string{filepath.Join(out, "sample.parquet")}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	negative := 0
	for i := range drawn.Len() {
		of := func(name string) float64 {
			k, err := drawn.Column(name)
			if err != nil {
				t.Fatal(err)
			}
			return k.Float(i)
		}
		if of("b") != of("size")*of("sign") || of("twice") != 2*of("b") {
			t.Fatalf("event %d: b is %g, twice %g", i, of("b"), of("twice"))
		}
		if of("b") < 0 {
			negative++
		}
	}
	if negative < drawn.Len()/3 || negative > drawn.Len()*2/3 {
		t.Errorf("%d of %d are negative", negative, drawn.Len())
	}

	c.Restore[0].Expr = "size"
	if _, err := Run(t.Context(), c, t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "come back otherwise, the first as") || !strings.Contains(err.Error(), "it must undo what define: does") {
		t.Errorf("a column that comes back otherwise: %v", err)
	}
}
