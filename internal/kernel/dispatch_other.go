//go:build !amd64

package kernel

func supportedISAs() []instructionSet { return []instructionSet{isaGeneric} }

func (g *Gemm) run() { gemmGeneric(g) }

func peak(n int) int { return peakGeneric(n) }

func applyUnary(op unary, dst, src []float32) { unaryGeneric(op, dst, src) }

func axpy(y []float32, a float32, x []float32) { axpyGeneric(y, a, x) }

func addThree(y, a, b, c []float32) { addThreeGeneric(y, a, b, c) }

func approach(y, x []float32, rate float32) { approachGeneric(y, x, rate) }

func mul(dst, a, b []float32) { mulGeneric(dst, a, b) }

func scale(x []float32, a float32) { scaleGeneric(x, a) }

func reluBackward(d, h []float32) { reluBackwardGeneric(d, h) }

func tanhBackward(d, h []float32) { tanhBackwardGeneric(d, h) }

func affineToLatent(z, logDet, x, shift, logScale []float32) {
	affineToLatentGeneric(z, logDet, x, shift, logScale)
}

func affineBackward(dx, dShift, dLogScale, z, logScale, dz, dLogDet []float32) {
	affineBackwardGeneric(dx, dShift, dLogScale, z, logScale, dz, dLogDet)
}

func affineToData(x, logDet, z, shift, logScale []float32) {
	affineToDataGeneric(x, logDet, z, shift, logScale)
}

func mulAdd(dst, a, b, c []float32) {
	mulAddGeneric(dst, a, b, c)
}

func largest(dst, a, b []float32) {
	largestGeneric(dst, a, b)
}

func sigmoidalForward(up, down, w, a, alpha, beta, sumA, sumB, sumC []float32) {
	sigmoidalForwardGeneric(up, down, w, a, alpha, beta, sumA, sumB, sumC)
}

func sigmoidalBackward(du, direct, w, a, up, down, p, q, alpha, beta []float32) {
	sigmoidalBackwardGeneric(du, direct, w, a, up, down, p, q, alpha, beta)
}

func sigmoidalShares(dw, w, a, up, down, direct, r, s, rest []float32) {
	sigmoidalSharesGeneric(dw, w, a, up, down, direct, r, s, rest)
}

func adam(p, g, m, v []float32, f *AdamFactors) { adamGeneric(p, g, m, v, f) }

func sumLanes(s *[Lanes]float32, x []float32) { sumLanesGeneric(s, x) }

func squareLanes(s *[Lanes]float64, x []float32) { squareLanesGeneric(s, x) }

func addRowSums(dst, src []float32, ld, rows, n int) { addRowSumsGeneric(dst, src, ld, rows, n) }

func transposeStrip(dst []float32, ldd int, src []float32, lds, cols int) {
	transposeGeneric(dst, ldd, src, lds, 8, cols)
}

func (s Spline) toLatent(z, logDet, x, params, _ []float32) {
	s.toLatentGeneric(z, logDet, x, params)
}

func (s Spline) toData(x, logDet, z, params, _ []float32) { s.toDataGeneric(x, logDet, z, params) }

func (s Spline) backward(dx, dParams, dz, dLogDet, x, params, _ []float32) {
	s.backwardGeneric(dx, dParams, dz, dLogDet, x, params)
}

func normalPairs(even, odd []float32, at *NormalCounter) bool { return false }

func pause() {}
