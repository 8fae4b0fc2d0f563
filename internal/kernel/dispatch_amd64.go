package kernel

// The functions of this file run one call of assembly each. They are not inlined, so that each has the check
// for preemption of a Go function's beginning: a loop over assembly alone would keep the garbage collector
// waiting. Their callers pass no more than a few ten microseconds of work.

//go:noinline
func (g *Gemm) run() {
	switch isa {
	case isaAVX512:
		g.blocks(&blockingAVX512)
	case isaAVX2:
		if g.N <= lanesAVX2 {
			g.blocks(&blockingNarrow)
		} else {
			g.blocks(&blockingAVX2)
		}
	default:
		gemmGeneric(g)
	}
}

//go:noinline
func peak(n int) int {
	switch isa {
	case isaAVX512:
		peakAVX512(n)
		return peakFlopsAVX512
	case isaAVX2:
		peakAVX2(n)
		return peakFlopsAVX2
	}
	return peakGeneric(n)
}

//go:noinline
func applyUnary(op unary, dst, src []float32) {
	d, s, n := &dst[0], &src[0], len(dst)
	switch isa {
	case isaAVX512:
		switch op {
		case opExp:
			expAVX512(d, s, n)
		case opLog:
			logAVX512(d, s, n)
		case opTanh:
			tanhAVX512(d, s, n)
		case opSigmoid:
			sigmoidAVX512(d, s, n)
		case opSoftplus:
			softplusAVX512(d, s, n)
		}
	case isaAVX2:
		switch op {
		case opExp:
			expAVX2(d, s, n)
		case opLog:
			logAVX2(d, s, n)
		case opTanh:
			tanhAVX2(d, s, n)
		case opSigmoid:
			sigmoidAVX2(d, s, n)
		case opSoftplus:
			softplusAVX2(d, s, n)
		}
	default:
		unaryGeneric(op, dst, src)
	}
}

//go:noinline
func axpy(y []float32, a float32, x []float32) {
	switch isa {
	case isaAVX512:
		axpyAVX512(&y[0], &x[0], a, len(y))
	case isaAVX2:
		axpyAVX2(&y[0], &x[0], a, len(y))
	default:
		axpyGeneric(y, a, x)
	}
}

//go:noinline
func addThree(y, a, b, c []float32) {
	switch isa {
	case isaAVX512:
		addThreeAVX512(&y[0], &a[0], &b[0], &c[0], len(y))
	case isaAVX2:
		addThreeAVX2(&y[0], &a[0], &b[0], &c[0], len(y))
	default:
		addThreeGeneric(y, a, b, c)
	}
}

//go:noinline
func approach(y, x []float32, rate float32) {
	switch isa {
	case isaAVX512:
		approachAVX512(&y[0], &x[0], rate, len(y))
	case isaAVX2:
		approachAVX2(&y[0], &x[0], rate, len(y))
	default:
		approachGeneric(y, x, rate)
	}
}

//go:noinline
func mul(dst, a, b []float32) {
	switch isa {
	case isaAVX512:
		mulAVX512(&dst[0], &a[0], &b[0], len(dst))
	case isaAVX2:
		mulAVX2(&dst[0], &a[0], &b[0], len(dst))
	default:
		mulGeneric(dst, a, b)
	}
}

//go:noinline
func scale(x []float32, a float32) {
	switch isa {
	case isaAVX512:
		scaleAVX512(&x[0], a, len(x))
	case isaAVX2:
		scaleAVX2(&x[0], a, len(x))
	default:
		scaleGeneric(x, a)
	}
}

//go:noinline
func reluBackward(d, h []float32) {
	switch isa {
	case isaAVX512:
		reluBackwardAVX512(&d[0], &h[0], len(d))
	case isaAVX2:
		reluBackwardAVX2(&d[0], &h[0], len(d))
	default:
		reluBackwardGeneric(d, h)
	}
}

//go:noinline
func tanhBackward(d, h []float32) {
	switch isa {
	case isaAVX512:
		tanhBackwardAVX512(&d[0], &h[0], len(d))
	case isaAVX2:
		tanhBackwardAVX2(&d[0], &h[0], len(d))
	default:
		tanhBackwardGeneric(d, h)
	}
}

