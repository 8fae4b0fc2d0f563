package kernel

import "math"

const minNormal = 0x1p-126

func unaryGeneric(op unary, dst, src []float32) {
	for i, v := range src {
		dst[i] = float32(unary64(op, float64(v)))
	}
}

// unary64 is the definition of an elementwise function, in float64.
func unary64(op unary, x float64) float64 {
	switch op {
	case opExp:
		return exp64(x)
	case opLog:
		if math.Abs(x) < minNormal {
			return math.Inf(-1)
		}
		return math.Log(x)
	case opTanh:
		return math.Tanh(x)
	case opSigmoid:
		return 1 / (1 + exp64(-x))
	default:
		return softplus64(x)
	}
}

func exp64(x float64) float64 { return math.Exp(min(max(x, expMin), expMax)) }

func softplus64(x float64) float64 { return max(x, 0) + math.Log1p(exp64(-math.Abs(x))) }

func axpyGeneric(y []float32, a float32, x []float32) {
	for i, v := range x {
		y[i] += a * v
	}
}

func mulGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func scaleGeneric(x []float32, a float32) {
	for i := range x {
		x[i] *= a
	}
}

func reluBackwardGeneric(d, h []float32) {
	for i, v := range h {
		if v <= 0 {
			d[i] = 0
		}
	}
}

func addThreeGeneric(y, a, b, c []float32) {
	for i := range y {
		y[i] = y[i] + a[i] + b[i] + c[i]
	}
}

func approachGeneric(y, x []float32, rate float32) {
	for i, v := range x {
		y[i] += rate * (v - y[i])
	}
}

func tanhBackwardGeneric(d, h []float32) {
	for i, v := range h {
		d[i] -= v * v * d[i]
	}
}

func mulAddGeneric(dst, a, b, c []float32) {
	for i := range dst {
		dst[i] = a[i]*b[i] + c[i]
	}
}

func largestGeneric(dst, a, b []float32) {
	for i, v := range b {
		if a[i] > v {
			v = a[i]
		}
		dst[i] = v
	}
}
