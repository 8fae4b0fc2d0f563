package nn

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Residual is a residual network (arXiv:1603.05027, in the form that neural spline flows use it): a linear map
// of [context; features] to the width, blocks
//
//	x + linear(dropout(act(norm(linear(act(norm(x))))))) * sigmoid(gate(context))
//
// and a linear map to the outputs. Norms (Config.BatchNorm) and gates (Shape.Context) may be missing. With an Order, the
// units of all layers have the same degrees, so that what a block adds sees no more than what it is added to. It is trained
// by a ResidualPass.
type Residual struct {
	cfg         Config
	shape       Shape
	width       int
	first, last linear
	blocks      []residualBlock
	units       []span // of each group: the units of its degree
}

type residualBlock struct {
	norms   [2]*norm // nil without
	linears [2]linear
	gate    linear // of the context alone
	drop    *Dropout
}

// NewResidual lays out a residual network of cfg.Blocks blocks of width cfg.Hidden[0].
func NewResidual(l *Layout, scope string, cfg Config, s Shape) *Residual {
	w := cfg.Hidden[0]
	r := &Residual{cfg: cfg, shape: s, width: w, first: newLinear(l, scope+".first", 0, s.Context, s.Features, w)}
	for i := range cfg.Blocks {
		b := residualBlock{drop: NewDropout(cfg.Dropout, s.Layer+i)}
		for j := range b.linears {
			if cfg.BatchNorm {
				b.norms[j] = newNorm(l, Scope(scope, i, fmt.Sprintf("norms.%d", j)), w)
			}
			b.linears[j] = newLinear(l, Scope(scope, i, "linears"), j, 0, w, w)
		}
		if s.Context > 0 {
			b.gate = newLinear(l, Scope(scope, i, "gate"), 0, s.Context, 0, w)
		}
		r.blocks = append(r.blocks, b)
	}
	r.last = newLinear(l, scope+".last", 0, 0, w, s.Outputs)
	return r
}

// Mask prepares what follows from the order.
func (r *Residual) Mask() {
	o := r.shape.Order
	if o == nil {
		return
	}
	degrees := o.hidden(0, r.width, r.shape.Context)
	r.inner(func(l *linear) { l.bound(degrees, degrees, true) })
	r.first.bound(expand(o.Inputs), degrees, true)
	r.last.bound(degrees, expand(o.Outputs), false)
	for g := range o.Inputs {
		r.units = append(r.units, ofDegree(degrees, g))
	}
}

// inner calls fn for the layers within blocks.
func (r *Residual) inner(fn func(l *linear)) {
	for i := range r.blocks {
		for j := range r.blocks[i].linears {
			fn(&r.blocks[i].linears[j])
		}
	}
}

// Cut sets to zero where the network has no weight.
func (r *Residual) Cut(g []float32) {
	r.first.cut(g)
	r.inner(func(l *linear) { l.cut(g) })
	r.last.cut(g)
}

// Start draws the parameters: the second layer of each block within 1e-3, so that the blocks start as the
// identity, and the last layer a hundredth of the usual around the given biases.
func (r *Residual) Start(p []float32, bias []float32, src *Source) {
	init := r.cfg.Init
	r.first.draw(p, init, 1, src)
	for i := range r.blocks {
		b := &r.blocks[i]
		for _, n := range b.norms {
			if n != nil {
				n.start(p)
			}
		}
		b.linears[0].draw(p, init, 1, src)
		w := b.linears[1].w.Of(p)
		for j := range w {
			w[j] = float32(1e-3 * (2*src.Float64() - 1))
		}
		b.linears[1].cut(p)
		if r.shape.Context > 0 {
			b.gate.draw(p, init, 1, src)
		}
	}
	r.last.draw(p, init, 0.01, src)
	copy(r.last.b.Of(p), bias)
}

// inputs is the number of rows [context; features].
func (r *Residual) inputs() int { return r.shape.Context + r.shape.Features }

// EvaluationRows is the number of tile rows for Trunk and Sequence.
func (r *Residual) EvaluationRows() int {
	if r.shape.Order == nil {
		return r.inputs() + 5*r.width
	}
	return r.inputs() + (5+2*len(r.blocks))*r.width
}

// Input returns the rows of a tile's memory where the features go.
func (r *Residual) Input(mem []float32) []float32 { return mem[r.shape.Context*kernel.Tile:] }

