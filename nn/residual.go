package nn

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Residual is a residual network (arXiv:1603.05027, in the form that neural spline flows use it): a linear map
// of [context; features] to the width, blocks
//
//	x + linear(dropout(act(norm(linear(act(norm(x))))))) * sigmoid(gate(context))
//
// and a linear map to the outputs. Norms (Config.BatchNorm) and gates (Config.Context) may be missing. It is trained by
// a ResidualPass.
type Residual struct {
	cfg         Config
	width       int
	first, last linear
	blocks      []residualBlock
}

type residualBlock struct {
	norms   [2]*norm // nil without
	linears [2]linear
	gate    linear // of the context alone
	drop    *Dropout
}

// NewResidual lays out a residual network of cfg.Blocks blocks of width cfg.Hidden[0].
func NewResidual(l *Layout, scope string, cfg Config) *Residual {
	w := cfg.Hidden[0]
	r := &Residual{cfg: cfg, width: w, first: newLinear(l, scope+".first", 0, cfg.Context, cfg.Features, w)}
	for i := range cfg.Blocks {
		b := residualBlock{drop: NewDropout(cfg.Dropout, cfg.Layer+i)}
		for j := range b.linears {
			if cfg.BatchNorm {
				b.norms[j] = newNorm(l, Scope(scope, i, fmt.Sprintf("norms.%d", j)), w)
			}
			b.linears[j] = newLinear(l, Scope(scope, i, "linears"), j, 0, w, w)
		}
		if cfg.Context > 0 {
			b.gate = newLinear(l, Scope(scope, i, "gate"), 0, cfg.Context, 0, w)
		}
		r.blocks = append(r.blocks, b)
	}
	r.last = newLinear(l, scope+".last", 0, 0, w, cfg.Outputs)
	return r
}

// Start draws the parameters: the second layer of each block within 1e-3, so that the blocks start as the
// identity, and the last layer a hundredth of the usual around the given biases.
func (r *Residual) Start(p []float32, init string, src *rng.Source, bias []float32) error {
	if err := r.first.draw(p, init, 1, src); err != nil {
		return err
	}
	for i := range r.blocks {
		b := &r.blocks[i]
		for _, n := range b.norms {
			if n != nil {
				n.start(p)
			}
		}
		if err := b.linears[0].draw(p, init, 1, src); err != nil {
			return err
		}
		w := b.linears[1].w.Of(p)
		for j := range w {
			w[j] = float32(1e-3 * (2*src.Float64() - 1))
		}
		if r.cfg.Context > 0 {
			if err := b.gate.draw(p, init, 1, src); err != nil {
				return err
			}
		}
	}
	if err := r.last.draw(p, init, 0.01, src); err != nil {
		return err
	}
	if copy(r.last.b.Of(p), bias) != r.last.out {
		return fmt.Errorf("nn: %d start values for %d outputs", len(bias), r.last.out)
	}
	return nil
}

// inputs is the number of rows [context; features].
func (r *Residual) inputs() int { return r.cfg.Context + r.cfg.Features }

// EvaluationRows is the number of tile rows for Trunk.
func (r *Residual) EvaluationRows() int { return r.inputs() + 5*r.width }

// Input returns the rows of a tile's memory where the features go.
func (r *Residual) Input(mem []float32) []float32 { return mem[r.cfg.Context*kernel.Tile:] }

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
	if r.cfg.BatchNorm {
		states = [2]*normState{newNormState(r.width), newNormState(r.width)}
	}
	for i := range r.blocks {
		b := &r.blocks[i]
		for j, s := range states {
			if s != nil {
				s.frozen(b.norms[j], p)
			}
		}
		for t := range mem {
			r.half(p, &b.linears[0], states[0], inner[t], trunk[t], scratch[0], n[t])
		}
		for t := range mem {
			pass := Pass{N: n[t]}
			r.gated(p, b, states[1], trunk[t], trunk[t], inner[t], scratch, context[t], &pass)
		}
	}
}

// enter computes the first layer.
func (r *Residual) enter(p, x, in, context []float32, n int) {
	copy(in, context[:r.cfg.Context*kernel.Tile])
	r.first.forward(p, x, in, 0, r.width, n, false)
}

// half computes y = linear(act(norm(x))); a is scratch.
func (r *Residual) half(p []float32, l *linear, s *normState, y, x, a []float32, n int) {
	s.activated(r.cfg.Activation, a, x, r.width, n)
	l.forward(p, y, a, 0, r.width, n, false)
}

// gated computes the second half of a block: next = x + linear(dropout(act(norm(u)))) * sigmoid(gate).
func (r *Residual) gated(p []float32, b *residualBlock, s *normState, next, x, u []float32, scratch [3][]float32, context []float32, pass *Pass) {
	a, y, gate := scratch[0], scratch[1], scratch[2]
	s.activated(r.cfg.Activation, a, u, r.width, pass.N)
	b.drop.apply(a, r.width, pass.N, pass.Noise)
	b.linears[1].forward(p, y, a, 0, r.width, pass.N, false)
	if r.cfg.Context > 0 {
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
