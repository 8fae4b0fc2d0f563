package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// prog writes vector code as expressions. Expressions are recorded, and flush turns what was recorded into
// instructions: it deals out the registers, and keeps on the stack what does not fit. Values do not outlive a
// flush; variables do, each in a register of its own.
type prog struct {
	*file
	nodes []node
	vars  []reg.VecPhysical // taken by variables
	slots []operand.Mem     // of the stack, for values that lost their register
}

// val is a recorded vector of float32 (or of bits), mask one of truth values.
type (
	val  int
	mask int
)

// variable is a vector that lives in one register until freed.
type variable struct{ r reg.VecPhysical }

// node is one operation. args are values and masks by number; a masks node defines a mask.
type node struct {
	args  []int
	emit  func(a *allocator, n *node, at int) // nil for a constant
	konst operand.Op                          // memory of a constant, or register of a variable
	mask  bool
}

func newProg(f *file) *prog { return &prog{file: f} }

func (p *prog) add(n node) int {
	p.nodes = append(p.nodes, n)
	return len(p.nodes) - 1
}

// newVar takes a register for a variable.
func (p *prog) newVar() variable {
	for _, r := range slices.Backward(p.regs) {
		if !slices.Contains(p.vars, r) {
			p.vars = append(p.vars, r)
			return variable{r}
		}
	}
	panic("no register is left for a variable")
}

func (p *prog) freeVar(v variable) {
	p.vars = slices.DeleteFunc(p.vars, func(r reg.VecPhysical) bool { return r == v.r })
}

// get is the variable itself: it stands for the value that the variable has where it is used.
func (p *prog) get(v variable) val { return val(p.add(node{konst: v.r})) }

func (p *prog) set(v variable, x val) {
	p.add(node{args: []int{int(x)}, emit: func(a *allocator, n *node, at int) {
		if op := a.operand(n.args[0]); op != operand.Op(v.r) {
			p.move(op, v.r)
		}
	}})
}

// move loads a vector register from a register or from memory.
func (p *prog) move(from operand.Op, to reg.VecPhysical) {
	if m, ok := from.(operand.Mem); ok {
		p.file.load(m, to)
	} else {
		p.VMOVAPS(from, to)
	}
}

// k is a constant.
func (p *prog) k(v float64) val { return val(p.add(node{konst: p.constant(v)})) }

func (p *prog) kBits(bits uint32) val { return val(p.add(node{konst: p.constantBits(bits)})) }

// known is a vector in memory that does not change.
func (p *prog) known(m operand.Mem) val { return val(p.add(node{konst: m})) }

// load reads a vector.
func (p *prog) load(m operand.Mem) val {
	return val(p.add(node{emit: func(a *allocator, n *node, at int) { p.VMOVUPS(m, a.define(at)) }}))
}

func (p *prog) store(x val, m operand.Mem) {
	p.add(node{args: []int{int(x)}, emit: func(a *allocator, n *node, at int) { p.VMOVUPS(a.reg(n.args[0]), m) }})
}

// loadMasked and storeMasked touch only the lanes of an edge, whose mask is K1 (AVX-512) or a variable (AVX2).
func (p *prog) loadMasked(m operand.Mem, edge variable) val {
	return val(p.add(node{emit: func(a *allocator, n *node, at int) {
		if p.wide() {
			p.VMOVUPS_Z(m, reg.K1, a.define(at))
		} else {
			p.VMASKMOVPS(m, edge.r, a.define(at))
		}
	}}))
}

func (p *prog) storeMasked(x val, m operand.Mem, edge variable) {
	p.add(node{args: []int{int(x)}, emit: func(a *allocator, n *node, at int) {
		if p.wide() {
			p.VMOVUPS(a.reg(n.args[0]), reg.K1, m)
		} else {
			p.VMASKMOVPS(a.reg(n.args[0]), edge.r, m)
		}
	}})
}

// instruction takes the second source, the first source and the destination, as the Go assembler does.
type instruction func(src2, src1, dst operand.Op)

// binary records src1 op src2; a constant comes second where the operation commutes.
func (p *prog) binary(op instruction, src1, src2 val, commutes bool) val {
	if commutes && p.nodes[src1].konst != nil {
		src1, src2 = src2, src1
	}
	return val(p.add(node{args: []int{int(src1), int(src2)}, emit: func(a *allocator, n *node, at int) {
		x := a.reg(n.args[0])
		y := a.operand(n.args[1])
		a.release(n, at)
		op(y, x, a.define(at))
	}}))
}

