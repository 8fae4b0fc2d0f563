package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// BackOutput puts (first) or adds, to the gradient of the trunk of tile t, that of outputs [r0, r1), which is d.
// The first one of a tile comes after Begin or Rewind.
func (s *ResidualPass) BackOutput(p, d []float32, t, r0, r1 int, first bool) {
	tile := &s.tiles[t]
	s.net.last.backwardRows(p, tile.dx, d, r0, r1, tile.pass.N, !first)
}

// Rewind prepares for BackOutput.
func (s *ResidualPass) Rewind() { s.borrow() }

// Backward puts the gradient of the parameters to g, and computes that of the features. d are the gradients of the outputs
// of each tile, all of which BackOutput has seen.
func (s *ResidualPass) Backward(p, g []float32, d [][]float32) {
	s.p, s.g = p, g
	n := len(s.tiles)
	s.crew.Run(n, s.fn.leave)
	s.job(&s.net.last, func(t *residualTile) []float32 { return nil }, turnedOf)
	copy(s.jobs[0].d, d)
	s.weigh()
	for s.block = len(s.net.blocks) - 1; s.block >= 0; s.block-- {
		b := &s.net.blocks[s.block]
		s.crew.Run(n, s.fn.backGated)
		s.job(&b.linears[1], func(t *residualTile) []float32 { return t.du }, turnedOf)
		if s.net.shape.Context > 0 {
			s.job(&b.gate, func(t *residualTile) []float32 { return t.dGate }, func(t *residualTile) []float32 { return t.turnedContext })
		}
		s.weigh()
		s.joinBackward(1)
		s.crew.Run(n, s.fn.backInner)
		s.job(&b.linears[0], func(t *residualTile) []float32 { return t.dGate }, turnedOf)
		s.weigh()
		s.joinBackward(0)
	}
	s.crew.Run(n, s.fn.backEnter)
	s.job(&s.net.first, func(t *residualTile) []float32 { return t.dx }, turnedOf)
	s.weigh()
}

// InputGradient is the gradient of the features of tile t.
func (s *ResidualPass) InputGradient(t int) []float32 { return s.tiles[t].dy }

func turnedOf(t *residualTile) []float32 { return t.turned }

func (s *ResidualPass) joinBackward(j int) {
	if state := s.states[s.block][j]; state != nil {
		state.joinedBackward(s.net.blocks[s.block].norms[j], s.p, s.g, s.sums, s.events)
	}
}

// leave turns what the weights' gradients need of the forward pass.
func (s *ResidualPass) leave(_, i int) {
	t := &s.tiles[i]
	s.net.last.transpose(t.turned, t.x[len(s.net.blocks)], t.pass.N)
	if s.net.shape.Context > 0 {
		kernel.Transpose(t.turnedContext, kernel.RoundLanes(s.net.shape.Context), t.context, kernel.Tile, s.net.shape.Context, t.pass.N)
	}
}

// settle adds to dx what came through the first norm of block b, whose gradient lies in du.
func (s *ResidualPass) settle(t *residualTile, b int) {
	if state := s.states[b][0]; state != nil {
		state.backward(t.dx, t.du, t.x[b], s.net.width, t.pass, true)
	} else {
		kernel.Add(t.dx, t.du)
	}
}

// backGated goes back from the end of a block to the output of its second norm, whose gradient it leaves in dy.
func (s *ResidualPass) backGated(worker, i int) {
	t, b, r := &s.tiles[i], s.block, s.net
	block, n := &r.blocks[b], t.pass.N
	if b+1 < len(r.blocks) {
		s.settle(t, b+1)
	}
	scratch := s.scratch(worker)
	s.backGate(t, block, scratch)
	a := scratch[0]
	s.states[b][1].activated(r.cfg.Activation, a, t.u[b], 0, r.width, n)
	block.drop.apply(a, r.width, n, t.pass.Noise)
	block.linears[1].transpose(t.turned, a, n)
	block.linears[1].backward(s.p, t.dy, t.du, gate(r.cfg.Activation, a), n)
	block.drop.backward(r.cfg.Activation, t.dy, a, r.width, n, t.pass.Noise)
	s.moments(t, t.dy, t.u[b])
}

