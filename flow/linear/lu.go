// Package linear holds the linear maps of all features of a flow, and the norms, which scale and shift each. They implement
// flow.Transform.
package linear

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// LU is the linear map z = L U x + b of the features in Order, with L unit lower triangular and U upper triangular with
// the diagonal softplus(raw) + 1e-3, so that log|det| is the sum of its logarithms (the PLU form of Kingma and Dhariwal,
// arXiv:1807.03039, Glow's invertible map, with the permutation P in the order of what follows). Matrix holds L below its diagonal, U above, and raw on it.
type LU struct {
	Order        []int32
	Matrix, Bias nn.View
}

const minDiagonal = 1e-3

// Layout implements Transform.
func (l *LU) Layout(lay *nn.Layout, scope string) {
	n := len(l.Order)
	l.Matrix, l.Bias = lay.Add(scope+".lu", n, n, nn.Triangles), lay.Add(scope+".bias", n, 1, nn.Bias)
}

// Start implements Starter: the identity.
func (l *LU) Start(p []float32, _ *nn.Source) {
	m, n := l.Matrix.Of(p), len(l.Order)
	clear(m)
	for i := range n {
		m[i*n+i] = float32(math.Log(math.Expm1(1 - minDiagonal)))
	}
}

// matrixRows is the number of tile rows that hold a matrix.
func (l *LU) matrixRows() int {
	n := len(l.Order)
	return (n*n + kernel.Tile - 1) / kernel.Tile
}

// Memory implements Transform: L, U, and the rows x, U x and z; then two gradients of matrices, those of x, U x and z, and
// two transposed tiles.
func (l *LU) Memory() (rows, scratch int) {
	n := len(l.Order)
	rows = 2*l.matrixRows() + 3*n
	return rows, rows + 2*kernel.RoundLanes(n)
}

// memory is a division of mem.
func (l *LU) memory(mem []float32) (lower, upper, x, y, z []float32) {
	n, m := len(l.Order), l.matrixRows()
	return tile.Rows(mem, 0, m), tile.Rows(mem, m, m), tile.Rows(mem, 2*m, n), tile.Rows(mem, 2*m+n, n), tile.Rows(mem, 2*m+2*n, n)
}

// expand writes L and U out as matrices and returns log|det|.
func (l *LU) expand(p, lower, upper []float32) float32 {
	m, n := l.Matrix.Of(p), len(l.Order)
	var logDet float64
	for i := range n {
		from, lo, up := m[i*n:][:n], lower[i*n:][:n], upper[i*n:][:n]
		copy(lo, from[:i])
		lo[i] = 1
		clear(lo[i+1:])
		clear(up[:i])
		copy(up[i:], from[i:])
		d := diagonal(from[i])
		up[i] = float32(d)
		logDet += math.Log(d)
	}
	return float32(logDet)
}

func diagonal(raw float32) float64 {
	return tile.Softplus(float64(raw)) + minDiagonal
}

// ToLatent implements Transform.
func (l *LU) ToLatent(t *tile.Tile, p, mem []float32) {
	lower, upper, x, y, z := l.memory(mem)
	tile.AddTo(t.LogDet[:t.N], l.expand(p, lower, upper))
	n := len(l.Order)
	for i, f := range l.Order {
		copy(tile.Row(x, i), tile.Row(t.X, int(f)))
	}
	product := kernel.Gemm{M: n, N: t.N, K: n, LDA: n, LDB: kernel.Tile, LDC: kernel.Tile}
	product.A, product.B, product.C = upper, x, y
	product.Run()
	product.A, product.B, product.C, product.Bias = lower, y, z, l.Bias.Of(p)
	product.Run()
	for i, f := range l.Order {
		copy(tile.Row(t.X, int(f)), tile.Row(z, i))
	}
}

// Backward implements Independent.
func (l *LU) Backward(t *tile.Tile, p, g, mem, scratch []float32) {
	n, m := len(l.Order), l.matrixRows()
	lower, upper, x, y, _ := l.memory(mem)
	dLower, dUpper := tile.Rows(scratch, 0, m), tile.Rows(scratch, m, m)
	dx, dy, dz := tile.Rows(scratch, 2*m, n), tile.Rows(scratch, 2*m+n, n), tile.Rows(scratch, 2*m+2*n, n)
	turned := scratch[(2*m+3*n)*kernel.Tile:]
	for i, f := range l.Order {
		copy(tile.Row(dz, i), tile.Row(t.DX, int(f)))
	}
	back := kernel.Gemm{M: n, N: t.N, K: n, LDA: n, TransA: true, LDB: kernel.Tile, LDC: kernel.Tile}
	back.A, back.B, back.C = lower, dz, dy
	back.Run()
	back.A, back.B, back.C = upper, dy, dx
	back.Run()
	outer(dLower, dz, y, turned, n, t.N)
	outer(dUpper, dy, x, turned, n, t.N)
	l.collect(p, g, dLower, dUpper, kernel.Sum(t.DLogDet[:t.N]), t.First)
	db := l.Bias.Of(g)
	if t.First {
		clear(db)
	}
	kernel.AddRowSums(db, dz, kernel.Tile, n, t.N)
	for i, f := range l.Order {
		copy(tile.Row(t.DX, int(f)), tile.Row(dx, i))
	}
}

