package kernel

// The arithmetic of one unit of a deep sigmoidal flow (arXiv:1804.00779), on columns of len(up) events, any number. With the
// argument v of the unit less the center of the event, g = exp(min(v, 80)), up = g/(alpha + beta g) and down = 1/(alpha + beta g).

// SigmoidalForward turns the argument in up to up, sets down, and adds w up, w down and w a up down to the sums.
func SigmoidalForward(up, down, w, a, alpha, beta, sumA, sumB, sumC []float32) {
	if n := len(up); n > 0 {
		sigmoidalForward(up, down[:n], w[:n], a[:n], alpha[:n], beta[:n], sumA[:n], sumB[:n], sumC[:n])
	}
}

// SigmoidalBackward sets du to w up down (p + a q (alpha down - beta up)), and direct to w up down q.
func SigmoidalBackward(du, direct, w, a, up, down, p, q, alpha, beta []float32) {
	if n := len(du); n > 0 {
		sigmoidalBackward(du, direct[:n], w[:n], a[:n], up[:n], down[:n], p[:n], q[:n], alpha[:n], beta[:n])
	}
}

// SigmoidalShares sets dw to w (r up - s down + rest) + a direct.
func SigmoidalShares(dw, w, a, up, down, direct, r, s, rest []float32) {
	if n := len(dw); n > 0 {
		sigmoidalShares(dw, w[:n], a[:n], up[:n], down[:n], direct[:n], r[:n], s[:n], rest[:n])
	}
}

func sigmoidalForwardGeneric(up, down, w, a, alpha, beta, sumA, sumB, sumC []float32) {
	for i, v := range up {
		g := exp32(min(v, 80))
		d := 1 / (alpha[i] + beta[i]*g)
		g *= d
		up[i], down[i] = g, d
		sumA[i] += w[i] * g
		sumB[i] += w[i] * d
		sumC[i] += w[i] * a[i] * g * d
	}
}

func sigmoidalBackwardGeneric(du, direct, w, a, up, down, p, q, alpha, beta []float32) {
	for i := range du {
		g := w[i] * up[i] * down[i]
		t := a[i] * q[i] * (alpha[i]*down[i] - beta[i]*up[i])
		du[i], direct[i] = g*(p[i]+t), g*q[i]
	}
}

func sigmoidalSharesGeneric(dw, w, a, up, down, direct, r, s, rest []float32) {
	for i := range dw {
		dw[i] = w[i]*(r[i]*up[i]-s[i]*down[i]+rest[i]) + a[i]*direct[i]
	}
}
