package main

import (
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elementwise is a loop over slices of equal length: events of a column, or any other elements.
type elementwise struct {
	name    string
	arrays  []string // parameters *float32
	scalars []string // parameters float32
	out     []string // the arrays that are written
	f       func(p *prog, in map[string]val, scalar map[string]val) []val
	reads   []string // the arrays that are read
}

// group is the number of elements of a turn of a loop.
const group = 16

// write emits the function: whole groups of elements, then a masked edge.
func (e elementwise) write(f *file) {
	params := strings.Join(e.arrays, ", ") + " *float32"
	if len(e.scalars) > 0 {
		params += ", " + strings.Join(e.scalars, ", ") + " float32"
	}
	params = "(" + params + ", n int)"
	f.function(e.name+f.isa.name, params, params)
	p := newProg(f)
	restore := f.flushDenormals()
	ptr := map[string]reg.GPVirtual{}
	for _, a := range e.arrays {
		ptr[a] = f.Load(f.Param(a), f.GP64()).(reg.GPVirtual)
	}
	vectors := map[string]operand.Mem{}
	for _, s := range e.scalars {
		vectors[s] = p.spread(s)
	}
	n := f.Load(f.Param("n"), f.GP64()).(reg.GPVirtual)
	f.SUBQ(operand.Imm(group), n)
	f.JLT(operand.LabelRef("rest"))
	f.Label("groups")
	e.body(p, ptr, vectors, nil)
	for _, a := range e.arrays {
		f.ADDQ(operand.Imm(4*group), ptr[a])
	}
	f.SUBQ(operand.Imm(group), n)
	f.JGE(operand.LabelRef("groups"))
	f.Label("rest")
	f.ADDQ(operand.Imm(group), n)
	f.JZ(operand.LabelRef("done"))
	e.body(p, ptr, vectors, edgeMasks(f, p, n))
	f.Label("done")
	restore()
	f.end()
}

// spread puts a parameter into all lanes of a vector on the stack.
func (p *prog) spread(param string) operand.Mem {
	from, err := p.Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	r, m := p.newVar(), p.AllocLocal(p.bytes)
	p.VBROADCASTSS(from.Addr, r.r)
	p.VMOVUPS(r.r, m)
	p.freeVar(r)
	return m
}

// edgeMasks are the masks of the first n elements of a group, one for each of its vectors; n is lost.
func edgeMasks(f *file, p *prog, n reg.GPVirtual) []variable {
	if f.wide() {
		ones := f.GP32()
		f.MOVL(operand.U32(0xffff), ones)
		f.SHLXL(n.As32(), ones, ones)
		f.NOTL(ones)
		f.KMOVW(ones, reg.K1)
		return []variable{{}}
	}
	table := f.laneMasks()
	base := f.GP64()
	f.LEAQ(table, base)
	f.NEGQ(n)
	var edge []variable
	for u := range group / f.lanes() {
		edge = append(edge, p.newVar())
		f.VMOVUPS(operand.Mem{Base: base, Index: n, Scale: 4, Disp: 4*group + f.bytes*u}, edge[u].r)
	}
	return edge
}

// laneMasks is a table of group entries of ones, then as many of zeros.
func (f *file) laneMasks() operand.Mem {
	if m, ok := f.consts[lanesKey]; ok {
		return m
	}
	m := f.StaticGlobal("lanes")
	f.constantAttributes()
	for i := range 2 * group {
		f.AppendDatum(operand.U32(^uint32(0) * uint32(1-i/group)))
	}
	f.consts[lanesKey] = m
	return m
}

// body computes one group; edge is nil where it is whole.
func (e elementwise) body(p *prog, ptr map[string]reg.GPVirtual, vectors map[string]operand.Mem, edge []variable) {
	for u := range group / p.lanes() {
		in, scalar := map[string]val{}, map[string]val{}
		for _, s := range e.scalars {
			scalar[s] = p.known(vectors[s])
		}
		for _, a := range e.reads {
			m := operand.Mem{Base: ptr[a], Disp: p.bytes * u}
			if edge == nil {
				in[a] = p.load(m)
			} else {
				in[a] = p.loadMasked(m, edge[u])
			}
		}
		for i, v := range e.f(p, in, scalar) {
			m := operand.Mem{Base: ptr[e.out[i]], Disp: p.bytes * u}
			if edge == nil {
				p.store(v, m)
			} else {
				p.storeMasked(v, m, edge[u])
			}
		}
		p.flush()
	}
	for _, v := range edge {
		if v.r != nil {
			p.freeVar(v)
		}
	}
}

// unaryFile writes the functions of one argument, and the Go function that picks one.
func unaryFile(s *isa) *file {
	f := newFile(s, "unary_"+s.file)
	functions := []struct {
		name string
		f    func(p *prog, x val) val
	}{
		{"exp", func(p *prog, x val) val { return p.exp(p.clampExp(x)) }},
		{"log", (*prog).log}, {"tanh", (*prog).tanh}, {"sigmoid", (*prog).sigmoid}, {"softplus", (*prog).softplus},
	}
	for _, fn := range functions {
		elementwise{
			name: fn.name, arrays: []string{"dst", "src"}, reads: []string{"src"}, out: []string{"dst"},
			f: func(p *prog, in, _ map[string]val) []val { return []val{fn.f(p, in["src"])} },
		}.write(f)
	}
	return f
}

// columnFile writes the arithmetic on columns: sums and products, the affine transformer, Adam.
func columnFile(s *isa) *file {
	f := newFile(s, "column_"+s.file)
	for _, e := range []elementwise{
		{name: "axpy", arrays: []string{"y", "x"}, scalars: []string{"a"}, reads: []string{"y", "x"}, out: []string{"y"},
			f: func(p *prog, in, s map[string]val) []val { return []val{p.fma(s["a"], in["x"], in["y"])} }},
		{name: "addThree", arrays: []string{"y", "a", "b", "c"}, reads: []string{"y", "a", "b", "c"}, out: []string{"y"},
			f: func(p *prog, in, _ map[string]val) []val {
				return []val{p.plus(p.plus(p.plus(in["y"], in["a"]), in["b"]), in["c"])}
			}},
		{name: "approach", arrays: []string{"y", "x"}, scalars: []string{"rate"}, reads: []string{"y", "x"}, out: []string{"y"},
			f: func(p *prog, in, s map[string]val) []val {
				return []val{p.fma(s["rate"], p.minus(in["x"], in["y"]), in["y"])}
			}},
		{name: "mul", arrays: []string{"dst", "a", "b"}, reads: []string{"a", "b"}, out: []string{"dst"},
			f: func(p *prog, in, _ map[string]val) []val { return []val{p.times(in["a"], in["b"])} }},
		{name: "scale", arrays: []string{"x"}, scalars: []string{"a"}, reads: []string{"x"}, out: []string{"x"},
			f: func(p *prog, in, s map[string]val) []val { return []val{p.times(s["a"], in["x"])} }},
		{name: "reluBackward", arrays: []string{"d", "h"}, reads: []string{"d", "h"}, out: []string{"d"},
			f: func(p *prog, in, _ map[string]val) []val {
				return []val{p.only(p.compare(notLE, in["h"], p.k(0)), in["d"])}
			}},
		{name: "tanhBackward", arrays: []string{"d", "h"}, reads: []string{"d", "h"}, out: []string{"d"},
			f: func(p *prog, in, _ map[string]val) []val {
				return []val{p.fnma(p.times(in["h"], in["h"]), in["d"], in["d"])}
			}},
		{name: "mulAdd", arrays: []string{"dst", "a", "b", "c"}, reads: []string{"a", "b", "c"}, out: []string{"dst"},
			f: func(p *prog, in, _ map[string]val) []val { return []val{p.fma(in["a"], in["b"], in["c"])} }},
		{name: "largest", arrays: []string{"dst", "a", "b"}, reads: []string{"a", "b"}, out: []string{"dst"},
			f: func(p *prog, in, _ map[string]val) []val { return []val{p.maximum(in["a"], in["b"])} }},
		affineToLatent, affineBackward, affineToData, adam, sigmoidalForward, sigmoidalBackward, sigmoidalShares,
	} {
		e.write(f)
	}
	return f
}

var affineToLatent = elementwise{
	name: "affineToLatent", arrays: []string{"z", "logDet", "x", "shift", "logScale"},
	reads: []string{"logDet", "x", "shift", "logScale"}, out: []string{"z", "logDet"},
	f: func(p *prog, in, _ map[string]val) []val {
		s := in["logScale"]
		e := p.exp(p.clampExp(p.negate(s)))
		return []val{p.times(p.minus(in["x"], in["shift"]), e), p.minus(in["logDet"], s)}
	},
}

var affineBackward = elementwise{
	name: "affineBackward", arrays: []string{"dx", "dShift", "dLogScale", "z", "logScale", "dz", "dLogDet"},
	reads: []string{"z", "logScale", "dz", "dLogDet"}, out: []string{"dx", "dShift", "dLogScale"},
	f: func(p *prog, in, _ map[string]val) []val {
		g := p.times(in["dz"], p.exp(p.clampExp(p.negate(in["logScale"]))))
		s := p.fnma(in["dz"], in["z"], p.negate(in["dLogDet"]))
		return []val{g, p.negate(g), s}
	},
}

var affineToData = elementwise{
	name: "affineToData", arrays: []string{"x", "logDet", "z", "shift", "logScale"},
	reads: []string{"logDet", "z", "shift", "logScale"}, out: []string{"x", "logDet"},
	f: func(p *prog, in, _ map[string]val) []val {
		s := in["logScale"]
		return []val{p.fma(in["z"], p.exp(p.clampExp(s)), in["shift"]), p.plus(in["logDet"], s)}
	},
}

var adam = elementwise{
	name: "adam", arrays: []string{"p", "grad", "m", "v"},
	scalars: []string{"gradScale", "l2", "keep", "beta1", "beta2", "c1", "c2", "rate", "root", "eps"},
	reads:   []string{"p", "grad", "m", "v"}, out: []string{"p", "m", "v"},
	f: func(p *prog, in, s map[string]val) []val {
		g := p.fma(s["l2"], in["p"], p.times(s["gradScale"], in["grad"]))
		m := p.fma(s["beta1"], in["m"], p.times(s["c1"], g))
		v := p.fma(s["beta2"], in["v"], p.times(p.times(s["c2"], g), g))
		step := p.over(p.times(s["rate"], m), p.fma(p.sqrt(v), s["root"], s["eps"]))
		return []val{p.fms(s["keep"], in["p"], step), m, v}
	},
}

// mostArgument leaves 1/exp of it a normal number.
const mostArgument = 80

var sigmoidalForward = elementwise{
	name: "sigmoidalForward", arrays: []string{"up", "down", "w", "a", "alpha", "beta", "sumA", "sumB", "sumC"},
	reads: []string{"up", "w", "a", "alpha", "beta", "sumA", "sumB", "sumC"}, out: []string{"up", "down", "sumA", "sumB", "sumC"},
	f: func(p *prog, in, _ map[string]val) []val {
		g := p.exp(p.maximum(p.k(expMin), p.minimum(p.k(mostArgument), in["up"])))
		d := p.over(p.k(1), p.fma(in["beta"], g, in["alpha"]))
		up := p.times(g, d)
		slope := p.times(p.times(in["w"], in["a"]), p.times(up, d))
		return []val{up, d, p.fma(in["w"], up, in["sumA"]), p.fma(in["w"], d, in["sumB"]), p.plus(in["sumC"], slope)}
	},
}

var sigmoidalBackward = elementwise{
	name: "sigmoidalBackward", arrays: []string{"du", "direct", "w", "a", "up", "down", "p", "q", "alpha", "beta"},
	reads: []string{"w", "a", "up", "down", "p", "q", "alpha", "beta"}, out: []string{"du", "direct"},
	f: func(p *prog, in, _ map[string]val) []val {
		g := p.times(in["w"], p.times(in["up"], in["down"]))
		tilt := p.fnma(in["beta"], in["up"], p.times(in["alpha"], in["down"]))
		return []val{p.times(g, p.fma(p.times(in["a"], in["q"]), tilt, in["p"])), p.times(g, in["q"])}
	},
}

var sigmoidalShares = elementwise{
	name: "sigmoidalShares", arrays: []string{"dw", "w", "a", "up", "down", "direct", "r", "s", "rest"},
	reads: []string{"w", "a", "up", "down", "direct", "r", "s", "rest"}, out: []string{"dw"},
	f: func(p *prog, in, _ map[string]val) []val {
		inner := p.fnma(in["s"], in["down"], p.fma(in["r"], in["up"], in["rest"]))
		return []val{p.fma(in["w"], inner, p.times(in["a"], in["direct"]))}
	},
}
