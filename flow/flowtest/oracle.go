// Package flowtest is the compliance suite of flows: one list of flows, and properties that each of them has to
// meet. A new transform is not in until it is in Cases. Run takes other cases too: of transforms from elsewhere.
package flowtest

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/linear"
	"github.com/sluice-hep/sluice/flow/whole"
	"github.com/sluice-hep/sluice/nn"
)

// LayerFormula is a layer without a network: it maps the events z, and adds to logDet.
type LayerFormula func(o *Oracle, l flow.Layer, z [][]float64, logDet []float64)

var layers = map[string]LayerFormula{
	"lu": (*Oracle).lu, "batch-norm": (*Oracle).batchNorm, "householder": (*Oracle).householder, "rotation": rotation,
	"act-norm": (*Oracle).actNorm, "planar": (*Oracle).planar, "radial": (*Oracle).radial, "residual-flow": (*Oracle).residualFlow,
	"permutation": func(*Oracle, flow.Layer, [][]float64, []float64) {},
}

// BaseFormula is the log-density of one latent feature, given the context. It is number i of those of its base, whose
// parameters are of the scope.
type BaseFormula func(o *Oracle, scope string, i int, z float64, context []float64) float64

var bases = map[string]BaseFormula{
	"normal": func(_ *Oracle, _ string, _ int, z float64, _ []float64) float64 {
		return -0.5*z*z - 0.5*math.Log(2*math.Pi)
	},
	"student-t": func(o *Oracle, scope string, i int, z float64, _ []float64) float64 {
		nu := math.Exp(o.Of(scope + ".log_nu")[i]) + 1e-2
		up, _ := math.Lgamma((nu + 1) / 2)
		down, _ := math.Lgamma(nu / 2)
		return up - down - 0.5*math.Log(math.Pi*nu) - (nu+1)/2*math.Log(1+z*z/nu)
	},
	"box": func(o *Oracle, scope string, _ int, _ float64, _ []float64) float64 {
		return -math.Log(2 * o.base(scope).Options["bound"].(float64))
	},
	"truncated": func(o *Oracle, scope string, _ int, z float64, _ []float64) float64 {
		bound, width := o.base(scope).Options["bound"].(float64), o.base(scope).Options["width"].(float64)
		return -0.5*z*z/(width*width) - math.Log(width*math.Sqrt(2*math.Pi)*math.Erf(bound/width/math.Sqrt2))
	},
	"conditional-normal": func(o *Oracle, scope string, i int, z float64, context []float64) float64 {
		net := o.base(scope).Options["net"].(flow.Part)
		h, _ := o.network(network{o, net, scope, [][]float64{context}, 0}, [][]float64{nil})
		n := len(h[0]) / 2
		s := h[0][n+i] / (1 + math.Abs(h[0][n+i])/5)
		r := (z - h[0][i]) * math.Exp(-s)
		return -r*r/2 - s - 0.5*math.Log(2*math.Pi)
	},
}

// jointBases are the formulas of bases of all their features together.
var jointBases = map[string]func(o *Oracle, scope string, z []float64) float64{
	"mixture": func(o *Oracle, scope string, z []float64) float64 {
		weight, mean, wide := o.Of(scope+".weight"), o.Of(scope+".mean"), o.Of(scope+".log_width")
		var sum, norm float64
		for k, raw := range weight {
			p := math.Exp(raw)
			norm += p
			for i, v := range z {
				width := math.Exp(wide[k*len(z)+i]) + 1e-3
				if absent(v) {
					continue
				}
				r := (v - mean[k*len(z)+i]) / width
				p *= math.Exp(-r*r/2) / (width * math.Sqrt(2*math.Pi))
			}
			sum += p
		}
		return math.Log(sum / norm)
	},
}

// base is the part that a scope of parameters is of.
func (o *Oracle) base(scope string) flow.Part {
	if feature, ok := strings.CutPrefix(scope, "bases."); ok {
		return o.f.Spec.Bases[feature]
	}
	return o.f.Spec.Base
}

// Oracle maps events to the latent in float64, straight from the formulas of the papers: no tiles, no kernels,
// no masks (the zeros of a MADE are in its weights). A cell that is NaN is absent, and stays NaN.
type Oracle struct {
	P     []float64 // the parameters: at first the flow's
	f     *flow.Flow
	own   Formulas
	views map[string]nn.View
	// Context is that of the events under way, as transforms and base see it.
	Context [][]float64
	// Training takes batch norms by the statistics of the events given, and leaves out units as in the first step
	// from Seed.
	Training bool
	Seed     uint64
}

