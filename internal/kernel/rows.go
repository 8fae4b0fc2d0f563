package kernel

import "fmt"

// The functions of this file are the passes of a residual network over tiles of some rows. Each reads what it needs once.

// AffineRows sets row r of dst to scale[r] x + shift[r], and what is not positive to 0 where relu is set.
func AffineRows(dst, x, scale, shift []float32, rows, n int, relu bool) {
	if checkRows(rows, n, len(dst), len(x)) {
		affineRows(dst, x, scale[:rows], shift[:rows], n, relu)
	}
}

// NormBackward sets row r of dx to slope[r] dy + byX[r] x + rest[r], or adds it.
func NormBackward(dx, dy, x, slope, byX, rest []float32, rows, n int, add bool) {
	if checkRows(rows, n, len(dx), len(dy), len(x)) {
		normBackwardRows(dx, dy, x, slope[:rows], byX[:rows], rest[:rows], n, add)
	}
}

// MomentRows sets sums[r] to the sum of row r of x, and products[r] to that of x*y, over any number of events.
func MomentRows(sums, products, x, y []float32, events int) {
	rows, whole := len(sums), events&^(Lanes-1)
	if !checkRows(rows, RoundLanes(events), len(x), len(y)) {
		clear(sums)
		clear(products[:rows])
		return
	}
	if whole == events {
		momentRows(sums, products[:rows], x, y, events)
		return
	}
	var product [Tile]float32
	clear(sums)
	clear(products[:rows])
	AddRowSums(sums, x, Tile, rows, events)
	for r := range rows {
		Mul(product[:events], x[r*Tile:][:events], y[r*Tile:][:events])
		AddRowSums(products[r:], product[:], Tile, 1, events)
	}
}

// GatedAdd sets dst to x + y*gate.
func GatedAdd(dst, x, y, gate []float32) {
	if len(dst) > 0 {
		gatedAdd(dst, x[:len(dst)], y[:len(dst)], gate[:len(dst)])
	}
}

// GatedBackward takes the gradient d of next = x + y*sigmoid(g) back to y and g, with gate the sigmoid: dy = d gate, and
// dGate = d (next-x) (1-gate), so that y need not be kept.
func GatedBackward(dy, dGate, d, gate, next, x []float32) {
	if n := len(dy); n > 0 {
		gatedBackward(dy, dGate[:n], d[:n], gate[:n], next[:n], x[:n])
	}
}

// checkRows says whether there is anything to do. An operand needs the last row up to n events only.
func checkRows(rows, n int, lengths ...int) bool {
	checkEvents(n)
	if rows <= 0 || n == 0 {
		return false
	}
	for _, l := range lengths {
		if l < (rows-1)*Tile+n {
			panic(fmt.Sprintf("kernel: an operand of %d values is too small for %d rows of %d events", l, rows, n))
		}
	}
	return true
}

func affineRowsGeneric(dst, x, scale, shift []float32, n int, relu bool) {
	for r, s := range scale {
		d := dst[r*Tile:][:n]
		for i, v := range x[r*Tile:][:n] {
			d[i] = s*v + shift[r]
		}
		if relu {
			reluBackwardGeneric(d, d)
		}
	}
}

func normBackwardRowsGeneric(dx, dy, x, slope, byX, rest []float32, n int, add bool) {
	for r := range slope {
		d, dy, x := dx[r*Tile:][:n], dy[r*Tile:][:n], x[r*Tile:][:n]
		for i := range d {
			v := slope[r] * dy[i]
			if add {
				v += d[i]
			}
			d[i] = v + byX[r]*x[i] + rest[r]
		}
	}
}

func momentRowsGeneric(sums, products, x, y []float32, n int) {
	for r := range sums {
		var sum, product [Lanes]float32
		y := y[r*Tile:][:n]
		for i, v := range x[r*Tile:][:n] {
			sum[i%Lanes] += v
			product[i%Lanes] += v * y[i]
		}
		sums[r], products[r] = tree(&sum), tree(&product)
	}
}

func gatedAddGeneric(dst, x, y, gate []float32) {
	for i := range dst {
		dst[i] = x[i] + y[i]*gate[i]
	}
}

func gatedBackwardGeneric(dy, dGate, d, gate, next, x []float32) {
	for i := range dy {
		q := (next[i] - x[i]) * d[i]
		dy[i], dGate[i] = d[i]*gate[i], q-q*gate[i]
	}
}
