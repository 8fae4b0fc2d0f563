package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Operations on lanes of 64 bits: float64, or whole numbers.

func (p *prog) k64(v float64) val { return p.whole(math.Float64bits(v)) }

// whole is a constant of so many bits in each lane.
func (p *prog) whole(bits uint64) val { return p.lanes64("w", bits, 0) }

// ramp is first, first+1 and so on.
func (p *prog) ramp(first uint64) val { return p.lanes64("ramp", first, 1) }

func (p *prog) lanes64(prefix string, first, step uint64) val {
	key := fmt.Sprintf("%s%016x", prefix, first)
	m, ok := p.consts64[key]
	if !ok {
		m = p.StaticGlobal(key)
		p.constantAttributes()
		for i := range uint64(8) {
			p.AppendDatum(operand.U64(first + i*step))
		}
		p.consts64[key] = m
	}
	return p.known(m)
}

func (p *prog) plus64(x, y val) val  { return p.binary(p.wrap(p.VADDPD, p.VADDPD_BCST), x, y, true) }
func (p *prog) minus64(x, y val) val { return p.binary(p.wrap(p.VSUBPD, p.VSUBPD_BCST), x, y, false) }
func (p *prog) times64(x, y val) val { return p.binary(p.wrap(p.VMULPD, p.VMULPD_BCST), x, y, true) }
func (p *prog) over64(x, y val) val  { return p.binary(p.wrap(p.VDIVPD, p.VDIVPD_BCST), x, y, false) }

// fma64 is x*y + z.
func (p *prog) fma64(x, y, z val) val {
	return p.fuse(fused{p.wrap(p.VFMADD132PD, p.VFMADD132PD_BCST), p.wrap(p.VFMADD213PD, p.VFMADD213PD_BCST), p.wrap(p.VFMADD231PD, p.VFMADD231PD_BCST)}, x, y, z)
}

func (p *prog) sqrt64(x val) val {
	return p.one(func(s, d operand.Op) { p.VSQRTPD(s, d) }, x)
}

func (p *prog) wideIntPlus(x, y val) val {
	return p.binary(p.wrap(p.VPADDQ, p.VPADDQ_BCST), x, y, true)
}
func (p *prog) wideIntMinus(x, y val) val {
	return p.binary(p.wrap(p.VPSUBQ, p.VPSUBQ_BCST), x, y, false)
}

// timesLow is the product of the low halves.
func (p *prog) timesLow(x, y val) val {
	return p.binary(p.wrap(p.VPMULUDQ, p.VPMULUDQ_BCST), x, y, true)
}

func (p *prog) shiftLeft64(x val, bits int) val {
	return p.one(func(s, d operand.Op) { p.VPSLLQ(operand.Imm(uint64(bits)), s, d) }, x)
}

func (p *prog) shiftRight64(x val, bits int) val {
	return p.one(func(s, d operand.Op) { p.VPSRLQ(operand.Imm(uint64(bits)), s, d) }, x)
}

// polynomial64 is c[0] + c[1] x + ... by Horner's rule.
func (p *prog) polynomial64(x val, c ...float64) val {
	r := p.k64(c[len(c)-1])
	for _, v := range slices.Backward(c[:len(c)-1]) {
		r = p.fma64(r, x, p.k64(v))
	}
	return r
}

// storeHalf stores float64 as float32.
func (p *prog) storeHalf(x val, m operand.Mem) {
	p.add(node{args: []int{int(x)}, emit: func(a *allocator, n *node, at int) {
		from, to := a.reg(n.args[0]), a.scratch().(reg.VecPhysical)
		if p.wide() {
			p.VCVTPD2PS(from, to.AsY())
			p.VMOVUPS(to.AsY(), m)
		} else {
			p.VCVTPD2PSY(from, to.AsX())
			p.VMOVUPS(to.AsX(), m)
		}
	}})
}
