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

// chunk is how many elements one call of assembly takes at most: some ten microseconds.
const chunk = 1 << 15

// expMin and expMax bound exp's argument, so that no result is denormal or infinite.
const (
	expMin = -87.3125
	expMax = 88.375
)

// Exp sets dst to exp(src). Arguments are clamped to [-87.3125, 88.375]: the result is neither 0 nor Inf.
func Exp(dst, src []float32) { each(opExp, dst, src) }

// Log sets dst to log(src): -Inf for zero and denormal numbers, NaN for negative ones.
func Log(dst, src []float32) { each(opLog, dst, src) }

// Tanh sets dst to tanh(src).
func Tanh(dst, src []float32) { each(opTanh, dst, src) }

// Sigmoid sets dst to 1 / (1 + exp(-src)).
func Sigmoid(dst, src []float32) { each(opSigmoid, dst, src) }

// Softplus sets dst to log(1 + exp(src)).
func Softplus(dst, src []float32) { each(opSoftplus, dst, src) }

func each(op unary, dst, src []float32) {
	src = src[:len(dst)]
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		applyUnary(op, dst[:n], src[:n])
		dst, src = dst[n:], src[n:]
	}
}

// Axpy adds a*x to y.
func Axpy(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for len(y) > 0 {
		n := min(len(y), chunk)
		axpy(y[:n], a, x[:n])
		y, x = y[n:], x[n:]
	}
}

// Add adds src to dst.
func Add(dst, src []float32) { Axpy(dst, 1, src) }

// AddParts adds the parts to dst, one after the other.
func AddParts(dst []float32, parts [][]float32) {
	for len(parts) >= 3 && len(dst) > 0 {
		a, b, c := parts[0][:len(dst)], parts[1][:len(dst)], parts[2][:len(dst)]
		for i := 0; i < len(dst); i += chunk {
			end := min(i+chunk, len(dst))
			addThree(dst[i:end], a[i:end], b[i:end], c[i:end])
		}
		parts = parts[3:]
	}
	for _, p := range parts {
		Add(dst, p)
	}
}

// Approach moves y towards x by the fraction rate of their distance.
func Approach(y, x []float32, rate float32) {
	x = x[:len(y)]
	for len(y) > 0 {
		n := min(len(y), chunk)
		approach(y[:n], x[:n], rate)
		y, x = y[n:], x[n:]
	}
}

// Mul sets dst to a*b.
func Mul(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		mul(dst[:n], a[:n], b[:n])
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

// MulAdd sets dst to a*b+c.
func MulAdd(dst, a, b, c []float32) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		mulAdd(dst[:n], a[:n], b[:n], c[:n])
		dst, a, b, c = dst[n:], a[n:], b[n:], c[n:]
	}
}

// Max sets dst to the larger one of a and b, and to b where either is NaN.
func Max(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for len(dst) > 0 {
		n := min(len(dst), chunk)
		largest(dst[:n], a[:n], b[:n])
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

// Scale multiplies x by a.
func Scale(x []float32, a float32) {
	for len(x) > 0 {
		n := min(len(x), chunk)
		scale(x[:n], a)
		x = x[n:]
	}
}

// ReLUBackward sets the gradient d to 0 where the activation h is not positive.
func ReLUBackward(d, h []float32) {
	h = h[:len(d)]
	for len(d) > 0 {
		n := min(len(d), chunk)
		reluBackward(d[:n], h[:n])
		d, h = d[n:], h[n:]
	}
}

// TanhBackward multiplies the gradient d by the derivative of h = tanh.
func TanhBackward(d, h []float32) {
	h = h[:len(d)]
	for len(d) > 0 {
		n := min(len(d), chunk)
		tanhBackward(d[:n], h[:n])
		d, h = d[n:], h[n:]
	}
}
