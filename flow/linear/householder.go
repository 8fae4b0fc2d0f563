package linear

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Householder is the orthogonal map of the features in Order that is the product of reflections z = x - 2 w (w.x), w = v/|v|
// (Householder, J. ACM 5, 1958; as a flow Tomczak and Welling, arXiv:1611.09630), so that log|det| = 0. As many of them as there are
// features are every orthogonal map there is. Vectors are their v, a row each; a v of 0 reflects nothing.
type Householder struct {
	Order       []int32
	Reflections int
	Vectors     nn.View
}

// Layout implements Transform.
func (h *Householder) Layout(l *nn.Layout, scope string) {
	h.Vectors = l.Add(scope+".vectors", h.Reflections, len(h.Order), nn.Scale)
}

// Start implements Starter: random reflections in pairs that undo each other, so that an even number starts as the identity.
func (h *Householder) Start(p []float32, src *nn.Source) {
	v, n := h.Vectors.Of(p), len(h.Order)
	for i := range h.Reflections {
		for j := range n {
			v[i*n+j] = float32(src.NormFloat64())
		}
		if i%2 == 1 {
			copy(v[i*n:][:n], v[(i-1)*n:])
		}
	}
}

// vectorRows is the number of tile rows that hold a vector.
func (h *Householder) vectorRows() int { return (len(h.Order) + kernel.Tile - 1) / kernel.Tile }

// Memory implements Transform: z, and a vector; then a vector and the gradient of one.
func (h *Householder) Memory() (rows, scratch int) {
	return len(h.Order) + h.vectorRows(), 2 * h.vectorRows()
}

// unit sets w to v/|v| of reflection i and returns |v|.
func (h *Householder) unit(w, p []float32, i int) float64 {
	n := len(h.Order)
	v := h.Vectors.Of(p)[i*n:][:n]
	norm := math.Sqrt(kernel.SquaredNorm(v))
	for j, x := range v {
		w[j] = float32(float64(x) / max(norm, math.SmallestNonzeroFloat32))
	}
	return norm
}

// project sets s to w.x of the events of a tile.
func (h *Householder) project(s, w, x []float32) {
	clear(s)
	for j, f := range h.Order {
		kernel.Axpy(s, w[j], tile.Row(x, int(f)))
	}
}

// reflect adds -2 w s to x.
func (h *Householder) reflect(x, w, s []float32) {
	for j, f := range h.Order {
		kernel.Axpy(tile.Row(x, int(f))[:len(s)], -2*w[j], s)
	}
}

func (h *Householder) through(t *tile.Tile, p, w []float32, i int) {
	var s [kernel.Tile]float32
	h.unit(w, p, i)
	h.project(s[:t.N], w, t.X)
	h.reflect(t.X, w, s[:t.N])
}

// ToLatent implements Transform.
func (h *Householder) ToLatent(t *tile.Tile, p, mem []float32) {
	w := mem[len(h.Order)*kernel.Tile:]
	for i := range h.Reflections {
		h.through(t, p, w, i)
	}
	for j, f := range h.Order {
		copy(tile.Row(mem, j), tile.Row(t.X, int(f)))
	}
}

// ToData implements Transform: a reflection is its own inverse.
func (h *Householder) ToData(t *tile.Tile, p, mem []float32) {
	w := mem[len(h.Order)*kernel.Tile:]
	for i := h.Reflections - 1; i >= 0; i-- {
		h.through(t, p, w, i)
	}
}

// Work implements Map.
func (h *Householder) Work() int { return 2 * h.Reflections * len(h.Order) }

// Follow implements Map.
func (h *Householder) Follow(a *Affine, p []float32) {
	w := make([]float32, len(h.Order))
	for i := range h.Reflections {
		h.unit(w, p, i)
		a.turn(h.Order, func(i, j int) float64 {
			r := -2 * float64(w[i]) * float64(w[j])
			if i == j {
				r++
			}
			return r
		})
	}
}

// Backward implements Independent. It goes back over the x of each reflection from the last z. Of z, x, and the gradient d of
// z, that of w is -2 sum (w.x) d + (w.d) x over the events, that of v what stands across w of it, over |v|.
func (h *Householder) Backward(t *tile.Tile, p, g, mem, scratch []float32) {
	var bySum, byD, product [kernel.Tile]float32
	s, q, n := bySum[:t.N], byD[:t.N], len(h.Order)
	w, dw := scratch[:n], scratch[h.vectorRows()*kernel.Tile:][:n]
	if t.First {
		clear(h.Vectors.Of(g))
	}
	for i := h.Reflections - 1; i >= 0; i-- {
		norm := h.unit(w, p, i)
		clear(s)
		for j := range n {
			kernel.Axpy(s, w[j], tile.Row(mem, j)) // -w.x, for w.z = -w.x
		}
		for j := range n {
			kernel.Axpy(tile.Row(mem, j)[:t.N], -2*w[j], s)
		}
		h.project(q, w, t.DX)
		along := 0.0
		for j, f := range h.Order {
			kernel.Mul(product[:t.N], s, tile.Row(t.DX, int(f)))
			sum := kernel.Sum(product[:t.N])
			kernel.Mul(product[:t.N], q, tile.Row(mem, j))
			dw[j] = 2 * (sum - kernel.Sum(product[:t.N]))
			along += float64(w[j]) * float64(dw[j])
		}
		h.reflect(t.DX, w, q)
		if norm == 0 {
			continue
		}
		dv := h.Vectors.Of(g)[i*n:][:n]
		for j := range dv {
			dv[j] += float32((float64(dw[j]) - along*float64(w[j])) / norm)
		}
	}
}
