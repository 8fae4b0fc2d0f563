package whole

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// ResidualFlow is z = x + g(x) with a network g whose Lipschitz constant is below 1, which may see the context (Chen et al.,
// arXiv:1906.02735; Behrmann et al., arXiv:1811.00995). log|det dz/dx| = log det(1 + J) is exact: J is carried through the network.
//
// Back, x = z - g(x) is iterated until no feature moves by more than ResidualTolerance (1 + the largest |x|), so that x is right to
// that over 1 less the Lipschitz constant.
type ResidualFlow struct {
	Net      *Contraction
	features int
	build    func(l *nn.Layout, scope string) *Contraction
}

const (
	// ResidualTolerance is the step, relative to 1+|x|, at which an iteration ends.
	ResidualTolerance = 1e-6
	residualSteps     = 3000 // a constant of 0.99 takes 1400 at worst
	MostResidual      = 64   // features: the work grows with their number times that of the network
	leastPivot        = 1e-4 // 1 less the Lipschitz constant bounds those of 1+J from below
)

// NewResidualFlow returns one of so many features and context columns, at most MostResidual features; activation is one of SmoothActivations.
func NewResidualFlow(features, context int, hidden []int, activation string, lipschitz float64) *ResidualFlow {
	return &ResidualFlow{features: features, build: func(l *nn.Layout, scope string) *Contraction {
		return NewContraction(l, scope, hidden, activation, lipschitz, features, context)
	}}
}

// Layout implements Transform.
func (r *ResidualFlow) Layout(l *nn.Layout, scope string) { r.Net = r.build(l, scope) }

// Numerical implements the interface of that name.
func (r *ResidualFlow) Numerical() string {
	return fmt.Sprintf("goes back by iteration, until no feature moves by more than %g (1 + the largest)", ResidualTolerance)
}

// Start implements Starter.
func (r *ResidualFlow) Start(p []float32, src *nn.Source) { r.Net.Start(p, src) }

// Derive implements Derived.
func (r *ResidualFlow) Derive(p []float32, rounds int) { r.Net.Derive(p, rounds) }

// Memory implements Transform: the network's, and the inverse of 1+J, column f of row i in row i*features+f.
func (r *ResidualFlow) Memory() (rows, scratch int) {
	return r.Net.Rows() + r.features*r.features, r.Net.Scratch()
}

// enter sets the inputs of the network, 0 where there is no event.
func (r *ResidualFlow) enter(t *tile.Tile, p, mem []float32) {
	r.Net.Begin(p, mem, t.Context, t.N)
	for f := range r.features {
		in := r.Net.Input(mem, f)
		clear(in[copy(in, tile.Row(t.X, f)[:t.N]):])
	}
}

// ToLatent implements Transform.
func (r *ResidualFlow) ToLatent(t *tile.Tile, p, mem []float32) {
	r.enter(t, p, mem)
	r.Net.Forward(p, mem, true)
	for f := range r.features {
		kernel.Add(tile.Row(t.X, f)[:t.N], r.Net.Output(mem, f, 0)[:t.N])
	}
	r.logDet(t, mem, 1)
}

// logDet adds so many times log det(1+J) and leaves the inverse of 1+J behind the network's memory.
func (r *ResidualFlow) logDet(t *tile.Tile, mem []float32, times float32) {
	var matrix [MostResidual * MostResidual]float64
	n, inverse := r.features, mem[r.Net.Rows()*kernel.Tile:]
	a := matrix[:n*n]
	for e := range t.N {
		for i := range n {
			for k := range n {
				a[i*n+k] = float64(r.Net.Output(mem, i, k+1)[e])
			}
			a[i*n+i]++
		}
		t.LogDet[e] += times * float32(math.Log(invert(a, n)))
		for i, v := range a {
			inverse[i*kernel.Tile+e] = float32(v)
		}
	}
}

// invert replaces the n x n matrix a by its inverse, by Gauss and Jordan, and returns its determinant. Its symmetric part is
// positive definite, so that no pivot is near 0.
func invert(a []float64, n int) (det float64) {
	det = 1
	for k := range n {
		pivot := max(a[k*n+k], leastPivot)
		det *= pivot
		own := a[k*n:][:n]
		own[k] = 1
		for j := range own {
			own[j] /= pivot
		}
		for i := range n {
			if i == k {
				continue
			}
			other := a[i*n:][:n]
			by := other[k]
			other[k] = 0
			for j, v := range own {
				other[j] -= by * v
			}
		}
	}
	return det
}

// Backward implements Independent: of log det(1+J) the gradient by J is the transposed inverse of 1+J.
func (r *ResidualFlow) Backward(t *tile.Tile, p, g, mem, scratch []float32) {
	n, inverse := r.features, mem[r.Net.Rows()*kernel.Tile:]
	for i := range n {
		d := r.Net.Gradient(scratch, i, 0)
		clear(d[copy(d, tile.Row(t.DX, i)[:t.N]):])
		for k := range n {
			d = r.Net.Gradient(scratch, i, k+1)
			clear(d[t.N:])
			kernel.Mul(d[:t.N], tile.Row(inverse, k*n+i), t.DLogDet)
		}
	}
	dx := r.Net.Backward(p, g, mem, t.Context, scratch, &t.Pass)
	for f := range n {
		kernel.Add(tile.Row(t.DX, f)[:t.N], r.Net.InputGradient(dx, f)[:t.N])
	}
}

// ToData implements Transform. Each event goes its own way, whatever the others of its tile.
func (r *ResidualFlow) ToData(t *tile.Tile, p, mem []float32) {
	var found [kernel.Tile]bool
	r.enter(t, p, mem)
	for left, steps := t.N, 0; left > 0 && steps < residualSteps; steps++ {
		r.Net.Forward(p, mem, false)
		for e := range t.N {
			if !found[e] && r.iterate(t, mem, e) {
				found[e] = true
				left--
			}
		}
	}
	r.Net.Forward(p, mem, true)
	for f := range r.features {
		copy(tile.Row(t.X, f)[:t.N], r.Net.Input(mem, f))
	}
	r.logDet(t, mem, -1)
}

// iterate moves event e, and says whether that was within the tolerance.
func (r *ResidualFlow) iterate(t *tile.Tile, mem []float32, e int) bool {
	var step, most float32
	for f := range r.features {
		x := &r.Net.Input(mem, f)[e]
		to := tile.Row(t.X, f)[e] - r.Net.Output(mem, f, 0)[e]
		step, most = max(step, tile.Abs(to-*x)), max(most, tile.Abs(to))
		*x = to
	}
	return !(step > ResidualTolerance*(1+most))
}
