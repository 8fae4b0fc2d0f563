// Package flowtest is the compliance suite of flows: one list of flows, and properties that each of them has to
// meet. A new transform is not in until it is in Cases.
package flowtest

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/nn"
)

// Oracle maps one event to the latent in float64, straight from the formulas of the papers: no tiles, no kernels,
// no masks (the zeros of a MADE are in its weights). p are the parameters of f.
func Oracle(f *flow.Flow, p []float64, x, context []float64) (z []float64, logDet float64) {
	z = append([]float64(nil), x...)
	spec := f.Spec.WithDefaults()
	for i, t := range f.Transforms() {
		net := network{views: f.Views(), scope: fmt.Sprintf("transforms.%d", i), activation: spec.Activation, layers: len(spec.Hidden) + 1}
		var in []float64
		var moved []int32
		switch t := t.(type) {
		case *flow.Coupling:
			for _, k := range t.Kept {
				in = append(in, z[k])
			}
			moved = t.Moved
		case *flow.Autoregressive:
			for _, k := range t.Order {
				in = append(in, z[k])
			}
			moved = t.Order
		default:
			panic(fmt.Sprintf("flowtest: no oracle for %T", t))
		}
		h := net.eval(p, in, context)
		k := len(h) / len(moved)
		next := append([]float64(nil), z...)
		for j, m := range moved {
			var ld float64
			next[m], ld = transformer(spec, z[m], h[j*k:(j+1)*k])
			logDet += ld
		}
		z = next
	}
	return z, logDet
}

// NLL is the mean negative log-likelihood of events (rows) by Oracle.
func NLL(f *flow.Flow, p []float64, x, context [][]float64) float64 {
	var sum float64
	for e := range x {
		var c []float64
		if context != nil {
			c = context[e]
		}
		z, ld := Oracle(f, p, x[e], c)
		for _, v := range z {
			sum += 0.5*v*v + 0.5*math.Log(2*math.Pi)
		}
		sum -= ld
	}
	return sum / float64(len(x))
}

type network struct {
	views      []nn.View
	scope      string
	activation string
	layers     int
}

func (n network) view(i int, part string) nn.View {
	for _, v := range n.views {
		if v.Name == nn.Scope(n.scope, i, part) {
			return v
		}
	}
	panic("flowtest: no parameters " + nn.Scope(n.scope, i, part))
}

func (n network) eval(p, in, context []float64) []float64 {
	h := in
	for i := range n.layers {
		w, b := n.view(i, "weight"), n.view(i, "bias")
		if w.Cols > len(h) {
			h = append(append([]float64(nil), context...), h...)
		}
		out := make([]float64, w.Rows)
		for o := range out {
			out[o] = p[b.Offset+o]
			for j, v := range h {
				out[o] += p[w.Offset+o*w.Cols+j] * v
			}
			if i+1 < n.layers {
				out[o] = activation(n.activation, out[o])
			}
		}
		h = out
	}
	return h
}

func activation(kind string, x float64) float64 {
	switch {
	case kind == "tanh":
		return math.Tanh(x)
	case x >= 0:
		return x
	case kind == "elu":
		return math.Expm1(x)
	default:
		return 0
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
	out := []float64{-bound}
	for _, r := range raw {
		size := 1e-3 + (1-1e-3*float64(len(raw)))*math.Exp(r)/sum
		out = append(out, out[len(out)-1]+2*bound*size)
	}
	out[len(raw)] = bound
	return out
}
