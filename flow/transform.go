package flow

import "github.com/sluice-hep/sluice/nn"

// Transform is an invertible map of all features of a tile that depends on the context. Its parameters are views
// of the flat vector p. It holds no state of a batch and may be used by any number of goroutines. Each is also
// Independent or Joint, which is how it is trained.
type Transform interface {
	// Rows is the number of tile rows (mem) that ToLatent and ToData need, and what ToLatent keeps for Backward.
	Rows() int
	// ToLatent maps t.X from data to latent in place and adds log|det dz/dx| to t.LogDet.
	ToLatent(t *Tile, p, mem []float32)
	// ToData maps t.X from latent to data in place and adds log|det dx/dz| to t.LogDet.
	ToData(t *Tile, p, mem []float32)
	// Cut sets those gradients to zero whose parameters are zero by construction.
	Cut(g []float32)
}

// Independent is a Transform of each event by itself, in training too.
type Independent interface {
	Transform
	// Scratch is the number of tile rows that Backward needs besides.
	Scratch() int
	// Backward takes the gradients t.DX of the latent and t.DLogDet of log|det dz/dx| from after ToLatent on the same
	// mem, leaves in t.DX that of the data, and puts (t.First) or adds the gradient of the parameters to g.
	Backward(t *Tile, p, g, mem, scratch []float32)
}

// Joint is a Transform that takes the whole batch at once in training: because it depends on statistics of the
// batch, or because its weights should be read once a batch. Outside training, the statistics are constants among the
// parameters, whose gradient is zero.
type Joint interface {
	Transform
	// NewPass returns memory for training, with the crew to share out the work.
	NewPass(crew *nn.Crew) Pass
}

// Pass takes the tiles of a batch through a Joint transform. Nothing in it depends on the number of threads. It is
// not for concurrent use.
type Pass interface {
	// ToLatent is that of training, by the statistics of these tiles.
	ToLatent(tiles []*Tile, p []float32)
	// Backward follows ToLatent of the same tiles; it puts the gradient of the parameters.
	Backward(tiles []*Tile, p, g []float32)
	// Freeze sets the statistics among the parameters p to those of these tiles, which it leaves as they are.
	Freeze(tiles []*Tile, p []float32)
}

// Tile is one tile on its way through a flow: value e of feature f is X[f*kernel.Tile+e].
type Tile struct {
	nn.Pass
	X       []float32 // features
	Context []float32 // context columns
	LogDet  []float32 // one value an event

	DX      []float32 // gradient of the loss with respect to X
	DLogDet []float32 // and with respect to LogDet
}

// Transformer is a monotone map of one feature, z = f(x; h), whose Params parameters h come from a
// conditioner: rows of a tile, stride kernel.Tile. All slices hold n events.
type Transformer interface {
	// Params is the number of rows of h.
	Params() int
	// Saved is the number of rows that ToLatent keeps for Backward.
	Saved() int
	// Start appends the h for which the map is (near) the identity.
	Start(h []float32) []float32
	// ToLatent sets z and adds log dz/dx to logDet; z may be x.
	ToLatent(z, logDet, x, h, saved []float32, n int)
	// Backward sets dx and dh from the gradients dz and dLogDet. x and z are as after ToLatent; dx may be dz.
	Backward(dx, dh, dz, dLogDet, x, z, h, saved []float32, n int)
	// ToData sets x and adds log dx/dz to logDet; x may be z. It may overwrite h.
	ToData(x, logDet, z, h []float32, n int)
}

// Conditioner gives the parameters of transformers from features and context. act is its memory, Rows rows of a
// tile; scratch has Scratch rows.
type Conditioner interface {
	Rows() int
	Scratch() int
	// Input returns the rows of act where the features go.
	Input(act []float32) []float32
	// Forward computes the outputs, rows of a tile inside act.
	Forward(p, act, context []float32, pass *nn.Pass) []float32
	// Backward puts or adds the gradient of the parameters to g and returns that of the features, or nil.
	Backward(p, g, act, d, scratch []float32, pass *nn.Pass) []float32
	Cut(g []float32)
}

// SequentialConditioner is a Conditioner whose outputs for feature i depend on the features before i only.
type SequentialConditioner interface {
	Conditioner
	// Begin prepares act; Next then returns the outputs for feature i once those before are in Input(act).
	Begin(act, context []float32)
	Next(p, act []float32, i, n int) []float32
}

var (
	_ Conditioner           = (*nn.MLP)(nil)
	_ SequentialConditioner = (*nn.MLP)(nil)
)
