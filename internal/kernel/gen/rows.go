package main

import (
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tileBytes is the length of a row of a tile.
const tileBytes = 4 * 64

// rowsFile writes the passes of a residual network over tiles, each of which reads what it needs once.
func rowsFile(s *isa) *file {
	f := newFile(s, "rows_"+s.file)
	affine := func(p *prog, in, s map[string]val) val { return p.fma(s["scale"], in["x"], s["shift"]) }
	slope := func(p *prog, in, s map[string]val, d val) val {
		return p.plus(p.fma(s["byX"], in["x"], d), s["rest"])
	}
	for _, e := range []elementwise{
		{name: "affineRows", arrays: []string{"dst", "x"}, scalars: []string{"scale", "shift"}, reads: []string{"x"}, out: []string{"dst"},
			f: func(p *prog, in, s map[string]val) []val { return []val{affine(p, in, s)} }},
		{name: "affineReLURows", arrays: []string{"dst", "x"}, scalars: []string{"scale", "shift"}, reads: []string{"x"}, out: []string{"dst"},
			f: func(p *prog, in, s map[string]val) []val {
				y := affine(p, in, s)
				return []val{p.only(p.compare(notLE, y, p.k(0)), y)}
			}},
		{name: "normBackwardRows", arrays: []string{"dx", "dy", "x"}, scalars: []string{"slope", "byX", "rest"}, reads: []string{"dy", "x"}, out: []string{"dx"},
			f: func(p *prog, in, s map[string]val) []val {
				return []val{slope(p, in, s, p.times(s["slope"], in["dy"]))}
			}},
		{name: "normBackwardAddRows", arrays: []string{"dx", "dy", "x"}, scalars: []string{"slope", "byX", "rest"}, reads: []string{"dx", "dy", "x"}, out: []string{"dx"},
			f: func(p *prog, in, s map[string]val) []val {
				return []val{slope(p, in, s, p.fma(s["slope"], in["dy"], in["dx"]))}
			}},
	} {
		e.writeRows(f)
	}
	elementwise{
		name: "gatedAdd", arrays: []string{"dst", "x", "y", "gate"}, reads: []string{"x", "y", "gate"}, out: []string{"dst"},
		f: func(p *prog, in, _ map[string]val) []val { return []val{p.fma(in["y"], in["gate"], in["x"])} },
	}.write(f)
	gatedBackward.write(f)
	f.momentRows()
	return f
}

var gatedBackward = elementwise{
	name: "gatedBackward", arrays: []string{"dy", "dGate", "d", "gate", "next", "x"},
	reads: []string{"d", "gate", "next", "x"}, out: []string{"dy", "dGate"},
	f: func(p *prog, in, _ map[string]val) []val {
		q := p.times(p.minus(in["next"], in["x"]), in["d"])
		return []val{p.times(in["d"], in["gate"]), p.fnma(q, in["gate"], q)}
	},
}

// writeRows emits the function over rows of tiles, n events each, a multiple of group: the scalars are arrays of one value a row.
func (e elementwise) writeRows(f *file) {
	params := "(" + strings.Join(append(e.arrays, e.scalars...), ", ") + " *float32, rows, n int)"
	f.function(e.name+f.isa.name, params, params)
	p := newProg(f)
	restore := f.flushDenormals()
	load := func(name string) reg.GPVirtual { return f.Load(f.Param(name), f.GP64()).(reg.GPVirtual) }
	ptr, value, vectors := map[string]reg.GPVirtual{}, map[string]reg.GPVirtual{}, map[string]operand.Mem{}
	for _, a := range e.arrays {
		ptr[a] = load(a)
	}
	for _, s := range e.scalars {
		value[s], vectors[s] = load(s), f.AllocLocal(f.bytes)
	}
	rows, skip := load("rows"), f.beyond(load("n"))
	f.Label("row")
	for _, s := range e.scalars {
		v := p.newVar()
		f.VBROADCASTSS(operand.Mem{Base: value[s]}, v.r)
		f.VMOVUPS(v.r, vectors[s])
		f.ADDQ(operand.Imm(4), value[s])
		p.freeVar(v)
	}
	n := load("n")
	f.Label("groups")
	e.body(p, ptr, vectors, nil)
	for _, a := range e.arrays {
		f.ADDQ(operand.Imm(4*group), ptr[a])
	}
	f.SUBQ(operand.Imm(group), n)
	f.JNZ(operand.LabelRef("groups"))
	for _, a := range e.arrays {
		f.ADDQ(skip, ptr[a])
	}
	f.DECQ(rows)
	f.JNZ(operand.LabelRef("row"))
	restore()
	f.end()
}

// beyond is the number of bytes of a row behind n events; n is lost.
func (f *file) beyond(n reg.GPVirtual) reg.GPVirtual {
	f.NEGQ(n)
	f.LEAQ(operand.Mem{Base: n, Disp: tileBytes / 4}, n)
	f.SHLQ(operand.Imm(2), n)
	return n
}

// momentRows sets sums to the sum of each row of x, products to that of x*y, by the partial sums and the tree of addRowSums.
func (f *file) momentRows() {
	sig := "(sums, products, x, y *float32, rows, n int)"
	f.function("momentRows"+f.isa.name, sig, sig)
	restore := f.flushDenormals()
	load := func(name string) reg.GPVirtual { return f.Load(f.Param(name), f.GP64()).(reg.GPVirtual) }
	sums, products, x, y, rows := load("sums"), load("products"), load("x"), load("y"), load("rows")
	skip := f.beyond(load("n"))
	v := group / f.lanes()
	sum, product, t := f.regs[:v], f.regs[v:2*v], f.regs[2*v:4*v]
	f.Label("row")
	n := load("n")
	for _, r := range f.regs[:2*v] {
		f.zero(r)
	}
	f.Label("groups")
	for u := range v {
		f.VMOVUPS(operand.Mem{Base: x, Disp: f.bytes * u}, t[u])
		f.VADDPS(t[u], sum[u], sum[u])
		f.VMULPS(operand.Mem{Base: y, Disp: f.bytes * u}, t[u], t[v+u])
		f.VADDPS(t[v+u], product[u], product[u])
	}
	f.ADDQ(operand.Imm(4*group), x)
	f.ADDQ(operand.Imm(4*group), y)
	f.SUBQ(operand.Imm(group), n)
	f.JNZ(operand.LabelRef("groups"))
	f.tree(sum, t, sums)
	f.tree(product, t, products)
	f.ADDQ(skip, x)
	f.ADDQ(skip, y)
	f.DECQ(rows)
	f.JNZ(operand.LabelRef("row"))
	restore()
	f.end()
}

// tree stores the sum of the lanes, i with i+8, then +4, +2, +1, at dst, and moves on. tmp is lost.
func (f *file) tree(lanes, tmp []reg.VecPhysical, dst reg.GPVirtual) {
	low, high := lanes[0].AsY(), tmp[0].AsY()
	if f.wide() {
		f.VEXTRACTF64X4(operand.Imm(1), lanes[0], high)
	} else {
		high = lanes[1].AsY()
	}
	f.VADDPS(high, low, low)
	a, b := lanes[0].AsX(), tmp[0].AsX()
	f.VEXTRACTF128(operand.Imm(1), low, b)
	f.VADDPS(b, a, a)
	f.VMOVHLPS(a, a, b)
	f.VADDPS(b, a, a)
	f.VMOVSHDUP(a, b)
	f.VADDSS(b, a, a)
	f.VMOVSS(a, operand.Mem{Base: dst})
	f.ADDQ(operand.Imm(4), dst)
}