//go:noinline
func affineToLatent(z, logDet, x, shift, logScale []float32) {
	switch isa {
	case isaAVX512:
		affineToLatentAVX512(&z[0], &logDet[0], &x[0], &shift[0], &logScale[0], len(z))
	case isaAVX2:
		affineToLatentAVX2(&z[0], &logDet[0], &x[0], &shift[0], &logScale[0], len(z))
	default:
		affineToLatentGeneric(z, logDet, x, shift, logScale)
	}
}

//go:noinline
func affineBackward(dx, dShift, dLogScale, z, logScale, dz, dLogDet []float32) {
	switch isa {
	case isaAVX512:
		affineBackwardAVX512(&dx[0], &dShift[0], &dLogScale[0], &z[0], &logScale[0], &dz[0], &dLogDet[0], len(dx))
	case isaAVX2:
		affineBackwardAVX2(&dx[0], &dShift[0], &dLogScale[0], &z[0], &logScale[0], &dz[0], &dLogDet[0], len(dx))
	default:
		affineBackwardGeneric(dx, dShift, dLogScale, z, logScale, dz, dLogDet)
	}
}

//go:noinline
func affineToData(x, logDet, z, shift, logScale []float32) {
	switch isa {
	case isaAVX512:
		affineToDataAVX512(&x[0], &logDet[0], &z[0], &shift[0], &logScale[0], len(x))
	case isaAVX2:
		affineToDataAVX2(&x[0], &logDet[0], &z[0], &shift[0], &logScale[0], len(x))
	default:
		affineToDataGeneric(x, logDet, z, shift, logScale)
	}
}

//go:noinline
func mulAdd(dst, a, b, c []float32) {
	switch isa {
	case isaAVX512:
		mulAddAVX512(&dst[0], &a[0], &b[0], &c[0], len(dst))
	case isaAVX2:
		mulAddAVX2(&dst[0], &a[0], &b[0], &c[0], len(dst))
	default:
		mulAddGeneric(dst, a, b, c)
	}
}

//go:noinline
func largest(dst, a, b []float32) {
	switch isa {
	case isaAVX512:
		largestAVX512(&dst[0], &a[0], &b[0], len(dst))
	case isaAVX2:
		largestAVX2(&dst[0], &a[0], &b[0], len(dst))
	default:
		largestGeneric(dst, a, b)
	}
}

//go:noinline
func sigmoidalForward(up, down, w, a, alpha, beta, sumA, sumB, sumC []float32) {
	switch isa {
	case isaAVX512:
		sigmoidalForwardAVX512(&up[0], &down[0], &w[0], &a[0], &alpha[0], &beta[0], &sumA[0], &sumB[0], &sumC[0], len(up))
	case isaAVX2:
		sigmoidalForwardAVX2(&up[0], &down[0], &w[0], &a[0], &alpha[0], &beta[0], &sumA[0], &sumB[0], &sumC[0], len(up))
	default:
		sigmoidalForwardGeneric(up, down, w, a, alpha, beta, sumA, sumB, sumC)
	}
}

//go:noinline
func sigmoidalBackward(du, direct, w, a, up, down, p, q, alpha, beta []float32) {
	switch isa {
	case isaAVX512:
		sigmoidalBackwardAVX512(&du[0], &direct[0], &w[0], &a[0], &up[0], &down[0], &p[0], &q[0], &alpha[0], &beta[0], len(du))
	case isaAVX2:
		sigmoidalBackwardAVX2(&du[0], &direct[0], &w[0], &a[0], &up[0], &down[0], &p[0], &q[0], &alpha[0], &beta[0], len(du))
	default:
		sigmoidalBackwardGeneric(du, direct, w, a, up, down, p, q, alpha, beta)
	}
}

//go:noinline
func sigmoidalShares(dw, w, a, up, down, direct, r, s, rest []float32) {
	switch isa {
	case isaAVX512:
		sigmoidalSharesAVX512(&dw[0], &w[0], &a[0], &up[0], &down[0], &direct[0], &r[0], &s[0], &rest[0], len(dw))
	case isaAVX2:
		sigmoidalSharesAVX2(&dw[0], &w[0], &a[0], &up[0], &down[0], &direct[0], &r[0], &s[0], &rest[0], len(dw))
	default:
		sigmoidalSharesGeneric(dw, w, a, up, down, direct, r, s, rest)
	}
}