// Trunk computes the layer before the outputs for a group of tiles, with the frozen statistics, and returns it in
// trunk. Each layer takes all tiles before the next one's weights are read. mem is EvaluationRows rows a tile.
func (r *Residual) Trunk(p []float32, trunk, mem, context [][]float32, n []int) {
	shared := mem[0][(r.inputs()+2*r.width)*kernel.Tile:]
	scratch := [3][]float32{take(&shared, r.width), take(&shared, r.width), take(&shared, r.width)}
	inner := make([][]float32, len(mem))
	for t, m := range mem {
		in := take(&m, r.inputs())
		trunk[t], inner[t] = take(&m, r.width), take(&m, r.width)
		r.enter(p, trunk[t], in, context[t], n[t])
	}
	var states [2]*normState
	for i := range r.blocks {
		b := &r.blocks[i]
		r.freeze(&states, b, p)
		for t := range mem {
			r.half(p, &b.linears[0], states[0], inner[t], trunk[t], scratch[0], n[t])
		}
		for t := range mem {
			pass := Pass{N: n[t]}
			r.gated(p, b, states[1], trunk[t], trunk[t], inner[t], scratch, context[t], &pass)
		}
	}
}

func (r *Residual) freeze(states *[2]*normState, b *residualBlock, p []float32) {
	for j, n := range b.norms {
		if n == nil {
			continue
		}
		if states[j] == nil {
			states[j] = newNormState(r.width)
		}
		states[j].frozen(n, p)
	}
}

// Sequence begins, for a network with an Order, to go group by group, with the frozen statistics. What it returns computes the
// units of group g's degree, and returns the trunk, whose units up to there are then known: the features of the groups before g
// are in Input(mem), and it was called for each of these.
func (r *Residual) Sequence(p []float32) func(mem, context []float32, g, n int) (trunk []float32) {
	norms := make([][2]*normState, len(r.blocks))
	for i := range r.blocks {
		r.freeze(&norms[i], &r.blocks[i], p)
	}
	return func(mem, context []float32, g, n int) []float32 { return r.next(p, mem, context, norms, g, n) }
}

func (r *Residual) next(p, mem, context []float32, norms [][2]*normState, g, n int) []float32 {
	u := r.units[g]
	in := take(&mem, r.inputs())
	copy(in, context[:r.shape.Context*kernel.Tile])
	x, y, gate := take(&mem, r.width), take(&mem, r.width), take(&mem, r.width)
	of := func(m []float32) []float32 { return m[u.begin*kernel.Tile : u.end*kernel.Tile] }
	r.first.forward(p, of(x), in, u.begin, u.end, n, false)
	for i := range r.blocks {
		b, a := &r.blocks[i], [2][]float32{take(&mem, r.width), take(&mem, r.width)}
		copy(of(y), of(x))
		for j := range a {
			norms[i][j].activated(r.cfg.Activation, a[j], y, u.begin, u.end, n)
			b.linears[j].forward(p, of(y), a[j], u.begin, u.end, n, false)
		}
		if r.shape.Context == 0 {
			kernel.Add(of(x), of(y))
			continue
		}
		b.gate.forward(p, of(gate), context, u.begin, u.end, n, false)
		kernel.Sigmoid(of(gate), of(gate))
		kernel.GatedAdd(of(x), of(x), of(y), of(gate))
	}
	return x
}

// enter computes the first layer.
func (r *Residual) enter(p, x, in, context []float32, n int) {
	copy(in, context[:r.shape.Context*kernel.Tile])
	r.first.forward(p, x, in, 0, r.width, n, false)
}

// half computes y = linear(act(norm(x))); a is scratch.
func (r *Residual) half(p []float32, l *linear, s *normState, y, x, a []float32, n int) {
	s.activated(r.cfg.Activation, a, x, 0, r.width, n)
	l.forward(p, y, a, 0, r.width, n, false)
}

// gated computes the second half of a block: next = x + linear(dropout(act(norm(u)))) * sigmoid(gate).
func (r *Residual) gated(p []float32, b *residualBlock, s *normState, next, x, u []float32, scratch [3][]float32, context []float32, pass *Pass) {
	a, y, gate := scratch[0], scratch[1], scratch[2]
	s.activated(r.cfg.Activation, a, u, 0, r.width, pass.N)
	b.drop.apply(a, r.width, pass.N, pass.Noise)
	b.linears[1].forward(p, y, a, 0, r.width, pass.N, false)
	if r.shape.Context > 0 {
		r.sigmoidGate(p, b, gate, context, pass.N)
		kernel.GatedAdd(next[:len(y)], x, y, gate)
		return
	}
	kernel.Add(y, x)
	copy(next, y)
}

func (r *Residual) sigmoidGate(p []float32, b *residualBlock, gate, context []float32, n int) {
	b.gate.forward(p, gate, context, 0, r.width, n, false)
	kernel.Sigmoid(gate[:r.width*kernel.Tile], gate)
}

// Output computes outputs [r0, r1) from the trunk.
func (r *Residual) Output(p, h, trunk []float32, r0, r1, n int) {
	r.last.forward(p, h, trunk, r0, r1, n, false)
}
