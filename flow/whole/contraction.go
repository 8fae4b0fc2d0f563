package whole

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Contraction is a fully connected network g from features to as many outputs, given a context, whose Lipschitz constant in the
// features is below 1: of these are residual flows z = x + g(x) (Chen et al., arXiv:1906.02735). The weights W of the features are
// used as W min(1, c/s), where s is their spectral norm and c^layers the Lipschitz constant; smooth activations have slopes of at most 1.
//
// s = u.W v (Miyato et al., arXiv:1802.05957). The singular vectors u and v are parameters that follow from W, by Derive; to the gradient
// they are constants, which is exact where they are those of W.
//
// On tiles it takes jets: of each unit the value and the derivatives by each feature, columns of a tile side by side.
type Contraction struct {
	features, context int
	activation        string
	layers            []contracting
	tangent           nn.View // weights of the context
	shift, rows       int     // row of mem with what the context and the bias add to the first layer, and all rows
	widest            int
}

// SmoothActivations are those with a continuous derivative and slopes of at most 1.
var SmoothActivations = []string{"lipswish", "tanh", "elu"}

// contracting is one layer. Of the rows of mem in holds the jets of its inputs; out those of its units before the activation, of
// which the value is replaced by the slope of the activation, and curve the curvature of that.
type contracting struct {
	w, b, left, right nn.View
	norm              float64 // that it is used with at most
	in, out, curve    int
}

// NewContraction lays out the network.
func NewContraction(l *nn.Layout, scope string, hidden []int, activation string, lipschitz float64, features, context int) *Contraction {
	c := &Contraction{features: features, context: context, activation: activation, widest: features}
	in := features
	take := func(rows int) int { c.rows += rows; return c.rows - rows }
	at := take(features * c.columns())
	for i := range len(hidden) + 1 {
		out := features
		if i < len(hidden) {
			out = hidden[i]
		}
		y := contracting{
			w: l.Add(nn.Scope(scope, i, "weight"), out, in, nn.Weight), b: l.Add(nn.Scope(scope, i, "bias"), out, 1, nn.Bias),
			left: l.Add(nn.Scope(scope, i, "left"), out, 1, nn.Derived), right: l.Add(nn.Scope(scope, i, "right"), in, 1, nn.Derived),
			norm: math.Pow(lipschitz, 1/float64(len(hidden)+1)), in: at, out: take(out * c.columns()), curve: take(out),
		}
		if i == 0 {
			c.shift = take(out)
			if context > 0 {
				c.tangent = l.Add(scope+".context", out, context, nn.Weight)
			}
		}
		at, in = take(out*c.columns()), out
		c.layers = append(c.layers, y)
		c.widest = max(c.widest, out)
	}
	return c
}

// columns is the number of tile rows that a jet takes.
func (c *Contraction) columns() int { return 1 + c.features }

// Rows is the number of tile rows in mem.
func (c *Contraction) Rows() int { return c.rows }

// Scratch is the number of tile rows that Backward needs besides mem: two jets of a layer, one transposed, and a matrix.
func (c *Contraction) Scratch() int {
	return c.columns()*(2*c.widest+kernel.RoundLanes(c.widest)) + (c.widest*c.widest+kernel.Tile-1)/kernel.Tile
}

// Start draws the parameters so that g is near 0.
func (c *Contraction) Start(p []float32, src *nn.Source) {
	for i, l := range c.layers {
		nn.Draw(l.w.Of(p), l.w.Rows, l.w.Cols, "glorot", src)
		if i == len(c.layers)-1 {
			kernel.Scale(l.w.Of(p), 0.01)
		}
	}
	nn.Draw(c.tangent.Of(p), c.tangent.Rows, c.tangent.Cols, "glorot", src)
}

// Derive takes so many rounds of a power iteration towards the singular vectors of each W, from those that there are and, lest one is
// missed that has overtaken them, a little of a fixed one. A few rounds do after each step of a training, where s may lag by a hundredth while one singular value
// overtakes another; hundreds give s to 1e-4.
func (c *Contraction) Derive(p []float32, rounds int) {
	for _, l := range c.layers {
		w, u, v := l.w.Of(p), l.left.Of(p), l.right.Of(p)
		normalise(v)
		for j := range v {
			_, f := math.Modf(float64(j+1) * math.Phi)
			v[j] += float32((f - 0.5) / 4 / math.Sqrt(float64(len(v)))) // of length 1/14
		}
		for range rounds {
			l.times(u, w, v)
			normalise(u)
			back := kernel.Gemm{M: 1, N: len(v), K: len(u), A: u, LDA: len(u), B: w, LDB: len(v), C: v, LDC: len(v)}
			back.Run()
			normalise(v)
		}
		l.times(u, w, v)
		normalise(u)
	}
}