// Formulas are those of kinds besides package flow's, by their names.
type Formulas struct {
	Transformers map[string]Formula
	Layers       map[string]LayerFormula
	Bases        map[string]BaseFormula
	Networks     map[string]NetworkFormula
}

// NetworkFormula is a network without dropout: its outputs for the features in and the context of each event. Its parameters
// are those of the scope.
type NetworkFormula func(o *Oracle, scope string, context, in [][]float64) [][]float64

// NewOracle returns an oracle that evaluates f; own are formulas besides those of package flow.
func NewOracle(f *flow.Flow, own Formulas) *Oracle {
	o := &Oracle{f: f, own: own, views: map[string]nn.View{}}
	for _, v := range f.Views() {
		o.views[v.Name] = v
	}
	for _, v := range f.Params() {
		o.P = append(o.P, float64(v))
	}
	return o
}

// Of are the numbers of a view.
func (o *Oracle) Of(name string) []float64 {
	v, ok := o.views[name]
	if !ok {
		panic("flowtest: no parameters " + name)
	}
	return o.P[v.Offset:][:v.Rows*v.Cols]
}

// ToLatent maps events (rows of features and context).
func (o *Oracle) ToLatent(x, context [][]float64) (z [][]float64, logDet []float64) {
	context = o.embedded(context)
	logDet, o.Context = make([]float64, len(x)), context
	for _, e := range x {
		z = append(z, append([]float64(nil), e...))
	}
	hidden := 0
	for _, l := range o.f.Layers() {
		switch t := l.Transform.(type) {
		case *flow.Conditional:
			hidden += o.conditioned(l, &t.Groups, z, context, logDet, hidden)
		case *flow.BatchedConditional:
			hidden += o.conditioned(l, &t.Groups, z, context, logDet, hidden)
		case *whole.Continuous:
			o.continuous(l, z, context, logDet)
		default:
			formulaOf("layer", l.Part.Kind, o.own.Layers, layers)(o, l, z, logDet)
		}
	}
	return z, logDet
}

// NLL is the mean negative log-likelihood of events.
func (o *Oracle) NLL(x, context [][]float64) float64 {
	z, logDet := o.ToLatent(x, context)
	context = o.Context
	var sum float64
	for e := range z {
		sum -= logDet[e]
		var rest []float64 // features of the base that is no one feature's
		for i, v := range z[e] {
			if _, ok := o.f.Spec.Bases[fmt.Sprint(i)]; ok {
				sum -= o.logDensity(fmt.Sprint("bases.", i), []float64{v}, context[e])
			} else {
				rest = append(rest, v)
			}
		}
		sum -= o.logDensity("base", rest, context[e])
	}
	return sum / float64(len(x))
}

// logDensity is that of a base.
func (o *Oracle) logDensity(scope string, z, context []float64) (sum float64) {
	kind := o.base(scope).Kind
	if joint, ok := jointBases[kind]; ok {
		return joint(o, scope, z)
	}
	for i, v := range z {
		if absent(v) {
			continue
		}
		sum += formulaOf("base", kind, o.own.Bases, bases)(o, scope, i, v, context)
	}
	return sum
}

// formulaOf is that of a kind: the test's own, or package flow's.
func formulaOf[T any](role, kind string, tables ...map[string]T) T {
	for _, t := range tables {
		if f, ok := t[kind]; ok {
			return f
		}
	}
	panic("flowtest: the case has no formula of the " + role + " " + kind)
}

// conditioned moves features by their transformers, with parameters from a network of the others and the context, and
// returns the number of its hidden layers.
func (o *Oracle) conditioned(l flow.Layer, g *flow.Groups, z, context [][]float64, logDet []float64, hidden int) int {
	given := g.Order
	if g.Kept > 0 {
		given = g.Order[:g.Kept]
	}
	in := make([][]float64, len(z))
	for e := range z {
		for k, i := range given {
			if g.Circles != nil && g.Circles[k] > 0 {
				sin, cos := math.Sincos(math.Pi * z[e][i] / float64(g.Circles[k]))
				in[e] = append(in[e], orNone(cos), orNone(sin))
			} else {
				in[e] = append(in[e], orNone(z[e][i]))
			}
		}
	}
	h, layers := o.network(network{o, l.Part.Options["net"].(flow.Part), l.Scope, context, hidden}, in)
	at := 0
	for j, i := range g.Order[g.Kept:] {
		part := l.Part.Options["transformer"].(flow.Part)
		if of, ok := l.Part.Options["transformers"].(map[string]any); ok && of[fmt.Sprint(i)] != nil {
			part = of[fmt.Sprint(i)].(flow.Part)
		}
		formula := formulaOf("transformer", part.Kind, o.own.Transformers, transformers)
		k := len(g.Transformers[j].Identity())
		for e := range z {
			if absent(z[e][i]) {
				continue
			}
			var ld float64
			z[e][i], ld = formula(Scalar{part.Options, z[e][i], h[e][at : at+k], func(name string) []float64 {
				return o.Of(fmt.Sprintf("%s.transformer.%d.%s", l.Scope, j, name))
			}})
			logDet[e] += ld
		}
		at += k
	}
	return layers
}

