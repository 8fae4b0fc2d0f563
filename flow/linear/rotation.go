package linear

import (
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Rotation is a fixed random orthogonal map of the features in Order, z = Q x, so that log|det| = 0: it mixes the features between
// transforms that move them one by one, as in Gaussianisation (Chen and Gopinath, NIPS 2000) and in the invertible networks of
// arXiv:2006.06599. Q follows from the seed of the flow. One that is trained is Householder.
type Rotation struct {
	Order  []int32
	Seed   uint64    // of Q
	Matrix []float32 // Q, once it is drawn
}

// Layout implements Transform: there are no parameters.
func (r *Rotation) Layout(*nn.Layout, string) {}

// Mask implements Masked: it draws Q.
func (r *Rotation) Mask() {
	n := len(r.Order)
	r.Matrix = make([]float32, n*n)
	nn.Orthogonal(r.Matrix, n, n, rng.New(r.Seed, rng.StreamPermute, 1))
}

// Cut implements Masked.
func (r *Rotation) Cut([]float32) {}

// Memory implements Transform: x and z.
func (r *Rotation) Memory() (rows, scratch int) { return 2 * len(r.Order), 2 * len(r.Order) }

// turn multiplies the rows x of a tile by Q, or by its transpose.
func (r *Rotation) turn(x []float32, back bool, n int, mem []float32) {
	k := len(r.Order)
	in, out := tile.Rows(mem, 0, k), tile.Rows(mem, k, k)
	for i, f := range r.Order {
		copy(tile.Row(in, i), tile.Row(x, int(f)))
	}
	m := kernel.Gemm{M: k, N: n, K: k, A: r.Matrix, LDA: k, TransA: back, B: in, LDB: kernel.Tile, C: out, LDC: kernel.Tile}
	m.Run()
	for i, f := range r.Order {
		copy(tile.Row(x, int(f)), tile.Row(out, i))
	}
}

// Work implements Map.
func (r *Rotation) Work() int { return len(r.Order) * len(r.Order) }

// Follow implements Map.
func (r *Rotation) Follow(a *Affine, _ []float32) {
	n := len(r.Order)
	a.turn(r.Order, func(i, j int) float64 { return float64(r.Matrix[i*n+j]) })
}

// ToLatent implements Transform.
func (r *Rotation) ToLatent(t *tile.Tile, _, mem []float32) { r.turn(t.X, false, t.N, mem) }

// ToData implements Transform.
func (r *Rotation) ToData(t *tile.Tile, _, mem []float32) { r.turn(t.X, true, t.N, mem) }

// Backward implements Independent.
func (r *Rotation) Backward(t *tile.Tile, _, _, _, scratch []float32) {
	r.turn(t.DX, true, t.N, scratch)
}
