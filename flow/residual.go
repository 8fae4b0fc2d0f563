package flow

import (
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// ResidualCoupling is a Coupling whose conditioner is a residual network. Such networks are large: a group of tiles, in
// training the whole batch, takes one layer before the next layer's weights are read.
type ResidualCoupling struct {
	Kept, Moved []int32
	Transformer Transformer
	Net         *nn.Residual // of len(Kept) features
}

// Memory of a tile in evaluation: the network's, then the parameters of one feature and what its transformer saves.
func (c *ResidualCoupling) perFeature() int { return c.Transformer.Params() + c.Transformer.Saved() }

// Rows implements Transform.
func (c *ResidualCoupling) Rows() int { return c.Net.EvaluationRows() + c.perFeature() }

// Cut implements Transform.
func (c *ResidualCoupling) Cut([]float32) {}

// ToLatent implements Transform.
func (c *ResidualCoupling) ToLatent(t *Tile, p, mem []float32) {
	c.groupToLatent([]*Tile{t}, p, [][]float32{mem})
}

// ToData implements Transform.
func (c *ResidualCoupling) ToData(t *Tile, p, mem []float32) {
	c.groupToData([]*Tile{t}, p, [][]float32{mem})
}

func (c *ResidualCoupling) groupToLatent(tiles []*Tile, p []float32, mem [][]float32) {
	c.group(tiles, p, mem, func(t *Tile, x, h, saved []float32) {
		c.Transformer.ToLatent(x, t.LogDet, x, h, saved, t.N)
	})
}

func (c *ResidualCoupling) groupToData(tiles []*Tile, p []float32, mem [][]float32) {
	c.group(tiles, p, mem, func(t *Tile, x, h, _ []float32) {
		c.Transformer.ToData(x, t.LogDet, x, h, t.N)
	})
}

// group calls fn for each moved feature x of each tile with its parameters.
func (c *ResidualCoupling) group(tiles []*Tile, p []float32, mem [][]float32, fn func(t *Tile, x, h, saved []float32)) {
	context, n, trunk := make([][]float32, len(tiles)), make([]int, len(tiles)), make([][]float32, len(tiles))
	for i, t := range tiles {
		context[i], n[i] = t.Context, t.N
		c.keep(c.Net.Input(mem[i]), t)
	}
	c.Net.Trunk(p, trunk, mem, context, n)
	k := c.Transformer.Params()
	h := rows(mem[0], c.Net.EvaluationRows(), k)
	saved := rows(mem[0], c.Net.EvaluationRows()+k, c.Transformer.Saved())
	for j, f := range c.Moved {
		for i, t := range tiles {
			c.Net.Output(p, h, trunk[i], j*k, (j+1)*k, t.N)
			fn(t, row(t.X, int(f))[:t.N], h, saved)
		}
	}
}

func (c *ResidualCoupling) keep(in []float32, t *Tile) {
	for i, f := range c.Kept {
		copy(row(in, i), row(t.X, int(f)))
	}
}

// NewPass implements Joint.
func (c *ResidualCoupling) NewPass(crew *nn.Crew) Pass {
	s := &residualPass{ResidualCoupling: c, crew: crew, net: c.Net.NewPass(crew)}
	s.forwardFn, s.backwardFn = s.forward, s.backward
	return s
}

// residualPass keeps, of each tile, the moved features and their parameters; their gradients take the same place.
type residualPass struct {
	*ResidualCoupling
	crew *nn.Crew
	net  *nn.ResidualPass
	x, h [][]float32 // of each tile

	tiles                 []*Tile // of the pass under way
	p                     []float32
	perGroup              int
	forwardFn, backwardFn func(worker, group int)
}

// outputGroup is the most tiles that take the outputs of one feature before those of the next: enough to read these
// weights, the most of the network, seldom.
const outputGroup = 4

func (s *residualPass) begin(tiles []*Tile, p []float32) (groups int) {
	s.tiles, s.p = tiles, p
	for len(s.x) < len(tiles) {
		s.x = append(s.x, kernel.Aligned(len(s.Moved)*kernel.Tile))
		s.h = append(s.h, kernel.Aligned(len(s.Moved)*s.Transformer.Params()*kernel.Tile))
	}
	s.perGroup = min(outputGroup, max(1, len(tiles)/s.crew.Threads()))
	return (len(tiles) + s.perGroup - 1) / s.perGroup
}

// trunk computes the network but for its outputs.
func (s *residualPass) trunk(tiles []*Tile, p []float32) {
	s.net.Begin(len(tiles))
	for i, t := range tiles {
		s.keep(s.net.Set(i, &t.Pass, t.Context), t)
	}
	s.net.Forward(p)
}

// ToLatent implements Pass.
func (s *residualPass) ToLatent(tiles []*Tile, p []float32) {
	groups := s.begin(tiles, p)
	s.trunk(tiles, p)
	s.crew.Reserve(s.Transformer.Saved(), 0, 0)
	s.crew.Run(groups, s.forwardFn)
}

// groupOf are the first and the end of the tiles of a group.
func (s *residualPass) groupOf(group int) (lo, hi int) {
	return group * s.perGroup, min((group+1)*s.perGroup, len(s.tiles))
}

func (s *residualPass) forward(worker, group int) {
	k := s.Transformer.Params()
	lo, hi := s.groupOf(group)
	saved := s.crew.Worker(worker)
	for j, f := range s.Moved {
		for i := lo; i < hi; i++ {
			t := s.tiles[i]
			h, x, z := rows(s.h[i], j*k, k), row(s.x[i], j), row(t.X, int(f))
			s.net.Output(s.p, h, i, j*k, (j+1)*k)
			copy(x, z)
			s.Transformer.ToLatent(z[:t.N], t.LogDet, x, h, saved, t.N)
		}
	}
}

// Backward implements Pass.
func (s *residualPass) Backward(tiles []*Tile, p, g []float32) {
	groups := s.begin(tiles, p)
	s.net.Rewind()
	s.crew.Reserve(s.Transformer.Saved()+s.Transformer.Params()+2, 0, 0)
	s.crew.Run(groups, s.backwardFn)
	s.net.Backward(p, g, s.h[:len(tiles)])
	for i, t := range tiles {
		if !t.SkipDX {
			addRows(t.DX, s.net.InputGradient(i), s.Kept, t.N)
		}
	}
}

// backward computes again what the transformers save: it would take as much memory as the rest.
func (s *residualPass) backward(worker, group int) {
	k, saves := s.Transformer.Params(), s.Transformer.Saved()
	lo, hi := s.groupOf(group)
	m := s.crew.Worker(worker)
	saved, dh, z, logDet := rows(m, 0, saves), rows(m, saves, k), row(m, saves+k), row(m, saves+k+1)
	for j, f := range s.Moved {
		for i := lo; i < hi; i++ {
			t := s.tiles[i]
			h, x, d := rows(s.h[i], j*k, k), row(s.x[i], j), row(t.DX, int(f))
			s.Transformer.ToLatent(z[:t.N], logDet, x, h, saved, t.N)
			s.Transformer.Backward(d, dh, d, t.DLogDet, x, z, h, saved, t.N)
			copy(h, dh)
			s.net.BackOutput(s.p, h, i, j*k, (j+1)*k, j == 0)
		}
	}
}

// frozenBatch is the number of tiles of a batch whose statistics Freeze takes: those of more events are put together
// from them, as in "precise batch norm" (Wu and Johnson, arXiv:2105.07576), so that the memory is bounded.
const frozenBatch = 32

// Freeze implements Pass.
func (s *residualPass) Freeze(tiles []*Tile, p []float32) {
	batches := (len(tiles) + frozenBatch - 1) / frozenBatch
	for b := range batches {
		s.trunk(tiles[b*len(tiles)/batches:(b+1)*len(tiles)/batches], p)
		s.net.Collect()
	}
	s.net.Freeze(p)
}
