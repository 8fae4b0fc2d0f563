//go:build !amd64

package kernel

func affineRows(dst, x, scale, shift []float32, n int, relu bool) {
	affineRowsGeneric(dst, x, scale, shift, n, relu)
}

func normBackwardRows(dx, dy, x, slope, byX, rest []float32, n int, add bool) {
	normBackwardRowsGeneric(dx, dy, x, slope, byX, rest, n, add)
}

func momentRows(sums, products, x, y []float32, n int) {
	momentRowsGeneric(sums, products, x, y, n)
}

func gatedAdd(dst, x, y, gate []float32) {
	gatedAddGeneric(dst, x, y, gate)
}

func gatedBackward(dy, dGate, d, gate, next, x []float32) {
	gatedBackwardGeneric(dy, dGate, d, gate, next, x)
}
