package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in the Go type gemmTile.
const (
	tileA      = 8 * iota // *float32
	tileB                 // *float32
	tileC                 // *float32
	tileBias              // *float32, or nil
	tileLDA               // bytes
	tileLDB               // bytes
	tileLDC               // bytes
	tileK                 // steps
	tilePanels            // panels of columns, at least 1
	tileMask              // bits of the last vector's lanes (AVX-512), or address of its mask (AVX2)
	tileMode              // modeAdd, modeReLU
	tileOffA              // bytes: where the rows begin in A, ...
	tileOffB              // ... the first panel in B
	tileOffC              // ... and in C
	tileGate              // *float32, or nil
)

const (
	modeAdd  = 1
	modeReLU = 2
)

// gemmKernel is one micro-kernel: rows x vectors of C stay in registers over the whole of K.
type gemmKernel struct {
	*file
	trans  bool // A is stored transposed
	packs  bool // and its rows are copied on the way through the first panel, for those that follow
	rows   int
	nv     int  // vectors in a row of C
	masked bool // the last vector is partial

	t, b, c, lda, ldb, ldc, k, panels reg.GPVirtual
	bases                             []reg.GPVirtual // A at rows 0, 5, 10
	lda3                              reg.GPVirtual
	acc                               [][]reg.VecPhysical
	av, bv                            []reg.VecPhysical // of one step: the shorter side whole, the other one at a time
	maskv                             reg.VecPhysical
	copy                              panelCopy
}

func (g *gemmKernel) at(offset int) operand.Mem { return operand.Mem{Base: g.t, Disp: offset} }

func (g *gemmKernel) field(offset int) reg.GPVirtual {
	r := g.GP64()
	g.MOVQ(g.at(offset), r)
	return r
}

func (g *gemmKernel) write() {
	if g.packs {
		g.function(g.name(), "(t *gemmTile)", "(t *byte)")
		g.Attributes(0) // so much stack is not sure to be there
		g.copy.mem = g.AllocLocal(g.bytes * (packSteps + 1))
	} else {
		g.begin(g.name(), "(t *byte)")
	}
	g.t = g.Load(g.Param("t"), g.GP64()).(reg.GPVirtual)
	restore := g.flushDenormals()
	g.registers()
	g.lda, g.ldb, g.ldc = g.field(tileLDA), g.field(tileLDB), g.field(tileLDC)
	bPanel := g.field(tileB)
	g.ADDQ(g.at(tileOffB), bPanel)
	g.c = g.field(tileC)
	g.ADDQ(g.at(tileOffC), g.c)
	g.panels = g.field(tilePanels)
	g.b, g.k = g.GP64(), g.GP64()
	g.bases = []reg.GPVirtual{g.GP64()}
	if !g.trans {
		g.lda3 = g.GP64()
		g.LEAQ(operand.Mem{Base: g.lda, Index: g.lda, Scale: 2}, g.lda3)
		for r := 5; r < g.rows; r += 5 {
			g.bases = append(g.bases, g.GP64())
		}
	}
	if g.packs {
		g.copy.at, g.copy.made = g.GP64(), g.GP64()
		g.XORQ(g.copy.made, g.copy.made)
	}
	g.Label("panel")
	g.start(bPanel)
	g.init()
	g.sum()
	g.store()
	step := operand.U32(g.bytes * g.nv)
	g.ADDQ(step, bPanel)
	g.ADDQ(step, g.c)
	g.DECQ(g.panels)
	g.JNZ(operand.LabelRef("panel"))
	restore()
	g.end()
}

// registers deals out the vector registers, and loads the mask of an edge.
func (g *gemmKernel) registers() {
	free := g.regs
	take := func() reg.VecPhysical {
		r := free[0]
		free = free[1:]
		return r
	}
	g.acc = make([][]reg.VecPhysical, g.rows)
	for i := range g.acc {
		for range g.nv {
			g.acc[i] = append(g.acc[i], take())
		}
	}
	g.av, g.bv = []reg.VecPhysical{take()}, []reg.VecPhysical{take()}
	for range min(g.rows, g.nv) - 1 {
		if g.rows < g.nv {
			g.av = append(g.av, take())
		} else {
			g.bv = append(g.bv, take())
		}
	}
	if g.packs {
		g.loadCopyMask(take)
	}
	if !g.masked {
		return
	}
	m := g.field(tileMask)
	if g.wide() {
		g.KMOVW(m.As32(), reg.K1)
	} else {
		g.maskv = take()
		g.VMOVUPS(operand.Mem{Base: m}, g.maskv)
	}
}

