package flowtest

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// network is one conditioner in float64, on a batch of events.
type network struct {
	o       *Oracle
	options map[string]any
	p       []float64
	scope   string
	context [][]float64
	layer   int // number of its first hidden layer in the flow
}

func (n network) view(name string) nn.View {
	return n.o.view(n.scope + "." + name)
}

func (n network) has(name string) bool { _, ok := n.o.views[n.scope+"."+name]; return ok }

// linear is W [context; in] + b, without the context where W has no columns for it.
func (n network) linear(name string, in [][]float64) [][]float64 {
	w, b := n.view(name+".weight"), n.view(name+".bias")
	out := make([][]float64, len(in))
	for e := range in {
		var c []float64
		if w.Cols > len(in[e]) {
			c = n.context[e]
		}
		out[e] = make([]float64, w.Rows)
		for o := range out[e] {
			sum := n.p[b.Offset+o]
			m := n.p[w.Offset+o*w.Cols:][:w.Cols]
			for j, v := range c {
				sum += m[j] * v
			}
			for j, v := range in[e] {
				sum += m[len(c)+j] * v
			}
			out[e][o] = sum
		}
	}
	return out
}

func (n network) activate(x [][]float64) [][]float64 {
	out := make([][]float64, len(x))
	for e := range x {
		out[e] = make([]float64, len(x[e]))
		for i, v := range x[e] {
			out[e][i] = activation(n.options["activation"].(string), v)
		}
	}
	return out
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

// dropout multiplies the units of hidden layer l of the network by their masks.
func (n network) dropout(x [][]float64, l int) {
	d := nn.NewDropout(n.options["dropout"].(float64), n.layer+l)
	if d == nil || !n.o.Training {
		return
	}
	var mask [kernel.Tile]float32
	for e := range x {
		noise := nn.Noise{Seed: n.o.Seed, Tile: uint32(e / kernel.Tile)}
		for u := range x[e] {
			d.Mask(mask[:], &noise, u)
			x[e][u] *= float64(mask[e%kernel.Tile])
		}
	}
}

// networks are the formulas of the kinds of networks; each returns the outputs and the number of its hidden layers.
var networks = map[string]func(n network, in [][]float64) ([][]float64, int){"mlp": network.mlp, "residual": network.residual}

func (n network) mlp(h [][]float64) ([][]float64, int) {
	layers := len(n.options["hidden"].([]int))
	for l := range layers {
		h = n.activate(n.linear(fmt.Sprint(l), h))
		n.dropout(h, l)
	}
	return n.linear(fmt.Sprint(layers), h), layers
}

func (n network) residual(in [][]float64) ([][]float64, int) {
	x := n.linear("first.0", in)
	blocks := n.options["blocks"].(int)
	for b := range blocks {
		h := n.linear(fmt.Sprintf("%d.linears.0", b), n.activate(n.norm(fmt.Sprintf("%d.norms.0", b), x)))
		h = n.activate(n.norm(fmt.Sprintf("%d.norms.1", b), h))
		n.dropout(h, b)
		h = n.linear(fmt.Sprintf("%d.linears.1", b), h)
		if gate := fmt.Sprintf("%d.gate.0", b); n.has(gate + ".weight") {
			for e, g := range n.linear(gate, make([][]float64, len(x))) {
				for i, v := range g {
					h[e][i] /= 1 + math.Exp(-v)
				}
			}
		}
		for e := range x {
			for i, v := range x[e] {
				h[e][i] += v
			}
		}
		x = h
	}
	return n.linear("last.0", x), blocks
}

// norm is batch norm with 1e-3 in the variance; nothing where the network has none.
func (n network) norm(name string, x [][]float64) [][]float64 {
	if !n.has(name + ".gamma") {
		return x
	}
	out := make([][]float64, len(x))
	for e := range x {
		out[e] = make([]float64, len(x[e]))
	}
	at := func(part string, i int) float64 { return n.p[n.view(name+"."+part).Offset+i] }
	for i := range x[0] {
		mean, variance := at("mean", i), at("variance", i)
		if n.o.Training {
			mean, variance = moments(x, i)
			variance += 1e-3
		}
		gamma, beta := at("gamma", i), at("beta", i)
		for e := range x {
			out[e][i] = gamma*(x[e][i]-mean)/math.Sqrt(variance) + beta
		}
	}
	return out
}
