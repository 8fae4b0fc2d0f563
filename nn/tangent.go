package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// The derivative J e of an MLP along k directions e of each event, by forward-mode differentiation, and its gradient: for networks whose
// divergence counts. The activations are smooth ones, tanh or elu, and there is no dropout. A matrix here has k times n columns: those of
// the n events of a tile for each direction, one direction after the other.

// TangentRows is the number of tile rows that Along needs for k directions, and of those that AlongBackward needs besides.
func (m *MLP) TangentRows(k int) (rows, scratch int) {
	for i := range m.linears {
		rows += k * m.linears[i].out
	}
	return rows, k * (2*m.widest + kernel.RoundLanes(m.widest))
}

// Along returns J e, a row an output, from e, a row a feature, and what Forward left in act.
func (m *MLP) Along(p, act, e, mem []float32, k, n int) []float32 {
	ld, in := k*n, e
	for i := range m.linears {
		l := &m.linears[i]
		out := mem[:l.out*ld]
		mem = mem[len(out):]
		g := kernel.Gemm{M: l.out, N: ld, K: l.in, A: l.w.Of(p)[l.context:], LDA: l.w.Cols, B: in, LDB: ld, C: out, LDC: ld}
		g.Run()
		if i < len(m.drops) {
			h := act[m.hidden(i)*kernel.Tile:]
			for c := range l.out * k {
				activateBackward(m.cfg.Activation, out[c*n:], h[c/k*kernel.Tile:], 1, n)
			}
		}
		in = out
	}
	return in
}

// hidden is the row of act where the result of hidden layer i starts.
func (m *MLP) hidden(i int) int { return m.at[i+1] + m.linears[i+1].context }

// AlongBackward follows Along on the same mem. It adds to g what the gradient d of J e makes of the weights', and to bend, which is laid
// out as act, what it makes of that of the hidden units before their activation: BackwardWith goes on with it.
func (m *MLP) AlongBackward(p, g, act, bend, e, d, mem, scratch []float32, k, n int) {
	ld := k * n
	w := m.widest * ld
	bufs, turned := [2][]float32{scratch[:w], scratch[w : 2*w]}, scratch[2*w:]
	rows, _ := m.TangentRows(1)
	end := rows*ld - m.shape.Outputs*ld // of the tangents of the layer before
	for i := len(m.linears) - 1; i >= 0; i-- {
		l, in := &m.linears[i], e
		if i > 0 {
			in = mem[end-l.in*ld : end]
			end -= len(in)
		}
		turnedLD := kernel.RoundLanes(l.in)
		kernel.Transpose(turned, turnedLD, in, ld, l.in, ld)
		dw := kernel.Gemm{M: l.out, N: l.in, K: ld, A: d, LDA: ld, B: turned, LDB: turnedLD, C: l.w.Of(g)[l.context:], LDC: l.w.Cols, Add: true}
		dw.Run()
		if i == 0 {
			return
		}
		dIn := bufs[i%2]
		back := kernel.Gemm{M: l.in, N: ld, K: l.out, A: l.w.Of(p)[l.context:], LDA: l.w.Cols, TransA: true, B: d, LDB: ld, C: dIn, LDC: ld}
		back.Run()
		at := m.hidden(i-1) * kernel.Tile
		for c := range l.in * k {
			u := c / k * kernel.Tile
			bendBy(m.cfg.Activation, bend[at+u:][:n], dIn[c*n:][:n], in[c*n:], act[at+u:])
			activateBackward(m.cfg.Activation, dIn[c*n:], act[at+u:], 1, n)
		}
		d = dIn
	}
}

// bendBy adds d f”(a) K to b: for tangents J = f'(a) K behind an activation h = f(a), and their gradient d.
func bendBy(kind string, b, d, j, h []float32) {
	j, h = j[:len(b)], h[:len(b)]
	if kind == "tanh" {
		for e, v := range d {
			b[e] -= 2 * h[e] * j[e] * v
		}
		return
	}
	for e, v := range d {
		if h[e] < 0 {
			b[e] += j[e] * v
		}
	}
}
