// Package flowtest is the compliance suite of flows: one list of flows, and properties that each of them has to
// meet. A new transform is not in until it is in Cases. Run takes other cases too: of transforms from elsewhere.
package flowtest

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/nn"
)

// Scalar is what a Transformer has of one feature of one event.
type Scalar struct {
	Options map[string]any // of its kind, in full
	X       float64
	H       []float64                   // from the conditioner
	Own     func(name string) []float64 // parameters of its own
}

// Formula is a Transformer: the latent and log dz/dx.
type Formula func(s Scalar) (z, logDet float64)

// transformers are the formulas of the kinds of transformers.
var transformers = map[string]Formula{
	"affine": func(s Scalar) (z, logDet float64) {
		l := logScale(s)
		return (s.X - s.H[0]) * math.Exp(-l), -l
	},
	"scale-shift": func(s Scalar) (z, logDet float64) {
		l := logScale(s)
		return s.X*math.Exp(l) + s.H[0], l
	},
	"spline": func(s Scalar) (z, logDet float64) {
		return spline(s.X, s.H, s.Options["bins"].(int), s.Options["bound"].(float64))
	},
}

func logScale(s Scalar) float64 {
	raw := s.H[1]
	switch s.Options["log_scale"] {
	case "tanh":
		return math.Tanh(raw)
	case "soft":
		return raw / (1 + math.Abs(raw)/5)
	case "sigmoid":
		return math.Log(1/(1+math.Exp(-raw-2)) + 1e-3)
	}
	return raw
}

// layers are the formulas of the kinds of layers without a network: they map the events z, and add to logDet.
var layers = map[string]func(o *Oracle, t flow.Transform, p []float64, z [][]float64, logDet []float64){
	"lu": func(_ *Oracle, t flow.Transform, p []float64, z [][]float64, logDet []float64) {
		luLinear(t.(*flow.LU), p, z, logDet)
	},
	"batch-norm": func(o *Oracle, t flow.Transform, p []float64, z [][]float64, logDet []float64) {
		o.batchNorm(t.(*flow.BatchNorm), p, z, logDet)
	},
}

// bases are the log-densities of one latent feature, the number of which is i.
var bases = map[string]func(o *Oracle, p []float64, i int, z float64) float64{
	"normal": func(_ *Oracle, _ []float64, _ int, z float64) float64 {
		return -0.5*z*z - 0.5*math.Log(2*math.Pi)
	},
	"student-t": func(o *Oracle, p []float64, i int, z float64) float64 {
		nu := math.Exp(p[o.view("base.log_nu").Offset+i]) + 1e-2
		up, _ := math.Lgamma((nu + 1) / 2)
		down, _ := math.Lgamma(nu / 2)
		return up - down - 0.5*math.Log(math.Pi*nu) - (nu+1)/2*math.Log(1+z*z/nu)
	},
}

// Oracle maps events to the latent in float64, straight from the formulas of the papers: no tiles, no kernels,
// no masks (the zeros of a MADE are in its weights).
type Oracle struct {
	f     *flow.Flow
	own   map[string]Formula
	views map[string]nn.View
	// Training takes batch norms by the statistics of the events given, and leaves out units as in the first step
	// from Seed.
	Training bool
	Seed     uint64
}

// NewOracle returns an oracle that evaluates f; own are formulas of transformers besides those of package flow.
func NewOracle(f *flow.Flow, own map[string]Formula) *Oracle {
	o := &Oracle{f: f, own: own, views: map[string]nn.View{}}
	for _, v := range f.Views() {
		o.views[v.Name] = v
	}
	return o
}

func (o *Oracle) view(name string) nn.View {
	v, ok := o.views[name]
	if !ok {
		panic("flowtest: no parameters " + name)
	}
	return v
}

// ToLatent maps events (rows of features and context) under the parameters p.
func (o *Oracle) ToLatent(p []float64, x, context [][]float64) (z [][]float64, logDet []float64) {
	logDet = make([]float64, len(x))
	for _, e := range x {
		z = append(z, append([]float64(nil), e...))
	}
	hidden := 0
	for _, l := range o.f.Layers() {
		switch t := l.Transform.(type) {
		case *flow.Conditional:
			hidden += o.conditioned(l, &t.Groups, p, z, context, logDet, hidden)
		case *flow.BatchedConditional:
			hidden += o.conditioned(l, &t.Groups, p, z, context, logDet, hidden)
		default:
			formula, ok := layers[l.Part.Kind]
			if !ok {
				panic("flowtest: no formula for the layer " + l.Part.Kind)
			}
			formula(o, t, p, z, logDet)
		}
	}
	return z, logDet
}

// NLL is the mean negative log-likelihood of events.
func (o *Oracle) NLL(p []float64, x, context [][]float64) float64 {
	z, logDet := o.ToLatent(p, x, context)
	base := bases[o.f.Spec.Base.Kind]
	var sum float64
	for e := range z {
		for i, v := range z[e] {
			sum -= base(o, p, i, v)
		}
		sum -= logDet[e]
	}
	return sum / float64(len(x))
}