func (p *prog) plus(x, y val) val  { return p.binary(p.wrap(p.VADDPS, p.VADDPS_BCST), x, y, true) }
func (p *prog) minus(x, y val) val { return p.binary(p.wrap(p.VSUBPS, p.VSUBPS_BCST), x, y, false) }
func (p *prog) times(x, y val) val { return p.binary(p.wrap(p.VMULPS, p.VMULPS_BCST), x, y, true) }
func (p *prog) over(x, y val) val  { return p.binary(p.wrap(p.VDIVPS, p.VDIVPS_BCST), x, y, false) }

// maximum and minimum return y where either is NaN.
func (p *prog) maximum(x, y val) val { return p.binary(p.wrap(p.VMAXPS, p.VMAXPS_BCST), x, y, false) }
func (p *prog) minimum(x, y val) val { return p.binary(p.wrap(p.VMINPS, p.VMINPS_BCST), x, y, false) }

func (p *prog) intPlus(x, y val) val  { return p.binary(p.wrap(p.VPADDD, p.VPADDD_BCST), x, y, true) }
func (p *prog) intMinus(x, y val) val { return p.binary(p.wrap(p.VPSUBD, p.VPSUBD_BCST), x, y, false) }

func (p *prog) and(x, y val) val {
	if p.wide() {
		return p.binary(p.wrap(p.VPANDD, p.VPANDD_BCST), x, y, true)
	}
	return p.binary(p.wrap(p.VPAND, nil), x, y, true)
}

func (p *prog) or(x, y val) val {
	if p.wide() {
		return p.binary(p.wrap(p.VPORD, p.VPORD_BCST), x, y, true)
	}
	return p.binary(p.wrap(p.VPOR, nil), x, y, true)
}

// wrap adapts avo's methods, which take more operands in other forms; repeat is the form whose second source is a number for
// all lanes.
func (p *prog) wrap(f any, repeat func(ops ...operand.Op)) instruction {
	return func(x, y, z operand.Op) {
		if p.repeats(x) {
			repeat(x, y, z)
			return
		}
		switch f := f.(type) {
		case func(x, y, z operand.Op):
			f(x, y, z)
		case func(ops ...operand.Op):
			f(x, y, z)
		}
	}
}

// one records an operation of one argument.
func (p *prog) one(op func(src, dst operand.Op), x val) val {
	return val(p.add(node{args: []int{int(x)}, emit: func(a *allocator, n *node, at int) {
		src := a.reg(n.args[0])
		a.release(n, at)
		op(src, a.define(at))
	}}))
}

func (p *prog) sqrt(x val) val {
	return p.one(func(s, d operand.Op) { p.VSQRTPS(s, d) }, x)
}

// round rounds to the nearest integer, ties to even.
func (p *prog) round(x val) val {
	return p.one(func(s, d operand.Op) {
		if p.wide() {
			p.VRNDSCALEPS(operand.Imm(8), s, d)
		} else {
			p.VROUNDPS(operand.Imm(8), s, d)
		}
	}, x)
}

func (p *prog) toInt(x val) val {
	return p.one(func(s, d operand.Op) { p.VCVTPS2DQ(s, d) }, x)
}

func (p *prog) toFloat(x val) val {
	return p.one(func(s, d operand.Op) { p.VCVTDQ2PS(s, d) }, x)
}

func (p *prog) shiftLeft(x val, bits int) val {
	return p.one(func(s, d operand.Op) { p.VPSLLD(operand.Imm(uint64(bits)), s, d) }, x)
}

// shiftRight keeps the sign.
func (p *prog) shiftRight(x val, bits int) val {
	return p.one(func(s, d operand.Op) { p.VPSRAD(operand.Imm(uint64(bits)), s, d) }, x)
}

func (p *prog) abs(x val) val { return p.and(x, p.kBits(0x7fffffff)) }

func (p *prog) xor(x, y val) val {
	if p.wide() {
		return p.binary(p.wrap(p.VPXORD, p.VPXORD_BCST), x, y, true)
	}
	return p.binary(p.wrap(p.VPXOR, nil), x, y, true)
}

func (p *prog) negate(x val) val { return p.xor(x, p.kBits(0x80000000)) }

// fused are the three forms of one fused multiply-add, by which operand the destination is: a*b+c with
// 132: dst = dst*src3 + src2, 213: dst = src2*dst + src3, 231: dst = src2*src3 + dst.
type fused struct{ f132, f213, f231 instruction }

