package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

var unaryCases = []struct {
	name     string
	op       unary
	f        func(dst, src []float32)
	low, top float64 // arguments tried
	ulps     float64 // largest error allowed, in units of the last place; twice what was measured
}{
	{"exp", opExp, Exp, -87, 88, 2},
	{"log", opLog, Log, 1e-38, 1e38, 2},
	{"tanh", opTanh, Tanh, -12, 12, 3},
	{"sigmoid", opSigmoid, Sigmoid, -80, 80, 4},
	{"softplus", opSoftplus, Softplus, -80, 80, 5},
}

// ulps is the distance of x from y in units of y's last place as a float32.
func ulps(x float32, y float64) float64 {
	_, e := math.Frexp(y)
	return math.Abs(float64(x)-y) / math.Ldexp(1, max(e, -125)-24)
}

func TestUnaryAccuracy(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := newRand()
		for _, c := range unaryCases {
			x := make([]float32, 40000)
			for i := range x {
				switch {
				case c.op == opLog && i%2 == 0:
					x[i] = float32(math.Exp(-87 + 175*r.Float64()))
				case i%2 == 0:
					x[i] = float32(c.low + (c.top-c.low)*r.Float64())
				default:
					x[i] = float32(math.Abs(r.NormFloat64())) + 1e-3
					if c.op != opLog && i%4 == 1 {
						x[i] = -x[i]
					}
				}
			}
			y := slices.Clone(x)
			c.f(y, y)
			worst, at := 0.0, 0
			for i := range x {
				if u := ulps(y[i], unary64(c.op, float64(x[i]))); !(u <= worst) {
					worst, at = u, i
				}
			}
			t.Logf("%s: %.2f units of the last place", c.name, worst)
			if !(worst <= c.ulps) {
				t.Errorf("%s(%g) = %g, off by %.2f units", c.name, x[at], y[at], worst)
			}
		}
	})
}

func TestUnarySpecialValues(t *testing.T) {
	inf, nan := inf32(1), nan32()
	for _, c := range []struct {
		name string
		f    func(dst, src []float32)
		x, y float32
	}{
		{"exp", Exp, nan, nan}, {"exp", Exp, -inf, exp32(expMin)}, {"exp", Exp, inf, exp32(expMax)},
		{"exp", Exp, 0, 1}, {"exp", Exp, 1e-40, 1},
		{"log", Log, nan, nan}, {"log", Log, 0, -inf}, {"log", Log, 1e-40, -inf}, {"log", Log, -1e-40, -inf},
		{"log", Log, -1, nan}, {"log", Log, -inf, nan}, {"log", Log, inf, inf}, {"log", Log, 1, 0},
		{"tanh", Tanh, nan, nan}, {"tanh", Tanh, inf, 1}, {"tanh", Tanh, -inf, -1}, {"tanh", Tanh, 0, 0},
		{"sigmoid", Sigmoid, nan, nan}, {"sigmoid", Sigmoid, inf, 1}, {"sigmoid", Sigmoid, 0, 0.5},
		{"softplus", Softplus, nan, nan}, {"softplus", Softplus, inf, inf}, {"softplus", Softplus, 1e4, 1e4},
	} {
		eachISA(t, func(t *testing.T) {
			for n := 1; n <= 33; n++ { // every position in a whole group and in an edge
				x := make([]float32, n)
				for i := range x {
					x[i] = 1
				}
				x[n-1] = c.x
				c.f(x, x)
				got := x[n-1]
				same := got == c.y || isNaN32(got) && isNaN32(c.y)
				if !same && !(math.Abs(float64(got-c.y)) <= 3e-7*math.Abs(float64(c.y))) {
					t.Fatalf("%s(%g) = %g, want %g (length %d)", c.name, c.x, got, c.y, n)
				}
			}
		})
	}
}

// compare runs f under every instruction set on the same arrays of length n, and demands that each array be
// as under plain Go within tol, relative to 1 plus its size, and that nothing beyond n be touched.
func compare(t *testing.T, what string, n, arrays int, tol float64, f func(a [][]float32)) {
	t.Helper()
	before := isa
	defer func() { isa = before }()
	var want [][]float32
	for _, s := range []instructionSet{isaGeneric, isaAVX2, isaAVX512} {
		if !slices.Contains(supportedISAs(), s) {
			continue
		}
		isa = s
		r := newRand()
		whole, a := make([][]float32, arrays), make([][]float32, arrays)
		for i := range whole {
			whole[i] = randoms(r, n+20)
			a[i] = whole[i][:n]
		}
		guard := slices.Clone(whole[0][n:])
		f(a)
		if !slices.Equal(guard, whole[0][n:]) {
			t.Fatalf("%s under %v: wrote behind %d elements", what, s, n)
		}
		if want == nil {
			want = a
			continue
		}
		for i := range a {
			for j, v := range a[i] {
				if w := want[i][j]; !(math.Abs(float64(v-w)) <= tol*(1+math.Abs(float64(w)))) {
					t.Fatalf("%s under %v, length %d: element %d of array %d is %g, want %g", what, s, n, j, i, v, w)
				}
			}
		}
	}
}

