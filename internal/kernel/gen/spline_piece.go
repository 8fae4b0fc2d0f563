package main

import "github.com/mmcloughlin/avo/operand"

// clip bounds v to the interval; NaN becomes its lower end.
func (p *spliner) clip(v val) val {
	low := p.negate(p.known(p.bound))
	return p.minimum(p.maximum(v, low), p.known(p.bound))
}

// inside says which events lie on the interval.
func (p *spliner) inside(v val) mask {
	return p.compare(le, p.abs(v), p.known(p.bound))
}

// unit clips to [0, 1].
func (p *prog) unit(t val) val { return p.maximum(p.minimum(t, p.k(1)), p.k(0)) }

// piece is the rational-quadratic function on a bin, in the notation of plain Go's bin.
type piece struct{ w, h, s, d0, d1, curve val }

func (p *spliner) slopeOf(raw val) val { return p.plus(p.softplus(raw), p.k(minSlope)) }

func (p *spliner) newPiece(w, h, d0, d1 val) piece {
	s := p.over(h, w)
	return piece{w: w, h: h, s: s, d0: d0, d1: d1, curve: p.fnma(p.k(2), s, p.plus(d0, d1))}
}

// parts are what value, derivative and gradients share: q = t(1-t), r = 1-t, the numerator u over h, the
// denominator, and m of the derivative m (s/den)^2.
func (p *spliner) parts(b piece, t val) (q, r, u, den, m val) {
	r = p.minus(p.k(1), t)
	q = p.times(t, r)
	t2 := p.times(t, t)
	u = p.fma(b.s, t2, p.times(b.d0, q))
	den = p.fma(b.curve, q, b.s)
	m = p.fma(b.d1, t2, p.fma(p.times(b.d0, r), r, p.times(p.plus(b.s, b.s), q)))
	return q, r, u, den, m
}

// logSlope is log f'.
func (p *spliner) logSlope(b piece, den, m val) val {
	f := p.over(b.s, den)
	return p.logNormal(p.times(p.times(m, f), f))
}

// locals are vectors on the stack.
func (p *spliner) locals(n int) []operand.Mem {
	m := make([]operand.Mem, n)
	for i := range m {
		m[i] = p.AllocLocal(p.bytes)
	}
	return m
}
