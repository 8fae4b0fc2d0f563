package tile

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Row is feature f of a tile.
func Row(t []float32, f int) []float32 { return t[f*kernel.Tile : (f+1)*kernel.Tile] }

// Rows are n features of a tile from feature f on.
func Rows(t []float32, f, n int) []float32 { return t[f*kernel.Tile : (f+n)*kernel.Tile] }

// AddTo adds v to each of x.
func AddTo(x []float32, v float32) {
	for i := range x {
		x[i] += v
	}
}

// Abs is |v|.
func Abs(v float32) float32 { return max(v, -v) }

// Softplus is log(1+exp(x)).
func Softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// Softmax sets k rows of dst to the softmax of those of src, over the rows, and adds least; they may be the same.
func Softmax(dst, src []float32, k, n int, least float32) {
	var column [3][kernel.Tile]float32
	top, sum, floor := column[0][:n], column[1][:n], column[2][:n]
	copy(top, src)
	for j := 1; j < k; j++ {
		kernel.Max(top, Row(src, j), top)
	}
	for j := range k {
		d := Row(dst, j)[:n]
		copy(d, Row(src, j))
		kernel.Axpy(d, -1, top)
		kernel.Exp(d, d)
		kernel.Add(sum, d)
	}
	for e, v := range sum {
		sum[e], floor[e] = 1/v, least
	}
	for j := range k {
		d := Row(dst, j)[:n]
		kernel.MulAdd(d, d, sum, floor)
	}
}

// SoftmaxBackward turns k rows of d, the gradient of a softmax p, into that of its arguments.
func SoftmaxBackward(d, p []float32, k, n int) {
	var mean [kernel.Tile]float32
	for j := range k {
		kernel.MulAdd(mean[:n], Row(d, j), Row(p, j), mean[:n])
	}
	for j := range k {
		r := Row(d, j)[:n]
		kernel.Axpy(r, -1, mean[:n])
		kernel.Mul(r, r, Row(p, j))
	}
}
