package onnx

import (
	"math"

	"github.com/sluice-hep/sluice/export/plain"
)

// outputs gives columns of the parameters of the features moved as numbers [from, to), which have maps of one sort: for each of them columns
// [first, first+n) of its own, one feature after another.
type outputs func(from, to, first, n int) string

// of are the outputs of a pass for the features of a conditional transform.
func (p *pass) of(c *plain.Conditional) outputs {
	return func(from, to, first, n int) string {
		var picked plain.Dense
		d := p.linear(len(p.in) - 1)
		picked.In, picked.Out = d.In, n*(to-from)
		for i := range d.In {
			for j := from; j < to; j++ {
				at := i*d.Out + c.At[j] + first
				picked.Weight = append(picked.Weight, d.Weight[at:at+n]...)
			}
		}
		for j := from; j < to; j++ {
			picked.Bias = append(picked.Bias, d.Bias[c.At[j]+first:c.At[j]+first+n]...)
		}
		s := p.last()
		return p.g.dense(&picked, s.cells, d.Context+s.known, 0, picked.Out, p.like)
	}
}

// scaled takes features [from, to) of those moved, columns of v, through their map, or back. logDet has a column a feature, and is empty on the
// way back.
func (g *graph) scaled(s plain.Scaler, v string, from, to int, h outputs, back bool) (out, logDet string) {
	if a, ok := s.(*plain.Affine); ok {
		return g.affine(a, v, h(from, to, 0, 1), h(from, to, 1, 1), back)
	}
	of := s.(*plain.Spline)
	tall := func(a string, columns int) string {
		if to-from == 1 {
			return a
		}
		return g.do("Reshape", a, g.shape(columns))
	}
	k := of.Bins
	slopes, _ := slopes(of)
	var phase string
	if of.Circular {
		phase = tall(h(from, to, 3*k, 1), 1)
	}
	raw := splineRows{
		g.do("Softmax", tall(h(from, to, 0, k), k)), g.do("Softmax", tall(h(from, to, k, k), k)),
		tall(h(from, to, 2*k, slopes), slopes),
	}
	v = tall(v, 1)
	if back {
		out = g.splineBack(of, v, raw, phase)
	} else if out, logDet = g.spline(of, v, raw, phase); to-from > 1 {
		logDet = g.do("Reshape", logDet, g.shape(to-from))
	}
	if to-from > 1 {
		out = g.do("Reshape", out, g.shape(to-from))
	}
	return out, logDet
}

func (g *graph) affine(a *plain.Affine, v, shift, raw string, back bool) (out, logDet string) {
	s := g.logScale(a.LogScale, raw)
	if a.ScaleFirst != back {
		return g.add(g.mul(v, g.do("Exp", s)), shift), s
	}
	minus := g.do("Neg", s)
	return g.mul(g.sub(v, shift), g.do("Exp", minus)), minus
}

func (g *graph) logScale(kind, raw string) string {
	switch kind {
	case "tanh":
		return g.do("Tanh", raw)
	case "soft":
		return g.div(raw, g.plus(g.times(g.do("Abs", raw), 1./5), 1))
	case "clamp":
		return g.times(g.do("Atan", g.times(raw, 1/1.9)), 1.9*2/math.Pi)
	case "sigmoid":
		return g.do("Log", g.plus(g.do("Sigmoid", g.plus(raw, 2)), 1e-3))
	}
	return raw
}

// splineRows are the shares of widths and heights, and raw slopes, a row a feature of an event.
type splineRows struct{ width, height, slope string }

// knots are the left ends of the bins: shares summed up, by a triangle, from where the interval begins, with the least share of each.
func (g *graph) knots(s *plain.Spline, share string) string {
	k, grow := s.Bins, spread(s)
	below, start := make([]float32, k*k), make([]float64, k)
	for i := range k {
		start[i] = least(s)*float64(i) - float64(s.Bound)
		for j := i + 1; j < k; j++ {
			below[i*k+j] = float32(grow)
		}
	}
	return g.do("Gemm", share, g.matrix(k, below), g.row(start))
}

// least is the least size of a bin, and spread what the shares of the softmax are of.
func least(s *plain.Spline) float64  { return 2 * float64(s.Bound) * plain.LeastBin }
func spread(s *plain.Spline) float64 { return 2*float64(s.Bound) - least(s)*float64(s.Bins) }

// piece is the bin of a value: where it begins, its sizes, and its slopes at the ends.
type piece struct{ x, w, y, h, d0, d1 string }

