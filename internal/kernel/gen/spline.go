package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	rowBytes = 4 * 64 // from a row of a tile to the next
	minSlope = 1e-3
)

// Rows of the saved tile after the 2*bins of exponentials. sums run over the bins below; raw0 and raw1 are
// the raw slopes at the ends of the bin.
const (
	savedIndex = iota
	savedInvW  // 1 / sum of the exponentials, of widths ...
	savedInvH  // ... and heights
	savedW     // exponential of the bin
	savedH
	savedBelowW // sum of those below
	savedBelowH
	savedT // place in the bin, 0 to 1
	savedRaw0
	savedRaw1
)

// spliner writes one of the functions of a spline: for each vector of events, all of them.
type spliner struct {
	*prog
	bound, scale, least, span operand.Mem // the Go type splineFactors, each in all lanes
	off                       reg.GPVirtual
	invW, invH                operand.Mem // on the stack
}

func splineFile(s *isa) *file {
	f := newFile(s, "spline_"+s.file)
	(&spliner{prog: newProg(f)}).toLatent()
	(&spliner{prog: newProg(f)}).toData()
	(&spliner{prog: newProg(f)}).backward()
	return f
}

// begin opens the function; the function returned closes it.
func (p *spliner) begin(name, columns string) (end func()) {
	rest := ", n, bins int, k "
	p.function(name+p.isa.name, "("+columns+" *float32"+rest+"*splineFactors)", "("+columns+" *float32"+rest+"*byte)")
	p.Attributes(0) // the frame is too large for a function that must not grow the stack
	restore := p.flushDenormals()
	k := p.pointer("k")
	for i, m := range []*operand.Mem{&p.bound, &p.scale, &p.least, &p.span} {
		*m = p.AllocLocal(p.bytes)
		p.VBROADCASTSS(operand.Mem{Base: k, Disp: 4 * i}, p.regs[0])
		p.VMOVUPS(p.regs[0], *m)
	}
	p.invW, p.invH = p.AllocLocal(p.bytes), p.AllocLocal(p.bytes)
	p.off = p.GP64()
	return func() {
		restore()
		p.end()
	}
}

// events repeats body for the events of a column, so many bytes of them at a time.
func (p *spliner) events(label string, bytes int, body func()) {
	p.XORQ(p.off, p.off)
	p.Label(label)
	body()
	p.ADDQ(operand.Imm(uint64(bytes)), p.off)
	n := p.pointer("n")
	p.SHLQ(operand.Imm(2), n)
	p.CMPQ(p.off, n)
	p.JLT(operand.LabelRef(label))
}

// pointer loads a parameter.
func (p *spliner) pointer(param string) reg.GPVirtual {
	return p.Load(p.Param(param), p.GP64()).(reg.GPVirtual)
}

// column is the current vector of a column.
func (p *spliner) column(param string) operand.Mem {
	r := p.pointer(param)
	p.ADDQ(p.off, r)
	return operand.Mem{Base: r}
}

// row is the current vector of row bins*times + plus of a tile.
func (p *spliner) row(param string, times, plus int) reg.GPVirtual {
	r := p.pointer(param)
	p.ADDQ(p.off, r)
	if times > 0 {
		bins := p.pointer("bins")
		p.IMUL3Q(operand.U32(times*rowBytes), bins, bins)
		p.ADDQ(bins, r)
	}
	if plus != 0 {
		p.ADDQ(operand.I32(plus*rowBytes), r)
	}
	return r
}

// loop repeats body count times, count a register that is lost, and moves the pointers a row on each time.
func (p *spliner) loop(label string, count reg.GPVirtual, rows []reg.GPVirtual, body func()) {
	p.TESTQ(count, count)
	p.JLE(operand.LabelRef(label + "_done"))
	p.Label(label)
	body()
	for _, r := range rows {
		p.ADDQ(operand.U32(rowBytes), r)
	}
	p.DECQ(count)
	p.JNZ(operand.LabelRef(label))
	p.Label(label + "_done")
}

// softmax stores exp(scale*(raw - largest)) of bins rows, and the inverse of their sum. It takes a line of the
// cache at a time.
func (p *spliner) softmax(label string, times, savedInv int) {
	var top, sum []variable
	for range group / p.lanes() {
		top, sum = append(top, p.newVar()), append(sum, p.newVar())
	}
	part := func(r reg.GPVirtual, u int) operand.Mem { return operand.Mem{Base: r, Disp: p.bytes * u} }
	raw, bins := p.row("params", times, 0), p.pointer("bins")
	for u := range top {
		p.set(top[u], p.load(part(raw, u)))
		p.set(sum[u], p.k(0))
	}
	p.flush()
	p.loop(label+"_top", bins, []reg.GPVirtual{raw}, func() {
		for u := range top {
			p.set(top[u], p.maximum(p.load(part(raw, u)), p.get(top[u])))
		}
		p.flush()
	})
	raw, out, bins := p.row("params", times, 0), p.row("saved", times, 0), p.pointer("bins")
	p.loop(label+"_exp", bins, []reg.GPVirtual{raw, out}, func() {
		for u := range top {
			x := p.times(p.minus(p.load(part(raw, u)), p.get(top[u])), p.known(p.scale))
			e := p.exp(p.maximum(p.k(expMin), x))
			p.store(e, part(out, u))
			p.set(sum[u], p.plus(p.get(sum[u]), e))
		}
		p.flush()
	})
	inv := p.row("saved", 2, savedInv)
	for u := range top {
		p.store(p.over(p.k(1), p.get(sum[u])), part(inv, u))
	}
	p.flush()
	for u := range top {
		p.freeVar(top[u])
		p.freeVar(sum[u])
	}
}