//go:noinline
func adam(p, g, m, v []float32, f *AdamFactors) {
	switch isa {
	case isaAVX512:
		adamAVX512(&p[0], &g[0], &m[0], &v[0], f.gradScale, f.l2, f.keep, f.beta1, f.beta2, f.c1, f.c2, f.rate, f.root, f.eps, len(p))
	case isaAVX2:
		adamAVX2(&p[0], &g[0], &m[0], &v[0], f.gradScale, f.l2, f.keep, f.beta1, f.beta2, f.c1, f.c2, f.rate, f.root, f.eps, len(p))
	default:
		adamGeneric(p, g, m, v, f)
	}
}

//go:noinline
func sumLanes(s *[Lanes]float32, x []float32) {
	switch isa {
	case isaAVX512:
		sumLanesAVX512(&s[0], &x[0], len(x))
	case isaAVX2:
		sumLanesAVX2(&s[0], &x[0], len(x))
	default:
		sumLanesGeneric(s, x)
	}
}

//go:noinline
func addRowSums(dst, src []float32, ld, rows, n int) {
	switch isa {
	case isaAVX512:
		addRowSumsAVX512(&dst[0], &src[0], 4*ld, rows, n)
	case isaAVX2:
		addRowSumsAVX2(&dst[0], &src[0], 4*ld, rows, n)
	default:
		addRowSumsGeneric(dst, src, ld, rows, n)
	}
}

// squareLanes adds the squares of x, a whole number of Lanes, to the partial sums.
//
//go:noinline
func squareLanes(s *[Lanes]float64, x []float32) {
	switch isa {
	case isaAVX512:
		squareLanesAVX512(&s[0], &x[0], len(x))
	case isaAVX2:
		squareLanesAVX2(&s[0], &x[0], len(x))
	default:
		squareLanesGeneric(s, x)
	}
}

// transposeStrip transposes 8 rows of a multiple of 8 columns.
//
//go:noinline
func transposeStrip(dst []float32, ldd int, src []float32, lds, cols int) {
	if isa == isaGeneric {
		transposeGeneric(dst, ldd, src, lds, 8, cols)
		return
	}
	transpose8(&dst[0], &src[0], 4*ldd, 4*lds, cols/8)
}

//go:noinline
func (s Spline) toLatent(z, logDet, x, params, saved []float32) {
	f := s.factors()
	switch isa {
	case isaAVX512:
		splineToLatentAVX512(&z[0], &logDet[0], &x[0], &params[0], &saved[0], &s.ends(params)[0], len(z), s.Bins, &f)
	case isaAVX2:
		splineToLatentAVX2(&z[0], &logDet[0], &x[0], &params[0], &saved[0], &s.ends(params)[0], len(z), s.Bins, &f)
	default:
		s.toLatentGeneric(z, logDet, x, params)
	}
}

//go:noinline
func (s Spline) toData(x, logDet, z, params, scratch []float32) {
	f := s.factors()
	switch isa {
	case isaAVX512:
		splineToDataAVX512(&x[0], &logDet[0], &z[0], &params[0], &scratch[0], &s.ends(params)[0], len(x), s.Bins, &f)
	case isaAVX2:
		splineToDataAVX2(&x[0], &logDet[0], &z[0], &params[0], &scratch[0], &s.ends(params)[0], len(x), s.Bins, &f)
	default:
		s.toDataGeneric(x, logDet, z, params)
	}
}

//go:noinline
func (s Spline) backward(dx, dParams, dz, dLogDet, x, params, saved []float32) {
	f := s.factors()
	var none [Tile]float32
	dEnds := none[:]
	if s.Circular {
		dEnds = dParams[(3*s.Bins-1)*Tile:]
	}
	switch isa {
	case isaAVX512:
		splineBackwardAVX512(&dx[0], &dParams[0], &dz[0], &dLogDet[0], &x[0], &saved[0], &dEnds[0], len(dx), s.Bins, &f)
	case isaAVX2:
		splineBackwardAVX2(&dx[0], &dParams[0], &dz[0], &dLogDet[0], &x[0], &saved[0], &dEnds[0], len(dx), s.Bins, &f)
	default:
		s.backwardGeneric(dx, dParams, dz, dLogDet, x, params)
	}
}

// normalPairs says whether there is vector code.
//
//go:noinline
func normalPairs(even, odd []float32, at *NormalCounter) bool {
	switch isa {
	case isaAVX512:
		normalPairsAVX512(&even[0], &odd[0], len(even), at)
	case isaAVX2:
		normalPairsAVX2(&even[0], &odd[0], len(even), at)
	default:
		return false
	}
	return true
}
