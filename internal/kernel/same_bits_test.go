package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// everything runs each operation on random numbers and returns all results.
func everything() map[string][]float32 {
	r := newRand()
	out := map[string][]float32{}
	for m := 1; m <= 27; m++ {
		for _, n := range []int{3, 16, 29, 64, 100} {
			g := product(r, m, n, 40, m%2 == 0)
			g.Add, g.ReLU = n%2 == 0, n == 29
			if n == 100 {
				g.Gate = randoms(r, len(g.C))
			}
			g.Run()
			out[fmt.Sprintf("product %dx%d", m, n)] = g.C
		}
	}
	for _, c := range unaryCases {
		x := randoms(r, 1000)
		Scale(x, 8)
		c.f(x, x)
		out[c.name] = x
	}
	a := make([][]float32, 8)
	for i := range a {
		a[i] = randoms(r, 1005)
	}
	Axpy(a[0], 0.7, a[1])
	AddParts(a[0], a[2:6])
	Approach(a[0], a[6], 0.01)
	Mul(a[1], a[2], a[3])
	ReLUBackward(a[2], a[3])
	TanhBackward(a[2], a[4])
	AffineToLatent(a[3], a[4], a[5], a[6], a[7])
	AffineToData(a[4], a[5], a[6], a[7], a[0])
	AffineBackward(a[5], a[6], a[7], a[0], a[1], a[2], a[3])
	Mul(a[3], a[3], a[3])
	f := AdamStep{Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Step: 2, WeightDecay: 0.1}.Factors()
	Adam(a[0], a[1], a[2], a[3], &f)
	AddRowSums(a[4], a[5], 67, 15, 61)
	MulAdd(a[6], a[0], a[1], a[2])
	Max(a[0], a[1], a[7])
	b := [3][]float32{randoms(r, 1005), randoms(r, 1005), randoms(r, 1005)}
	SigmoidalForward(a[1], a[2], a[3], a[4], b[0], b[1], a[5], a[6], b[2])
	SigmoidalBackward(a[7], b[0], a[1], a[2], a[3], a[4], a[5], a[6], b[1], b[2])
	SigmoidalShares(b[2], a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7])
	a[7][0], a[7][1] = Sum(a[6]), float32(SquaredNorm(a[6]))
	NormalPairs(a[5], a[6], NormalCounter{Key0: 1, Key1: 2, Event: 1<<32 - 100, Pair: 3, Stream: 4})
	for i := range a {
		out[fmt.Sprintf("column %d", i)] = a[i]
	}
	for i, bins := range []int{1, 2, 8, 40, 1, 2, 8} {
		c := newSplineCase(r, bins, Tile, 2, i >= 4)
		c.toLatent()
		dx, dp := Aligned(Tile), Aligned(len(c.params))
		c.Backward(dx, dp, randoms(r, Tile), randoms(r, Tile), c.x, c.params, c.saved, Tile)
		x, l := Aligned(Tile), Aligned(Tile)
		c.ToData(x, l, c.z, c.params, Tile)
		out[fmt.Sprintf("spline of %d bins, circular: %v", bins, c.Circular)] = slices.Concat(c.z, c.logDet, dx, dp, x, l)
	}
	for _, n := range []int{16, 48, Tile} {
		for what, x := range rowsOf(13, n) {
			out[fmt.Sprintf("%d rows: %s", n, what)] = x
		}
	}
	return out
}

// The same data, card and seed give the same model on every CPU with AVX2 or AVX-512.
func TestSameBitsUnderAVX2AndAVX512(t *testing.T) {
	if !slices.Contains(supportedISAs(), isaAVX512) {
		t.Skip("this CPU has no AVX-512")
	}
	before := isa
	defer func() { isa = before }()
	isa = isaAVX2
	want := everything()
	isa = isaAVX512
	for what, got := range everything() {
		for i, v := range got {
			if w := want[what][i]; math.Float32bits(v) != math.Float32bits(w) {
				t.Errorf("%s: element %d is %g under AVX-512, %g under AVX2", what, i, v, w)
				break
			}
		}
	}
}
