package flow

import (
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// BatchedConditional is a transform of Groups by a network that takes many tiles, in training the whole batch.
type BatchedConditional struct {
	conditioned[BatchedConditioner]
}

// NewBatchedConditional is NewConditional for such a network.
func NewBatchedConditional(g Groups, net func(l *nn.Layout, scope string, s nn.Shape) BatchedConditioner) *BatchedConditional {
	return &BatchedConditional{conditioned[BatchedConditioner]{Groups: g, build: net}}
}

// residualNetwork is a BatchedConditioner.
type residualNetwork struct{ *nn.Residual }

// NewPass implements BatchedConditioner.
func (r residualNetwork) NewPass(crew *nn.Crew) ConditionerPass { return r.Residual.NewPass(crew) }

// Memory implements Transform: the network's, then the parameters of one feature and what its transformer saves.
func (c *BatchedConditional) Memory() (rows, scratch int) {
	return c.Net.EvaluationRows() + c.most() + c.saved, 0
}

// most is the largest number of parameters of a feature.
func (c *BatchedConditional) most() (k int) {
	for j := range c.Transformers {
		k = max(k, c.params(j))
	}
	return k
}

// ToLatent implements Transform.
func (c *BatchedConditional) ToLatent(t *Tile, p, mem []float32) {
	c.group([]*Tile{t}, p, [][]float32{mem}, false)
}

// ToData implements Transform.
func (c *BatchedConditional) ToData(t *Tile, p, mem []float32) {
	c.group([]*Tile{t}, p, [][]float32{mem}, true)
}

// group implements grouped.
func (c *BatchedConditional) group(tiles []*Tile, p []float32, mem [][]float32, toData bool) {
	if toData && c.Kept == 0 {
		c.sequence(tiles, p, mem)
		return
	}
	trunk := c.trunk(tiles, p, mem)
	for j, tr := range c.Transformers {
		for i, t := range tiles {
			f := c.output(t, p, trunk[i], mem[0], j)
			t.Keep(c.moved()[j])
			if toData {
				tr.ToData(f)
			} else {
				tr.ToLatent(f)
			}
			t.PutBack(c.moved()[j])
		}
	}
}

// trunk computes the network but for its outputs.
func (c *BatchedConditional) trunk(tiles []*Tile, p []float32, mem [][]float32) [][]float32 {
	context, n, trunk := make([][]float32, len(tiles)), make([]int, len(tiles)), make([][]float32, len(tiles))
	for i, t := range tiles {
		context[i], n[i] = t.Context, t.N
		c.enter(c.Net.Input(mem[i]), t)
	}
	c.Net.Trunk(p, trunk, mem, context, n)
	return trunk
}

// output computes the parameters of the feature moved as number j from the trunk, and takes the feature up in place.
func (c *BatchedConditional) output(t *Tile, p, trunk, mem []float32, j int) *Feature {
	at, k := c.Net.EvaluationRows(), c.params(j)
	x := row(t.X, int(c.moved()[j]))
	t.Feature = Feature{N: t.N, X: x, Z: x, LogDet: t.LogDet, H: rows(mem, at, k), Saved: rows(mem, at+c.most(), c.saved), P: c.ownOf(p)}
	c.Net.Output(p, t.Feature.H, trunk, c.at[j], c.at[j+1], t.N)
	return &t.Feature
}

// sequence goes group by group, each tile's units of a degree before the next degree's weights are read.
func (c *BatchedConditional) sequence(tiles []*Tile, p []float32, mem [][]float32) {
	next, begin := c.Net.Sequence(p), 0
	for g, end := range c.Ends {
		for i, t := range tiles {
			trunk := next(mem[i], t.Context, g, t.N)
			for j := begin; j < end; j++ {
				f := c.output(t, p, trunk, mem[i], j)
				t.Keep(c.moved()[j])
				c.Transformers[j].ToData(f)
				t.PutBack(c.moved()[j])
				c.see(c.Net.Input(mem[i]), t, j, f.X)
			}
		}
		begin = end
	}
}

// NewPass implements Batched.
func (c *BatchedConditional) NewPass(crew *nn.Crew) Pass {
	s := &batchedPass{BatchedConditional: c, crew: crew, net: c.Net.NewPass(crew)}
	s.forwardFn, s.backwardFn = s.forward, s.backward
	return s
}

// batchedPass keeps, of each tile, the features moved and their parameters; their gradients take the same place.
type batchedPass struct {
	*BatchedConditional
	crew *nn.Crew
	net  ConditionerPass
	x, h [][]float32 // of each tile
	in   [][]float32 // the network's inputs of each tile
	dOwn [][]float32 // of each tile, the gradient of the transformers' own parameters

	tiles                 []*Tile // of the pass under way
	p                     []float32
	perGroup              int
	forwardFn, backwardFn func(worker, group int)
}

// outputGroup is the most tiles that take the outputs of one feature before those of the next: enough to read these
// weights, the most of the network, seldom.
const outputGroup = 4

func (s *batchedPass) begin(tiles []*Tile, p []float32) (groups int) {
	s.tiles, s.p = tiles, p
	for len(s.x) < len(tiles) {
		s.x = append(s.x, kernel.Aligned(len(s.Transformers)*kernel.Tile))
		s.h = append(s.h, kernel.Aligned(s.at[len(s.Transformers)]*kernel.Tile))
		s.dOwn = append(s.dOwn, kernel.Aligned(s.own[1]-s.own[0]))
	}
	s.perGroup = min(outputGroup, max(1, len(tiles)/s.crew.Threads()))
	return (len(tiles) + s.perGroup - 1) / s.perGroup
}

// trunks computes the network of every tile but for its outputs.
func (s *batchedPass) trunks(tiles []*Tile, p []float32) {
	s.net.Begin(len(tiles))
	s.in = s.in[:0]
	for i, t := range tiles {
		s.in = append(s.in, s.net.Set(i, &t.Pass, t.Context))
		s.enter(s.in[i], t)
	}
	s.net.Forward(p)
}

// ToLatent implements Pass.
func (s *batchedPass) ToLatent(tiles []*Tile, p []float32) {
	groups := s.begin(tiles, p)
	s.trunks(tiles, p)
	s.crew.Reserve(s.saved, 0, 0)
	s.crew.Run(groups, s.forwardFn)
}

// groupOf are the first and the end of the tiles of a group.
func (s *batchedPass) groupOf(group int) (lo, hi int) {
	return group * s.perGroup, min((group+1)*s.perGroup, len(s.tiles))
}

func (s *batchedPass) forward(worker, group int) {
	lo, hi := s.groupOf(group)
	saved := s.crew.Worker(worker)
	for j, feature := range s.moved() {
		for i := lo; i < hi; i++ {
			t := s.tiles[i]
			h, x, z := rows(s.h[i], s.at[j], s.params(j)), row(s.x[i], j), row(t.X, int(feature))
			s.net.Output(s.p, h, i, s.at[j], s.at[j+1])
			copy(x, z)
			t.Feature = Feature{N: t.N, X: x, Z: z, LogDet: t.LogDet, H: h, Saved: saved, P: s.ownOf(s.p)}
			t.Keep(feature)
			s.Transformers[j].ToLatent(&t.Feature)
			t.PutBack(feature)
		}
	}
}

// Backward implements Pass.
func (s *batchedPass) Backward(tiles []*Tile, p, g []float32) {
	groups := s.begin(tiles, p)
	s.net.Rewind()
	s.crew.Reserve(s.saved+s.most()+2, 0, 0)
	s.crew.Run(groups, s.backwardFn)
	own := s.ownOf(g)
	clear(own)
	for _, d := range s.dOwn[:len(tiles)] {
		kernel.Add(own, d)
	}
	s.net.Backward(p, g, s.h[:len(tiles)])
	for i, t := range tiles {
		if !t.SkipDX {
			s.seen(t, s.in[i], s.net.InputGradient(i))
		}
	}
}

// backward computes again what the transformers save: it would take as much memory as the rest.
func (s *batchedPass) backward(worker, group int) {
	lo, hi := s.groupOf(group)
	m, most := s.crew.Worker(worker), s.most()
	saved, z, logDet := rows(m, 0, s.saved), row(m, s.saved+most), row(m, s.saved+most+1)
	for j, feature := range s.moved() {
		for i := lo; i < hi; i++ {
			t := s.tiles[i]
			h, dh := rows(s.h[i], s.at[j], s.params(j)), rows(m, s.saved, s.params(j))
			t.Feature = Feature{
				N: t.N, X: row(s.x[i], j), Z: z, LogDet: logDet, H: h, Saved: saved,
				D: row(t.DX, int(feature)), DH: dh, DLogDet: t.Slopes(feature), P: s.ownOf(s.p), G: s.dOwn[i], First: true,
			}
			s.Transformers[j].ToLatent(&t.Feature)
			s.Transformers[j].Backward(&t.Feature)
			t.Still(feature)
			copy(h, dh)
			s.net.BackOutput(s.p, h, i, s.at[j], s.at[j+1], j == 0)
		}
	}
}

// frozenBatch is the number of tiles of a batch whose statistics Freeze takes: those of more events are put together
// from them, as in "precise batch norm" (Wu and Johnson, arXiv:2105.07576), so that the memory is bounded.
const frozenBatch = 32

// Freeze implements Pass.
func (s *batchedPass) Freeze(tiles []*Tile, p []float32) {
	batches := (len(tiles) + frozenBatch - 1) / frozenBatch
	for b := range batches {
		s.trunks(tiles[b*len(tiles)/batches:(b+1)*len(tiles)/batches], p)
		s.net.Collect()
	}
	s.net.Freeze(p)
}
