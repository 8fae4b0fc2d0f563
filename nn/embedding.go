package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// Embedding is a network that turns the context of an event into Width numbers, once for all that see them: an MLP of its columns.
// Where these hold Sets of objects, as many in each event as its count says, it is DeepSets (Zaheer et al., arXiv:1703.06114): an MLP
// of one object gives Pooled numbers, of which the MLP sees the sum and the largest over the objects that there are, and 0 where
// there is none, beside the other columns. It does not depend on the order of objects, but for the rounding of the sum, nor on what
// stands where there is no object.
//
// The columns of a context are those of no set, then for each set the variables of one object after the other, and the count.
type Embedding struct {
	Config        // Hidden are the widths of its own MLP
	Context       int
	Width, Pooled int
	Each          []int // hidden widths of the MLPs of objects
	Sets          []Set

	head *MLP
	phi  []*MLP // one a set
	rows int    // of all objects
}

// Set is a number of objects of which there can be fewer.
type Set struct{ Objects, Variables int }

// columns is the number of columns of the context.
func (s Set) columns() int { return s.Objects*s.Variables + 1 }

// Plain is the number of columns that are of no set; below 0 for a context of too few.
func (m *Embedding) Plain() int {
	n := m.Context
	for _, s := range m.Sets {
		n -= s.columns()
	}
	return n
}

// Layout lays out the networks.
func (m *Embedding) Layout(l *Layout, scope string) {
	m.head = NewMLP(l, scope, m.Config, Shape{Features: m.Plain() + 2*m.Pooled*len(m.Sets), Outputs: m.Width})
	each := m.Config
	each.Hidden = m.Each
	for i, s := range m.Sets {
		phi := NewMLP(l, Scope(scope, i, "object"), each, Shape{Features: s.Variables, Outputs: m.Pooled})
		m.phi = append(m.phi, phi)
		m.rows += s.Objects * phi.Rows()
	}
}

// Start draws the parameters.
func (m *Embedding) Start(p []float32, src *Source) {
	m.head.Start(p, nil, src)
	for _, phi := range m.phi {
		phi.Start(p, nil, src)
	}
}

// Memory is the number of tile rows (mem) that Forward keeps for Backward, and that of the rows (scratch) which Backward needs
// besides.
func (m *Embedding) Memory() (rows, scratch int) {
	for _, phi := range m.phi {
		scratch = max(scratch, phi.Scratch())
	}
	return m.head.Rows() + m.rows, m.head.Scratch() + m.Pooled + scratch
}

// objects calls fn for each object of each set: with the rows of the network's memory and of the context that are its own, the row of
// its count, and the rows of the inputs of the MLP where the sum of its set goes; those of the largest follow.
func (m *Embedding) objects(mem, context []float32, fn func(set, object int, act, x, count []float32, sum int)) {
	context, mem = context[m.Plain()*kernel.Tile:], mem[m.head.Rows()*kernel.Tile:]
	for i, s := range m.Sets {
		x := take(&context, s.columns())
		for k := range s.Objects {
			fn(i, k, take(&mem, m.phi[i].Rows()), x[k*s.Variables*kernel.Tile:], x[(s.columns()-1)*kernel.Tile:], m.Plain()+2*m.Pooled*i)
		}
	}
}

// Forward returns the outputs, rows of a tile that lie in mem.
func (m *Embedding) Forward(p, mem, context []float32, pass *Pass) []float32 {
	in := m.head.Input(mem)
	copy(in[:m.Plain()*kernel.Tile], context)
	m.objects(mem, context, func(set, object int, act, x, count []float32, sum int) {
		phi := m.phi[set]
		for v := range m.Sets[set].Variables {
			to, from := phi.Input(act)[v*kernel.Tile:][:pass.N], x[v*kernel.Tile:]
			for e := range to {
				if to[e] = 0; count[e] > float32(object) {
					to[e] = from[e]
				}
			}
		}
		h := phi.Forward(p, act, nil, pass)
		for u := range m.Pooled {
			h, all, most := h[u*kernel.Tile:][:pass.N], in[(sum+u)*kernel.Tile:], in[(sum+m.Pooled+u)*kernel.Tile:]
			for e, v := range h {
				switch there := count[e] > float32(object); {
				case object == 0 && there:
					all[e], most[e] = v, v
				case object == 0:
					all[e], most[e] = 0, 0
				case there:
					all[e], most[e] = all[e]+v, max(most[e], v)
				}
			}
		}
	})
	return m.head.Forward(p, mem, nil, pass)
}

// Backward follows Forward on the same mem: it puts or adds the gradient of the parameters to g, from the gradient d of the outputs. Of
// objects that are as large as the largest, the first has its gradient.
func (m *Embedding) Backward(p, g, mem, context, d, scratch []float32, pass *Pass) {
	own := Pass{N: pass.N, Events: pass.Events, First: pass.First, SkipDX: len(m.Sets) == 0}
	dIn := m.head.Backward(p, g, mem, d, take(&scratch, m.head.Scratch()), &own)
	in, dh := m.head.Input(mem), take(&scratch, m.Pooled)
	own.SkipDX = true
	m.objects(mem, context, func(set, object int, act, _, count []float32, sum int) {
		h := m.phi[set].Results(act)
		for u := range m.Pooled {
			dh, h, most := dh[u*kernel.Tile:][:pass.N], h[u*kernel.Tile:], in[(sum+m.Pooled+u)*kernel.Tile:]
			byAll, byMost := dIn[(sum+u)*kernel.Tile:], dIn[(sum+m.Pooled+u)*kernel.Tile:]
			for e := range dh {
				if dh[e] = 0; !(count[e] > float32(object)) {
					continue
				}
				if dh[e] = byAll[e]; h[e] == most[e] {
					dh[e] += byMost[e]
					byMost[e] = 0
				}
			}
		}
		own.First = pass.First && object == 0
		m.phi[set].Backward(p, g, act, dh, scratch, &own)
	})
}
