package kernel

import "fmt"

// Gemm is one matrix product C = A B, or C += A B, or C = A B + bias.
//
// A is M x K with row stride LDA, or its transpose where TransA is set (element (i, p) is then
// A[p*LDA+i]); B is K x N with row stride LDB; C is M x N with row stride LDC.
//
// The bounds make use of known zeros; each is nil or has one entry a row of C, and never decreases from row
// to row. Rows are computed in blocks, so a bound only promises that what lies outside is zero in A
// (KBegin, KEnd) or unwanted in C (NEnd); the block may still compute it.
type Gemm struct {
	M, N, K int
	A       []float32
	LDA     int
	TransA  bool
	B       []float32
	LDB     int
	C       []float32
	LDC     int
	Bias    []float32 // one value a row of C; nil for none
	Add     bool      // C += A B; excludes Bias
	ReLU    bool      // C = max(C, 0) at the end
	Gate    []float32 // C = 0 at the end where this, of C's shape and stride, is not positive; nil for no gate

	KBegin []int32 // row i of A is zero before column KBegin[i]
	KEnd   []int32 // row i of A is zero from column KEnd[i] on
	NEnd   []int32 // row i of C is not wanted from column NEnd[i] on
}

// Run computes the product.
func (g *Gemm) Run() {
	g.check()
	g.run()
}

// check stops a product that would reach outside its operands.
func (g *Gemm) check() {
	rows, cols := g.M, g.K
	if g.TransA {
		rows, cols = g.K, g.M
	}
	if !holds(g.A, g.LDA, rows, cols) || !holds(g.B, g.LDB, g.K, g.N) || !holds(g.C, g.LDC, g.M, g.N) ||
		g.Gate != nil && !holds(g.Gate, g.LDC, g.M, g.N) || g.Bias != nil && len(g.Bias) < g.M || g.KBegin != nil && len(g.KBegin) < g.M ||
		g.KEnd != nil && len(g.KEnd) < g.M || g.NEnd != nil && len(g.NEnd) < g.M {
		panic(fmt.Sprintf("kernel: an operand is too small for a product of %d x %d x %d", g.M, g.N, g.K))
	}
}

// holds says whether x has room for a matrix.
func holds(x []float32, ld, rows, cols int) bool {
	return rows >= 0 && cols >= 0 && (rows == 0 || cols == 0 || ld >= cols && len(x) >= (rows-1)*ld+cols)
}

func gemmGeneric(g *Gemm) {
	for i := range g.M {
		k0, k1, n1 := 0, g.K, g.N
		if g.KBegin != nil {
			k0 = max(int(g.KBegin[i]), 0)
		}
		if g.KEnd != nil {
			k1 = min(int(g.KEnd[i]), g.K)
		}
		if g.NEnd != nil {
			n1 = min(max(int(g.NEnd[i]), 0), g.N)
		}
		if n1 == 0 {
			continue
		}
		c := g.C[i*g.LDC:][:n1]
		if !g.Add {
			var b float32
			if g.Bias != nil {
				b = g.Bias[i]
			}
			for j := range c {
				c[j] = b
			}
		}
		for p := k0; p < k1; p++ {
			a := float32(0)
			if g.TransA {
				a = g.A[p*g.LDA+i]
			} else {
				a = g.A[i*g.LDA+p]
			}
			b := g.B[p*g.LDB:][:n1]
			for j, v := range b {
				c[j] += a * v
			}
		}
		if g.ReLU {
			for j, v := range c {
				c[j] = max(v, 0)
			}
		}
		if g.Gate != nil {
			reluBackwardGeneric(c, g.Gate[i*g.LDC:][:n1])
		}
	}
}
