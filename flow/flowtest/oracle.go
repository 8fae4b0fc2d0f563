// Package flowtest is the compliance suite of flows: one list of flows, and properties that each of them has to
// meet. A new transform is not in until it is in Cases.
package flowtest

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/nn"
)

// Oracle maps events to the latent in float64, straight from the formulas of the papers: no tiles, no kernels,
// no masks (the zeros of a MADE are in its weights).
type Oracle struct {
	f     *flow.Flow
	spec  flow.Spec
	views map[string]nn.View
	// Training takes batch norms by the statistics of the events given, and leaves out units as in the first step
	// from Seed.
	Training bool
	Seed     uint64
}

// NewOracle returns an oracle that evaluates f.
func NewOracle(f *flow.Flow) *Oracle {
	o := &Oracle{f: f, spec: f.Spec.WithDefaults(), views: map[string]nn.View{}}
	for _, v := range f.Views() {
		o.views[v.Name] = v
	}
	return o
}

// ToLatent maps events (rows of features and context) under the parameters p.
func (o *Oracle) ToLatent(p []float64, x, context [][]float64) (z [][]float64, logDet []float64) {
	logDet = make([]float64, len(x))
	for _, e := range x {
		z = append(z, append([]float64(nil), e...))
	}
	nets := 0
	for _, t := range o.f.Transforms() {
		switch t := t.(type) {
		case *flow.Coupling:
			o.conditioned(p, z, context, logDet, nets, t.Kept, t.Moved)
			nets++
		case *flow.ResidualCoupling:
			o.conditioned(p, z, context, logDet, nets, t.Kept, t.Moved)
			nets++
		case *flow.Autoregressive:
			o.conditioned(p, z, context, logDet, nets, t.Order, t.Order)
			nets++
		case *flow.LU:
			luLinear(t, p, z, logDet)
		case *flow.BatchNorm:
			o.batchNorm(t, p, z, logDet)
		default:
			panic(fmt.Sprintf("flowtest: no oracle for %T", t))
		}
	}
	return z, logDet
}

// NLL is the mean negative log-likelihood of events.
func (o *Oracle) NLL(p []float64, x, context [][]float64) float64 {
	z, logDet := o.ToLatent(p, x, context)
	var sum float64
	for e := range z {
		for _, v := range z[e] {
			sum += 0.5*v*v + 0.5*math.Log(2*math.Pi)
		}
		sum -= logDet[e]
	}
	return sum / float64(len(x))
}

// conditioned moves some features by the transformer, with parameters from network i of the features given and the
// context.
func (o *Oracle) conditioned(p []float64, z, context [][]float64, logDet []float64, i int, given, moved []int32) {
	in := make([][]float64, len(z))
	for e := range z {
		for _, g := range given {
			in[e] = append(in[e], z[e][g])
		}
	}
	n := network{o, p, fmt.Sprintf("transforms.%d", i), context, i}
	var h [][]float64
	if o.spec.Net == "residual" {
		h = n.residual(in)
	} else {
		h = n.mlp(in)
	}
	for e := range z {
		k := len(h[e]) / len(moved)
		for j, m := range moved {
			var ld float64
			z[e][m], ld = transformer(o.spec, z[e][m], h[e][j*k:(j+1)*k])
			logDet[e] += ld
		}
	}
}

func transformer(spec flow.Spec, x float64, h []float64) (z, logDet float64) {
	if spec.Type == "nsf" || spec.Type == "nsf-ar" {
		return spline(x, h, spec.Bins, spec.Bound)
	}
	s := h[1]
	switch spec.LogScale {
	case "tanh":
		s = math.Tanh(s)
	case "soft":
		s /= 1 + math.Abs(s)/5
	case "sigmoid":
		s = math.Log(1/(1+math.Exp(-s-2)) + 1e-3)
	}
	if spec.Type == "realnvp" {
		return x*math.Exp(s) + h[0], s
	}
	return (x - h[0]) * math.Exp(-s), -s
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