func (l *contracting) times(u, w, v []float32) {
	g := kernel.Gemm{M: l.w.Rows, N: 1, K: l.w.Cols, A: w, LDA: l.w.Cols, B: v, LDB: 1, C: u, LDC: 1}
	g.Run()
}

func normalise(v []float32) {
	if norm := kernel.SquaredNorm(v); norm > 0 {
		kernel.Scale(v, float32(1/math.Sqrt(norm)))
	}
}

// spectral returns s, and what W is multiplied by; spare has room for a column.
func (l *contracting) spectral(p, spare []float32) (s float64, factor float32) {
	l.times(spare, l.w.Of(p), l.right.Of(p))
	for i, u := range l.left.Of(p) {
		s += float64(u) * float64(spare[i])
	}
	return s, float32(l.norm / max(s, l.norm))
}

// part are the columns that hold number k of the jet of a unit: 0 its value, k the derivative by feature k-1.
func (c *Contraction) part(jets []float32, unit, k int) []float32 {
	return jets[(unit*c.columns()+k)*kernel.Tile:][:kernel.Tile]
}

// Input are the columns of feature f, where the caller puts all kernel.Tile values.
func (c *Contraction) Input(mem []float32, f int) []float32 { return c.part(mem, f, 0) }

// Output are the columns of output f, and, with k > 0, of its derivative by feature k-1.
func (c *Contraction) Output(mem []float32, f, k int) []float32 {
	return c.part(mem[c.layers[len(c.layers)-1].out*kernel.Tile:], f, k)
}

// Begin prepares mem for the context of a tile, of n events.
func (c *Contraction) Begin(p, mem, context []float32, n int) {
	l, shift := &c.layers[0], mem[c.shift*kernel.Tile:]
	for o, b := range l.b.Of(p) {
		r := shift[o*kernel.Tile:][:kernel.Tile]
		for e := range r {
			r[e] = b
		}
		for i, v := range c.tangent.Of(p)[o*c.context:][:c.context] {
			kernel.Axpy(r[:n], v, context[i*kernel.Tile:])
		}
	}
	for f := range c.features {
		for k := 1; k < c.columns(); k++ {
			clear(c.part(mem, f, k))
		}
		one := c.part(mem, f, f+1)
		for e := range one {
			one[e] = 1
		}
	}
}

// Forward computes the outputs for what is in Input; with derivatives where jets is set.
func (c *Contraction) Forward(p, mem []float32, jets bool) {
	columns := 1
	if jets {
		columns = c.columns()
	}
	ld := c.columns() * kernel.Tile
	for i := range c.layers {
		l := &c.layers[i]
		out := mem[l.out*kernel.Tile:]
		_, factor := l.spectral(p, mem[l.curve*kernel.Tile:])
		g := kernel.Gemm{M: l.w.Rows, N: columns * kernel.Tile, K: l.w.Cols, A: l.w.Of(p), LDA: l.w.Cols, B: mem[l.in*kernel.Tile:], LDB: ld, C: out, LDC: ld}
		g.Run()
		for o, b := range l.b.Of(p) {
			kernel.Scale(out[o*ld:][:columns*kernel.Tile], factor)
			value := c.part(out, o, 0)
			if i == 0 {
				kernel.Add(value, mem[(c.shift+o)*kernel.Tile:][:kernel.Tile])
			} else {
				for e := range value {
					value[e] += b
				}
			}
			if i+1 < len(c.layers) {
				c.activate(mem, l, &c.layers[i+1], o, columns)
			}
		}
	}
}

// activate sets the jet of an input of the next layer from that of unit o.
func (c *Contraction) activate(mem []float32, l, next *contracting, o, columns int) {
	out, in := mem[l.out*kernel.Tile:], mem[next.in*kernel.Tile:]
	slope := c.part(out, o, 0)
	smooth(c.activation, c.part(in, o, 0), slope, mem[(l.curve+o)*kernel.Tile:][:kernel.Tile])
	for k := 1; k < columns; k++ {
		kernel.Mul(c.part(in, o, k), c.part(out, o, k), slope)
	}
}

// smooth sets h to the activation of x, curve to its second derivative, and x to its first.
func smooth(kind string, h, x, curve []float32) {
	switch kind {
	case "tanh":
		kernel.Tanh(h, x)
		for e, v := range h {
			x[e] = 1 - v*v
			curve[e] = -2 * v * x[e]
		}
	case "elu":
		for e, v := range x {
			curve[e] = min(v, 0)
		}
		kernel.Exp(curve, curve)
		for e, v := range x {
			h[e], x[e] = v, 1
			if v < 0 {
				h[e], x[e] = curve[e]-1, curve[e]
			} else {
				curve[e] = 0
			}
		}
	default: // lipswish, x sigmoid(x)/1.1, whose steepest slope is 1.0998/1.1
		kernel.Sigmoid(curve, x)
		for e, v := range x {
			s := curve[e]
			h[e], x[e], curve[e] = v*s/1.1, s*(1+v*(1-s))/1.1, s*(1-s)*(2+v*(1-2*s))/1.1
		}
	}
}