// network gives the outputs of a conditioner, and the number of its hidden layers.
func (o *Oracle) network(n network, in [][]float64) (h [][]float64, layers int) {
	if own, ok := o.own.Networks[n.part.Kind]; ok {
		return own(o, n.scope, n.context, in), 0
	}
	return networks[n.part.Kind](n, in)
}

// lu is z = L (U x) + b.
func (o *Oracle) lu(l flow.Layer, z [][]float64, logDet []float64) {
	t := l.Transform.(*linear.LU)
	n, m, b := len(t.Order), o.P[t.Matrix.Offset:], o.P[t.Bias.Offset:]
	for e := range z {
		x := slices.Clone(z[e])
		y := make([]float64, n)
		for i, f := range t.Order {
			d := math.Log1p(math.Exp(m[i*n+i])) + 1e-3
			logDet[e] += math.Log(d)
			y[i] = d * x[f]
			for j := i + 1; j < n; j++ {
				y[i] += m[i*n+j] * x[t.Order[j]]
			}
		}
		for i, f := range t.Order {
			z[e][f] = y[i] + b[i]
			for j := range i {
				z[e][f] += m[i*n+j] * y[j]
			}
		}
	}
}

// householder is x - 2 v (v.x)/(v.v) for each v.
func (o *Oracle) householder(l flow.Layer, z [][]float64, _ []float64) {
	t := l.Transform.(*linear.Householder)
	n := len(t.Order)
	for i := range t.Reflections {
		v := o.P[t.Vectors.Offset+i*n:][:n]
		var norm float64
		for _, x := range v {
			norm += x * x
		}
		for e := range z {
			var s float64
			for j, f := range t.Order {
				s += v[j] * z[e][f]
			}
			for j, f := range t.Order {
				z[e][f] -= 2 * v[j] * s / norm
			}
		}
	}
}

// actNorm is exp(log_scale) x + shift.
func (o *Oracle) actNorm(l flow.Layer, z [][]float64, logDet []float64) {
	t := l.Transform.(*linear.ActNorm)
	for e := range z {
		for i := range z[e] {
			s := o.P[t.LogScale.Offset+i]
			z[e][i] = math.Exp(s)*z[e][i] + o.P[t.Shift.Offset+i]
			if !absent(z[e][i]) {
				logDet[e] += s
			}
		}
	}
}

// planar is z = x + û tanh(a) of equation 10 of arXiv:1505.05770, with û of its appendix A.1.
func (o *Oracle) planar(l flow.Layer, z [][]float64, logDet []float64) {
	u, w, b := o.Of(l.Scope+".u"), o.Of(l.Scope+".w"), o.Of(l.Scope + ".b")[0]
	hat, dot := slices.Clone(u), inner(u, w)
	for i := range hat {
		hat[i] += (math.Log1p(math.Exp(dot)) - 1 - dot) * w[i] / inner(w, w)
	}
	for e := range z {
		h := math.Tanh(inner(w, z[e]) + b + o.shift(l, e, 0))
		logDet[e] += math.Log(1 + inner(w, hat)*(1-h*h))
		for i := range z[e] {
			z[e][i] += hat[i] * h
		}
	}
}

// radial is z = x + beta h (x - x0) of equation 14 of arXiv:1505.05770, with beta of its appendix A.2.
func (o *Oracle) radial(l flow.Layer, z [][]float64, logDet []float64) {
	center, alpha := o.Of(l.Scope+".center"), math.Abs(o.Of(l.Scope + ".alpha")[0])
	beta := math.Log1p(math.Exp(o.Of(l.Scope + ".beta")[0])) - alpha
	for e := range z {
		d := slices.Clone(z[e])
		for i := range d {
			d[i] -= center[i] + o.shift(l, e, i)
		}
		r := math.Sqrt(inner(d, d))
		h := 1 / (alpha + r)
		logDet[e] += float64(len(d)-1)*math.Log(1+beta*h) + math.Log(1+beta*h-beta*h*h*r)
		for i := range d {
			z[e][i] += beta * h * d[i]
		}
	}
}

