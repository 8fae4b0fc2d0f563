package main

import "math"

// The polynomials are minimax fits (Remez) of the relative error of the function; the comments give the
// largest error of the fit, to be compared with the 6e-8 of float32.

const (
	expMin = -87.3125 // exp stays a normal number
	expMax = 88.375   // exp stays finite
)

// clampExp bounds the argument of exp; NaN passes.
func (p *prog) clampExp(x val) val {
	return p.minimum(p.k(expMax), p.maximum(p.k(expMin), x))
}

// exp is 2^k e^r with r = x - k ln 2 in [-ln2/2, ln2/2], x inside the bounds.
func (p *prog) exp(x val) val {
	k := p.round(p.times(x, p.k(math.Log2E)))
	const high = 0x1.62e43p-1 // ln 2 in float32
	r := p.fnma(k, p.k(high), x)
	r = p.fnma(k, p.k(math.Ln2-high), r)
	q := p.polynomial(r, 0.4999999345, 0.1666652063, 0.04166838805, 0.008368716885, 0.001381459848) // 3.1e-9
	y := p.fma(p.times(r, r), q, r)
	y = p.plus(y, p.k(1))
	return p.intPlus(y, p.shiftLeft(p.toInt(k), 23))
}

// logNormal is the logarithm of a positive normal number: e ln 2 + log m with m in [sqrt(1/2), sqrt 2).
func (p *prog) logNormal(x val) val {
	const root = 0x3f3504f3 // sqrt(1/2)
	k := p.shiftRight(p.intMinus(x, p.kBits(root)), 23)
	f := p.minus(p.intMinus(x, p.shiftLeft(k, 23)), p.k(1))
	e := p.toFloat(k)
	q := p.polynomial(f, 0.3333333171, -0.2500082103, 0.2000122688, -0.1662335738,
		0.1420175792, -0.1316018197, 0.127615774, -0.07634498039) // 5.8e-9
	const high = 0.693359375 // e*high is exact
	f2 := p.times(f, f)
	y := p.times(p.times(q, f), f2)
	y = p.fma(e, p.k(math.Ln2-high), y)
	y = p.fnma(p.k(0.5), f2, y)
	return p.fma(e, p.k(high), p.plus(y, f))
}

// log takes any argument.
func (p *prog) log(x val) val {
	const tiny = 0x1p-126 // smallest normal number
	y := p.logNormal(x)
	none := p.choose(p.compare(le, x, p.k(-tiny)), p.kBits(0x7fc00000), p.kBits(0xff800000))
	y = p.choose(p.compare(lt, x, p.k(tiny)), none, y)
	return p.choose(p.compare(notLess, x, p.k(math.Inf(1))), x, y) // Inf and NaN
}

// tanh is x + x^3 q(x^2) near 0, and 1 - 2/(e^2x + 1) elsewhere.
func (p *prog) tanh(x val) val {
	a := p.abs(x)
	z := p.times(x, x)
	q := p.polynomial(z, -0.3333328194, 0.133314422, -0.05373971513, 0.0206390874, -0.005704987162) // 4.4e-9
	near := p.fma(p.times(q, z), x, x)
	e := p.exp(p.clampExp(p.plus(a, a)))
	far := p.minus(p.k(1), p.over(p.k(2), p.plus(e, p.k(1))))
	far = p.or(far, p.and(x, p.kBits(0x80000000)))
	return p.choose(p.compare(lt, a, p.k(0.625)), near, far)
}

func (p *prog) sigmoid(x val) val {
	e := p.exp(p.clampExp(p.negate(x)))
	return p.over(p.k(1), p.plus(e, p.k(1)))
}

// softplus is max(x, 0) + log(1 + e) with e = exp(-|x|); the logarithm is 2 artanh(s) with s = e/(2+e).
func (p *prog) softplus(x val) val {
	e := p.exp(p.clampExp(p.negate(p.abs(x))))
	s := p.over(e, p.plus(e, p.k(2)))
	w := p.times(s, s)
	q := p.polynomial(w, 0.3333320814, 0.2001076362, 0.1400090264, 0.1400599336) // 4.5e-9
	l := p.fma(p.times(q, w), s, s)
	return p.plus(p.maximum(p.k(0), x), p.plus(l, l))
}
