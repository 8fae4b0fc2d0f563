package onnx

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/export/plain"
)

// value is a column on its way through the preparation. rest is 1-v with all of its digits, where v is a share of something, which a map that
// is steep at both ends takes; empty where it is not known. In float32, digits are lost where v is near 1 and it is not.
type value struct{ v, rest string }

// prepare emits the way of a column to the flow, with log|dy/dx| in parts and a number.
func (g *graph) prepare(steps []plain.Step, x string) (y string, parts []string, rest float64) {
	v := value{v: x}
	for _, s := range steps {
		var part string
		var number float64
		v, part, number = g.step(s, v)
		if rest += number; part != "" {
			parts = append(parts, part)
		}
	}
	return v.v, parts, rest
}

func (g *graph) step(s plain.Step, x value) (y value, part string, number float64) {
	switch s := s.(type) {
	case *plain.Linear:
		y = value{g.times(g.less(x.v, s.Shift), 1/s.Unit), g.times(g.from(s.Shift+s.Unit, x.v), 1/s.Unit)}
		return y, "", -math.Log(s.Unit)
	case *plain.Clip:
		clip := func(v string) string { return g.plus(g.times(g.within(v, 0, 1), 1-s.B), s.B/2) }
		return value{clip(x.v), clip(g.restOf(x))}, "", math.Log1p(-s.B)
	case *plain.Logit:
		const least = 0x1p-53
		a, b := g.do("Log", g.do("Max", x.v, g.scalar(least))), g.do("Log", g.do("Max", g.restOf(x), g.scalar(least)))
		return value{v: g.sub(a, b)}, g.do("Neg", g.add(a, b)), 0
	case *plain.Log:
		v := g.less(x.v, -s.Offset)
		l := g.do("Log", g.do("Max", v, g.scalar(s.Floor)))
		line := g.plus(g.times(v, 1/s.Floor), math.Log(s.Floor)-1)
		return value{v: g.do("Where", g.do("Less", v, g.scalar(s.Floor)), line, l)}, g.do("Neg", l), 0
	case *plain.Asinh:
		t := g.times(g.less(x.v, s.Centre), 1/s.Scale)
		size := g.do("Abs", t)
		square := g.plus(g.mul(t, t), 1)
		up := g.do("Log", g.add(size, g.do("Sqrt", square)))
		sign := g.do("Where", g.do("Less", t, g.scalar(0)), g.scalar(-1), g.scalar(1))
		return value{v: g.mul(up, sign)}, g.times(g.do("Log", square), -0.5), -math.Log(s.Scale)
	case *plain.Periodic:
		return g.turn(s, x.v), "", -math.Log(s.Turn * s.Unit)
	case *plain.Quantile:
		v, part := g.quantile(s, x)
		return value{v: v}, part, 0
	}
	return x, "", 0 // plain.Round
}

func (g *graph) restOf(x value) string {
	if x.rest != "" {
		return x.rest
	}
	return g.sub(g.scalar(1), x.v)
}

// turn takes an angle into the turn that begins at the cut: from where that, or the one before or after it, begins.
func (g *graph) turn(s *plain.Periodic, x string) value {
	early := 0.0
	if s.Filled > 0 {
		early = (1 - s.Filled) / 2
	}
	number := func(x string) string { return g.do("Floor", g.plus(g.times(g.less(x, s.Cut), 1/s.Turn), early)) }
	k := number(x)
	far := g.do("Less", g.scalar(1.5), g.do("Abs", k))
	x = g.do("Where", far, g.sub(x, g.times(k, s.Turn)), x)
	k = number(x)
	before, after := g.do("Less", k, g.scalar(-0.5)), g.do("Less", g.scalar(0.5), k)
	of := func(difference func(at float64) string, from float64) string {
		return g.do("Where", before, difference(from-s.Turn), g.do("Where", after, difference(from+s.Turn), difference(from)))
	}
	size := 1 / (s.Turn * s.Unit)
	y := value{v: g.plus(g.times(of(func(at float64) string { return g.less(x, at) }, s.Cut), size), -s.Start/s.Unit)}
	if s.Start == 0 {
		y.rest = g.times(of(func(at float64) string { return g.from(at, x) }, s.Cut+s.Turn*s.Unit), size)
	}
	return y
}

