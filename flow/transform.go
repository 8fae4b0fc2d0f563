package flow

import (
	"slices"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/nn"
)

// Transform is an invertible map of all features of a tile that depends on the context. Its parameters are views of the
// flat vector p. It holds no state of a batch and may be used by any number of goroutines. Each is also Independent or
// Batched, which is how it is trained; what else it is, of the interfaces below, is asked once, by New.
type Transform interface {
	// Layout places the parameters, before anything else is called.
	Layout(l *nn.Layout, scope string)
	// Memory is the number of tile rows (mem) that ToLatent and ToData need, and what ToLatent keeps for Backward; and
	// that of the rows (scratch) which Backward needs besides.
	Memory() (rows, scratch int)
	// ToLatent maps t.X from data to latent in place and adds log|det dz/dx| to t.LogDet.
	ToLatent(t *Tile, p, mem []float32)
	// ToData maps t.X from latent to data in place and adds log|det dx/dz| to t.LogDet.
	ToData(t *Tile, p, mem []float32)
}

// Independent is a Transform of each event by itself, in training too.
type Independent interface {
	Transform
	// Backward takes the gradients t.DX of the latent and t.DLogDet of log|det dz/dx| from after ToLatent on the same
	// mem, leaves in t.DX that of the data, and puts (t.First) or adds the gradient of the parameters to g.
	Backward(t *Tile, p, g, mem, scratch []float32)
}

// Batched is a Transform that takes the whole batch at once in training: because it depends on statistics of the
// batch, or because its weights should be read once a batch. Outside training, the statistics are constants among the
// parameters (views of role nn.Statistic), whose gradient is zero.
type Batched interface {
	Transform
	// NewPass returns memory for training, with the crew to share out the work.
	NewPass(crew *nn.Crew) Pass
}

// Starter has parameters that do not start at 0.
type Starter interface {
	Start(p []float32, src *nn.Source)
}

// DataStarter has parameters that start from events: those of the first batch of a training, as they are before this transform.
type DataStarter interface {
	StartFrom(tiles []*Tile, p []float32)
}

// Derived has parameters that follow from its others (views of role nn.Derived), whose gradient is zero. Derive brings them, by so many
// rounds, nearer to where they belong: before every gradient by a few, before parameters are judged or kept by many.
type Derived interface {
	Derive(p []float32, rounds int)
}

// Masked has parameters that are zero by construction.
type Masked interface {
	// Mask prepares for all that follows, once the flow is known to be of a possible size.
	Mask()
	// Cut sets these parameters, or their gradients, to zero.
	Cut(g []float32)
}

// OneWay has no inverse in closed form, or none for now: a flow with it gives densities and no samples.
type OneWay interface {
	// OneWay says why; empty for a transform that has an inverse after all.
	OneWay() string
}

// Numerical is a Transform that is computed by numerical steps, one way at least, less precisely than float32: it says how, and
// how exactly.
type Numerical interface{ Numerical() string }

