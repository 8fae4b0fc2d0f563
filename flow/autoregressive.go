package flow

import "github.com/sluice-hep/sluice/internal/kernel"

// Autoregressive transforms every feature by the Transformer, with parameters that the Conditioner computes from the
// features before it in Order and the context (Papamakarios et al., arXiv:1705.07057). log|det| is the sum over the
// features. ToLatent is one pass; ToData goes feature by feature.
type Autoregressive struct {
	Order       []int32 // the features, in the order in which they depend on each other
	Transformer Transformer
	Conditioner SequentialConditioner
}

// Memory: the conditioner's (its input is x), then z of each feature and what its transformer saves.
func (a *Autoregressive) perFeature() int { return 1 + a.Transformer.Saved() }

// Rows implements Transform.
func (a *Autoregressive) Rows() int { return a.Conditioner.Rows() + len(a.Order)*a.perFeature() }

// Scratch implements Independent.
func (a *Autoregressive) Scratch() int {
	return len(a.Order)*a.Transformer.Params() + a.Conditioner.Scratch()
}

// Cut implements Transform.
func (a *Autoregressive) Cut(g []float32) { a.Conditioner.Cut(g) }

// ToLatent implements Transform.
func (a *Autoregressive) ToLatent(t *Tile, p, mem []float32) {
	in := a.Conditioner.Input(mem)
	for i, f := range a.Order {
		copy(row(in, i), row(t.X, int(f)))
	}
	h := a.Conditioner.Forward(p, mem, t.Context, &t.Pass)
	k := a.Transformer.Params()
	for i, f := range a.Order {
		keep := rows(mem, a.Conditioner.Rows()+i*a.perFeature(), a.perFeature())
		z := row(t.X, int(f))
		a.Transformer.ToLatent(z[:t.N], t.LogDet, row(in, i), rows(h, i*k, k), keep[kernel.Tile:], t.N)
		copy(row(keep, 0), z)
	}
}

// Backward implements Independent.
func (a *Autoregressive) Backward(t *Tile, p, g, mem, scratch []float32) {
	in := a.Conditioner.Input(mem)
	k := a.Transformer.Params()
	h := outputs(a.Conditioner, mem, len(a.Order)*k)
	dh := rows(scratch, 0, len(a.Order)*k)
	for i, f := range a.Order {
		keep := rows(mem, a.Conditioner.Rows()+i*a.perFeature(), a.perFeature())
		d := row(t.DX, int(f))
		a.Transformer.Backward(d, rows(dh, i*k, k), d, t.DLogDet, row(in, i), row(keep, 0), rows(h, i*k, k), keep[kernel.Tile:], t.N)
	}
	dIn := a.Conditioner.Backward(p, g, mem, dh, scratch[len(dh):], &t.Pass)
	addRows(t.DX, dIn, a.Order, t.N)
}

// ToData implements Transform.
func (a *Autoregressive) ToData(t *Tile, p, mem []float32) {
	in := a.Conditioner.Input(mem)
	a.Conditioner.Begin(mem, t.Context)
	for i, f := range a.Order {
		x := row(t.X, int(f))
		h := a.Conditioner.Next(p, mem, i, t.N)
		a.Transformer.ToData(x, t.LogDet, x, h, t.N)
		copy(row(in, i), x)
	}
}