// start points to the first step of K.
func (g *gemmKernel) start(bPanel reg.GPVirtual) {
	g.MOVQ(g.at(tileA), g.bases[0])
	g.ADDQ(g.at(tileOffA), g.bases[0])
	for i := 1; i < len(g.bases); i++ {
		g.LEAQ(operand.Mem{Base: g.bases[i-1], Index: g.lda, Scale: 4}, g.bases[i])
		g.ADDQ(g.lda, g.bases[i])
	}
	g.MOVQ(bPanel, g.b)
	g.MOVQ(g.at(tileK), g.k)
}

// partial says whether vector v of a row is the masked one.
func (g *gemmKernel) partial(v int) bool { return g.masked && v == g.nv-1 }

func (g *gemmKernel) load(m operand.Mem, v int, dst reg.VecPhysical) {
	switch {
	case !g.partial(v):
		g.VMOVUPS(m, dst)
	case g.wide():
		g.VMOVUPS_Z(m, reg.K1, dst)
	default:
		g.VMASKMOVPS(m, g.maskv, dst)
	}
}

// init sets the accumulators to C, to the bias of their row, or to zero.
func (g *gemmKernel) init() {
	mode, p := g.GP64(), g.GP64()
	g.MOVQ(g.at(tileMode), mode)
	g.TESTQ(operand.U32(modeAdd), mode)
	g.JZ(operand.LabelRef("fresh"))
	g.MOVQ(g.c, p)
	for i, row := range g.acc {
		for v, r := range row {
			g.load(operand.Mem{Base: p, Disp: g.bytes * v}, v, r)
		}
		if i+1 < g.rows {
			g.ADDQ(g.ldc, p)
		}
	}
	g.JMP(operand.LabelRef("steps"))
	g.Label("fresh")
	g.MOVQ(g.at(tileBias), p)
	g.TESTQ(p, p)
	g.JZ(operand.LabelRef("zero"))
	for i, row := range g.acc {
		for _, r := range row {
			g.VBROADCASTSS(operand.Mem{Base: p, Disp: 4 * i}, r)
		}
	}
	g.JMP(operand.LabelRef("steps"))
	g.Label("zero")
	for _, row := range g.acc {
		for _, r := range row {
			g.zero(r)
		}
	}
	g.Label("steps")
}

func (f *file) zero(r reg.VecPhysical) {
	if f.wide() {
		f.VPXORD(r, r, r)
	} else {
		f.VXORPS(r, r, r)
	}
}

// element is A at row i, u steps ahead.
func (g *gemmKernel) element(i, u int) operand.Mem {
	switch {
	case g.copy.inLoop:
		return operand.Mem{Base: g.copy.at, Disp: g.bytes*u + 4*i}
	case g.trans:
		return operand.Mem{Base: g.bases[0], Disp: 4 * i}
	}
	m := operand.Mem{Base: g.bases[i/5], Disp: 4 * u}
	switch i % 5 {
	case 1, 2, 4:
		m.Index, m.Scale = g.lda, uint8(i%5)
	case 3:
		m.Index, m.Scale = g.lda3, 1
	}
	return m
}

// step adds one column of A times one row of B.
func (g *gemmKernel) step(u int) {
	b := func(v int) reg.VecPhysical { return g.bv[v%len(g.bv)] }
	a := func(i int) reg.VecPhysical { return g.av[i%len(g.av)] }
	loadB := func(v int) { g.load(operand.Mem{Base: g.b, Disp: g.bytes * v}, v, b(v)) }
	loadA := func(i int) { g.VBROADCASTSS(g.element(i, u), a(i)) }
	if g.packs && !g.copy.inLoop {
		g.pack(u)
	}
	if g.rows < g.nv {
		for i := range g.rows {
			loadA(i)
		}
		for v := range g.nv {
			loadB(v)
			for i := range g.rows {
				g.VFMADD231PS(b(v), a(i), g.acc[i][v])
			}
		}
	} else {
		for v := range g.nv {
			loadB(v)
		}
		for i := range g.rows {
			loadA(i)
			for v := range g.nv {
				g.VFMADD231PS(b(v), a(i), g.acc[i][v])
			}
		}
	}
	g.ADDQ(g.ldb, g.b)
	if g.trans && !g.copy.inLoop {
		g.ADDQ(g.lda, g.bases[0])
	}
}

