package flow

import "github.com/sluice-hep/sluice/internal/kernel"

// Coupling transforms the features Moved, each by the Transformer, with parameters that the Conditioner computes from
// the features Kept, which pass unchanged, and the context (Dinh et al., arXiv:1410.8516). log|det| is the sum over Moved.
type Coupling struct {
	Kept, Moved []int32
	Transformer Transformer
	Conditioner Conditioner // of len(Kept) features
}

// Memory: the conditioner's, then x and z of each moved feature and what its transformer saves.
func (c *Coupling) perMoved() int { return 2 + c.Transformer.Saved() }

// Rows implements Transform.
func (c *Coupling) Rows() int { return c.Conditioner.Rows() + len(c.Moved)*c.perMoved() }

// Scratch implements Independent.
func (c *Coupling) Scratch() int {
	return len(c.Moved)*c.Transformer.Params() + c.Conditioner.Scratch()
}

// Cut implements Transform.
func (c *Coupling) Cut(g []float32) { c.Conditioner.Cut(g) }

func (c *Coupling) condition(t *Tile, p, mem []float32) []float32 {
	in := c.Conditioner.Input(mem)
	for i, f := range c.Kept {
		copy(row(in, i), row(t.X, int(f)))
	}
	return c.Conditioner.Forward(p, mem, t.Context, &t.Pass)
}

// ToLatent implements Transform.
func (c *Coupling) ToLatent(t *Tile, p, mem []float32) {
	h := c.condition(t, p, mem)
	k := c.Transformer.Params()
	for i, f := range c.Moved {
		keep := rows(mem, c.Conditioner.Rows()+i*c.perMoved(), c.perMoved())
		x, z := row(keep, 0), row(t.X, int(f))
		copy(x, z)
		c.Transformer.ToLatent(z[:t.N], t.LogDet, x, rows(h, i*k, k), keep[2*kernel.Tile:], t.N)
		copy(row(keep, 1), z)
	}
}

// Backward implements Independent.
func (c *Coupling) Backward(t *Tile, p, g, mem, scratch []float32) {
	k := c.Transformer.Params()
	h := outputs(c.Conditioner, mem, len(c.Moved)*k)
	dh := rows(scratch, 0, len(c.Moved)*k)
	for i, f := range c.Moved {
		keep := rows(mem, c.Conditioner.Rows()+i*c.perMoved(), c.perMoved())
		d := row(t.DX, int(f))
		c.Transformer.Backward(d, rows(dh, i*k, k), d, t.DLogDet, row(keep, 0), row(keep, 1), rows(h, i*k, k), keep[2*kernel.Tile:], t.N)
	}
	dIn := c.Conditioner.Backward(p, g, mem, dh, scratch[len(dh):], &t.Pass)
	addRows(t.DX, dIn, c.Kept, t.N)
}

// ToData implements Transform.
func (c *Coupling) ToData(t *Tile, p, mem []float32) {
	h := c.condition(t, p, mem)
	k := c.Transformer.Params()
	for i, f := range c.Moved {
		x := row(t.X, int(f))
		c.Transformer.ToData(x, t.LogDet, x, rows(h, i*k, k), t.N)
	}
}

// row is feature f of a tile.
func row(t []float32, f int) []float32 { return t[f*kernel.Tile : (f+1)*kernel.Tile] }

// rows are n features of a tile from feature f on.
func rows(t []float32, f, n int) []float32 { return t[f*kernel.Tile : (f+n)*kernel.Tile] }

// outputs are the last n rows of a conditioner's memory, where Forward left its result.
func outputs(c Conditioner, act []float32, n int) []float32 { return rows(act, c.Rows()-n, n) }

// addRows adds row i of src to the feature to[i] of the tile dst; nothing where src is nil.
func addRows(dst, src []float32, to []int32, n int) {
	if src == nil {
		return
	}
	for i, f := range to {
		kernel.Add(row(dst, int(f))[:n], row(src, i)[:n])
	}
}
