package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (p *spliner) backward() {
	end := p.begin("splineBackward", "dx, dParams, dz, dLogDet, x, saved, dEnds")
	g := p.locals(7) // of widths below, at and above the bin, the same of heights; then of slopes
	slopes := [2]operand.Mem{g[6], p.locals(1)[0]}
	index := p.locals(1)[0]
	p.events("place", p.bytes, func() { p.placeBackward(g, slopes, index) })
	end()
}

// placeBackward computes the gradients of a vector of events.
func (p *spliner) placeBackward(g []operand.Mem, slopes [2]operand.Mem, index operand.Mem) {
	p.gradients(g[:6], slopes, index)
	p.softmaxBackward("widths", 0, g[:3], index)
	p.softmaxBackward("heights", 1, g[3:6], index)
	out, count := p.row("dParams", 2, 0), p.pointer("bins")
	p.DECQ(count)
	j := p.newVar()
	p.set(j, p.k(0))
	p.flush()
	p.loop("slopes", count, []reg.GPVirtual{out}, func() {
		at := p.compare(eq, p.get(j), p.known(index))
		next := p.plus(p.get(j), p.k(1))
		before := p.compare(eq, next, p.known(index))
		p.store(p.choose(before, p.known(slopes[0]), p.only(at, p.known(slopes[1]))), operand.Mem{Base: out})
		p.set(j, next)
		p.flush()
	})
	first, last := p.compare(eq, p.k(0), p.known(index)), p.compare(eq, p.get(j), p.known(index))
	p.store(p.plus(p.only(first, p.known(slopes[0])), p.only(last, p.known(slopes[1]))), p.column("dEnds"))
	p.flush()
	p.freeVar(j)
}

// gradients computes dx and, on the stack, what the rows of parameters need; see plain Go's backward.
func (p *spliner) gradients(sizes []operand.Mem, slopes [2]operand.Mem, index operand.Mem) {
	saved := p.row("saved", 2, 0)
	at := func(row int) val { return p.load(operand.Mem{Base: saved, Disp: row * rowBytes}) }
	p.store(at(savedIndex), index)
	p.inverses()

	in := p.inside(p.load(p.column("x")))
	dz := p.load(p.column("dz"))
	gz := p.only(in, dz)
	gl := p.only(in, p.load(p.column("dLogDet")))
	t := at(savedT)
	raw0, raw1 := at(savedRaw0), at(savedRaw1)
	b := p.newPiece(p.sizeOf(at(savedW), p.invW), p.sizeOf(at(savedH), p.invH), p.slopeOf(raw0), p.slopeOf(raw1))
	q, r, u, den, m := p.parts(b, t)
	invDen, invW := p.over(p.k(1), den), p.over(p.k(1), b.w)
	two := func(x val) val { return p.plus(x, x) }

	gu := p.times(p.times(gz, b.h), invDen)
	gden := p.negate(p.times(p.fma(gu, u, two(gl)), invDen))
	gm := p.over(gl, m)
	t2, r2, bend := p.times(t, t), p.times(r, r), p.minus(r, t) // bend = 1-2t
	gs := p.fma(gu, t2, p.times(gden, p.fnma(p.k(2), q, p.k(1))))
	gs = p.fma(two(gm), q, p.plus(gs, p.over(two(gl), b.s)))
	st := p.fma(two(b.s), t, p.times(b.d0, bend))
	dm := p.fma(b.d1, t, p.fnma(b.d0, r, p.times(b.s, bend)))
	gt := p.fma(two(gm), dm, p.fma(gu, st, p.times(p.times(gden, b.curve), bend)))

	gxk := p.negate(p.times(gt, invW))
	gw := p.negate(p.times(p.fma(gt, t, p.times(gs, b.s)), invW))
	gh := p.fma(p.times(gz, u), invDen, p.times(gs, invW))
	p.store(p.choose(in, p.negate(gxk), dz), p.column("dx"))
	p.store(p.times(p.fma(p.plus(gu, gden), q, p.times(gm, r2)), p.sigmoid(raw0)), slopes[0])
	p.store(p.times(p.fma(gden, q, p.times(gm, t2)), p.sigmoid(raw1)), slopes[1])
	p.shares(sizes[:3], gxk, gw, at(savedBelowW), at(savedW), p.invW)
	p.shares(sizes[3:], gz, gh, at(savedBelowH), at(savedH), p.invH)
	p.flush()
}

// shares are the factors of the exponentials in the gradient of their raw parameters: of bins below, at and
// above the one found, whose lower end has the gradient gEnd and whose size gSize.
func (p *spliner) shares(to []operand.Mem, gEnd, gSize, below, e val, inverse operand.Mem) {
	inv := p.known(inverse)
	mean := p.times(p.fma(below, gEnd, p.times(e, gSize)), inv)
	f := p.times(p.times(p.known(p.span), p.known(p.scale)), inv)
	p.store(p.times(p.minus(gEnd, mean), f), to[0])
	p.store(p.times(p.minus(gSize, mean), f), to[1])
	p.store(p.negate(p.times(mean, f)), to[2])
}

// softmaxBackward writes the gradient of one axis's raw rows.
func (p *spliner) softmaxBackward(label string, times int, g []operand.Mem, index operand.Mem) {
	e, out, bins := p.row("saved", times, 0), p.row("dParams", times, 0), p.pointer("bins")
	j := p.newVar()
	p.set(j, p.k(0))
	p.flush()
	p.loop(label, bins, []reg.GPVirtual{e, out}, func() {
		n := p.get(j)
		above := p.choose(p.compare(eq, n, p.known(index)), p.known(g[1]), p.known(g[2]))
		f := p.choose(p.compare(lt, n, p.known(index)), p.known(g[0]), above)
		p.store(p.times(f, p.load(operand.Mem{Base: e})), operand.Mem{Base: out})
		p.set(j, p.plus(n, p.k(1)))
		p.flush()
	})
	p.freeVar(j)
}
