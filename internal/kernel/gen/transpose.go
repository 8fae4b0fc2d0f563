package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// moveFile writes what needs no more than AVX2 anywhere: the transpose of blocks of 8 x 8, and the pause of a
// spinning loop.
func moveFile() *file {
	f := newFile(avx2, "move")
	f.transpose8()
	f.function("pause", "()", "()")
	f.PAUSE()
	f.RET()
	return f
}

// transpose8 transposes a strip of 8 rows, a number of blocks of 8 columns; strides in bytes.
func (f *file) transpose8() {
	sig := "(dst, src *float32, ldd, lds, blocks int)"
	f.function("transpose8", sig, sig)
	load := func(name string) reg.GPVirtual { return f.Load(f.Param(name), f.GP64()).(reg.GPVirtual) }
	dst, src, ldd, lds, blocks := load("dst"), load("src"), load("ldd"), load("lds"), load("blocks")
	a, b := f.regs[:8], f.regs[8:]
	p := f.GP64()
	f.Label("block")
	f.MOVQ(src, p)
	for i, r := range a {
		f.VMOVUPS(operand.Mem{Base: p}, r)
		if i < 7 {
			f.ADDQ(lds, p)
		}
	}
	for i := 0; i < 8; i += 2 { // pairs of rows
		f.VUNPCKLPS(a[i+1], a[i], b[i])
		f.VUNPCKHPS(a[i+1], a[i], b[i+1])
	}
	for i := 0; i < 8; i += 4 { // fours of rows: a[i+j] holds columns j and j+4 of rows i to i+3
		f.VUNPCKLPD(b[i+2], b[i], a[i])
		f.VUNPCKHPD(b[i+2], b[i], a[i+1])
		f.VUNPCKLPD(b[i+3], b[i+1], a[i+2])
		f.VUNPCKHPD(b[i+3], b[i+1], a[i+3])
	}
	for j := range 4 {
		f.VPERM2F128(operand.Imm(0x20), a[j+4], a[j], b[j])
		f.VPERM2F128(operand.Imm(0x31), a[j+4], a[j], b[j+4])
	}
	for _, r := range b {
		f.VMOVUPS(r, operand.Mem{Base: dst})
		f.ADDQ(ldd, dst)
	}
	f.ADDQ(operand.Imm(32), src)
	f.DECQ(blocks)
	f.JNZ(operand.LabelRef("block"))
	f.end()
}