// softmaxes prepares both axes of all events.
func (p *spliner) softmaxes() {
	p.events("prepare", 4*group, func() {
		p.softmax("widths", 0, savedInvW)
		p.softmax("heights", 1, savedInvH)
	})
}

// inverses copies the inverse sums to the stack.
func (p *spliner) inverses() {
	saved := p.row("saved", 2, 0)
	p.store(p.load(operand.Mem{Base: saved, Disp: savedInvW * rowBytes}), p.invW)
	p.store(p.load(operand.Mem{Base: saved, Disp: savedInvH * rowBytes}), p.invH)
	p.flush()
}

// found are the variables of the bin of each event. Axis 0 is the one that is searched.
type found struct {
	below [2]variable // running sum of the exponentials
	j     variable    // index of the bin looked at
	index variable
	bin   [2]variable // exponential of the bin found
	start [2]variable // sum of those below it
	raw   [2]variable // slopes at its ends
}

func (p *spliner) newFound() found {
	var f found
	for _, v := range f.all() {
		*v = p.newVar()
	}
	return f
}

func (f *found) all() []*variable {
	return []*variable{&f.below[0], &f.below[1], &f.j, &f.index, &f.bin[0], &f.bin[1], &f.start[0], &f.start[1], &f.raw[0], &f.raw[1]}
}

func (p *spliner) freeFound(f *found) {
	for _, v := range f.all() {
		p.freeVar(*v)
	}
}

// edgeOf is the lower end of a bin: -bound + least*index + span*inverse*(sum below).
func (p *spliner) edgeOf(index, below val, inverse operand.Mem) val {
	share := p.times(p.known(p.span), p.known(inverse))
	return p.fma(share, below, p.fms(p.known(p.least), index, p.known(p.bound)))
}

// sizeOf is the size of a bin: least + span*inverse*exponential.
func (p *spliner) sizeOf(e val, inverse operand.Mem) val {
	return p.fma(p.times(p.known(p.span), p.known(inverse)), e, p.known(p.least))
}

// find walks over the bins and keeps the last one that begins at or below v. axes are the places of the
// searched and of the other axis among widths (0) and heights (1).
func (p *spliner) find(v operand.Mem, axes [2]int, inverse [2]operand.Mem) found {
	f := p.newFound()
	e := [2]reg.GPVirtual{p.row("saved", axes[0], 0), p.row("saved", axes[1], 0)}
	slope, count, ends := p.row("params", 2, 0), p.pointer("bins"), p.column("ends")
	for a := range 2 {
		x := p.load(operand.Mem{Base: e[a]})
		p.set(f.bin[a], x)
		p.set(f.below[a], p.k(0))
		p.set(f.start[a], p.k(0))
		p.set(f.raw[a], p.load(ends))
	}
	p.set(f.j, p.k(0))
	p.set(f.index, p.k(0))
	p.flush()
	p.SUBQ(operand.Imm(2), count)
	p.JLT(operand.LabelRef("one_bin"))
	p.set(f.raw[1], p.load(operand.Mem{Base: slope}))
	p.flush()
	rows := []reg.GPVirtual{e[0], e[1], slope}
	p.loop("find", count, rows, func() { p.advance(&f, v, e, slope, inverse[0], false) })
	p.advance(&f, v, e, slope, inverse[0], true)
	p.Label("one_bin")
	return f
}

// advance looks at the next bin; the last one ends at the end of the interval.
func (p *spliner) advance(f *found, v operand.Mem, e [2]reg.GPVirtual, slope reg.GPVirtual, inverse operand.Mem, last bool) {
	j := p.plus(p.get(f.j), p.k(1))
	below := [2]val{}
	for a := range 2 {
		below[a] = p.plus(p.get(f.below[a]), p.load(operand.Mem{Base: e[a]}))
	}
	m := p.compare(ge, p.known(v), p.edgeOf(j, below[0], inverse))
	keep := func(to variable, x val) { p.set(to, p.choose(m, x, p.get(to))) }
	for a := range 2 {
		keep(f.bin[a], p.load(operand.Mem{Base: e[a], Disp: rowBytes}))
		keep(f.start[a], below[a])
		p.set(f.below[a], below[a])
	}
	keep(f.index, j)
	p.set(f.j, j)
	keep(f.raw[0], p.load(operand.Mem{Base: slope}))
	if last {
		keep(f.raw[1], p.load(p.column("ends")))
	} else {
		keep(f.raw[1], p.load(operand.Mem{Base: slope, Disp: rowBytes}))
	}
	p.flush()
}

