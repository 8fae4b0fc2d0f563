package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// ResidualPass takes the tiles of a batch through a Residual in training, layer by layer: the workers share out the
// tiles, and join where a norm needs the sums over the batch. It keeps, for each block, its input and the result of its first
// layer, from forward to backward; everything else is computed again.
//
// The order is Begin, Set and Input for each tile, Forward, Output; then BackOutput, Backward, InputGradient.
type ResidualPass struct {
	net    *Residual
	crew   *Crew
	states [][2]*normState // of each block; nil without norms
	all    []residualTile  // of the largest batch so far
	tiles  []residualTile
	sums   [][]float32 // of each tile, two a unit
	events float64     // of the batch
	frozen float64     // events collected

	// arguments of the loop under way
	p, g  []float32
	block int
	jobs  []weightJob
	fn    struct{ enter, inner, gated, leave, backGated, backInner, backEnter, weights func(worker, item int) }
}

// residualTile is one tile's part. in, x and u are kept from forward to backward; the others are the crew's.
type residualTile struct {
	pass    *Pass
	context []float32
	in      []float32
	x       [][]float32 // input of each block, then the trunk
	u       [][]float32 // result of each block's first layer

	dx, dGate, dy, du, turned, turnedContext, sums []float32
}

// NewPass returns memory for training.
func (r *Residual) NewPass(crew *Crew) *ResidualPass {
	s := &ResidualPass{net: r, crew: crew, states: make([][2]*normState, len(r.blocks))}
	for i := range s.states {
		if r.cfg.BatchNorm {
			s.states[i] = [2]*normState{newNormState(r.width), newNormState(r.width)}
		}
	}
	s.fn.enter, s.fn.inner, s.fn.gated = s.enter, s.inner, s.gated
	s.fn.leave, s.fn.backGated, s.fn.backInner, s.fn.backEnter, s.fn.weights = s.leave, s.backGated, s.backInner, s.backEnter, s.weights
	return s
}

// Begin makes room for a batch of so many tiles.
func (s *ResidualPass) Begin(tiles int) {
	r := s.net
	for len(s.all) < tiles {
		m := kernel.Aligned((r.inputs() + (2*len(r.blocks)+1)*r.width) * kernel.Tile)
		t := residualTile{in: take(&m, r.inputs())}
		for range r.blocks {
			t.x, t.u = append(t.x, take(&m, r.width)), append(t.u, take(&m, r.width))
		}
		t.x = append(t.x, take(&m, r.width))
		s.all = append(s.all, t)
	}
	s.tiles, s.events = s.all[:tiles], 0
	s.borrow()
}

// borrow divides the crew's memory, which other passes use in between.
func (s *ResidualPass) borrow() {
	r := s.net
	turned, context := kernel.RoundLanes(max(r.width, r.inputs())), kernel.RoundLanes(r.shape.Context)
	sums := (2*r.width + kernel.Tile - 1) / kernel.Tile
	s.crew.Reserve(3*r.width, len(s.tiles), 4*r.width+turned+context+sums)
	s.sums = s.sums[:0]
	for i := range s.tiles {
		t, m := &s.tiles[i], s.crew.tiles[i]
		t.dx, t.dGate, t.dy, t.du = take(&m, r.width), take(&m, r.width), take(&m, r.width), take(&m, r.width)
		t.turned, t.turnedContext, t.sums = take(&m, turned), take(&m, context), take(&m, sums)
		s.sums = append(s.sums, t.sums)
	}
}

// Set says what tile t is, and returns the rows where its features go.
func (s *ResidualPass) Set(t int, pass *Pass, context []float32) []float32 {
	tile := &s.tiles[t]
	tile.pass, tile.context = pass, context
	s.events += float64(pass.Events)
	return s.net.Input(tile.in)
}

// scratch is one worker's.
func (s *ResidualPass) scratch(worker int) (b [3][]float32) {
	m := s.crew.workers[worker]
	for i := range b {
		b[i] = take(&m, s.net.width)
	}
	return b
}

// Forward computes the trunk of every tile, by the statistics of the batch.
func (s *ResidualPass) Forward(p []float32) {
	s.p = p
	s.crew.Run(len(s.tiles), s.fn.enter)
	for s.block = range s.net.blocks {
		s.join(0)
		s.crew.Run(len(s.tiles), s.fn.inner)
		s.join(1)
		s.crew.Run(len(s.tiles), s.fn.gated)
	}
}

// join ends a loop that left the sums of the input of norm j.
func (s *ResidualPass) join(j int) {
	if state := s.states[s.block][j]; state != nil {
		state.joined(s.net.blocks[s.block].norms[j], s.p, s.sums, s.events)
	}
}

// moments leaves the sums over events of x and of x*y: of the square in the forward pass.
func (s *ResidualPass) moments(t *residualTile, x, y []float32) {
	if w := s.net.width; s.net.cfg.BatchNorm {
		kernel.MomentRows(t.sums[:w], t.sums[w:2*w], x, y, t.pass.Events)
	}
}

func (s *ResidualPass) enter(_, i int) {
	t := &s.tiles[i]
	s.net.enter(s.p, t.x[0], t.in, t.context, t.pass.N)
	s.moments(t, t.x[0], t.x[0])
}

func (s *ResidualPass) inner(worker, i int) {
	t, b, a := &s.tiles[i], s.block, s.scratch(worker)[0]
	s.net.half(s.p, &s.net.blocks[b].linears[0], s.states[b][0], t.u[b], t.x[b], a, t.pass.N)
	s.moments(t, t.u[b], t.u[b])
}

func (s *ResidualPass) gated(worker, i int) {
	t, b, scratch := &s.tiles[i], s.block, s.scratch(worker)
	s.net.gated(s.p, &s.net.blocks[b], s.states[b][1], t.x[b+1], t.x[b], t.u[b], scratch, t.context, t.pass)
	if b+1 < len(s.net.blocks) {
		s.moments(t, t.x[b+1], t.x[b+1])
	}
}

// Output computes outputs [r0, r1) of tile t.
func (s *ResidualPass) Output(p, h []float32, t, r0, r1 int) {
	s.net.Output(p, h, s.tiles[t].x[len(s.net.blocks)], r0, r1, s.tiles[t].pass.N)
}

// Collect adds the statistics of the last Forward to those that Freeze writes.
func (s *ResidualPass) Collect() {
	s.frozen += s.events
	for _, states := range s.states {
		for _, n := range states {
			if n != nil {
				n.collect(s.events)
			}
		}
	}
}

// Freeze writes the statistics collected, as those of all events together, to the parameters.
func (s *ResidualPass) Freeze(p []float32) {
	if !s.net.cfg.BatchNorm {
		return
	}
	for i, states := range s.states {
		for j, n := range states {
			if n != nil {
				n.freeze(s.net.blocks[i].norms[j], p, s.frozen)
			}
		}
	}
	s.frozen = 0
}
