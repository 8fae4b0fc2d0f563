package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sumFile writes sums in 16 partial sums, element i in sum i mod 16, whatever the width.
func sumFile(s *isa) *file {
	f := newFile(s, "sum_"+s.file)
	f.sumLanes()
	f.squareLanes()
	f.addRowSums()
	return f
}

// accumulate adds n elements at x, any number, to acc.
func (f *file) accumulate(label string, x, n reg.GPVirtual, acc, tmp []reg.VecPhysical) {
	f.SUBQ(operand.Imm(group), n)
	f.JLT(operand.LabelRef(label + "rest"))
	f.Label(label + "groups")
	for u, r := range acc {
		f.VADDPS(operand.Mem{Base: x, Disp: f.bytes * u}, r, r)
	}
	f.ADDQ(operand.Imm(4*group), x)
	f.SUBQ(operand.Imm(group), n)
	f.JGE(operand.LabelRef(label + "groups"))
	f.Label(label + "rest")
	f.ADDQ(operand.Imm(group), n)
	f.JZ(operand.LabelRef(label + "done"))
	p := newProg(f)
	edge := edgeMasks(f, p, n)
	for u, r := range acc {
		m := operand.Mem{Base: x, Disp: f.bytes * u}
		if f.wide() {
			f.VMOVUPS_Z(m, reg.K1, tmp[u])
		} else {
			f.VMASKMOVPS(m, edge[u].r, tmp[u])
		}
		f.VADDPS(tmp[u], r, r)
	}
	f.Label(label + "done")
}

func (f *file) sumLanes() {
	sig := "(sums, x *float32, n int)"
	f.function("sumLanes"+f.isa.name, sig, sig)
	restore := f.flushDenormals()
	sums := f.Load(f.Param("sums"), f.GP64()).(reg.GPVirtual)
	x := f.Load(f.Param("x"), f.GP64()).(reg.GPVirtual)
	n := f.Load(f.Param("n"), f.GP64()).(reg.GPVirtual)
	v := group / f.lanes()
	acc, tmp := f.regs[:v], f.regs[v:2*v]
	for u, r := range acc {
		f.VMOVUPS(operand.Mem{Base: sums, Disp: f.bytes * u}, r)
	}
	f.accumulate("", x, n, acc, tmp)
	for u, r := range acc {
		f.VMOVUPS(r, operand.Mem{Base: sums, Disp: f.bytes * u})
	}
	restore()
	f.end()
}

// addRowSums adds the sum of each row to dst; the lanes are added i with i+8, then +4, +2, +1.
func (f *file) addRowSums() {
	sig := "(dst, src *float32, ld, rows, n int)"
	f.function("addRowSums"+f.isa.name, sig, sig)
	restore := f.flushDenormals()
	load := func(name string) reg.GPVirtual { return f.Load(f.Param(name), f.GP64()).(reg.GPVirtual) }
	dst, src, ld, rows := load("dst"), load("src"), load("ld"), load("rows")
	v := group / f.lanes()
	acc, tmp := f.regs[:v], f.regs[v:2*v]
	f.Label("row")
	x, n := f.GP64(), load("n")
	f.MOVQ(src, x)
	for _, r := range acc {
		f.zero(r)
	}
	f.accumulate("", x, n, acc, tmp)
	if f.wide() {
		f.VEXTRACTF64X4(operand.Imm(1), reg.Z0, reg.Y1)
	}
	f.VADDPS(reg.Y1, reg.Y0, reg.Y0)
	f.VEXTRACTF128(operand.Imm(1), reg.Y0, reg.X1)
	f.VADDPS(reg.X1, reg.X0, reg.X0)
	f.VMOVHLPS(reg.X0, reg.X0, reg.X1)
	f.VADDPS(reg.X1, reg.X0, reg.X0)
	f.VMOVSHDUP(reg.X0, reg.X1)
	f.VADDSS(reg.X1, reg.X0, reg.X0)
	f.VADDSS(operand.Mem{Base: dst}, reg.X0, reg.X0)
	f.VMOVSS(reg.X0, operand.Mem{Base: dst})
	f.ADDQ(operand.Imm(4), dst)
	f.ADDQ(ld, src)
	f.DECQ(rows)
	f.JNZ(operand.LabelRef("row"))
	restore()
	f.end()
}

// squareLanes sums squares in float64, of whole groups. The square of a float32 is exact there, so that
// fusing it with the addition does not change the result.
func (f *file) squareLanes() {
	asm := "(sums *float64, x *float32, n int)"
	f.function("squareLanes"+f.isa.name, asm, asm)
	restore := f.flushDenormals()
	sums := f.Load(f.Param("sums"), f.GP64()).(reg.GPVirtual)
	x := f.Load(f.Param("x"), f.GP64()).(reg.GPVirtual)
	n := f.Load(f.Param("n"), f.GP64()).(reg.GPVirtual)
	v := 2 * group / f.lanes()
	acc, tmp := f.regs[:v], f.regs[v]
	for u, r := range acc {
		f.VMOVUPD(operand.Mem{Base: sums, Disp: f.bytes * u}, r)
	}
	f.Label("groups")
	for u, r := range acc {
		f.VCVTPS2PD(operand.Mem{Base: x, Disp: f.bytes / 2 * u}, tmp)
		f.VFMADD231PD(tmp, tmp, r)
	}
	f.ADDQ(operand.Imm(4*group), x)
	f.SUBQ(operand.Imm(group), n)
	f.JNZ(operand.LabelRef("groups"))
	for u, r := range acc {
		f.VMOVUPD(r, operand.Mem{Base: sums, Disp: f.bytes * u})
	}
	restore()
	f.end()
}
