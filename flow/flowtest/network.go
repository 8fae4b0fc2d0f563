package flowtest

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// network is one conditioner in float64, on a batch of events.
type network struct {
	o       *Oracle
	part    flow.Part
	scope   string
	context [][]float64
	layer   int // number of its first hidden layer in the flow
}

func (n network) has(name string) bool { _, ok := n.o.views[n.scope+"."+name]; return ok }

func (n network) of(name string) []float64 { return n.o.Of(n.scope + "." + name) }

// linear is W [context; in] + b, without the context where W has no columns for it.
func (n network) linear(name string, in [][]float64) [][]float64 {
	w, b := n.of(name+".weight"), n.of(name+".bias")
	cols := len(w) / len(b)
	out := make([][]float64, len(in))
	for e, x := range in {
		if cols > len(x) {
			x = slices.Concat(n.context[e], x)
		}
		for o, sum := range b {
			for j, v := range x {
				sum += w[o*cols+j] * v
			}
			out[e] = append(out[e], sum)
		}
	}
	return out
}

var activations = map[string]func(x float64) float64{
	"tanh": math.Tanh,
	"relu": func(x float64) float64 { return max(x, 0) },
	"elu":  func(x float64) float64 { return max(x, 0) + math.Expm1(min(x, 0)) },
}

func (n network) activate(x [][]float64) [][]float64 {
	out := make([][]float64, len(x))
	for e := range x {
		for _, v := range x[e] {
			out[e] = append(out[e], activations[n.part.Options["activation"].(string)](v))
		}
	}
	return out
}

// dropout multiplies the units of hidden layer l of the network by their masks.
func (n network) dropout(x [][]float64, l int) {
	d := nn.NewDropout(n.part.Options["dropout"].(float64), n.layer+l)
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
	layers := len(n.part.Options["hidden"].([]int))
	for l := range layers {
		h = n.activate(n.linear(fmt.Sprint(l), h))
		n.dropout(h, l)
	}
	return n.linear(fmt.Sprint(layers), h), layers
}

func (n network) residual(in [][]float64) ([][]float64, int) {
	x := n.linear("first.0", in)
	blocks := n.part.Options["blocks"].(int)
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
	var out [][]float64
	for _, row := range x {
		out = append(out, slices.Clone(row))
	}
	gamma, beta, mean, variance := n.of(name+".gamma"), n.of(name+".beta"), n.of(name+".mean"), n.of(name+".variance")
	for i := range gamma {
		n.o.norm(out, i, gamma[i], beta[i], mean[i], variance[i], 1e-3)
	}
	return out
}