func (p *spliner) toLatent() {
	end := p.begin("splineToLatent", "z, logDet, x, params, saved, ends")
	v := p.locals(1)[0]
	p.softmaxes()
	p.events("place", p.bytes, func() { p.placeToLatent(v) })
	end()
}

// placeToLatent finds the bins of a vector of events and computes the result.
func (p *spliner) placeToLatent(v operand.Mem) {
	x := p.column("x")
	p.store(p.clip(p.load(x)), v)
	p.inverses()
	f := p.find(v, [2]int{0, 1}, [2]operand.Mem{p.invW, p.invH})
	saved := p.row("saved", 2, 0)
	p.save(&f, saved)
	p.freeFound(&f)

	at := func(row int) val { return p.load(operand.Mem{Base: saved, Disp: row * rowBytes}) }
	w, h := p.sizeOf(at(savedW), p.invW), p.sizeOf(at(savedH), p.invH)
	xk := p.edgeOf(at(savedIndex), at(savedBelowW), p.invW)
	t := p.unit(p.over(p.minus(p.known(v), xk), w))
	p.store(t, operand.Mem{Base: saved, Disp: savedT * rowBytes})
	b := p.newPiece(w, h, p.slopeOf(at(savedRaw0)), p.slopeOf(at(savedRaw1)))
	_, _, u, den, m := p.parts(b, t)
	yk := p.edgeOf(at(savedIndex), at(savedBelowH), p.invH)
	y := p.fma(p.over(h, den), u, yk)
	l := p.logSlope(b, den, m)
	p.result(x, "z", y, l)
	p.flush()
}

// save writes the bin found to its rows.
func (p *spliner) save(f *found, saved reg.GPVirtual) {
	to := func(row int, x val) { p.store(x, operand.Mem{Base: saved, Disp: row * rowBytes}) }
	to(savedIndex, p.get(f.index))
	to(savedW, p.get(f.bin[0]))
	to(savedH, p.get(f.bin[1]))
	to(savedBelowW, p.get(f.start[0]))
	to(savedBelowH, p.get(f.start[1]))
	to(savedRaw0, p.get(f.raw[0]))
	to(savedRaw1, p.get(f.raw[1]))
	p.flush()
}

// result writes the value, which rounding does not take out of the interval, and adds to logDet; the identity outside.
func (p *spliner) result(from operand.Mem, to string, y, l val) {
	x := p.load(from)
	in := p.inside(x)
	logDet := p.column("logDet")
	p.store(p.choose(in, p.clip(y), x), p.column(to))
	p.store(p.plus(p.load(logDet), p.only(in, l)), logDet)
}

func (p *spliner) toData() {
	end := p.begin("splineToData", "x, logDet, z, params, saved, ends")
	mem := p.locals(7)
	p.softmaxes()
	p.events("place", p.bytes, func() { p.placeToData(mem) })
	end()
}

// placeToData finds the bins of a vector of events and inverts the function there.
func (p *spliner) placeToData(mem []operand.Mem) {
	v, w, h, xk, yk, d0, d1 := mem[0], mem[1], mem[2], mem[3], mem[4], mem[5], mem[6]
	z := p.column("z")
	p.store(p.clip(p.load(z)), v)
	p.inverses()
	f := p.find(v, [2]int{1, 0}, [2]operand.Mem{p.invH, p.invW})
	p.store(p.sizeOf(p.get(f.bin[1]), p.invW), w)
	p.store(p.sizeOf(p.get(f.bin[0]), p.invH), h)
	p.store(p.edgeOf(p.get(f.index), p.get(f.start[1]), p.invW), xk)
	p.store(p.edgeOf(p.get(f.index), p.get(f.start[0]), p.invH), yk)
	p.store(p.get(f.raw[0]), d0)
	p.store(p.get(f.raw[1]), d1)
	p.flush()
	p.freeFound(&f)

	b := p.newPiece(p.load(w), p.load(h), p.slopeOf(p.load(d0)), p.slopeOf(p.load(d1)))
	dy := p.minus(p.load(v), p.load(yk))
	t := p.root(b, dy)
	_, _, _, den, m := p.parts(b, t)
	l := p.negate(p.logSlope(b, den, m))
	p.result(z, "x", p.fma(t, b.w, p.load(xk)), l)
	p.flush()
}

// root is t where f exceeds its value at the bin's lower end by dy: the form of the quadratic's root that
// does not cancel, its discriminant clamped at 0.
func (p *spliner) root(b piece, dy val) val {
	bent := p.times(dy, b.curve)
	qa := p.fma(b.h, p.minus(b.s, b.d0), bent)
	qb := p.fms(b.h, b.d0, bent)
	c := p.times(b.s, dy) // minus the constant term
	disc := p.fma(qb, qb, p.times(p.times(p.k(4), qa), c))
	r := p.sqrt(p.maximum(disc, p.k(0)))
	return p.unit(p.over(p.plus(c, c), p.plus(qb, r)))
}
