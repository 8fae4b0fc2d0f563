package kernel

import "math"

const minNormal = 0x1p-126

func applyUnary(op unary, dst, src []float32) {
	src = src[:len(dst)]
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
