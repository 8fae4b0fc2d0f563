package mix

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Gate is the network that says, of a context, how much each component of a mixture counts.
type Gate struct {
	Hidden     []int  `yaml:"hidden,omitempty" json:"hidden,omitempty"`         // widths of its layers; default [32]
	Activation string `yaml:"activation,omitempty" json:"activation,omitempty"` // default relu
}

// Gated is a mixture of flows of the same columns, p(x|c) = sum_k g_k(c) p_k(x|c), with g the softmax of a network of the context (of
// constants, where there is none), as in mixtures of experts (Jacobs et al., Neural Computation 3, 1991).
type Gated struct {
	Components []*flow.Flow
	Gate       Gate // in full; zero without a context

	seed    uint64
	layout  nn.Layout // of the gate
	bias    nn.View   // without a context
	net     *nn.MLP   // with one
	flat    []float32 // all parameters: those of the components, one after the other, and of the gate
	at      []int     // where each component's begin, and the gate's
	threads int
}

// full fills in the defaults.
func (g Gate) full(context int) (Gate, error) {
	if context == 0 {
		if !g.IsZero() {
			return g, fmt.Errorf("gate: a network of the context, of which there is none: take it out")
		}
		return g, nil
	}
	if len(g.Hidden) == 0 {
		g.Hidden = []int{32}
	}
	if g.Activation == "" {
		g.Activation = nn.Activations[0]
	}
	return g, g.Validate()
}

// IsZero says whether nothing is set.
func (g Gate) IsZero() bool { return len(g.Hidden) == 0 && g.Activation == "" }

// Validate names what cannot be.
func (g Gate) Validate() error {
	for _, n := range g.Hidden {
		if n < 1 || n > 65536 {
			return fmt.Errorf("gate.hidden: a width of %d is not between 1 and 65536", n)
		}
	}
	if len(g.Hidden) > 100 {
		return fmt.Errorf("gate.hidden: %d layers are more than 100", len(g.Hidden))
	}
	if g.Activation != "" && !slices.Contains(nn.Activations, g.Activation) {
		return fmt.Errorf("gate.activation: %q is not one of %v", g.Activation, nn.Activations)
	}
	return nil
}

// String says what the gate is.
func (g Gate) String() string {
	if g.IsZero() {
		return "gate of constants"
	}
	return fmt.Sprintf("gate on the context: hidden %v, %s", g.Hidden, g.Activation)
}

// GateViews are those of a gate of so many components and context columns, for a description that may ask for so many parameters
// at most.
func GateViews(components, context int, gate Gate, most int) ([]nn.View, error) {
	gate, err := gate.full(context)
	if err != nil {
		return nil, err
	}
	in, size := context, 0
	for _, n := range append(slices.Clone(gate.Hidden), components) {
		if size += n * in; size > most {
			return nil, fmt.Errorf("the gate asks for more than %d parameters", most)
		}
		in = n + context
	}
	var l nn.Layout
	gate.lay(&l, components, context)
	return l.Views, nil
}

// lay places the parameters: of a network, or, without a context, of constants.
func (g Gate) lay(l *nn.Layout, components, context int) (net *nn.MLP, bias nn.View) {
	if context == 0 {
		return nil, l.Add("gate.weight", components, 1, nn.Bias)
	}
	cfg := nn.Config{Hidden: g.Hidden, Activation: g.Activation, Init: "glorot"}
	return nn.NewMLP(l, "gate", cfg, nn.Shape{Context: context, Outputs: components}), nn.View{}
}

// NewGated joins flows of the same dimensions, whose parameters become parts of one vector. The gate starts from the seed, with every
// component counting about as much.
func NewGated(components []*flow.Flow, gate Gate, seed uint64) (*Gated, error) {
	if len(components) < 2 {
		return nil, fmt.Errorf("mix: a mixture needs two components or more")
	}
	features, context := components[0].Dims()
	gate, err := gate.full(context)
	if err != nil {
		return nil, err
	}
	g := &Gated{Components: components, Gate: gate, seed: seed}
	size := 0
	for _, f := range components {
		if n, c := f.Dims(); n != features || c != context {
			return nil, fmt.Errorf("mix: components of %d features and %d context columns, and of %d and %d, make no mixture", features, context, n, c)
		}
		g.at = append(g.at, size)
		size += f.Size()
	}
	g.at = append(g.at, size)
	k := len(components)
	g.net, g.bias = gate.lay(&g.layout, k, context)
	g.flat = kernel.Aligned(size + g.layout.Size)
	for i, f := range components {
		f.Adopt(g.flat[g.at[i]:][:f.Size():f.Size()])
	}
	if g.net != nil {
		g.net.Start(g.Params(), make([]float32, k), rng.New(seed, rng.StreamMember, 1<<30))
	}
	return g, nil
}

// Seed is that of the gate.
func (g *Gated) Seed() uint64 { return g.seed }

// Params are those of the gate, Views their names; those of each component are its own.
func (g *Gated) Params() []float32 { return g.flat[g.at[len(g.Components)]:] }

// Views names the parts of Params.
func (g *Gated) Views() []nn.View { return g.layout.Views }

// Cut sets to zero what is so by construction: nothing of the gate.
func (g *Gated) Cut([]float32) {}