// Gradient are the columns of scratch where the caller puts the gradient of Output(f, k) for Backward, all kernel.Tile of them, 0 where
// there is no event.
func (c *Contraction) Gradient(scratch []float32, f, k int) []float32 { return c.part(scratch, f, k) }

// Backward follows Forward of jets: it puts or adds the gradient of the parameters to g and returns, for each feature f at InputGradient,
// that of the features.
func (c *Contraction) Backward(p, g, mem, context, scratch []float32, pass *nn.Pass) (dx []float32) {
	jets := c.columns() * c.widest * kernel.Tile
	d, next, spare := scratch[:jets], scratch[jets:2*jets], scratch[2*jets:]
	for i := len(c.layers) - 1; i >= 0; i-- {
		l := &c.layers[i]
		if pass.First {
			for _, v := range []nn.View{l.w, l.b, l.left, l.right} {
				clear(v.Of(g))
			}
		}
		ld := c.columns() * kernel.Tile
		kernel.AddRowSums(l.b.Of(g), d, ld, l.w.Rows, kernel.Tile)
		if i == 0 {
			c.contextGradient(p, g, d, context, pass)
		}
		s, factor := l.spectral(p, spare)
		kernel.Scale(d[:l.w.Rows*ld], factor)
		c.weightGradient(p, g, mem, d, spare, l, s)
		back := kernel.Gemm{M: l.w.Cols, N: ld, K: l.w.Rows, A: l.w.Of(p), LDA: l.w.Cols, TransA: true, B: d, LDB: ld, C: next, LDC: ld}
		if i == 0 {
			back.N = kernel.Tile // the derivatives of the features are constants
		}
		back.Run()
		if i > 0 {
			c.activateBackward(mem, next, &c.layers[i-1])
		}
		d, next = next, d
	}
	return d
}

// InputGradient are the columns of what Backward returned that belong to feature f.
func (c *Contraction) InputGradient(dx []float32, f int) []float32 { return c.part(dx, f, 0) }

// activateBackward turns d, the gradients of the jets after the activation of a layer, into those before it.
func (c *Contraction) activateBackward(mem, d []float32, l *contracting) {
	var product [kernel.Tile]float32
	out := mem[l.out*kernel.Tile:]
	for o := range l.w.Rows {
		slope, value := c.part(out, o, 0), c.part(d, o, 0)
		curve := mem[(l.curve+o)*kernel.Tile:][:kernel.Tile]
		kernel.Mul(value, value, slope)
		for k := 1; k < c.columns(); k++ {
			by := c.part(d, o, k)
			kernel.Mul(product[:], by, c.part(out, o, k))
			kernel.Mul(product[:], product[:], curve)
			kernel.Add(value, product[:])
			kernel.Mul(by, by, slope)
		}
	}
}

// weightGradient adds that of W: D, the product of d with the inputs, and, where W is scaled by c/s, through s: -(D.W)/s u v^T.
func (c *Contraction) weightGradient(p, g, mem, d, spare []float32, l *contracting, s float64) {
	rows, cols, n := l.w.Rows, l.w.Cols, c.columns()*kernel.Tile
	ld := kernel.RoundLanes(cols)
	turned, dw := spare[:n*ld], spare[n*ld:][:rows*cols]
	kernel.Transpose(turned, ld, mem[l.in*kernel.Tile:], n, cols, n)
	m := kernel.Gemm{M: rows, N: cols, K: n, A: d, LDA: n, B: turned, LDB: ld, C: dw, LDC: cols}
	m.Run()
	kernel.Add(l.w.Of(g), dw)
	if s <= l.norm {
		return
	}
	along, w := 0.0, l.w.Of(p)
	for i, v := range dw {
		along += float64(v) * float64(w[i])
	}
	for o, u := range l.left.Of(p) {
		kernel.Axpy(l.w.Of(g)[o*cols:][:cols], float32(-along/s)*u, l.right.Of(p))
	}
}

// contextGradient is that of the weights of the context, and that of the context where it is wanted.
func (c *Contraction) contextGradient(p, g, d, context []float32, pass *nn.Pass) {
	var product [kernel.Tile]float32
	dw := c.tangent.Of(g)
	if pass.First {
		clear(dw)
	}
	for i := range dw {
		kernel.Mul(product[:pass.N], c.part(d, i/c.context, 0), context[i%c.context*kernel.Tile:])
		dw[i] += kernel.Sum(product[:pass.N])
	}
	for i, v := range c.tangent.Of(p) {
		if pass.DContext != nil {
			kernel.Axpy(pass.DContext[i%c.context*kernel.Tile:][:pass.N], v, c.part(d, i/c.context, 0))
		}
	}
}
