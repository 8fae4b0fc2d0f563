package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// MLP is a fully connected network on tiles, whose layers see the context besides the layer before; with an Order a masked
// autoencoder for distribution estimation, MADE (Germain et al., arXiv:1502.03509). Its memory (act) holds, layer after layer,
// the rows [context; inputs], and the outputs at the end; Forward leaves there what Backward needs.
type MLP struct {
	cfg     Config
	shape   Shape
	linears []linear
	at      []int // row of act where the input of each layer starts; the last entry is the output's
	rows    int
	widest  int
	drops   []*Dropout // one a hidden layer
	units   [][]span   // of each group, in each layer: of the hidden ones those that have its degree
}

type span struct{ begin, end int }

// NewMLP lays out the network; Mask makes it autoregressive.
func NewMLP(l *Layout, scope string, cfg Config, s Shape) *MLP {
	m := &MLP{cfg: cfg, shape: s, units: make([][]span, 1)}
	in := s.Features
	for i := range len(cfg.Hidden) + 1 {
		out := s.Outputs
		if i < len(cfg.Hidden) {
			out = cfg.Hidden[i]
			m.drops = append(m.drops, NewDropout(cfg.Dropout, s.Layer+i))
		}
		context := s.Context
		if i > 0 && cfg.ContextFirst {
			context = 0
		}
		m.linears = append(m.linears, newLinear(l, scope, i, context, in, out))
		m.at = append(m.at, m.rows)
		m.rows += context + in
		m.widest = max(m.widest, context+in, out)
		m.units[0] = append(m.units[0], span{0, out})
		in = out
	}
	m.at = append(m.at, m.rows)
	m.rows += s.Outputs
	return m
}

// Mask prepares what follows from the order.
func (m *MLP) Mask() {
	o := m.shape.Order
	if o == nil {
		return
	}
	last := len(m.linears) - 1
	m.units = make([][]span, len(o.Inputs))
	before := expand(o.Inputs)
	for i := range last {
		degrees := o.hidden(i, m.cfg.Hidden[i], m.shape.Context)
		m.linears[i].bound(before, degrees, true)
		for g := range m.units {
			m.units[g] = append(m.units[g], ofDegree(degrees, g))
		}
		before = degrees
	}
	m.linears[last].bound(before, expand(o.Outputs), false)
	for g := range m.units {
		m.units[g] = append(m.units[g], ofDegree(expand(o.Outputs), g+1))
	}
}

// Rows is the number of tile rows in act.
func (m *MLP) Rows() int { return m.rows }

// Scratch is the number of tile rows that Backward needs besides act.
func (m *MLP) Scratch() int { return 2*m.widest + kernel.RoundLanes(m.widest) }

// Input returns the rows of act where the features go.
func (m *MLP) Input(act []float32) []float32 {
	return act[m.linears[0].context*kernel.Tile:]
}

// Forward computes the outputs from the features in Input(act), which the caller has put there, and the context.
// The result lies in act.
func (m *MLP) Forward(p, act, context []float32, pass *Pass) []float32 {
	m.setContext(act, context)
	for l := range m.linears {
		h := m.layer(p, act, l, 0, m.linears[l].out, pass.N)
		if l < len(m.drops) {
			m.drops[l].apply(h, m.linears[l].out, pass.N, pass.Noise)
		}
	}
	return m.Results(act)
}

// Results are the outputs that the last Forward left in act.
func (m *MLP) Results(act []float32) []float32 { return act[m.at[len(m.linears)]*kernel.Tile:] }

// Begin prepares act for Next.
func (m *MLP) Begin(act, context []float32) { m.setContext(act, context) }

// Next returns the outputs of group g, when the features of the groups before it are in Input(act) and Next was called
// for each of these; without an order all of them. A unit is computed once, when its inputs are known.
func (m *MLP) Next(p, act []float32, g, n int) (h []float32) {
	for l, u := range m.units[g] {
		h = m.layer(p, act, l, u.begin, u.end, n)
	}
	return h
}

// setContext copies the context in front of each layer's inputs.
func (m *MLP) setContext(act, context []float32) {
	for l := range m.linears {
		if c := m.linears[l].context; c > 0 {
			copy(act[m.at[l]*kernel.Tile:], context[:c*kernel.Tile])
		}
	}
}

// layer computes units [r0, r1) of layer l and returns where they are.
func (m *MLP) layer(p, act []float32, l, r0, r1, n int) []float32 {
	in := act[m.at[l]*kernel.Tile:]
	hidden := l+1 < len(m.linears)
	row := m.at[l+1] + r0
	if hidden {
		row += m.linears[l+1].context
	}
	c := act[row*kernel.Tile:]
	m.linears[l].forward(p, c, in, r0, r1, n, hidden && m.cfg.Activation == "relu")
	if hidden && m.cfg.Activation != "relu" {
		activate(m.cfg.Activation, c, r1-r0, n)
	}
	return c
}

// Backward puts (pass.First) or adds the gradient of the parameters to g, from the gradient d of the outputs, and
// returns the gradient of the features, which lies in scratch; nil where it is not wanted. d is left as it was.
func (m *MLP) Backward(p, g, act, d, scratch []float32, pass *Pass) []float32 {
	return m.BackwardWith(p, g, act, d, nil, scratch, pass)
}

// BackwardWith is Backward with what else the hidden units have of a gradient before their activation, in bend, laid out as act; see
// AlongBackward.
func (m *MLP) BackwardWith(p, g, act, d, bend, scratch []float32, pass *Pass) []float32 {
	w := m.widest * kernel.Tile
	bufs := [2][]float32{scratch[:w], scratch[w : 2*w]}
	for l := len(m.linears) - 1; l >= 0; l-- {
		lin := &m.linears[l]
		in := act[m.at[l]*kernel.Tile:]
		lin.gradient(g, d, in, scratch[2*w:], pass.N, pass.First)
		lin.contextBackward(p, pass.DContext, d, pass.N)
		if l == 0 && pass.SkipDX {
			return nil
		}
		dIn := bufs[l%2]
		if l == 0 {
			lin.backward(p, dIn, d, nil, pass.N)
		} else {
			h := in[lin.context*kernel.Tile:]
			lin.backward(p, dIn, d, gate(m.cfg.Activation, h), pass.N)
			m.drops[l-1].backward(m.cfg.Activation, dIn, h, lin.in, pass.N, pass.Noise)
			if bend != nil {
				kernel.Add(dIn[:lin.in*kernel.Tile], bend[m.hidden(l-1)*kernel.Tile:])
			}
		}
		d = dIn
	}
	return d
}

// Cut sets the gradient to zero where the network has no weight.
func (m *MLP) Cut(g []float32) {
	for i := range m.linears {
		m.linears[i].cut(g)
	}
}

// Start draws the parameters: hidden layers by Config.Init, the last layer a hundredth of that around the given biases,
// so that a flow starts near the map that they mean; without biases all layers alike.
func (m *MLP) Start(p []float32, bias []float32, src *Source) {
	last := len(m.linears) - 1
	for i := range m.linears {
		scale := float32(1)
		if i == last && bias != nil {
			scale = 0.01
		}
		m.linears[i].draw(p, m.cfg.Init, scale, src)
	}
	copy(m.linears[last].b.Of(p), bias)
}