// Dims are the numbers of features and of context columns.
func (g *Gated) Dims() (features, context int) { return g.Components[0].Dims() }

// Size is the number of all parameters.
func (g *Gated) Size() int { return len(g.flat) }

// UseThreads sets the number of threads.
func (g *Gated) UseThreads(n int) {
	g.threads = n
	for _, f := range g.Components {
		f.UseThreads(n)
	}
}

// Keep lets the workers wait until Close.
func (g *Gated) Keep() {
	for _, f := range g.Components {
		f.Keep()
	}
}

// Close ends the workers that wait for the next evaluation.
func (g *Gated) Close() {
	for _, f := range g.Components {
		f.Close()
	}
}

// gating is what a worker needs to compute the gate of a tile.
type gating struct {
	pass         nn.Pass
	context, act []float32
	logits       []float32 // a row a component
}

func (g *Gated) newGating() gating {
	_, context := g.Dims()
	w := gating{context: kernel.Aligned(context * kernel.Tile), logits: kernel.Aligned(len(g.Components) * kernel.Tile)}
	if g.net != nil {
		w.act = kernel.Aligned(g.net.Rows() * kernel.Tile)
	}
	return w
}

// weigh computes the logits of the events in rows, one row of the result a component.
func (g *Gated) weigh(w *gating, context [][]float32, rows []int32) {
	w.pass.Events, w.pass.N = len(rows), kernel.RoundLanes(len(rows))
	if g.net == nil {
		for k, b := range g.bias.Of(g.Params()) {
			for e := range w.pass.N {
				w.logits[k*kernel.Tile+e] = b
			}
		}
		return
	}
	batch.Gather(w.context, context, rows, w.pass.N)
	copy(w.logits, g.net.Forward(g.Params(), w.act, w.context, &w.pass)[:len(w.logits)])
}

// each calls fn for every run of at most a tile of n events.
func each(n int, fn func(lo int, rows []int32)) {
	rows := make([]int32, 0, kernel.Tile)
	for lo := 0; lo < n; lo += kernel.Tile {
		rows = rows[:0]
		for i := lo; i < min(lo+kernel.Tile, n); i++ {
			rows = append(rows, int32(i))
		}
		fn(lo, rows)
	}
}

// logGate turns the logits of event e into the logarithms of the g_k.
func logGate(logits []float32, e int, to []float64) {
	for k := range to {
		to[k] = float64(logits[k*kernel.Tile+e])
	}
	sum := logSum(to)
	for k := range to {
		to[k] -= sum
	}
}

// LogProb is log sum_k g_k p_k of each event, in nats.
func (g *Gated) LogProb(x, context [][]float32) ([]float64, error) {
	var of [][]float64
	for _, f := range g.Components {
		l, err := f.LogProb(x, context)
		if err != nil {
			return nil, err
		}
		of = append(of, l)
	}
	w, logProb, v := g.newGating(), make([]float64, len(of[0])), make([]float64, len(of))
	each(len(logProb), func(lo int, rows []int32) {
		g.weigh(&w, context, rows)
		for e, r := range rows {
			logGate(w.logits, e, v)
			for k := range v {
				v[k] += of[k][r]
			}
			logProb[r] = logSum(v)
		}
	})
	return logProb, nil
}

// Evaluate is LogProb: a mixture has no latent.
func (g *Gated) Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error) {
	logProb, err = g.LogProb(x, context)
	return logProb, nil, err
}

// NoLatent says why there is no latent.
func (g *Gated) NoLatent() string {
	return fmt.Sprintf("a mixture has no latent space, each of its %d components has one of its own", len(g.Components))
}

// Chooses is the name of what Choose numbers.
func (g *Gated) Chooses() string { return "component" }

// Choose is the component, from 0 on, that draws each of the events of the numbers given, by the gate of its context.
func (g *Gated) Choose(numbers []uint64, context [][]float32, seed uint64) ([]int, error) {
	for _, c := range context {
		if len(c) != len(numbers) {
			return nil, fmt.Errorf("mix: a context of %d events for %d", len(c), len(numbers))
		}
	}
	if _, want := g.Dims(); len(context) != want {
		return nil, fmt.Errorf("mix: %d context columns given to a mixture of %d", len(context), want)
	}
	u, which := make([]float64, len(numbers)), make([]int, len(numbers))
	rng.UniformAt(u, seed, rng.StreamMember, componentColumn, numbers)
	w, v := g.newGating(), make([]float64, len(g.Components))
	each(len(numbers), func(_ int, rows []int32) {
		g.weigh(&w, context, rows)
		for e, r := range rows {
			logGate(w.logits, e, v)
			left := u[r]
			for k := range v {
				if left -= math.Exp(v[k]); left < 0 || k == len(v)-1 {
					which[r] = k
					break
				}
			}
		}
	})
	return which, nil
}

// Sample draws n events, each from the component that the gate chooses, by the seed and the number of the event.
func (g *Gated) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	return g.SampleAt(upFrom(first, n), context, seed)
}

// SampleAt is Sample of the events of the numbers given, in rising order.
func (g *Gated) SampleAt(numbers []uint64, context [][]float32, seed uint64) ([][]float32, error) {
	which, err := g.Choose(numbers, context, seed)
	if err != nil {
		return nil, err
	}
	return sampleEach(g.Components, which, numbers, context, seed)
}