// fma is x*y + z.
func (p *prog) fma(x, y, z val) val {
	return p.fuse(fused{p.wrap(p.VFMADD132PS, p.VFMADD132PS_BCST), p.wrap(p.VFMADD213PS, p.VFMADD213PS_BCST), p.wrap(p.VFMADD231PS, p.VFMADD231PS_BCST)}, x, y, z)
}

// fms is x*y - z.
func (p *prog) fms(x, y, z val) val {
	return p.fuse(fused{p.wrap(p.VFMSUB132PS, p.VFMSUB132PS_BCST), p.wrap(p.VFMSUB213PS, p.VFMSUB213PS_BCST), p.wrap(p.VFMSUB231PS, p.VFMSUB231PS_BCST)}, x, y, z)
}

// fnma is z - x*y.
func (p *prog) fnma(x, y, z val) val {
	return p.fuse(fused{p.wrap(p.VFNMADD132PS, p.VFNMADD132PS_BCST), p.wrap(p.VFNMADD213PS, p.VFNMADD213PS_BCST), p.wrap(p.VFNMADD231PS, p.VFNMADD231PS_BCST)}, x, y, z)
}

// fuse overwrites an operand that is not needed any more, and lets a constant stay in memory.
func (p *prog) fuse(f fused, x, y, z val) val {
	return val(p.add(node{args: []int{int(x), int(y), int(z)}, emit: func(a *allocator, n *node, at int) {
		x, y, z := n.args[0], n.args[1], n.args[2]
		if a.isConst(x) || (a.dies(y, at) && !a.dies(x, at)) {
			x, y = y, x
		}
		if a.dies(z, at) && z != x && z != y {
			c := a.reg(z)
			f.f231(a.operand(y), a.reg(x), c)
			a.become(z, at)
			a.release(n, at)
			return
		}
		var d reg.Register
		own := a.dies(x, at) && x != y && x != z
		if own {
			d = a.reg(x)
		} else {
			from := a.reg(x)
			d = a.scratch()
			p.VMOVAPS(from, d)
		}
		if a.inMemory(y) && !a.inMemory(z) {
			f.f132(a.operand(y), a.reg(z), d)
		} else {
			f.f213(a.operand(z), a.reg(y), d)
		}
		if own {
			a.become(x, at)
		} else {
			a.adopt(at, d)
		}
		a.release(n, at)
	}}))
}

// Predicates of comparisons; all are false for NaN but those that say otherwise.
const (
	eq      = 0x00
	lt      = 0x11
	le      = 0x12
	ge      = 0x1d
	gt      = 0x1e
	notLess = 0x15 // true for NaN
	notLE   = 0x16 // true for NaN
)

func (p *prog) compare(pred uint64, x, y val) mask {
	return mask(p.add(node{mask: true, args: []int{int(x), int(y)}, emit: func(a *allocator, n *node, at int) {
		r := a.reg(n.args[0])
		m := a.operand(n.args[1])
		a.release(n, at)
		if p.repeats(m) {
			p.VCMPPS_BCST(operand.Imm(pred), m, r, a.define(at))
		} else {
			p.VCMPPS(operand.Imm(pred), m, r, a.define(at))
		}
	}}))
}

// choose is x where m holds, else y.
func (p *prog) choose(m mask, x, y val) val {
	return val(p.add(node{args: []int{int(m), int(x), int(y)}, emit: func(a *allocator, n *node, at int) {
		c := a.reg(n.args[0])
		other := a.reg(n.args[2])
		this := a.operand(n.args[1])
		a.release(n, at)
		switch {
		case p.repeats(this):
			p.VBLENDMPS_BCST(this, other, c, a.define(at))
		case p.wide():
			p.VBLENDMPS(this, other, c, a.define(at))
		default:
			p.VBLENDVPS(c, this, other, a.define(at))
		}
	}}))
}

// only is x where m holds, else 0.
func (p *prog) only(m mask, x val) val {
	return val(p.add(node{args: []int{int(m), int(x)}, emit: func(a *allocator, n *node, at int) {
		c, r := a.reg(n.args[0]), a.reg(n.args[1])
		a.release(n, at)
		if p.wide() {
			p.VMOVAPS_Z(r, c, a.define(at))
		} else {
			p.VANDPS(r, c, a.define(at))
		}
	}}))
}

// polynomial is c[0] + c[1] x + ... by Horner's rule.
func (p *prog) polynomial(x val, c ...float64) val {
	r := p.k(c[len(c)-1])
	for _, v := range slices.Backward(c[:len(c)-1]) {
		r = p.fma(r, x, p.k(v))
	}
	return r
}
