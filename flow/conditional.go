package flow

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Groups are the features of a transform in the order in which they depend on each other. The first Kept pass unchanged;
// the others come in groups, and are moved each by its Transformer, with parameters that a network computes from
// the features before the group and the context. log|det| is the sum over the features moved.
//
// A kept half and one group are a coupling (Dinh et al., arXiv:1410.8516). No kept feature and a group a feature are
// autoregressive (Papamakarios et al., arXiv:1705.07057); larger groups lie in between.
type Groups struct {
	Order        []int32
	Kept         int
	Ends         []int         // of each group, among the features moved
	Transformers []Transformer // of the features moved
	// Circles are the bounds of those features, among all in Order, that are angles; 0 for others. Nil for none.
	Circles []float32

	Context int    // columns
	Layer   int    // number of the network's first hidden layer in the flow
	Degrees string // one of nn.DegreeKinds

	in    []int  // row of the inputs where each of the features that the network sees starts; the last entry is their number
	at    []int  // row of the outputs where the parameters of each feature moved start; the last entry is their number
	saved int    // the most rows that a transformer saves
	own   [2]int // where the transformers' own parameters begin and end
}

// place lays out the transformers and says what the network must be.
func (g *Groups) place(l *nn.Layout, scope string) nn.Shape {
	var own nn.Layout
	g.at = append(g.at[:0], 0)
	for j, tr := range g.Transformers {
		g.at = append(g.at, g.at[j]+len(tr.Identity()))
		g.saved = max(g.saved, tr.Saved())
		if with, ok := tr.(Parametric); ok {
			with.Layout(&own, fmt.Sprintf("%s.transformer.%d", scope, j))
		}
	}
	g.own = [2]int{l.Size, l.Size + own.Size}
	for _, v := range own.Views {
		l.Add(v.Name, v.Rows, v.Cols, v.Role)
	}
	g.in = append(g.in[:0], 0)
	for i := range g.inputs() {
		width := 1
		if g.circle(i) > 0 {
			width = 2
		}
		g.in = append(g.in, g.in[i]+width)
	}
	s := nn.Shape{Features: g.in[len(g.inputs())], Context: g.Context, Outputs: g.at[len(g.Transformers)], Layer: g.Layer}
	if g.Kept == 0 {
		s.Order = &nn.Order{Degrees: g.Degrees}
		for _, end := range g.Ends {
			s.Order.Inputs, s.Order.Outputs = append(s.Order.Inputs, g.in[end]), append(s.Order.Outputs, g.at[end])
		}
	}
	return s
}

// circle is the bound of the feature at place i in Order if it is an angle, else 0.
func (g *Groups) circle(i int) float32 {
	if g.Circles == nil {
		return 0
	}
	return g.Circles[i]
}

// inputs are the features that the network sees.
func (g *Groups) inputs() []int32 {
	if g.Kept > 0 {
		return g.Order[:g.Kept]
	}
	return g.Order
}

func (g *Groups) moved() []int32 { return g.Order[g.Kept:] }

// enter sets the inputs of the network.
func (g *Groups) enter(in []float32, t *Tile) {
	for i, f := range g.inputs() {
		g.see(in, t, i, row(t.X, int(f)))
	}
}

// see sets the inputs that come from feature i, whose values are x: of an angle cosine and sine, which do not jump where the
// circle is cut; of an absent cell 0.
func (g *Groups) see(in []float32, t *Tile, i int, x []float32) {
	bound := g.circle(i)
	if bound == 0 {
		copy(row(in, g.in[i]), x)
		return
	}
	cos, sin := row(in, g.in[i]), row(in, g.in[i]+1)
	for e, v := range x {
		s, c := math.Sincos(math.Pi * float64(v) / float64(bound))
		cos[e], sin[e] = float32(c), float32(s)
	}
	tile.ClearAt(cos, t.Absent(g.Order[i]))
}

// seen adds the gradient d of the inputs to that of the features; nothing where d is nil.
func (g *Groups) seen(t *Tile, in, d []float32) {
	if d == nil {
		return
	}
	for i, f := range g.inputs() {
		dx, at := row(t.DX, int(f))[:t.N], g.in[i]
		bound := g.circle(i)
		if bound == 0 {
			kernel.Add(dx, row(d, at))
			tile.ClearAt(dx, t.Absent(f))
			continue
		}
		cos, sin, dCos, dSin := row(in, at), row(in, at+1), row(d, at), row(d, at+1)
		for e := range dx {
			dx[e] += math.Pi / bound * (cos[e]*dSin[e] - sin[e]*dCos[e])
		}
		tile.ClearAt(dx, t.Absent(f))
	}
}

// ownOf is the part of a flat vector with the transformers' own parameters.
func (g *Groups) ownOf(flat []float32) []float32 { return flat[g.own[0]:g.own[1]:g.own[1]] }

// params is the number of parameters of the feature moved as number j.
func (g *Groups) params(j int) int { return g.at[j+1] - g.at[j] }

// network is what Groups need of one of any sort.
type network interface {
	Start(p, bias []float32, src *nn.Source)
	Masked
}

// conditioned are Groups with a network, which is built for the shape that follows from them.
type conditioned[N network] struct {
	Groups
	Net   N
	build func(l *nn.Layout, scope string, s nn.Shape) N
}