// outer sets c to the n x n matrix a b^T, the sum over events.
func outer(c, a, b, turned []float32, n, events int) {
	ld := kernel.RoundLanes(n)
	kernel.Transpose(turned, ld, b, kernel.Tile, n, events)
	m := kernel.Gemm{M: n, N: n, K: events, A: a, LDA: kernel.Tile, B: turned, LDB: ld, C: c, LDC: n}
	m.Run()
}

// collect puts or adds the gradients of L and U to those of the parameters.
func (l *LU) collect(p, g, dLower, dUpper []float32, dLogDet float32, first bool) {
	n := len(l.Order)
	dst := l.Matrix.Of(g)
	if first {
		clear(dst)
	}
	for i := range n {
		r := dst[i*n:][:n]
		kernel.Add(r[:i], dLower[i*n:])
		raw := float64(l.Matrix.Of(p)[i*n+i])
		slope := 1 / (1 + math.Exp(-raw))
		r[i] += float32((float64(dUpper[i*n+i]) + float64(dLogDet)/diagonal(float32(raw))) * slope)
		kernel.Add(r[i+1:], dUpper[i*n+i+1:])
	}
}

// Work implements Map.
func (l *LU) Work() int { return 2 * len(l.Order) * len(l.Order) }

// Follow implements Map.
func (l *LU) Follow(a *Affine, p []float32) {
	m, n, bias := l.Matrix.Of(p), len(l.Order), l.Bias.Of(p)
	a.turn(l.Order, func(i, j int) (upper float64) {
		switch {
		case i == j:
			a.LogDet += math.Log(diagonal(m[i*n+i]))
			return diagonal(m[i*n+i])
		case i < j:
			return float64(m[i*n+j])
		}
		return 0
	})
	a.turn(l.Order, func(i, j int) (lower float64) {
		switch {
		case i == j:
			return 1
		case i > j:
			return float64(m[i*n+j])
		}
		return 0
	})
	for i, f := range l.Order {
		a.Shift[f] += float64(bias[i])
	}
}

// ToData implements Transform: both triangles are solved, block of rows after block.
func (l *LU) ToData(t *tile.Tile, p, mem []float32) {
	lower, upper, x, _, _ := l.memory(mem)
	tile.AddTo(t.LogDet[:t.N], -l.expand(p, lower, upper))
	n, bias := len(l.Order), l.Bias.Of(p)
	for i, f := range l.Order {
		r := tile.Row(x, i)[:t.N]
		copy(r, tile.Row(t.X, int(f)))
		tile.AddTo(r, -bias[i])
	}
	kernel.Scale(lower[:n*n], -1)
	kernel.Scale(upper[:n*n], -1)
	for first := 0; first < n; first += solvedRows {
		end := min(first+solvedRows, n)
		l.takeOff(lower, x, first, end, 0, first, t.N)
		for i := first + 1; i < end; i++ {
			for j := first; j < i; j++ {
				kernel.Axpy(tile.Row(x, i)[:t.N], lower[i*n+j], tile.Row(x, j))
			}
		}
	}
	for end := n; end > 0; end -= solvedRows {
		first := max(end-solvedRows, 0)
		l.takeOff(upper, x, first, end, end, n, t.N)
		for i := end - 1; i >= first; i-- {
			r := tile.Row(x, i)[:t.N]
			for j := i + 1; j < end; j++ {
				kernel.Axpy(r, upper[i*n+j], tile.Row(x, j))
			}
			kernel.Scale(r, -1/upper[i*n+i])
		}
	}
	for i, f := range l.Order {
		copy(tile.Row(t.X, int(f)), tile.Row(x, i))
	}
}

// solvedRows of a triangle are solved one by one, after one product has taken off them what is solved.
const solvedRows = 6

// takeOff adds the columns from up to to of the negative triangle's rows first up to end, times those rows of x, to the rows of x.
func (l *LU) takeOff(triangle, x []float32, first, end, from, to, events int) {
	if from == to {
		return
	}
	n := len(l.Order)
	m := kernel.Gemm{M: end - first, N: events, K: to - from, A: triangle[first*n+from:], LDA: n, B: tile.Rows(x, from, to-from), LDB: kernel.Tile,
		C: tile.Rows(x, first, end-first), LDC: kernel.Tile, Add: true}
	m.Run()
}
