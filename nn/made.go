package nn

// MADE is a masked autoencoder for distribution estimation (Germain et al., arXiv:1502.03509): an MLP with an Order.
type MADE struct {
	MLP
	order *Order
	units [][]span // of each group, the units of each hidden layer that have its degree
}

type span struct{ begin, end int }

// NewMADE lays out the network; Mask makes it autoregressive.
func NewMADE(l *Layout, scope string, cfg Config, s Shape) *MADE {
	return &MADE{MLP: *NewMLP(l, scope, cfg, s), order: s.Order}
}

// Mask prepares what follows from the order.
func (m *MADE) Mask() {
	o := m.order
	last := len(m.linears) - 1
	m.units = make([][]span, len(o.Inputs))
	before := expand(o.Inputs)
	for i := range last {
		degrees := o.hidden(i, m.cfg.Hidden[i], m.shape.Context)
		m.linears[i].bound(before, degrees, true)
		for g := range m.units {
			b, e := ofDegree(degrees, g)
			m.units[g] = append(m.units[g], span{b, e})
		}
		before = degrees
	}
	m.linears[last].bound(before, expand(o.Outputs), false)
}

// Next returns the outputs of group g, when the features of the groups before it are in Input(act) and Next was called
// for each of these. A unit is computed once, when its inputs are known.
func (m *MADE) Next(p, act []float32, g, n int) []float32 {
	for l, u := range m.units[g] {
		m.layer(p, act, l, u.begin, u.end, n)
	}
	begin, end := group(m.order.Outputs, g)
	return m.layer(p, act, len(m.linears)-1, begin, end, n)
}