// Layout implements Transform.
func (c *conditioned[N]) Layout(l *nn.Layout, scope string) {
	c.Net = c.build(l, scope, c.place(l, scope))
}

// Start implements Starter.
func (c *conditioned[N]) Start(p []float32, src *nn.Source) {
	var bias []float32
	for _, tr := range c.Transformers {
		bias = append(bias, tr.Identity()...)
		if own, ok := tr.(Starter); ok {
			own.Start(c.ownOf(p), src)
		}
	}
	c.Net.Start(p, bias, src)
}

// Partial implements Partial.
func (c *conditioned[N]) Partial() {}

// Mask implements Masked.
func (c *conditioned[N]) Mask() { c.Net.Mask() }

// Cut implements Masked.
func (c *conditioned[N]) Cut(g []float32) { c.Net.Cut(g) }

// Conditional is a transform of Groups by a network that takes tiles one by one.
type Conditional struct {
	conditioned[Conditioner]
	keep []int // row of mem where z of each feature moved is, what its transformer saves, and x unless the network has it
}

// NewConditional returns a transform with a network to be built for the shape that follows from the groups.
func NewConditional(g Groups, net func(l *nn.Layout, scope string, s nn.Shape) Conditioner) *Conditional {
	return &Conditional{conditioned: conditioned[Conditioner]{Groups: g, build: net}}
}

// Layout implements Transform.
func (c *Conditional) Layout(l *nn.Layout, scope string) {
	c.conditioned.Layout(l, scope)
	at := c.Net.Rows()
	c.keep = c.keep[:0]
	for j, tr := range c.Transformers {
		c.keep = append(c.keep, at)
		at += 1 + tr.Saved()
		if c.apart(j) {
			at++
		}
	}
	c.keep = append(c.keep, at)
}

// apart says that x of the feature moved as number j is not among the inputs of the network.
func (c *Conditional) apart(j int) bool { return c.Kept > 0 || c.circle(j) > 0 }

// Memory implements Transform.
func (c *Conditional) Memory() (rows, scratch int) {
	n := len(c.Transformers)
	return c.keep[n], c.at[n] + c.Net.Scratch()
}

// feature takes up the feature moved as number j, with x and z apart and its parameters in h.
func (c *Conditional) feature(t *Tile, j int, h, mem []float32) *Feature {
	keep := rows(mem, c.keep[j], c.keep[j+1]-c.keep[j])
	f := &t.Feature
	f.Z, f.Saved = row(keep, 0), keep[kernel.Tile:]
	if c.apart(j) {
		f.X = keep[len(keep)-kernel.Tile:]
	} else {
		f.X = row(c.Net.Input(mem), c.in[j])
	}
	f.H = rows(h, c.at[j], c.params(j))
	return f
}

// ToLatent implements Transform.
func (c *Conditional) ToLatent(t *Tile, p, mem []float32) {
	c.enter(c.Net.Input(mem), t)
	h := c.Net.Forward(p, mem, t.Context, &t.Pass)
	t.Feature = Feature{N: t.N, LogDet: t.LogDet, P: c.ownOf(p)}
	for j, i := range c.moved() {
		x, f := row(t.X, int(i)), c.feature(t, j, h, mem)
		if c.apart(j) {
			copy(f.X, x)
		}
		t.Keep(i)
		c.Transformers[j].ToLatent(f)
		copy(x, f.Z)
		t.PutBack(i)
	}
}

// Backward implements Independent.
func (c *Conditional) Backward(t *Tile, p, g, mem, scratch []float32) {
	h := c.Net.Results(mem)
	dh := rows(scratch, 0, c.at[len(c.Transformers)])
	t.Feature = Feature{N: t.N, DLogDet: t.DLogDet, P: c.ownOf(p), G: c.ownOf(g), First: t.First}
	for j, i := range c.moved() {
		f := c.feature(t, j, h, mem)
		f.D, f.DH = row(t.DX, int(i)), rows(dh, c.at[j], c.params(j))
		f.DLogDet = t.Slopes(i)
		c.Transformers[j].Backward(f)
		t.Still(i)
	}
	c.seen(t, c.Net.Input(mem), c.Net.Backward(p, g, mem, dh, scratch[len(dh):], &t.Pass))
}

// ToData implements Transform: a group once those before it are known.
func (c *Conditional) ToData(t *Tile, p, mem []float32) {
	in := c.Net.Input(mem)
	if c.Kept > 0 {
		c.enter(in, t)
	}
	c.Net.Begin(mem, t.Context)
	t.Feature = Feature{N: t.N, LogDet: t.LogDet, P: c.ownOf(p)}
	f, begin := &t.Feature, 0
	for g, end := range c.Ends {
		h := c.Net.Next(p, mem, g, t.N)
		for j := begin; j < end; j++ {
			i := c.moved()[j]
			f.X = row(t.X, int(i))
			f.Z, f.H = f.X, rows(h, c.at[j]-c.at[begin], c.params(j))
			t.Keep(i)
			c.Transformers[j].ToData(f)
			t.PutBack(i)
			if c.Kept == 0 {
				c.see(in, t, j, f.X)
			}
		}
		begin = end
	}
}