// conditioned moves features by their transformers, with parameters from a network of the others and the context, and
// returns the number of its hidden layers.
func (o *Oracle) conditioned(l flow.Layer, g *flow.Groups, p []float64, z, context [][]float64, logDet []float64, hidden int) int {
	given := g.Order
	if g.Kept > 0 {
		given = g.Order[:g.Kept]
	}
	in := make([][]float64, len(z))
	for e := range z {
		for _, i := range given {
			in[e] = append(in[e], z[e][i])
		}
	}
	net := l.Part.Options["net"].(flow.Part)
	h, layers := networks[net.Kind](network{o, net.Options, p, l.Scope, context, hidden}, in)
	at := 0
	for j, i := range g.Order[g.Kept:] {
		part := l.Part.Options["transformer"].(flow.Part)
		if of, ok := l.Part.Options["transformers"].(map[string]any); ok && of[fmt.Sprint(i)] != nil {
			part = of[fmt.Sprint(i)].(flow.Part)
		}
		formula := transformers[part.Kind]
		if own, ok := o.own[part.Kind]; ok {
			formula = own
		}
		k := g.Transformers[j].Params()
		for e := range z {
			var ld float64
			z[e][i], ld = formula(Scalar{part.Options, z[e][i], h[e][at : at+k], func(name string) []float64 {
				v := o.view(fmt.Sprintf("%s.transformer.%d.%s", l.Scope, j, name))
				return p[v.Offset:][:v.Rows*v.Cols]
			}})
			logDet[e] += ld
		}
		at += k
	}
	return layers
}

// spline is equation 4 of arXiv:1906.04032.
func spline(x float64, h []float64, k int, bound float64) (z, logDet float64) {
	if x < -bound || x > bound {
		return x, 0
	}
	xs, ys := knots(h[:k], bound), knots(h[k:2*k], bound)
	d := make([]float64, k+1)
	d[0], d[k] = 1, 1
	for i := 1; i < k; i++ {
		d[i] = 1e-3 + math.Log1p(math.Exp(h[2*k+i-1]))
	}
	i := 0
	for i < k-1 && x >= xs[i+1] {
		i++
	}
	w, dy := xs[i+1]-xs[i], ys[i+1]-ys[i]
	s, t := dy/w, (x-xs[i])/w
	den := s + (d[i]+d[i+1]-2*s)*t*(1-t)
	z = ys[i] + dy*(s*t*t+d[i]*t*(1-t))/den
	return z, math.Log(s * s * (d[i+1]*t*t + 2*s*t*(1-t) + d[i]*(1-t)*(1-t)) / (den * den))
}

func knots(raw []float64, bound float64) []float64 {
	var sum float64
	for _, r := range raw {
		sum += math.Exp(r)
	}
	out := make([]float64, 1, len(raw)+1)
	out[0] = -bound
	for _, r := range raw {
		size := 1e-3 + (1-1e-3*float64(len(raw)))*math.Exp(r)/sum
		out = append(out, out[len(out)-1]+2*bound*size)
	}
	out[len(raw)] = bound
	return out
}

// luLinear is z = L U x + b with the matrices written out.
func luLinear(t *flow.LU, p []float64, z [][]float64, logDet []float64) {
	n := len(t.Order)
	m, b := p[t.Matrix.Offset:], p[t.Bias.Offset:]
	at := func(i, j int) (lower, upper float64) {
		switch v := m[i*n+j]; {
		case i > j:
			return v, 0
		case i < j:
			return 0, v
		default:
			return 1, math.Log1p(math.Exp(v)) + 1e-3
		}
	}
	w := make([][]float64, n)
	var ld float64
	for i := range w {
		w[i] = make([]float64, n)
		for j := range n {
			for k := range n {
				lower, _ := at(i, k)
				_, upper := at(k, j)
				w[i][j] += lower * upper
			}
		}
		_, d := at(i, i)
		ld += math.Log(d)
	}
	for e, x := range z {
		next := append([]float64(nil), x...)
		for i, f := range t.Order {
			next[f] = b[i]
			for j, g := range t.Order {
				next[f] += w[i][j] * x[g]
			}
		}
		z[e] = next
		logDet[e] += ld
	}
}

func (o *Oracle) batchNorm(t *flow.BatchNorm, p []float64, z [][]float64, logDet []float64) {
	for f := range z[0] {
		mean, variance := p[t.Mean.Offset+f], p[t.Variance.Offset+f]
		if o.Training {
			mean, variance = moments(z, f)
			variance += 1e-5
		}
		s := p[t.LogGamma.Offset+f] - 0.5*math.Log(variance)
		for e := range z {
			z[e][f] = math.Exp(s)*(z[e][f]-mean) + p[t.Beta.Offset+f]
			logDet[e] += s
		}
	}
}

// moments are the mean and the population variance of column f.
func moments(x [][]float64, f int) (mean, variance float64) {
	n := float64(len(x))
	for _, e := range x {
		mean += e[f] / n
	}
	for _, e := range x {
		variance += (e[f] - mean) * (e[f] - mean) / n
	}
	return mean, variance
}