// Numerical says which kinds of layers are computed by numerical steps, and how: a line each.
func (p *Plan) Numerical() (lines []string) {
	for _, l := range p.layers {
		if n, ok := l.Transform.(Numerical); ok {
			if line := l.Part.Kind + " " + n.Numerical(); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// grouped is a transform that is faster on several tiles at once.
type grouped interface {
	group(tiles []*Tile, p []float32, mem [][]float32, toData bool)
}

// What transforms (Tile), transformers (Feature) and the passes of a training take, and what a map keeps of a feature.
type (
	Tile     = tile.Tile
	Feature  = tile.Feature
	Pass     = tile.Pass
	Interval = tile.Interval
)

// Transformer is a monotone map of one feature, z = f(x; h), whose parameters h come from a conditioner.
type Transformer interface {
	Saved() int
	// Identity is the h, as many as there are, for which the map is (near) the identity.
	Identity() []float32
	// ToLatent sets f.Z and adds log dz/dx to f.LogDet.
	ToLatent(f *Feature)
	// Backward follows ToLatent of the same columns: it turns f.D and sets f.DH.
	Backward(f *Feature)
	// ToData sets f.X and adds log dx/dz to f.LogDet. It may overwrite f.H.
	ToData(f *Feature)
}

// Parametric is a Transformer with parameters of its own, besides those that a conditioner gives. Its views are of
// Feature.P and G, and of the vector that a Starter is given.
type Parametric interface {
	Layout(l *nn.Layout, scope string)
}

// Angular is a Transformer of an angle, whose ends are one point. Networks see its cosine and sine.
type Angular interface {
	// Circle is the bound of its circle [-bound, bound].
	Circle() float32
}

// Conditioner gives the parameters of transformers from features and context. act is its memory, Rows rows of a tile;
// scratch has Scratch rows.
type Conditioner interface {
	// Start draws the parameters; the outputs are near bias.
	Start(p, bias []float32, src *nn.Source)
	Masked
	Rows() int
	Scratch() int
	// Input returns the rows of act where the features go.
	Input(act []float32) []float32
	// Forward computes the outputs, rows of a tile inside act, which Results returns again.
	Forward(p, act, context []float32, pass *nn.Pass) []float32
	Results(act []float32) []float32
	// Backward puts or adds the gradient of the parameters to g and returns that of the features, or nil.
	Backward(p, g, act, d, scratch []float32, pass *nn.Pass) []float32
	// Begin prepares act; Next then returns the outputs of group g once the features of those before it are in Input(act).
	Begin(act, context []float32)
	Next(p, act []float32, g, n int) []float32
}

// BatchedConditioner is a network that takes many tiles at once, in training the whole batch: because each layer's weights
// should be read once for all of them, or because it takes statistics of the batch. All but its outputs is its trunk; mem is
// its memory of a tile outside training, EvaluationRows rows.
type BatchedConditioner interface {
	// Start draws the parameters; the outputs are near bias.
	Start(p, bias []float32, src *nn.Source)
	Masked
	EvaluationRows() int
	// Input returns the rows of mem where the features go.
	Input(mem []float32) []float32
	// Trunk sets trunk to that of each tile, somewhere in mem. Tile t has n[t] events.
	Trunk(p []float32, trunk, mem, context [][]float32, n []int)
	// Output computes outputs [r0, r1) from the trunk.
	Output(p, h, trunk []float32, r0, r1, n int)
	// Sequence returns what gives the trunk as far as the outputs of group g need it, once the features of the groups before
	// it are in Input(mem) and it was called for each of these.
	Sequence(p []float32) func(mem, context []float32, g, n int) (trunk []float32)
	// NewPass returns memory for training, with the crew to share out the work.
	NewPass(crew *nn.Crew) ConditionerPass
}

// ConditionerPass takes the tiles of a batch through a BatchedConditioner in training. Forward comes after Begin, and Set
// for each tile; then Output. Back it goes by Rewind, BackOutput for every output of each tile, Backward, InputGradient. What is
// of one tile may be called for several tiles at the same time. Nothing in it depends on the number of threads.
type ConditionerPass interface {
	Begin(tiles int)
	// Set says what tile t is, and returns the rows where its features go, which it leaves as they are.
	Set(t int, pass *nn.Pass, context []float32) []float32
	Forward(p []float32)
	// Output computes outputs [r0, r1) of tile t.
	Output(p, h []float32, t, r0, r1 int)
	Rewind()
	// BackOutput takes the gradient d of outputs [r0, r1) of tile t back to the trunk; first is the tile's first call.
	BackOutput(p, d []float32, t, r0, r1 int, first bool)
	// Backward puts the gradient of the parameters to g. d are the gradients of the outputs of each tile.
	Backward(p, g []float32, d [][]float32)
	// InputGradient is the gradient of the features of tile t, unless its SkipDX.
	InputGradient(t int) []float32
	// Collect adds the statistics of the last Forward to those that Freeze writes to the parameters.
	Collect()
	Freeze(p []float32)
}

// row and rows are those of a tile.
func row(t []float32, f int) []float32     { return tile.Row(t, f) }
func rows(t []float32, f, n int) []float32 { return tile.Rows(t, f, n) }
