package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// product makes a random Gemm with slack in every stride.
func product(r *rand.Rand, m, n, k int, trans bool) *Gemm {
	g := &Gemm{M: m, N: n, K: k, TransA: trans, LDA: k + r.IntN(5), LDB: n + r.IntN(5), LDC: n + r.IntN(5)}
	rows := m
	if trans {
		g.LDA, rows = m+r.IntN(5), k
	}
	g.A, g.B, g.C = randoms(r, rows*g.LDA), randoms(r, k*g.LDB), randoms(r, m*g.LDC)
	return g
}

func (g *Gemm) elementA(i, p int) float32 {
	if g.TransA {
		return g.A[p*g.LDA+i]
	}
	return g.A[i*g.LDA+p]
}

// exact computes element (i, j) in float64, and the size of its terms.
func (g *Gemm) exact(i, j int, c0 float32) (v, size float64) {
	if g.Add {
		v = float64(c0)
	} else if g.Bias != nil {
		v = float64(g.Bias[i])
	}
	size = math.Abs(v)
	for p := range g.K {
		x := float64(g.elementA(i, p)) * float64(g.B[p*g.LDB+j])
		v += x
		size += math.Abs(x)
	}
	if g.ReLU {
		v = max(v, 0)
	}
	if g.Gate != nil && g.Gate[i*g.LDC+j] <= 0 {
		v = 0
	}
	return v, size
}

// verify runs g and compares what is wanted of C; other columns of C's rows beyond N must be untouched.
func verify(t *testing.T, g *Gemm) {
	t.Helper()
	before := slices.Clone(g.C)
	g.Run()
	for i := range g.M {
		wanted := g.N
		if g.NEnd != nil {
			wanted = int(g.NEnd[i])
		}
		for j := range g.LDC {
			at := i*g.LDC + j
			if at >= len(g.C) {
				break
			}
			if j >= g.N {
				if g.C[at] != before[at] {
					t.Fatalf("%dx%dx%d: wrote outside C, at (%d, %d)", g.M, g.N, g.K, i, j)
				}
				continue
			}
			if j >= wanted {
				continue
			}
			want, size := g.exact(i, j, before[at])
			// one rounding a term, each of at most half a unit of the partial sum
			if tol := 6e-8 * float64(g.K+1) * size; !(math.Abs(float64(g.C[at])-want) <= tol+1e-37) {
				t.Fatalf("%dx%dx%d trans=%v add=%v: element (%d, %d) is %g, want %g", g.M, g.N, g.K, g.TransA, g.Add, i, j, g.C[at], want)
			}
		}
	}
}

func TestGemm(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := newRand()
		for m := 1; m <= 30; m++ {
			for _, n := range []int{1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 66, 75, 129} {
				g := product(r, m, n, r.IntN(20), (m+n)%2 == 0)
				switch r.IntN(3) {
				case 0:
					g.Add = true
				case 1:
					g.Bias = randoms(r, m)
				}
				switch r.IntN(3) {
				case 0:
					g.ReLU = true
				case 1:
					g.Gate = randoms(r, len(g.C))
				}
				verify(t, g)
			}
		}
	})
}

// Rows of A a power of two apart, of which the kernels make copies, with the end of A right behind the last one.
func TestGemmTransposedInFewCacheSets(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := newRand()
		for m := 1; m <= 30; m++ {
			g := product(r, m, 16*(1+m%5)+m%3, 60+r.IntN(270), true)
			g.LDA = 128
			g.A = randoms(r, (g.K-1)*g.LDA+m)
			if m%2 == 0 {
				g.Gate, g.KBegin = randoms(r, len(g.C)), stairs(r, m, 40)
				for i, begin := range g.KBegin {
					for p := range begin {
						g.A[int(p)*g.LDA+i] = 0
					}
				}
			} else {
				g.Add = true
			}
			verify(t, g)
		}
	})
}

