package kernel

// The elementwise functions take slices of any length; dst may be the source. They are accurate to a few
// units in the last place, and NaN stays NaN.

// unary names an elementwise function of one argument.
type unary int

const (
	opExp unary = iota
	opLog
	opTanh
	opSigmoid
	opSoftplus
)

// expMin and expMax bound exp's argument, so that no result is denormal or infinite.
const (
	expMin = -87.33654
	expMax = 88.37626
)

// Exp sets dst to exp(src). Arguments are clamped to [-87.33, 88.37]: the result is neither 0 nor Inf.
func Exp(dst, src []float32) { applyUnary(opExp, dst, src) }

// Log sets dst to log(src): -Inf for zero and denormal numbers, NaN for negative ones.
func Log(dst, src []float32) { applyUnary(opLog, dst, src) }

// Tanh sets dst to tanh(src).
func Tanh(dst, src []float32) { applyUnary(opTanh, dst, src) }

// Sigmoid sets dst to 1 / (1 + exp(-src)).
func Sigmoid(dst, src []float32) { applyUnary(opSigmoid, dst, src) }

// Softplus sets dst to log(1 + exp(src)).
func Softplus(dst, src []float32) { applyUnary(opSoftplus, dst, src) }

// Axpy adds a*x to y.
func Axpy(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] += a * v
	}
}

// Add adds src to dst.
func Add(dst, src []float32) { Axpy(dst, 1, src) }

// Mul sets dst to a*b.
func Mul(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// Scale multiplies x by a.
func Scale(x []float32, a float32) {
	for i := range x {
		x[i] *= a
	}
}

// ReLUBackward sets the gradient d to 0 where the activation h is not positive.
func ReLUBackward(d, h []float32) {
	h = h[:len(d)]
	for i, v := range h {
		if v <= 0 {
			d[i] = 0
		}
	}
}

// Transpose sets dst[c*ldd+r] to src[r*lds+c] for r < rows and c < cols.
func Transpose(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	for r := range rows {
		for c, v := range src[r*lds:][:cols] {
			dst[c*ldd+r] = v
		}
	}
}