// find gives the bin of v, along x or, back, along y.
func (g *graph) find(s *plain.Spline, v string, raw splineRows, back bool) piece {
	x, y := g.knots(s, raw.width), g.knots(s, raw.height)
	by := x
	if back {
		by = y
	}
	reached := g.number(g.do("LessOrEqual", by, v)) // by v: the bins up to that of v
	bin := g.choose(reached, s.Bins, s.Bins, func(bin int) int { return bin })
	at := func(of string) string { return g.total(g.mul(bin, of)) }
	size := func(share string) string { return g.plus(g.times(at(share), spread(s)), least(s)) }
	slope := func(knot int) string { // in front of the bin or behind it
		columns, of := slopes(s)
		which := g.choose(reached, s.Bins, columns, func(bin int) int { return of(bin + knot) })
		d := g.plus(g.do("Softplus", g.total(g.mul(which, raw.slope))), plain.LeastSlope)
		if s.Circular {
			return d
		}
		return g.do("Where", g.do("Less", g.scalar(0.5), g.total(which)), d, g.scalar(1)) // 1 at the ends
	}
	return piece{at(x), size(raw.width), at(y), size(raw.height), slope(0), slope(1)}
}

// slopes are the raw ones of a spline, as many as there are and the number of that of a knot; -1 for none.
func slopes(s *plain.Spline) (columns int, of func(knot int) int) {
	if columns = s.Bins - 1; s.Circular {
		columns = s.Bins
	}
	return columns, func(knot int) int {
		switch {
		case knot > 0 && knot < s.Bins:
			return knot - 1
		case s.Circular:
			return s.Bins - 1
		}
		return -1
	}
}

// choose gives a one in the column of the last of the bins that are reached, and zeros elsewhere: what each bin adds, it takes from the one before.
func (g *graph) choose(reached string, bins, columns int, column func(bin int) int) string {
	m := make([]float32, bins*columns)
	for b := range bins {
		if c := column(b); c >= 0 {
			m[b*columns+c]++
		}
		if b == 0 {
			continue
		}
		if c := column(b - 1); c >= 0 {
			m[b*columns+c]--
		}
	}
	return g.do("MatMul", reached, g.matrix(bins, m))
}

// wrap takes an angle to the circle.
func (g *graph) wrap(s *plain.Spline, v string) string {
	turn := 2 * float64(s.Bound)
	k := g.do("Floor", g.plus(g.times(v, 1/turn), 0.5))
	return g.within(g.sub(v, g.times(k, turn)), -float64(s.Bound), float64(s.Bound))
}

func (g *graph) spline(s *plain.Spline, x string, raw splineRows, phase string) (z, logDet string) {
	bound := float64(s.Bound)
	outside := g.do("Less", g.scalar(bound), g.do("Abs", x))
	v := g.do("Where", outside, g.scalar(0), x)
	if s.Circular {
		v = g.wrap(s, g.add(v, g.wrap(s, phase)))
	}
	p := g.find(s, v, raw, false)
	t := g.within(g.div(g.sub(v, p.x), p.w), 0, 1)
	left := g.sub(g.scalar(1), t)
	e, q, square := g.div(p.h, p.w), g.mul(t, left), g.mul(t, t)
	den := g.add(e, g.mul(g.sub(g.add(p.d0, p.d1), g.times(e, 2)), q))
	up := g.add(g.mul(e, square), g.mul(p.d0, q))
	z = g.within(g.add(p.y, g.div(g.mul(p.h, up), den)), -bound, bound)
	slope := g.add(g.add(g.mul(p.d1, square), g.times(g.mul(e, q), 2)), g.mul(p.d0, g.mul(left, left)))
	share := g.div(e, den)
	logDet = g.do("Log", g.mul(slope, g.mul(share, share)))
	return g.do("Where", outside, x, z), g.do("Where", outside, g.scalar(0), logDet)
}

func (g *graph) splineBack(s *plain.Spline, z string, raw splineRows, phase string) string {
	bound := float64(s.Bound)
	outside := g.do("Less", g.scalar(bound), g.do("Abs", z))
	v := g.do("Where", outside, g.scalar(0), z)
	p := g.find(s, v, raw, true)
	e, dy := g.div(p.h, p.w), g.sub(v, p.y)
	bend := g.mul(dy, g.sub(g.add(p.d0, p.d1), g.times(e, 2)))
	a, b, c := g.add(bend, g.mul(p.h, g.sub(e, p.d0))), g.sub(g.mul(p.h, p.d0), bend), g.mul(e, dy)
	root := g.do("Sqrt", g.do("Max", g.add(g.mul(b, b), g.times(g.mul(a, c), 4)), g.scalar(0)))
	t := g.within(g.div(g.times(c, 2), g.add(b, root)), 0, 1)
	x := g.within(g.add(p.x, g.mul(t, p.w)), -bound, bound)
	if s.Circular {
		x = g.wrap(s, g.sub(x, g.wrap(s, phase)))
	}
	return g.do("Where", outside, z, x)
}