// Bounds as MADE makes them: staircases of zeros in A and of unwanted columns of C.
func TestGemmBounds(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := newRand()
		for range 100 {
			m, n, k := 1+r.IntN(40), 1+r.IntN(70), r.IntN(50)
			g := product(r, m, n, k, r.IntN(2) == 0)
			g.KBegin, g.KEnd, g.NEnd = stairs(r, m, k), stairs(r, m, k), stairs(r, m, n)
			for i := range m {
				for p := range k {
					if p < int(g.KBegin[i]) || p >= int(g.KEnd[i]) {
						if g.TransA {
							g.A[p*g.LDA+i] = 0
						} else {
							g.A[i*g.LDA+p] = 0
						}
					}
				}
			}
			g.Add = r.IntN(2) == 0
			verify(t, g)
		}
	})
}

// stairs is a random sequence of m numbers in [0, top] that never decreases.
func stairs(r *rand.Rand, m, top int) []int32 {
	s := make([]int32, m)
	for i := range s {
		s[i] = int32(r.IntN(top + 1))
	}
	slices.Sort(s)
	return s
}

func TestGemmSpecialValues(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := newRand()
		g := product(r, 7, 24, 9, false)
		g.ReLU = true
		g.A[2*g.LDA+3] = nan32()
		g.Gate = randoms(r, len(g.C))
		for i := range g.Gate {
			g.Gate[i] = 1
		}
		g.Gate[5*g.LDC], g.Gate[6*g.LDC] = nan32(), 0
		g.Run()
		if g.C[6*g.LDC] != 0 {
			t.Errorf("%g passed a closed gate", g.C[6*g.LDC])
		}
		for j := range g.N {
			if !isNaN32(g.C[2*g.LDC+j]) {
				t.Errorf("a NaN in row 2 of A left column %d at %g", j, g.C[2*g.LDC+j])
			}
			if isNaN32(g.C[3*g.LDC+j]) {
				t.Errorf("a NaN in row 2 of A reached row 3")
			}
		}
	})
}

func TestGemmTooSmall(t *testing.T) {
	g := product(newRand(), 4, 16, 8, false)
	g.B = g.B[:len(g.B)-g.LDB]
	defer func() {
		if recover() == nil {
			t.Error("a product beyond the end of B ran")
		}
	}()
	g.Run()
}

func TestGemmDoesNotAllocate(t *testing.T) {
	g := product(newRand(), 64, 64, 32, false)
	if a := testing.AllocsPerRun(20, g.Run); a != 0 {
		t.Errorf("%g allocations a product", a)
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, d := range []struct {
		m, n, k int
		form    string // N, T: A as it is, transposed; W: as a weight gradient, added to C
	}{
		{128, 64, 128, "N"}, {128, 64, 128, "T"}, {128, 128, 64, "W"},
		{298, 64, 298, "N"}, {298, 64, 298, "T"}, {298, 298, 64, "W"},
		{128, 64, 28, "N"}, {28, 64, 128, "T"}, {128, 28, 64, "W"},
		{56, 64, 128, "N"}, {4, 64, 128, "N"}, {2, 64, 128, "N"}, {128, 64, 2, "N"}, {128, 16, 128, "N"},
	} {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", d.form, d.m, d.n, d.k), func(b *testing.B) {
			g := product(newRand(), d.m, d.n, d.k, d.form == "T")
			g.LDA, g.LDB, g.LDC = d.k, d.n, d.n
			if d.form == "T" {
				g.LDA = d.m
			}
			g.Add = d.form == "W"
			clear(g.C)
			benchmarkGemm(b, g)
		})
	}
}

// benchmarkGemm reports the best of short bursts, as a rate and as a fraction of the core's peak around it.
func benchmarkGemm(b *testing.B, g *Gemm) {
	best := bestTime(b, g.Run)
	rate := 2 * float64(g.M) * float64(g.N) * float64(g.K) / best * 1e-9
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(rate/PeakGFLOPS(), "of-peak")
}