func (g *gemmKernel) advance(steps int) {
	if g.packs {
		g.ADDQ(operand.U32(g.bytes*steps), g.copy.at)
	}
	if g.trans {
		return
	}
	for _, p := range g.bases {
		g.ADDQ(operand.Imm(uint64(4*steps)), p)
	}
}

// gate sets C to zero where the gate is not positive. It lies as C does, so that what leads from C to it also leads from
// the panel to its part.
func (g *gemmKernel) gate(p reg.GPVirtual) {
	const notGE = 0x19 // true for NaN
	g.Label("gate")
	g.MOVQ(g.at(tileGate), p)
	g.TESTQ(p, p)
	g.JZ(operand.LabelRef("write"))
	g.SUBQ(g.at(tileC), p)
	g.ADDQ(g.c, p)
	zero, h := g.av[0], g.bv[0]
	g.zero(zero)
	for i, row := range g.acc {
		for v, r := range row {
			g.load(operand.Mem{Base: p, Disp: g.bytes * v}, v, h)
			if g.wide() {
				g.VCMPPS(operand.Imm(notGE), h, zero, reg.K2)
				g.VMOVAPS_Z(r, reg.K2, r)
			} else {
				g.VCMPPS(operand.Imm(notGE), h, zero, h)
				g.VANDPS(r, h, r)
			}
		}
		if i+1 < g.rows {
			g.ADDQ(g.ldc, p)
		}
	}
	g.Label("write")
}

// sum takes a panel through all steps.
func (g *gemmKernel) sum() {
	if g.packs {
		g.LEAQ(g.copy.mem.Offset(g.bytes-1), g.copy.at)
		g.ANDQ(operand.I8(-g.bytes), g.copy.at)
		g.TESTQ(g.copy.made, g.copy.made)
		g.JNZ(operand.LabelRef("again"))
		g.INCQ(g.copy.made)
	}
	g.loop("")
	if g.packs {
		g.JMP(operand.LabelRef("store"))
		g.Label("again")
		g.copy.inLoop = true
		g.loop("again")
		g.copy.inLoop = false
	}
	g.Label("store")
}

func (g *gemmKernel) loop(label string) {
	const unroll = 4
	g.SUBQ(operand.Imm(unroll), g.k)
	g.JLT(operand.LabelRef(label + "rest"))
	g.Label(label + "steps4")
	for u := range unroll {
		g.step(u)
	}
	g.advance(unroll)
	g.SUBQ(operand.Imm(unroll), g.k)
	g.JGE(operand.LabelRef(label + "steps4"))
	g.Label(label + "rest")
	g.ADDQ(operand.Imm(unroll), g.k)
	g.JZ(operand.LabelRef("store"))
	g.Label(label + "steps1")
	g.step(0)
	g.advance(1)
	g.DECQ(g.k)
	g.JNZ(operand.LabelRef(label + "steps1"))
}

// store writes C, through max(C, 0) or the gate where asked for; NaN stays NaN.
func (g *gemmKernel) store() {
	mode, p := g.GP64(), g.GP64()
	g.MOVQ(g.at(tileMode), mode)
	g.TESTQ(operand.U32(modeReLU), mode)
	g.JZ(operand.LabelRef("gate"))
	g.zero(g.av[0])
	for _, row := range g.acc {
		for _, r := range row {
			g.VMAXPS(r, g.av[0], r)
		}
	}
	g.gate(p)
	g.MOVQ(g.c, p)
	for i, row := range g.acc {
		for v, r := range row {
			m := operand.Mem{Base: p, Disp: g.bytes * v}
			switch {
			case !g.partial(v):
				g.VMOVUPS(r, m)
			case g.wide():
				g.VMOVUPS(r, reg.K1, m)
			default:
				g.VMASKMOVPS(r, g.maskv, m)
			}
		}
		if i+1 < g.rows {
			g.ADDQ(g.ldc, p)
		}
	}
}