// The tolerances are a few roundings of values of about 1 to 10.
func TestColumns(t *testing.T) {
	for _, n := range []int{1, 5, 8, 15, 16, 17, 40, 64, 67, chunk + 3} {
		compare(t, "Axpy", n, 2, 3e-7, func(a [][]float32) { Axpy(a[0], -1.7, a[1]) })
		compare(t, "Add", n, 2, 0, func(a [][]float32) { Add(a[0], a[1]) })
		compare(t, "AddParts", n, 6, 0, func(a [][]float32) { AddParts(a[0], a[1:]) })
		compare(t, "Approach", n, 2, 3e-7, func(a [][]float32) { Approach(a[0], a[1], 0.3) })
		compare(t, "Mul", n, 3, 0, func(a [][]float32) { Mul(a[0], a[1], a[2]) })
		compare(t, "Scale", n, 1, 0, func(a [][]float32) { Scale(a[0], 0.3) })
		compare(t, "ReLUBackward", n, 2, 0, func(a [][]float32) {
			a[1][0], a[1][n/2] = nan32(), 0
			ReLUBackward(a[0], a[1])
			a[1][0] = 0
		})
		compare(t, "TanhBackward", n, 2, 3e-7, func(a [][]float32) { TanhBackward(a[0], a[1]) })
		compare(t, "AffineToLatent", n, 5, 2e-6, func(a [][]float32) { AffineToLatent(a[0], a[1], a[2], a[3], a[4]) })
		compare(t, "AffineBackward", n, 7, 2e-6, func(a [][]float32) { AffineBackward(a[0], a[1], a[2], a[3], a[4], a[5], a[6]) })
		compare(t, "AffineToData", n, 5, 2e-6, func(a [][]float32) { AffineToData(a[0], a[1], a[2], a[3], a[4]) })
		compare(t, "MulAdd", n, 4, 3e-7, func(a [][]float32) { MulAdd(a[0], a[1], a[2], a[3]) })
		compare(t, "Max", n, 3, 0, func(a [][]float32) { Max(a[0], a[1], a[2]) })
		compare(t, "SigmoidalForward", n, 9, 3e-6, func(a [][]float32) {
			Mul(a[4], a[4], a[4]) // alpha and beta are not negative
			Mul(a[5], a[5], a[5])
			SigmoidalForward(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8])
		})
		compare(t, "SigmoidalBackward", n, 10, 2e-6, func(a [][]float32) {
			SigmoidalBackward(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9])
		})
		compare(t, "SigmoidalShares", n, 9, 2e-6, func(a [][]float32) {
			SigmoidalShares(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8])
		})
		compare(t, "Adam", n, 4, 1e-6, func(a [][]float32) {
			Mul(a[3], a[3], a[3]) // the second moment is not negative
			f := AdamStep{Rate: 0.1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Step: 3, WeightDecay: 0.1, GradScale: 0.5}.Factors()
			Adam(a[0], a[1], a[2], a[3], &f)
		})
	}
}

// The affine transformer's inverse undoes it, and its gradients are those of finite differences.
func TestAffine(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := newRand()
		const n = 37
		x, shift, s := randoms(r, n), randoms(r, n), randoms(r, n)
		z, l, back := make([]float32, n), make([]float32, n), make([]float32, n)
		AffineToLatent(z, l, x, shift, s)
		AffineToData(back, l, z, shift, s)
		for i := range x {
			near(t, "x", i, back[i], float64(x[i]), 2e-6)
			near(t, "logDet there and back", i, l[i], 0, 0)
		}
		dz, dl := randoms(r, n), randoms(r, n)
		dx, dShift, dS := make([]float32, n), make([]float32, n), make([]float32, n)
		AffineBackward(dx, dShift, dS, z, s, dz, dl)
		loss := func(x, shift, s float64, i int) float64 {
			return float64(dz[i])*(x-shift)*math.Exp(-s) - float64(dl[i])*s
		}
		const h = 1e-5
		for i := range x {
			a, b, c := float64(x[i]), float64(shift[i]), float64(s[i])
			near(t, "dx", i, dx[i], (loss(a+h, b, c, i)-loss(a-h, b, c, i))/(2*h), 1e-5)
			near(t, "dShift", i, dShift[i], (loss(a, b+h, c, i)-loss(a, b-h, c, i))/(2*h), 1e-5)
			near(t, "dLogScale", i, dS[i], (loss(a, b, c+h, i)-loss(a, b, c-h, i))/(2*h), 1e-5)
		}
	})
}