// far stands for infinity among the ends of bins.
const far = 3e38

// bins is one row of zeros and a one for the bin of a value between knots; the outermost take what lies beyond.
func (g *graph) bins(v string, knots []float64) string {
	n := len(knots) - 1
	left, right := make([]float64, n), make([]float64, n)
	copy(left, knots)
	copy(right, knots[1:])
	left[0], right[n-1] = -far, far
	return g.sub(g.number(g.do("Less", v, g.row(right))), g.number(g.do("Less", v, g.row(left))))
}

// table gives the numbers of the bin, a column each.
func (g *graph) table(bin string, of ...[]float64) (columns []string) {
	var all []float32 // a row a bin
	for b := range of[0] {
		for _, v := range of {
			all = append(all, float32(v[b]))
		}
	}
	found := g.do("MatMul", bin, g.matrix(len(of[0]), all))
	for i := range of {
		columns = append(columns, g.pick(found, []int{i}))
	}
	return columns
}

// spline are the bins of a map of quantiles.
type spline struct{ x, y, w, h, a, b []float64 }

func splineOf(s *plain.Quantile) (p spline) {
	for k := range len(s.X) - 1 {
		w, h := s.X[k+1]-s.X[k], s.Y[k+1]-s.Y[k]
		p.x, p.y, p.w, p.h = append(p.x, s.X[k]), append(p.y, s.Y[k]), append(p.w, w), append(p.h, h)
		p.a, p.b = append(p.a, s.Slope[k]*w/h), append(p.b, s.Slope[k+1]*w/h)
	}
	return p
}

func each(of []float64, fn func(v float64) float64) (all []float64) {
	for _, v := range of {
		all = append(all, fn(v))
	}
	return all
}

// beyond is how far a value lies from the start of its bin, from the halves of that.
func (g *graph) beyond(v, bin string, at []float64) string {
	hi := each(at, func(v float64) float64 { h, _ := halves(v); return h })
	lo := each(at, func(v float64) float64 { _, l := halves(v); return l })
	c := g.table(bin, hi, lo)
	return g.sub(g.sub(v, c[0]), c[1])
}

func (g *graph) quantile(s *plain.Quantile, x value) (y, logSlope string) {
	p, n := splineOf(s), len(s.X)-1
	bin := g.bins(x.v, s.X)
	r := g.beyond(x.v, bin, p.x)
	if x.rest != "" { // beyond the middle from the other end
		up := g.do("Neg", g.beyond(x.rest, bin, each(p.x, func(v float64) float64 { return 1 - v })))
		r = g.do("Where", g.do("Less", x.v, g.scalar(0.5)), r, up)
	}
	c := g.table(bin, each(p.w, func(w float64) float64 { return 1 / w }), p.y, p.h, p.a, p.b)
	t, a, b := g.within(g.mul(r, c[0]), 0, 1), c[3], c[4]
	left := g.sub(g.scalar(1), t)
	u := g.mul(t, left)
	den := g.plus(g.mul(g.plus(g.add(a, b), -2), u), 1)
	y = g.add(c[1], g.mul(c[2], g.div(g.add(g.mul(t, t), g.mul(a, u)), den)))
	slope := g.add(g.add(g.mul(b, g.mul(t, t)), g.times(u, 2)), g.mul(a, g.mul(left, left)))
	secant := g.mul(c[2], c[0])
	logSlope = g.sub(g.do("Log", g.mul(slope, secant)), g.times(g.do("Log", den), 2))
	for _, end := range []struct {
		at          int
		index, sign float64
	}{{0, s.Lower, -1}, {n, s.Upper, 1}} {
		size := math.Abs(s.Y[end.at])
		distance := g.do("Max", g.times(g.less(x.v, s.X[end.at]), end.sign), g.scalar(0))
		l := g.do("Log", g.plus(g.times(distance, s.Slope[end.at]*size/end.index), 1))
		root := g.do("Sqrt", g.plus(g.times(l, 2*end.index), size*size))
		out := g.do("Less", g.scalar(0), distance)
		y = g.do("Where", out, g.times(root, end.sign), y)
		logSlope = g.do("Where", out, g.sub(g.plus(g.do("Neg", g.do("Log", root)), math.Log(s.Slope[end.at]*size)), l), logSlope)
	}
	return y, logSlope
}

