package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Kernels that pack (AVX2 only) have at least packRows rows, and at most packSteps steps, which they keep on the stack.
const (
	packRows  = 4
	packSteps = 320
)

// panelCopy is the copy of A's rows that a packing kernel makes: a vector a step.
type panelCopy struct {
	mem    operand.Mem
	at     reg.GPVirtual
	made   reg.GPVirtual   // 0 in the first panel
	lanes  reg.VecPhysical // mask of as many lanes as there are rows
	inLoop bool            // the loop being written reads it
}

func (g *gemmKernel) loadCopyMask(take func() reg.VecPhysical) {
	g.copy.lanes = take()
	g.VMOVUPS(g.laneMasks().Offset(4*(group-g.rows)), g.copy.lanes)
}

// pack copies a step of A.
func (g *gemmKernel) pack(u int) {
	g.VMASKMOVPS(operand.Mem{Base: g.bases[0]}, g.copy.lanes, g.av[0])
	g.VMOVAPS(g.av[0], operand.Mem{Base: g.copy.at, Disp: g.bytes * u})
}