// Sums have one order of additions, so every instruction set gives the same bits.
func TestSums(t *testing.T) {
	for _, n := range []int{1, 7, 16, 31, 64, 100, chunk + 5} {
		compare(t, "Sum", n, 1, 0, func(a [][]float32) { a[0][0] = Sum(a[0]) })
		compare(t, "SquaredNorm", n, 1, 0, func(a [][]float32) { a[0][0] = float32(SquaredNorm(a[0])) })
	}
	for _, n := range []int{1, 16, 48, 64, 70} {
		compare(t, "AddRowSums", 9*n, 2, 0, func(a [][]float32) { AddRowSums(a[0], a[1], n, 9, n) })
	}
	x := randoms(newRand(), 1000)
	want := 0.0
	for _, v := range x {
		want += float64(v)
	}
	near(t, "sum", 0, Sum(x), want, 1e-5) // 63 additions a lane of values about 1
}

func TestTranspose(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := newRand()
		for _, d := range [][2]int{{1, 64}, {7, 64}, {8, 8}, {9, 16}, {28, 64}, {64, 28}, {33, 35}, {128, 64}, {3, 2}} {
			rows, cols := d[0], d[1]
			lds, ldd := cols+3, rows+5
			src, dst := randoms(r, rows*lds), make([]float32, cols*ldd)
			Transpose(dst, ldd, src, lds, rows, cols)
			for i, v := range dst {
				c, k := i/ldd, i%ldd
				want := float32(0)
				if k < rows {
					want = src[k*lds+c]
				}
				if v != want {
					t.Fatalf("%d x %d: element (%d, %d) is %g, want %g", rows, cols, c, k, v, want)
				}
			}
		}
	})
}

func BenchmarkUnary(b *testing.B) {
	for _, c := range unaryCases {
		for _, n := range []int{Tile, 4096} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				x, y := randoms(newRand(), n), Aligned(n)
				for i := range x {
					x[i] = float32(math.Abs(float64(x[i])))
				}
				b.ReportMetric(1e-9*float64(n)/bestTime(b, func() { c.f(y, x) }), "Gelem/s")
			})
		}
	}
}

func BenchmarkColumns(b *testing.B) {
	r := newRand()
	a := make([][]float32, 7)
	for i := range a {
		a[i] = randoms(r, 1<<16)
	}
	col := func(i, n int) []float32 { return a[i][:n] }
	for _, c := range []struct {
		name string
		n    int
		f    func(n int)
	}{
		{"affineToLatent", Tile, func(n int) { AffineToLatent(col(0, n), col(1, n), col(2, n), col(3, n), col(4, n)) }},
		{"affineBackward", Tile, func(n int) {
			AffineBackward(col(0, n), col(1, n), col(2, n), col(3, n), col(4, n), col(5, n), col(6, n))
		}},
		{"reluBackward", 128 * Tile, func(n int) { ReLUBackward(col(0, n), col(1, n)) }},
		{"axpy", 128 * Tile, func(n int) { Axpy(col(0, n), 1e-9, col(1, n)) }},
		{"addRowSums", 128 * Tile, func(n int) { AddRowSums(col(0, n), col(1, n), Tile, n/Tile, Tile) }},
		{"transpose", 128 * Tile, func(n int) { Transpose(col(0, n), n/Tile, col(1, n), Tile, n/Tile, Tile) }},
		{"squaredNorm", 1 << 16, func(n int) { SquaredNorm(col(0, n)) }},
		{"adam", 1 << 16, func(n int) {
			f := AdamStep{Rate: 1e-9, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Step: 3}.Factors()
			Adam(col(5, n), col(6, n), col(2, n), col(3, n), &f)
		}},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, c.n), func(b *testing.B) {
			b.ReportMetric(1e-9*float64(c.n)/bestTime(b, func() { c.f(c.n) }), "Gelem/s")
		})
	}
}
