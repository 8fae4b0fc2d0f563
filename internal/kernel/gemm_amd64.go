package kernel

import "unsafe"

// gemmTile is one call of a micro-kernel: some rows of C by a number of panels of columns. Strides and offsets
// are in bytes; where its fields lie is known to the generator. The pointers are those of the operands: one
// moved to a block that is empty could point into another object, which the garbage collector forbids.
type gemmTile struct {
	a, b, c, bias *float32
	lda, ldb, ldc int
	k, panels     int
	mask          uintptr // the lanes of the last vector of an edge: bits, or the address of a mask
	mode          int

	offA, offB, offC int
	gate             *float32
}

const (
	modeAdd = 1 << iota
	modeReLU
)

// The shapes of kernels for a number of rows.
const (
	shapeWide = iota
	shapePair
	shapeEdge2
	shapeEdge1
)

// edgeMasks holds, from entry 8-w on, a mask of w lanes.
var edgeMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// blocks cuts the rows into nearly equal blocks of at most maxRows, so that none is left too small to hide
// the latency of its multiply-adds.
func (g *Gemm) blocks(maxRows, lanes int, wide []int) {
	n := (g.M + maxRows - 1) / maxRows
	t := gemmTile{
		a: unsafe.SliceData(g.A), b: unsafe.SliceData(g.B), c: unsafe.SliceData(g.C),
		gate: unsafe.SliceData(g.Gate), lda: 4 * g.LDA, ldb: 4 * g.LDB, ldc: 4 * g.LDC,
	}
	if g.Add {
		t.mode |= modeAdd
	}
	if g.ReLU {
		t.mode |= modeReLU
	}
	for i, row := 0, 0; i < n; i++ {
		end := (i + 1) * g.M / n
		g.block(&t, row, end-row, maxRows, lanes, wide[end-row])
		row = end
	}
}

// block computes rows of C within their bounds.
func (g *Gemm) block(t *gemmTile, row, rows, maxRows, lanes, wide int) {
	k0, k1, n1 := g.bounds(row, row+rows)
	if n1 <= 0 {
		return
	}
	t.k = k1 - k0
	if g.TransA {
		t.offA = 4 * (k0*g.LDA + row)
	} else {
		t.offA = 4 * (row*g.LDA + k0)
	}
	t.offB, t.offC = 4*k0*g.LDB, 4*row*g.LDC
	if g.Bias != nil {
		t.bias = &g.Bias[row]
	}
	if isa == isaAVX512 {
		t.mask = 1<<lanes - 1
	}
	kernel := 4 * (rows - 1)
	if g.TransA {
		kernel += 4 * maxRows
	}
	col := t.columns(kernel+shapeWide, 0, n1, wide)
	col += t.columns(kernel+shapePair, col, n1, 2*lanes)
	t.edge(kernel, n1-col, lanes)
}

// bounds joins the bounds of the rows from first to last-1: columns [k0, k1) of A, [0, n1) of C. Columns of
// C are rounded up to whole vectors where that stays inside C.
func (g *Gemm) bounds(first, last int) (k0, k1, n1 int) {
	k1, n1 = g.K, g.N
	if g.KBegin != nil {
		k0 = min(max(int(g.KBegin[first]), 0), g.K)
	}
	if g.KEnd != nil {
		k1 = min(int(g.KEnd[last-1]), g.K)
	}
	if g.NEnd != nil {
		n1 = min(RoundLanes(max(int(g.NEnd[last-1]), 0)), g.N)
	}
	return min(k0, k1), k1, n1
}

// columns runs a kernel over as many whole panels of the given width as fit, and moves on behind them.
func (t *gemmTile) columns(kernel, col, n, width int) int {
	t.panels = (n - col) / width
	if t.panels == 0 {
		return 0
	}
	runGemm(kernel, t)
	done := t.panels * width
	t.offB += 4 * done
	t.offC += 4 * done
	return done
}

// edge runs the kernel of the last n columns, fewer than two vectors.
func (t *gemmTile) edge(kernel, n, lanes int) {
	if n == 0 {
		return
	}
	shape := shapeEdge1
	if n > lanes {
		n -= lanes
		shape = shapeEdge2
	}
	t.panels = 1
	if isa == isaAVX512 {
		t.mask = 1<<n - 1
	} else {
		t.mask = uintptr(unsafe.Pointer(&edgeMasks[8-n]))
	}
	runGemm(kernel+shape, t)
}

func runGemm(kernel int, t *gemmTile) {
	if isa == isaAVX512 {
		gemmAVX512(kernel, t)
	} else {
		gemmAVX2(kernel, t)
	}
}
