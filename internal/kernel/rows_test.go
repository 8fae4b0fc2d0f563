package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// rowsOf runs each pass over rows on random tiles and returns all results. Of a row, what lies beyond the events stays as it is.
func rowsOf(rows, n int) map[string][]float32 {
	r := newRand()
	x, y, z, u := randoms(r, rows*Tile), randoms(r, rows*Tile), randoms(r, rows*Tile), randoms(r, rows*Tile)
	a, b, c := randoms(r, rows), randoms(r, rows), randoms(r, rows)
	out := map[string][]float32{}
	put := func(name string, f func(dst []float32)) {
		dst := slices.Clone(u)
		f(dst)
		out[name] = dst
	}
	put("affine", func(d []float32) { AffineRows(d, x, a, b, rows, n, false) })
	put("affine and ReLU", func(d []float32) { AffineRows(d, x, a, b, rows, n, true) })
	put("norm", func(d []float32) { NormBackward(d, y, x, a, b, c, rows, n, false) })
	put("norm added", func(d []float32) { NormBackward(d, y, x, a, b, c, rows, n, true) })
	put("gated", func(d []float32) { GatedAdd(d, x, y, z) })
	gate := randoms(r, len(x))
	put("gated, back", func(d []float32) { GatedBackward(d, gate, x, y, z, u) })
	out["gate, back"] = gate
	for _, events := range []int{n, n - 3} {
		sums := make([]float32, 2*rows)
		MomentRows(sums[:rows], sums[rows:], x, y, events)
		out[fmt.Sprintf("moments of %d events", events)] = sums
	}
	return out
}

// The assembly agrees with plain Go to the rounding of a fused multiply-add, or, of sums of 64 products below 9, of those.
func TestRows(t *testing.T) {
	before := isa
	defer func() { isa = before }()
	for _, rows := range []int{1, 7, 30} {
		for _, n := range []int{16, 48, 64} {
			isa = isaGeneric
			want := rowsOf(rows, n)
			for _, s := range supportedISAs() {
				isa = s
				for name, got := range rowsOf(rows, n) {
					for i, v := range got {
						if d := math.Abs(float64(v - want[name][i])); !(d < 1e-5*(1+math.Abs(float64(want[name][i])))) {
							t.Fatalf("%s, %s of %d rows, %d events: element %d is %g, %g in plain Go", ISA(), name, rows, n, i, v, want[name][i])
						}
					}
				}
			}
		}
	}
}

// The moments of a tile are the bits of sums of rows: a tile with padding takes another way to them.
func TestMomentRowsAreSumsOfRows(t *testing.T) {
	r := newRand()
	const rows = 9
	x, y, product := randoms(r, rows*Tile), randoms(r, rows*Tile), make([]float32, rows*Tile)
	Mul(product, x, y)
	for _, events := range []int{5, 16, 61, 64} {
		got, want := make([]float32, 2*rows), make([]float32, 2*rows)
		MomentRows(got[:rows], got[rows:], x, y, events)
		AddRowSums(want, x, Tile, rows, events)
		AddRowSums(want[rows:], product, Tile, rows, events)
		if !slices.Equal(got, want) {
			t.Errorf("%d events: %v, want %v", events, got, want)
		}
	}
}

// A unit that is NaN stays so: a diverged training must show.
func TestAffineRowsKeepNaN(t *testing.T) {
	x := make([]float32, Tile)
	x[3] = float32(math.NaN())
	AffineRows(x, x, []float32{1}, []float32{-1}, 1, Tile, true)
	if x[3] == x[3] || x[2] != 0 {
		t.Errorf("%v", x)
	}
}
