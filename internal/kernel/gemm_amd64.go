package kernel

import (
	"math/bits"
	"unsafe"
)

const (
	lanesAVX2   = 8
	lanesAVX512 = 16
)

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

// blocking is how a product is cut.
type blocking struct {
	rows, lanes int   // of a block, of a vector
	wide        []int // columns of the wide kernel of so many rows
	narrow      bool  // the product is one AVX2 vector wide
}

var (
	blockingAVX512 = blocking{12, lanesAVX512, gemmWideAVX512[:], false}
	blockingAVX2   = blocking{6, lanesAVX2, gemmWideAVX2[:], false}
	blockingNarrow = blocking{narrowRows, lanesAVX2, nil, true}
)

const (
	narrowRows  = 12
	firstNarrow = 48 // number of the first kernel of one AVX2 vector
)

// Of the AVX2 kernels that pack, which are functions of Go's for their stack.
const (
	firstPacked = firstNarrow + 2*narrowRows
	packRows    = 4   // rows of the first
	packSteps   = 320 // most steps that any takes
)

// worthPacking says that the steps of a transposed A lie in so few sets of the first-level cache that they push each other out
// before the next panel reads them: then its rows are copied on the way. A row of 128 values, 512 bytes, leaves 8 sets of 64.
func (g *Gemm) worthPacking(steps int) bool {
	const sets, ways, lineFloats = 64, 8, 16
	if isa != isaAVX2 || steps > packSteps || g.LDA%lineFloats != 0 {
		return false
	}
	apart := g.LDA / lineFloats // lines
	share := min(apart&-apart, sets)
	return steps*share >= sets*ways
}

// blocks cuts the rows into nearly equal blocks, so that none is left too small to hide the latency of its
// multiply-adds.
func (g *Gemm) blocks(by *blocking) {
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
	row := 0
	for left := (g.M + by.rows - 1) / by.rows; left > 0; left-- {
		rows := by.rows
		if left*rows != g.M-row {
			rows = (g.M - row + left - 1) / left
		}
		g.block(&t, row, rows, by)
		row += rows
	}
}

// block computes rows of C within their bounds.
func (g *Gemm) block(t *gemmTile, row, rows int, by *blocking) {
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
	if by.narrow {
		t.narrow(rows, n1, g.TransA)
		return
	}
	kernel := 4 * (rows - 1)
	if g.TransA {
		kernel += 4 * by.rows
		if rows >= packRows && n1 >= 4*by.lanes && g.worthPacking(t.k) {
			n1 = t.columns(firstPacked+rows-packRows, n1, 2*by.lanes)
		}
	}
	if wide := by.wide[rows]; n1 >= wide {
		n1 = t.columns(kernel+shapeWide, n1, wide)
	}
	if n1 >= 2*by.lanes {
		n1 = t.columns(kernel+shapePair, n1, 2*by.lanes)
	}
	if n1 > 0 {
		t.edge(kernel, n1, by.lanes)
	}
}

// narrow runs the kernel of at most one AVX2 vector.
func (t *gemmTile) narrow(rows, n int, transA bool) {
	kernel := firstNarrow + rows - 1
	if transA {
		kernel += narrowRows
	}
	t.panels = 1
	t.mask = uintptr(unsafe.Pointer(&edgeMasks[lanesAVX2-n]))
	gemmAVX2(t, kernel)
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

// columns runs a kernel over as many whole panels of the given width, a power of two, as fit into n columns, moves on
// behind them and returns how many columns are left.
func (t *gemmTile) columns(kernel, n, width int) int {
	t.panels = n >> bits.TrailingZeros(uint(width))
	if isa == isaAVX512 {
		t.mask = 1<<lanesAVX512 - 1
	}
	runGemm(kernel, t)
	done := 4 * (n &^ (width - 1))
	t.offB += done
	t.offC += done
	return n & (width - 1)
}

// edge runs the kernel of the last n columns, fewer than two vectors.
func (t *gemmTile) edge(kernel, n, lanes int) {
	shape := shapeEdge1
	if n > lanes {
		n -= lanes
		shape = shapeEdge2
	}
	t.panels = 1
	if isa == isaAVX512 {
		t.mask = 1<<n - 1
	} else {
		t.mask = uintptr(unsafe.Pointer(&edgeMasks[lanesAVX2-n]))
	}
	runGemm(kernel+shape, t)
}

func runGemm(kernel int, t *gemmTile) {
	switch {
	case isa == isaAVX512:
		gemmAVX512(t, kernel)
	case kernel < firstPacked:
		gemmAVX2(t, kernel)
	case kernel == firstPacked:
		gemmAVX2P4x16(t)
	case kernel == firstPacked+1:
		gemmAVX2P5x16(t)
	default:
		gemmAVX2P6x16(t)
	}
}