// restore emits the way back of a column.
func (g *graph) restore(c *plain.Column, y string) string {
	for _, s := range slices.Backward(c.Steps) {
		y = g.back(s, y)
	}
	if !math.IsInf(c.Low, 0) {
		y = g.do("Where", g.do("LessOrEqual", y, g.scalar(c.Low)), g.scalar(c.Least), y)
	}
	if !math.IsInf(c.High, 0) {
		y = g.do("Where", g.do("LessOrEqual", g.scalar(c.High), y), g.scalar(c.Most), y)
	}
	return y
}

func (g *graph) back(s plain.Step, y string) string {
	switch s := s.(type) {
	case *plain.Linear:
		return g.plus(g.times(y, s.Unit), s.Shift)
	case *plain.Clip:
		return g.within(g.times(g.plus(y, -s.B/2), 1/(1-s.B)), 0, 1)
	case *plain.Logit:
		return g.do("Sigmoid", y)
	case *plain.Log:
		low := math.Log(s.Floor)
		up := g.do("Exp", g.within(y, low, plain.MostExp))
		line := g.times(g.plus(y, 1-low), s.Floor)
		return g.plus(g.do("Where", g.do("Less", y, g.scalar(low)), line, up), -s.Offset)
	case *plain.Asinh:
		v := g.within(y, -plain.MostExp, plain.MostExp)
		return g.plus(g.times(g.sub(g.do("Exp", v), g.do("Exp", g.do("Neg", v))), s.Scale/2), s.Centre)
	case *plain.Round:
		k := g.do("Floor", g.plus(g.times(g.plus(y, -s.Offset), 1/s.Unit), 0.5))
		return g.plus(g.times(k, s.Unit), s.Offset)
	case *plain.Periodic:
		t := g.plus(g.times(y, s.Unit), s.Start)
		x := g.plus(g.times(g.sub(t, g.do("Floor", t)), s.Turn), s.Cut)
		high := s.Low + s.Turn
		over := g.do("Less", x, g.scalar(high))
		return g.within(g.do("Where", over, x, g.plus(x, -s.Turn)), s.Low, high)
	case *plain.Quantile:
		return g.fromQuantile(s, y)
	}
	return y
}

func (g *graph) fromQuantile(s *plain.Quantile, y string) string {
	p, n := splineOf(s), len(s.X)-1
	bin := g.bins(y, s.Y)
	c := g.table(bin, p.x, p.w, p.h, p.a, p.b)
	h, a := c[2], c[3]
	r := g.do("Min", g.do("Max", g.beyond(y, bin, p.y), g.scalar(0)), h)
	e := g.mul(r, g.plus(g.add(a, c[4]), -2))
	rise := g.mul(a, h)
	pp, q := g.add(g.sub(h, rise), e), g.sub(rise, e)
	root := g.do("Sqrt", g.do("Max", g.add(g.mul(q, q), g.times(g.mul(pp, r), 4)), g.scalar(0)))
	t := g.do("Min", g.div(g.times(r, 2), g.add(q, root)), g.scalar(1))
	x := g.add(c[0], g.mul(c[1], t))
	for _, end := range []struct {
		at                int
		index, sign, edge float64
		is                bool
	}{{0, s.Lower, -1, s.Low, s.EdgeLow}, {n, s.Upper, 1, s.High, s.EdgeHigh}} {
		size := math.Abs(s.Y[end.at])
		outer := g.do("Max", g.times(y, end.sign), g.scalar(size))
		l := g.do("Min", g.times(g.mul(g.plus(outer, -size), g.plus(outer, size)), 1/(2*end.index)), g.scalar(plain.MostExp))
		beyond := g.plus(g.times(g.plus(g.do("Exp", l), -1), end.sign*end.index/(s.Slope[end.at]*size)), s.X[end.at])
		if end.is {
			beyond = g.scalar(end.edge)
		}
		x = g.do("Where", g.do("Less", g.scalar(size), outer), beyond, x)
	}
	return x
}