// residualFlow is z = x + g(x) with weights W min(1, c/(u.W v)) for given u and v; the derivatives of g go through it by the chain rule.
func (o *Oracle) residualFlow(l flow.Layer, z [][]float64, logDet []float64) {
	hidden := l.Part.Options["hidden"].([]int)
	norm := math.Pow(l.Part.Options["lipschitz"].(float64), 1/float64(len(hidden)+1))
	phi := smooth[l.Part.Options["activation"].(string)]
	n := len(z[0])
	for e, x := range z {
		h, j := slices.Clone(x), mat.NewDense(n, n, nil)
		for i := range n {
			j.Set(i, i, 1)
		}
		for i := range len(hidden) + 1 {
			scope := fmt.Sprint(l.Scope, ".", i)
			b := o.Of(scope + ".bias")
			w := mat.NewDense(len(b), len(h), slices.Clone(o.Of(scope+".weight")))
			s := mat.Inner(mat.NewVecDense(len(b), o.Of(scope+".left")), w, mat.NewVecDense(len(h), o.Of(scope+".right")))
			w.Scale(min(1, norm/s), w)
			var out mat.VecDense
			var by mat.Dense
			out.MulVec(w, mat.NewVecDense(len(h), h))
			by.Mul(w, j)
			h, j = make([]float64, len(b)), &by
			for k := range h {
				h[k] = out.AtVec(k) + b[k]
				if i == 0 {
					h[k] += o.shift(l, e, k)
				}
				if i < len(hidden) {
					var slope float64
					h[k], slope = phi(h[k])
					row := by.RawRowView(k)
					for c := range row {
						row[c] *= slope
					}
				}
			}
		}
		for i := range n {
			j.Set(i, i, j.At(i, i)+1)
			x[i] += h[i]
		}
		ld, _ := mat.LogDet(j)
		logDet[e] += ld
	}
}

// smooth are activations and their slopes.
var smooth = map[string]func(x float64) (h, slope float64){
	"tanh": func(x float64) (h, slope float64) { h = math.Tanh(x); return h, 1 - h*h },
	"elu": func(x float64) (h, slope float64) {
		return max(x, 0) + math.Expm1(min(x, 0)), math.Exp(min(x, 0))
	},
	"lipswish": func(x float64) (h, slope float64) {
		s := 1 / (1 + math.Exp(-x))
		return x * s / 1.1, (s + x*s*(1-s)) / 1.1
	},
}

// shift is what the context of an event adds to number i of a layer.
func (o *Oracle) shift(l flow.Layer, e, i int) float64 {
	c := o.Context[e]
	if len(c) == 0 {
		return 0
	}
	return inner(o.Of(l.Scope + ".context")[i*len(c):][:len(c)], c)
}

func inner(a, b []float64) (s float64) {
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// rotation multiplies by the matrix.
func rotation(_ *Oracle, l flow.Layer, z [][]float64, _ []float64) {
	t := l.Transform.(*linear.Rotation)
	for e := range z {
		x := slices.Clone(z[e])
		for i, f := range t.Order {
			z[e][f] = 0
			for j, from := range t.Order {
				z[e][f] += float64(t.Matrix[i*len(t.Order)+j]) * x[from]
			}
		}
	}
}

func (o *Oracle) batchNorm(l flow.Layer, z [][]float64, logDet []float64) {
	t := l.Transform.(*linear.BatchNorm)
	for i := range z[0] {
		gamma := math.Exp(o.P[t.LogGamma.Offset+i])
		scale := o.norm(z, i, gamma, o.P[t.Beta.Offset+i], o.P[t.Mean.Offset+i], o.P[t.Variance.Offset+i], 1e-5)
		for e := range z {
			if !absent(z[e][i]) {
				logDet[e] += math.Log(scale)
			}
		}
	}
}

// norm is batch norm of column i with epsilon in the variance of a batch; it returns the slope.
func (o *Oracle) norm(x [][]float64, i int, gamma, beta, mean, variance, epsilon float64) (scale float64) {
	if o.Training {
		mean, variance = moments(x, i)
		variance += epsilon
	}
	scale = gamma / math.Sqrt(variance)
	for e := range x {
		x[e][i] = scale*(x[e][i]-mean) + beta
	}
	return scale
}

// moments are the mean and the population variance of column f.
func moments(x [][]float64, f int) (mean, variance float64) {
	var present []float64
	for _, e := range x {
		if !absent(e[f]) {
			present = append(present, e[f])
		}
	}
	n := float64(len(present))
	for _, v := range present {
		mean += v / n
	}
	for _, v := range present {
		variance += (v - mean) * (v - mean) / n
	}
	return mean, variance
}

// absent says that a cell is: NaN stands for that.
func absent(v float64) bool { return v != v }

// orNone is what a network sees of a cell.
func orNone(v float64) float64 {
	if absent(v) {
		return 0
	}
	return v
}
