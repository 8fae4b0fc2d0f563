package whole

import (
	"fmt"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/nn"
)

// Continuous moves all features along dx/dt = v(x, t, context), from the data at t = 1 to the latent at t = 0 (arXiv:1806.07366), with v an
// MLP. log|det dz/dx| is the integral of the divergence of v along the way (there equation 8): that is exact for up to mostTraced features,
// and for more the mean over some probes e of e.(dv/dx) e (Hutchinson's estimator; arXiv:1810.01367), which follow from the event.
//
// The way is so many Steps of rk4, or as many of Dormand and Prince's as Tolerance asks for. These are each event's own, so that
// nothing depends on the others in its tile. Flow matching trains v without going the way (Matching); the gradient of the likelihood is that of the
// steps as they were taken (arXiv:2005.13420: discretise, then optimise).
type Continuous struct {
	Steps     int     // 0 for those that Tolerance needs
	Tolerance float64 // of the error of a step, relative to 1 and to what is moved
	Path      Path    // of flow matching
	SigmaMin  float64 // of its path ot
	Paired    bool    // flow matching draws near each event
	Config    nn.Config
	Net       *nn.MLP // v, whose context is Clocks of the time before that of the event

	features, context int
	begin, end        int // of its parameters
	seed              uint64
}

const (
	mostTraced = 32 // features
	together   = 8  // directions of a trace that go through the network at once, and probes in all
	waves      = 3  // of t, as cosine and sine: the network's other inputs are t and the context
)

// Clocks are the columns of the time, MostSteps the steps of a way.
const (
	Clocks    = 1 + 2*waves
	MostSteps = 256
)

// New returns a copy of c for its place in a flow. Probes follow from the seed.
func (c Continuous) New(features, context int, seed uint64) *Continuous {
	c.features, c.context, c.seed = features, context, seed
	return &c
}

// Layout implements Transform.
func (c *Continuous) Layout(l *nn.Layout, scope string) {
	c.begin = l.Size
	c.Net = nn.NewMLP(l, scope, c.Config, nn.Shape{Features: c.features, Context: Clocks + c.context, Outputs: c.features})
	c.end = l.Size
}

// Start implements Starter: v near 0.
func (c *Continuous) Start(p []float32, src *nn.Source) {
	c.Net.Start(p, make([]float32, c.features), src)
}

// Numerical implements the interface of that name.
func (c *Continuous) Numerical() string {
	if c.Steps > 0 {
		return fmt.Sprintf("is integrated both ways, in %d steps of rk4", c.Steps)
	}
	return fmt.Sprintf("is integrated both ways, each step (Dormand and Prince's) to %g, in at most %d", c.Tolerance, MostSteps)
}

// Memory implements Transform: that of a way, then of its gradient.
func (c *Continuous) Memory() (rows, scratch int) {
	k, d, stages := c.directions(), c.features, len(c.tableau().b)
	tangents, back := c.Net.TangentRows(k)
	rows = c.Net.Rows() + Clocks + c.context + 2*d + stages*(d+1) + k*d + tangents + 1 + c.most()*(d+2)
	return rows, c.Net.Rows() + stages*d + (k+1)*d + 1 + Clocks + c.context + max(back, c.Net.Scratch())
}

// ToLatent implements Transform.
func (c *Continuous) ToLatent(t *tile.Tile, p, mem []float32) { c.through(t, p, mem, -1) }

// ToData implements Transform.
func (c *Continuous) ToData(t *tile.Tile, p, mem []float32) { c.through(t, p, mem, 1) }

// through takes a tile from one end to the other.
func (c *Continuous) through(t *tile.Tile, p, mem []float32, sign float32) {
	w := c.way(t, p, mem, sign)
	copy(w.x, t.X)
	w.probe()
	for e := range t.N {
		w.h[e] = firstStep
		if c.Steps > 0 {
			w.h[e] = 1 / float32(c.Steps)
		}
	}
	for first := true; w.left(); first = false {
		if first || w.wrong == nil {
			w.take(0)
		}
		for j := 1; j < len(w.b); j++ {
			w.take(j)
		}
		w.step(t.LogDet)
	}
	copy(t.X, w.x)
	for e := range t.N {
		w.passed[e] = float32(w.count[e])
	}
}

// Backward implements Independent: step after step of the way that ToLatent went.
func (c *Continuous) Backward(t *tile.Tile, p, g, mem, scratch []float32) {
	w := c.way(t, p, mem, -1)
	if t.First {
		clear(g[c.begin:c.end])
	}
	longest := 0
	for e := range t.N {
		w.count[e] = int(w.passed[e])
		longest = max(longest, w.count[e])
	}
	w.recall(0)
	w.probe()
	for i := longest - 1; i >= 0; i-- {
		w.recall(i)
		w.back(t, g, scratch)
	}
}
