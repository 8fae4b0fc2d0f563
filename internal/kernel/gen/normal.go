package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in the Go type NormalCounter, of whose fields but the first event the low half counts.
const (
	counterKey0   = 8 * iota
	counterKey1   // of Philox
	counterEvent  // the first one's number
	counterPair   // of columns
	counterStream // of random numbers
)

// normals is the state of a loop over events, one in each lane of 64 bits.
type normals struct {
	*prog
	event      [2]variable // numbers of the events of two vectors
	key        [2]operand.Mem
	pair, flow operand.Mem
}

// normalFile writes the Box-Muller transform of Philox4x32-10 numbers, in float64: the operations, and so the bits, are those of
// the plain Go in internal/rng. No number is denormal, nor near it.
func normalFile(s *isa) *file {
	f := newFile(s, "normal_"+s.file)
	f.function("normalPairs"+s.name, "(even, odd *float32, n int, at *NormalCounter)", "(even, odd *float32, n int, at *byte)")
	load := func(name string) reg.GPVirtual { return f.Load(f.Param(name), f.GP64()).(reg.GPVirtual) }
	even, odd, n, at := load("even"), load("odd"), load("n"), load("at")
	g := &normals{prog: newProg(f)}
	g.start(at)
	half := f.bytes / 2 // of float32: a vector's worth of events
	f.Label("events")
	for v, x := range g.both((*normals).numbers) {
		g.storeHalf(x[0], operand.Mem{Base: even, Disp: half * v})
		g.storeHalf(x[1], operand.Mem{Base: odd, Disp: half * v})
	}
	step := g.whole(uint64(f.lanes()))
	for _, e := range g.event {
		g.set(e, g.wideIntPlus(g.get(e), step))
	}
	g.flush()
	f.ADDQ(operand.U32(f.bytes), even)
	f.ADDQ(operand.U32(f.bytes), odd)
	f.SUBQ(operand.U32(f.lanes()), n)
	f.JNZ(operand.LabelRef("events"))
	f.end()
	return f
}

// start spreads the counter over lanes.
func (g *normals) start(at reg.GPVirtual) {
	spread := func(offset int) operand.Mem {
		v, m := g.newVar(), g.AllocLocal(g.bytes)
		g.VPBROADCASTQ(operand.Mem{Base: at, Disp: offset}, v.r)
		g.VMOVUPS(v.r, m)
		g.freeVar(v)
		return m
	}
	g.key = [2]operand.Mem{spread(counterKey0), spread(counterKey1)}
	g.pair, g.flow = spread(counterPair), spread(counterStream)
	first := spread(counterEvent)
	for v := range g.event {
		g.event[v] = g.newVar()
		g.set(g.event[v], g.wideIntPlus(g.known(first), g.ramp(uint64(v*g.lanes()/2))))
	}
	g.flush()
}

// lanesOf64 are the lanes of two vectors of events.
type lanesOf64 [2]val

// both gives the normal numbers of two vectors: more to do while one waits for its multiplications.
func (g *normals) both(f func(*normals, [4]val) [2]val) (x [2][2]val) {
	words := g.philox()
	for v := range x {
		x[v] = f(g, [4]val{words[0][v], words[1][v], words[2][v], words[3][v]})
	}
	return x
}

// philox gives the four words of a block for each event, in the low halves.
func (g *normals) philox() [4]lanesOf64 {
	var c [4]lanesOf64
	for v, e := range g.event {
		c[0][v] = g.get(e)
		c[1][v] = g.shiftRight64(c[0][v], 32)
		c[2][v], c[3][v] = g.known(g.pair), g.known(g.flow)
	}
	k0, k1 := g.load(g.key[0]), g.load(g.key[1])
	for round := range 10 {
		if round > 0 {
			k0, k1 = g.intPlus(k0, g.kBits(0x9E3779B9)), g.intPlus(k1, g.kBits(0xBB67AE85))
		}
		for v := range 2 {
			p := g.timesLow(c[0][v], g.kBits(0xD2511F53))
			q := g.timesLow(c[2][v], g.kBits(0xCD9E8D57))
			c[0][v] = g.xor(g.xor(g.shiftRight64(q, 32), c[1][v]), k0)
			c[2][v] = g.xor(g.xor(g.shiftRight64(p, 32), c[3][v]), k1)
			c[1][v], c[3][v] = q, p
		}
	}
	return c
}

// numbers are radius times cosine and sine.
func (g *normals) numbers(w [4]val) [2]val {
	r := g.sqrt64(g.minusTwoLog(g.unit(w[0], w[1])))
	cos, sin := g.turn(g.unit(w[2], w[3]))
	return [2]val{g.times64(r, cos), g.times64(r, sin)}
}

// unit maps 64 bits to the centre of one of 2^52 cells of (0, 1), by way of [1, 2).
func (g *normals) unit(high, low val) val {
	x := g.or(g.shiftLeft64(high, 32), g.and(low, g.whole(1<<32-1)))
	x = g.or(g.shiftRight64(x, 12), g.k64(1))
	return g.minus64(x, g.k64(1-0x1p-53))
}

// minusTwoLog is -2 log u, with u = 2^k m, m in [sqrt(1/2), sqrt 2) and log m = 2 artanh((m-1)/(m+1)).
func (g *normals) minusTwoLog(u val) val {
	root := math.Float64bits(math.Sqrt2 / 2)
	x := g.wideIntPlus(u, g.whole(math.Float64bits(1)-root))
	k := g.or(g.shiftRight64(x, 52), g.whole(0x433<<52)) // 2^52 + 1023 + k
	k = g.minus64(k, g.k64(0x1p52+1023))
	m := g.wideIntPlus(g.and(x, g.whole(1<<52-1)), g.whole(root))
	s := g.over64(g.minus64(m, g.k64(1)), g.plus64(m, g.k64(1)))
	z := g.times64(s, s)
	q := g.polynomial64(z, 0.3333333333368754, 0.19999999398668794, 0.14285877267957245, 0.11095700415154251, 0.09681326857101004) // 1.1e-13
	l := g.fma64(s, g.times64(z, q), s)
	return g.fma64(l, g.k64(-4), g.times64(k, g.k64(-2*math.Ln2)))
}

// turn is cosine and sine of v full turns: n quarters, and g of a quarter, within half of one.
func (g *normals) turn(v val) (cos, sin val) {
	t := g.times64(v, g.k64(4))
	n := g.plus64(t, g.k64(0x1.8p52)) // n in the lowest bits
	part := g.minus64(t, g.minus64(n, g.k64(0x1.8p52)))
	h := g.times64(part, part)
	sin = g.times64(part, g.polynomial64(h, 1.57079632679489, -0.645964097504309, 0.07969262615574603, -0.004681752591458209, 0.00016042926504495616, -3.556386260704784e-06)) // 4.3e-15
	c := g.polynomial64(h, -1.233700550135279, 0.25366950772284663, -0.020863475058875536, 0.0009191963343183554, -2.4909228700967793e-05)                                     // 2.2e-13
	cos = g.fma64(h, c, g.k64(1))
	// An odd n swaps them; sine is negative in quarters 2 and 3, cosine in 1 and 2.
	other := g.and(g.xor(cos, sin), g.wideIntMinus(g.whole(0), g.and(n, g.whole(1))))
	cos, sin = g.xor(cos, other), g.xor(sin, other)
	sign := func(n val) val { return g.shiftLeft64(g.and(n, g.whole(2)), 62) }
	return g.xor(cos, sign(g.wideIntPlus(n, g.whole(1)))), g.xor(sin, sign(n))
}
