package flow

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Component is a flow as one of several in a larger loss of the same events, whose owner takes each tile of a batch to its log-density
// and back, with a slope of its own for each event. Workers and parts are those of the owner's batch.
type Component struct {
	*course
	x, context [][]float32
}

// Adopt has the flow keep its parameters in flat, which is as long: those of several flows are then one vector.
func (f *Flow) Adopt(flat []float32) {
	copy(flat, f.params)
	f.params = flat
}

// NewComponent binds events to a flow; see NewLikelihood. It is an error where a layer takes the batch as a whole.
func NewComponent(f *Flow, x, context [][]float32, b *batch.Batch) (*Component, error) {
	if _, err := f.check(x, context); err != nil {
		return nil, err
	}
	for _, l := range f.layers {
		if _, ok := l.Transform.(Batched); ok {
			return nil, fmt.Errorf("flow: a layer %s takes a batch as a whole, and a component of a mixture goes tile by tile: take networks of kind mlp, "+
				"and act-norm for a norm", l.Part.Kind)
		}
	}
	if err := f.Support(x); err != nil {
		return nil, err
	}
	c := &Component{x: x, context: context}
	c.course = newCourseOf(f, c, b)
	c.reserve()
	return c, nil
}

// Begin comes before the tiles of a batch.
func (c *Component) Begin() { c.f.derive(fewRounds) }

// Forward sets logProb to the log-densities of the events of a tile, one value an event, and leaves what Backward needs.
func (c *Component) Forward(worker int, b *batch.Tile, logProb []float64) {
	s := &c.spaces[worker]
	s.noise = b.Noise
	s.tile.Noise = &s.noise
	c.load(&s.tile, s.base, b.Number, b.Rows)
	c.forward(s)
	c.logDensity(&s.tile, s.base, logProb)
}

// Backward follows Forward of the same tile. slope is the gradient of the loss by -log p of each event; that of the parameters is put
// to, or added to, g.
func (c *Component) Backward(worker int, b *batch.Tile, slope, g []float32) {
	s := &c.spaces[worker]
	t := &s.tile
	t.First, t.SkipDX = b.First, false
	d := t.DLogDet[:t.N] // minus that for now
	clear(d[copy(d, slope):])
	c.f.base.Backward(t, c.f.params, g, s.base, s.scratch, d)
	kernel.Scale(d, -1)
	c.backward(s, g)
}

// LogProb is Forward outside training.
func (c *Component) LogProb(worker int, rows []int32, logProb []float64) {
	w := &c.eval[worker]
	c.load(w.tiles[0], w.mems[0], 0, rows)
	c.f.toLatent(w, 1)
	c.logDensity(w.tiles[0], w.mems[0], logProb)
}

func (c *Component) logDensity(t *Tile, mem []float32, logProb []float64) {
	c.f.logDensity(t, mem, logProb)
	for e := range logProb {
		logProb[e] += float64(t.LogDet[e])
	}
}

func (c *Component) load(t *Tile, _ []float32, _ int, rows []int32) {
	gather(t, c.context, rows)
	batch.Gather(t.X, c.x, rows, t.N)
}

// The owner has the loss.
func (c *Component) loss(*Tile, []float32, int, []int32) float64 {
	panic("flow: a component has no loss")
}
func (c *Component) seed(*trainSpace, *batch.Tile, float32) { panic("flow: a component has no loss") }
