package onnx

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/export/plain"
)

// cell is a column of a matrix.
type cell struct {
	in     string
	column int
}

// cells are the features of a flow on their way.
type cells []cell

// columns are features as one matrix.
func (g *graph) columns(x cells, features []int) string {
	var all []string
	for i := 0; i < len(features); {
		from := x[features[i]].in
		var columns []int
		for ; i < len(features) && x[features[i]].in == from; i++ {
			columns = append(columns, x[features[i]].column)
		}
		all = append(all, g.pick(from, columns))
	}
	return g.join(all...)
}

// put sets features to the columns of a matrix.
func (x cells) put(in string, features []int) {
	for c, f := range features {
		x[f].in, x[f].column = in, c
	}
}

func numbers(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// way is a flow with what its networks see of the context.
type way struct {
	*graph
	flow    *plain.Flow
	context string // empty for none
	like    string // has as many rows as there are events
}

func (g *graph) way(f *plain.Flow, context, like string) *way {
	if f.Embedding != nil {
		p := g.ofContext(f.Embedding, context)
		context = p.outputs(0, f.Embedding.Layers[len(f.Embedding.Layers)-1].Out)
	}
	return &way{g, f, context, like}
}

// runs calls fn for features [from, to) in a row, among those moved as numbers [begin, end), that have maps of one sort.
func runs(c *plain.Conditional, begin, end int, fn func(from, to int)) {
	for from := begin; from < end; {
		to := from + 1
		for to < end && same(c.Scales[to], c.Scales[from]) {
			to++
		}
		fn(from, to)
		from = to
	}
}

func same(a, b plain.Scaler) bool {
	switch a := a.(type) {
	case *plain.Affine:
		b, ok := b.(*plain.Affine)
		return ok && *a == *b
	case *plain.Spline:
		b, ok := b.(*plain.Spline)
		return ok && *a == *b
	}
	return false
}

// seen are features as a network sees them.
func (w *way) seen(x cells, seen []plain.Seen) (in string, n int) {
	var all []string
	for i := 0; i < len(seen); {
		var features []int
		if circle := seen[i].Circle; circle > 0 {
			angle := w.times(w.columns(x, []int{seen[i].Feature}), math.Pi/float64(circle))
			all = append(all, w.do("Cos", angle), w.do("Sin", angle))
			i, n = i+1, n+2
			continue
		}
		for ; i < len(seen) && seen[i].Circle == 0; i++ {
			features = append(features, seen[i].Feature)
		}
		all, n = append(all, w.columns(x, features)), n+len(features)
	}
	return w.join(all...), n
}

// toLatent emits the way to the latent, with log|det dz/dx| in parts and a number.
func (w *way) toLatent(x cells) (parts []string, number float64) {
	for _, l := range w.flow.Layers {
		switch l := l.(type) {
		case *plain.Map:
			x.put(w.linear(l, w.columns(x, numbers(len(x))), false), numbers(len(x)))
			number += l.LogDet
		case *plain.Radial:
			parts = append(parts, w.radial(l, x)...)
		case *plain.Conditional:
			p := w.begin(&l.Net, w.context, w.like)
			p.see(w.seen(x, l.Seen))
			p.advance(nil)
			for _, v := range w.move(x, l, p, 0, len(l.Moved), false) {
				if len(v.features) > 1 {
					v.logDet = w.total(v.logDet)
				}
				x.put(v.out, v.features)
				parts = append(parts, v.logDet)
			}
		}
	}
	return parts, number
}

// moved are features after their maps.
type moved struct {
	features    []int
	out, logDet string
}

// move takes the features moved as numbers [begin, end) through their maps, or back.
func (w *way) move(x cells, c *plain.Conditional, p *pass, begin, end int, back bool) (all []moved) {
	runs(c, begin, end, func(from, to int) {
		m := moved{features: c.Moved[from:to]}
		m.out, m.logDet = w.scaled(c.Scales[from], w.columns(x, m.features), from, to, p.of(c), back)
		all = append(all, m)
	})
	return all
}

// linear is a map of all features, or back.
func (w *way) linear(m *plain.Map, x string, back bool) string {
	n := len(m.Bias)
	if m.Diagonal {
		scale := make([]float64, n)
		for i := range scale {
			if scale[i] = m.Matrix[i*n+i]; back {
				scale[i] = m.Inverse[i*n+i]
			}
		}
		if back {
			return w.mul(w.sub(x, w.row(m.Bias)), w.row(scale))
		}
		return w.add(w.mul(x, w.row(scale)), w.row(m.Bias))
	}
	by := m.Matrix
	if back {
		by, x = m.Inverse, w.sub(x, w.row(m.Bias))
	}
	turned := make([]float64, n*n)
	for i := range n {
		for j := range n {
			turned[j*n+i] = by[i*n+j]
		}
	}
	y := w.do("MatMul", x, w.matrix(n, narrow(turned)))
	if back {
		return y
	}
	return w.add(y, w.row(m.Bias))
}

// toData emits the way back: an autoregressive transform group by group, each once those before it are known.
func (w *way) toData(x cells) {
	for _, l := range slices.Backward(w.flow.Layers) {
		switch l := l.(type) {
		case *plain.Map:
			x.put(w.linear(l, w.columns(x, numbers(len(x))), true), numbers(len(x)))
		case *plain.Radial:
			w.radialBack(l, x)
		case *plain.Conditional:
			p := w.begin(&l.Net, w.context, w.like)
			if len(l.Kept) > 0 {
				p.see(w.seen(x, l.Seen))
			}
			known, begin := l.Known(), 0
			for g, end := range l.Ends {
				units := make([]int, len(known))
				for i := range known {
					units[i] = known[i][g]
				}
				p.advance(units)
				for _, v := range w.move(x, l, p, begin, end, true) {
					x.put(v.out, v.features)
				}
				if len(l.Kept) == 0 && g+1 < len(l.Ends) {
					p.see(w.seen(x, l.Seen[begin:end]))
				}
				begin = end
			}
		}
	}
}

// polar is how far features lie from a center, along each and in all.
func (w *way) polar(l *plain.Radial, x string) (d, r string) {
	d = w.sub(x, w.row(l.Center))
	if n := len(l.Center); len(l.Shift) > 0 {
		given := len(l.Shift) / n
		turned := make([]float32, len(l.Shift))
		for i, v := range l.Shift {
			turned[i%given*n+i/given] = float32(v)
		}
		d = w.sub(d, w.do("MatMul", w.context, w.matrix(given, turned)))
	}
	return d, w.do("Sqrt", w.total(w.mul(d, d)))
}

func (w *way) radial(l *plain.Radial, x cells) (parts []string) {
	all := numbers(len(x))
	from := w.columns(x, all)
	d, r := w.polar(l, from)
	over := w.plus(r, l.A)
	x.put(w.add(from, w.mul(w.div(w.scalar(l.S-l.A), over), d)), all)
	k := w.do("Log", over)
	slope := w.plus(w.mul(r, w.plus(r, 2*l.A)), l.A*l.S)
	ratio := w.times(w.sub(w.do("Log", w.plus(r, l.S)), k), float64(len(x)-1))
	return []string{ratio, w.sub(w.do("Log", slope), w.times(k, 2))}
}

func (w *way) radialBack(l *plain.Radial, x cells) {
	all := numbers(len(x))
	from := w.columns(x, all)
	d, far := w.polar(l, from)
	less := w.plus(far, -l.S)
	root := w.do("Sqrt", w.add(w.mul(less, less), w.times(far, 4*l.A)))
	straight := w.times(w.add(less, root), 0.5)
	near := w.div(w.times(far, 2*l.A), w.sub(root, less)) // without cancellation
	r := w.do("Where", w.do("Less", less, w.scalar(0)), near, straight)
	x.put(w.add(from, w.mul(w.div(w.scalar(l.A-l.S), w.plus(r, l.S)), d)), all)
}

// logBase emits the log-density of the latent, in parts and a number.
func (w *way) logBase(z cells) (parts []string, number float64) {
	for _, b := range w.flow.Bases {
		v := w.columns(z, b.Of())
		n := len(b.Of())
		one := func(part string) {
			if n > 1 {
				part = w.total(part)
			}
			parts = append(parts, part)
		}
		switch b := b.(type) {
		case *plain.Normal:
			one(w.times(w.mul(v, v), -0.5))
			number -= float64(n) * logRoot
		case *plain.StudentT:
			number += w.studentT(b, v, one)
		case *plain.Box:
			number += b.LogNorm
			w.box(b, v, one)
		case *plain.Mixture:
			parts = append(parts, w.mixture(b, v))
		case *plain.ConditionalNormal:
			p := w.ofContext(&b.Net, w.context)
			s := w.logScale("soft", p.outputs(n, 2*n))
			r := w.mul(w.sub(v, p.outputs(0, n)), w.do("Exp", w.do("Neg", s)))
			one(w.sub(w.times(w.mul(r, r), -0.5), s))
			number -= float64(n) * logRoot
		}
	}
	return parts, number
}

func (w *way) studentT(b *plain.StudentT, v string, one func(string)) (number float64) {
	var inverse, power []float64
	for _, nu := range b.Nu {
		up, _ := math.Lgamma((nu + 1) / 2)
		down, _ := math.Lgamma(nu / 2)
		number += up - down - 0.5*math.Log(nu*math.Pi)
		inverse, power = append(inverse, 1/nu), append(power, -(nu+1)/2)
	}
	one(w.mul(w.do("Log", w.plus(w.mul(w.mul(v, v), w.row(inverse)), 1)), w.row(power)))
	return number
}

// box is -inf outside: the logarithm of 0.
func (w *way) box(b *plain.Box, v string, one func(string)) {
	var bound []float64
	for _, v := range b.Bound {
		bound = append(bound, float64(v*(1+1e-6)))
	}
	one(w.do("Log", w.number(w.do("LessOrEqual", w.do("Abs", v), w.row(bound)))))
	if b.Width > 0 {
		r := w.times(v, 1/b.Width)
		one(w.times(w.mul(r, r), -0.5))
	}
}

// mixture has a column for each feature of each component at first, (z - mean)/width.
func (w *way) mixture(b *plain.Mixture, v string) string {
	n, k := len(b.Of()), len(b.LogWeight)
	spread, shift, gather := make([]float32, n*n*k), make([]float64, n*k), make([]float32, n*k*k)
	log := slices.Clone(b.LogWeight)
	for c := range k {
		for f := range n {
			at := c*n + f
			spread[f*n*k+at] = float32(1 / b.Width[at])
			shift[at] = -b.Mean[at] / b.Width[at]
			gather[at*k+c] = -0.5
			log[c] -= math.Log(b.Width[at]) + logRoot
		}
	}
	r := w.add(w.do("MatMul", v, w.matrix(n, spread)), w.row(shift))
	return w.logSum(w.add(w.do("MatMul", w.mul(r, r), w.matrix(n*k, gather)), w.row(log)))
}