// backGate sets du and dGate. The gate's share of a block, x[b+1] - x[b], need not be kept for it.
func (s *ResidualPass) backGate(t *residualTile, block *residualBlock, scratch [3][]float32) {
	if s.net.shape.Context == 0 {
		copy(t.du, t.dx)
		return
	}
	gate := scratch[0]
	s.net.sigmoidGate(s.p, block, gate, t.context, t.pass.N)
	kernel.GatedBackward(t.du, t.dGate, t.dx, gate, t.x[s.block+1], t.x[s.block])
	block.gate.contextBackward(s.p, t.pass.DContext, t.dGate, t.pass.N)
}

// backInner goes on to the output of the first norm, whose gradient it leaves in du; that of the first layer's result in dGate.
func (s *ResidualPass) backInner(worker, i int) {
	t, b, r := &s.tiles[i], s.block, s.net
	lin, n := &r.blocks[b].linears[0], t.pass.N
	if state := s.states[b][1]; state != nil {
		state.backward(t.dGate, t.dy, t.u[b], r.width, t.pass, false)
	} else {
		copy(t.dGate, t.dy)
	}
	a := s.scratch(worker)[0]
	s.states[b][0].activated(r.cfg.Activation, a, t.x[b], 0, r.width, n)
	lin.transpose(t.turned, a, n)
	lin.backward(s.p, t.du, t.dGate, gate(r.cfg.Activation, a), n)
	activateBackward(r.cfg.Activation, t.du, a, r.width, n)
	s.moments(t, t.du, t.x[b])
}

func (s *ResidualPass) backEnter(_, i int) {
	t := &s.tiles[i]
	s.settle(t, 0)
	s.net.first.transpose(t.turned, t.in, t.pass.N)
	s.net.first.contextBackward(s.p, t.pass.DContext, t.dx, t.pass.N)
	if !t.pass.SkipDX {
		s.net.first.backward(s.p, t.dy, t.dx, nil, t.pass.N)
	}
}

// weightJob is the gradient of one layer's parameters, from the gradients of its outputs and its transposed inputs.
type weightJob struct {
	lin   *linear
	d, in [][]float32 // of each tile
}

// weightRows is the most outputs whose weights' gradient a worker takes through all tiles: few enough for it to stay in
// the second-level cache, enough to read the inputs seldom.
const weightRows = 100

// blocks is a multiple of the workers, so that none is left without at the end.
func (s *ResidualPass) blocks(j *weightJob) int {
	threads := s.crew.Threads()
	return (j.lin.out + weightRows*threads - 1) / (weightRows * threads) * threads
}

func (s *ResidualPass) job(l *linear, d, in func(*residualTile) []float32) {
	if len(s.jobs) == cap(s.jobs) {
		s.jobs = append(s.jobs, weightJob{})
	} else {
		s.jobs = s.jobs[:len(s.jobs)+1]
	}
	j := &s.jobs[len(s.jobs)-1]
	j.lin, j.d, j.in = l, j.d[:0], j.in[:0]
	for i := range s.tiles {
		j.d, j.in = append(j.d, d(&s.tiles[i])), append(j.in, in(&s.tiles[i]))
	}
}

// weigh does the jobs.
func (s *ResidualPass) weigh() {
	items := 0
	for i := range s.jobs {
		items += s.blocks(&s.jobs[i])
	}
	s.crew.Run(items, s.fn.weights)
	s.jobs = s.jobs[:0]
}

func (s *ResidualPass) weights(_, item int) {
	i := 0
	for ; item >= s.blocks(&s.jobs[i]); i++ {
		item -= s.blocks(&s.jobs[i])
	}
	j := &s.jobs[i]
	n := s.blocks(j)
	r0, r1 := item*j.lin.out/n, (item+1)*j.lin.out/n
	for t := range s.tiles {
		j.lin.gradientRows(s.g, j.d[t], j.in[t], r0, r1, s.tiles[t].pass.N, t == 0)
	}
}
