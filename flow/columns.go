package flow

import "github.com/sluice-hep/sluice/internal/kernel"

// softmax sets k rows of dst to the softmax of those of src, over the rows, and adds least; they may be the same.
func softmax(dst, src []float32, k, n int, least float32) {
	var top, sum [kernel.Tile]float32
	copy(top[:n], src)
	for j := 1; j < k; j++ {
		for e, v := range row(src, j)[:n] {
			top[e] = max(top[e], v)
		}
	}
	for j := range k {
		d := row(dst, j)[:n]
		for e, v := range row(src, j)[:n] {
			d[e] = v - top[e]
		}
		kernel.Exp(d, d)
		kernel.Add(sum[:n], d)
	}
	for e, v := range sum[:n] {
		sum[e] = 1 / v
	}
	for j := range k {
		d := row(dst, j)[:n]
		for e, v := range d {
			d[e] = v*sum[e] + least
		}
	}
}

// softmaxBackward turns k rows of d, the gradient of a softmax p, into that of its arguments.
func softmaxBackward(d, p []float32, k, n int) {
	var mean, product [kernel.Tile]float32
	for j := range k {
		kernel.Mul(product[:n], row(d, j), row(p, j))
		kernel.Add(mean[:n], product[:n])
	}
	for j := range k {
		r := row(d, j)[:n]
		kernel.Axpy(r, -1, mean[:n])
		kernel.Mul(r, r, row(p, j))
	}
}
