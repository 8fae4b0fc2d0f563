package flow

import "github.com/sluice-hep/sluice/internal/kernel"

// softmax sets k rows of dst to the softmax of those of src, over the rows, and adds least; they may be the same.
func softmax(dst, src []float32, k, n int, least float32) {
	var column [3][kernel.Tile]float32
	top, sum, floor := column[0][:n], column[1][:n], column[2][:n]
	copy(top, src)
	for j := 1; j < k; j++ {
		kernel.Max(top, row(src, j), top)
	}
	for j := range k {
		d := row(dst, j)[:n]
		copy(d, row(src, j))
		kernel.Axpy(d, -1, top)
		kernel.Exp(d, d)
		kernel.Add(sum, d)
	}
	for e, v := range sum {
		sum[e], floor[e] = 1/v, least
	}
	for j := range k {
		d := row(dst, j)[:n]
		kernel.MulAdd(d, d, sum, floor)
	}
}

// softmaxBackward turns k rows of d, the gradient of a softmax p, into that of its arguments.
func softmaxBackward(d, p []float32, k, n int) {
	var mean [kernel.Tile]float32
	for j := range k {
		kernel.MulAdd(mean[:n], row(d, j), row(p, j), mean[:n])
	}
	for j := range k {
		r := row(d, j)[:n]
		kernel.Axpy(r, -1, mean[:n])
		kernel.Mul(r, r, row(p, j))
	}
}
