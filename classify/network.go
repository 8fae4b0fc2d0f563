package classify

import (
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// network is a linear map of all inputs plus an MLP of those that are no products.
type network struct {
	*inputs
	outputs     int
	linear, mlp *nn.MLP
	layout      nn.Layout
	mlpFrom     int // the first parameter of the MLP
}

func newNetwork(in *inputs, hidden []int, outputs int) *network {
	n := &network{inputs: in, outputs: outputs}
	cfg := nn.Config{Activation: "relu", Init: "he"}
	n.linear = nn.NewMLP(&n.layout, "linear", cfg, nn.Shape{Features: n.width(), Outputs: outputs})
	n.mlpFrom = n.layout.Size
	cfg.Hidden = hidden
	n.mlp = nn.NewMLP(&n.layout, "mlp", cfg, nn.Shape{Features: in.rows, Outputs: outputs})
	return n
}

// width is the number of all inputs.
func (n *network) width() int { return n.rows + n.products() }

// start draws the MLP, whose outputs are near 0; the linear map is 0.
func (n *network) start(seed uint64) []float32 {
	p := kernel.Aligned(n.layout.Size)
	n.mlp.Start(p, make([]float32, n.outputs), rng.New(seed, rng.StreamInit, 0))
	return p
}

// decays are the weights of the MLP: the linear map need not be small.
func (n *network) decays() (ranges [][2]int) {
	for _, r := range n.layout.Decays() {
		if r[0] >= n.mlpFrom {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// space is what a worker needs for a tile.
type space struct {
	pass                nn.Pass
	linear, mlp         []float32 // of the two, as nn has it
	out, bound, d, back []float32 // outputs, their tanh where they are bounded, their gradient
}

func (n *network) newSpace() *space {
	take := func(rows int) []float32 { return kernel.Aligned(rows * kernel.Tile) }
	return &space{
		linear: take(n.linear.Rows()), mlp: take(n.mlp.Rows()), out: take(n.outputs), bound: take(n.outputs), d: take(n.outputs),
		back: take(max(n.linear.Scratch(), n.mlp.Scratch())),
	}
}

// seen are the rows of the tile where the inputs go.
func (n *network) seen(s *space) []float32 { return n.linear.Input(s.linear) }

// begin says how many events the tile has.
func (s *space) begin(events int) {
	s.pass = nn.Pass{N: kernel.RoundLanes(events), Events: events, SkipDX: true}
}

// forward sets the outputs of what is seen.
func (n *network) forward(p []float32, s *space) {
	x := n.seen(s)
	n.multiply(x, s.pass.N)
	copy(n.mlp.Input(s.mlp), x[:n.rows*kernel.Tile])
	copy(s.out, n.linear.Forward(p, s.linear, nil, &s.pass)[:len(s.out)])
	kernel.Add(s.out, n.mlp.Forward(p, s.mlp, nil, &s.pass)[:len(s.out)])
}

// backward puts or adds the gradient of the parameters from that of the outputs, in s.d.
func (n *network) backward(p, grad []float32, s *space, first bool) {
	s.pass.First = first
	n.linear.Backward(p, grad, s.linear, s.d, s.back, &s.pass)
	n.mlp.Backward(p, grad, s.mlp, s.d, s.back, &s.pass)
}
