package onnx

import "github.com/sluice-hep/sluice/export/plain"

// dense emits outputs [o0, o1) of a linear map, of the first inputs, as many as in has columns; like has as many rows. Without inputs these are
// the biases.
func (g *graph) dense(d *plain.Dense, in string, inputs, o0, o1 int, like string) string {
	n := o1 - o0
	w := make([]float32, 0, inputs*n)
	for i := range inputs {
		w = append(w, d.Weight[i*d.Out+o0:i*d.Out+o1]...)
	}
	if inputs == 0 {
		in, inputs, w = g.none(like), 1, make([]float32, n)
	}
	return g.do("Gemm", in, g.matrix(inputs, w), g.constant(tensor{dims: []int{n}, floats: d.Bias[o0:o1]}))
}

func (g *graph) activated(kind, h string) string {
	return g.do(map[string]string{"relu": "Relu", "tanh": "Tanh", "elu": "Elu"}[kind], h)
}

// sheet is a layer of a network of which the first units are known, behind the context that the next layer sees.
type sheet struct {
	cells string // empty for none
	known int    // units
}

// more adds units.
func (g *graph) more(s *sheet, units string, n int) {
	s.cells, s.known = g.join(s.cells, units), s.known+n
}

// pass is a network under way, whose units are computed once what they depend on is known.
type pass struct {
	g       *graph
	net     *plain.Net
	context string  // empty for none
	like    string  // has as many rows as there are events
	in      []sheet // of each linear map: of an MLP its layers; of a residual network the first, then two a block, and the last
	trunk   int     // units of a residual network
}

// begin prepares a pass of a network, which sees the context where there is one.
func (g *graph) begin(net *plain.Net, context, like string) *pass {
	p := &pass{g: g, net: net, context: context, like: like}
	maps := len(net.Layers) + 2*len(net.Blocks)
	p.in = make([]sheet, maps)
	for i := range p.in {
		if d := p.linear(i); d.Context > 0 {
			p.in[i].cells = context
		}
	}
	return p
}

// linear is map i in the order of the pass.
func (p *pass) linear(i int) *plain.Dense {
	switch blocks := len(p.net.Blocks); {
	case blocks == 0 || i == 0:
		return &p.net.Layers[i]
	case i > 2*blocks:
		return &p.net.Layers[1]
	}
	return &p.net.Blocks[(i-1)/2].Linears[(i-1)%2]
}

// see adds inputs of the network.
func (p *pass) see(in string, n int) { p.g.more(&p.in[0], in, n) }

// last is what the outputs are computed from.
func (p *pass) last() *sheet { return &p.in[len(p.in)-1] }

// run computes units [from, to) of map i from what is known of its inputs.
func (p *pass) run(i, from, to int) string {
	d, s := p.linear(i), &p.in[i]
	return p.g.dense(d, s.cells, d.Context+s.known, from, to, p.like)
}

// outputs [from, to) of the network.
func (p *pass) outputs(from, to int) string { return p.run(len(p.in)-1, from, to) }

// advance computes the units of the layers up to so many of each; nil for all of them.
func (p *pass) advance(known []int) {
	if len(p.net.Blocks) > 0 {
		end := p.net.Layers[0].Out
		if known != nil {
			end = known[0]
		}
		p.residual(p.trunk, end)
		p.trunk = end
		return
	}
	for i := range len(p.net.Layers) - 1 {
		from, to := p.in[i+1].known, p.net.Layers[i].Out
		if known != nil {
			to = known[i]
		}
		if from < to {
			p.g.more(&p.in[i+1], p.g.activated(p.net.Activation, p.run(i, from, to)), to-from)
		}
	}
}

// residual computes units [from, to) of the trunk.
func (p *pass) residual(from, to int) {
	if from == to {
		return
	}
	g, x := p.g, p.run(0, from, to)
	for i := range p.net.Blocks {
		b, y := &p.net.Blocks[i], x
		for j, n := range b.Norms {
			if n != nil {
				y = g.add(g.mul(y, g.matrix(1, n.Scale[from:to])), g.matrix(1, n.Shift[from:to]))
			}
			g.more(&p.in[1+2*i+j], g.activated(p.net.Activation, y), to-from)
			y = p.run(1+2*i+j, from, to)
		}
		if b.Gate != nil {
			y = g.mul(y, g.do("Sigmoid", g.dense(b.Gate, p.context, b.Gate.Context, from, to, p.like)))
		}
		x = g.add(x, y)
	}
	g.more(p.last(), x, to-from)
}

// ofContext are the outputs of a network of the context alone.
func (g *graph) ofContext(net *plain.Net, context string) *pass {
	p := g.begin(net, context, context)
	if net.Layers[0].Context == 0 { // an embedding, whose inputs it is
		p.see(context, net.Layers[0].In)
	}
	p.advance(nil)
	return p
}
