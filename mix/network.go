package mix

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Codes are seen one-hot; of a feature with more than mostHot of them, each as a vector of so many numbers, which start as normal ones and are trained.
const (
	mostHot  = 64
	embedded = 16
)

// network is the categorical part: the logits of each categorical feature given those before it and the context.
type network struct {
	*nn.MLP
	cfg    nn.Config
	shape  nn.Shape
	in     []int     // row where what is seen of each feature begins; the last entry is their number
	out    []int     // and its logits
	vector []nn.View // of each feature, a row a code; none where it is one-hot
}

// Streams of random numbers: subs of rng.StreamInit beyond those of flows, and the number of the first layer with dropout.
const (
	subStart   = 1 << 29
	subTable   = 1<<29 + 1
	firstLayer = 1 << 20
)

func newNetwork(s Spec, context int) *network {
	n := &network{cfg: nn.Config{Hidden: s.Hidden, Activation: "relu", Init: "glorot", Dropout: s.Dropout}, in: []int{0}, out: []int{0}}
	for i, f := range s.Categorical() {
		k := s.Features[f].Categories
		width := k
		if k > mostHot {
			width = embedded
		}
		n.in, n.out = append(n.in, n.in[i]+width), append(n.out, n.out[i]+k)
	}
	n.shape = nn.Shape{
		Features: n.in[n.features()], Context: context, Outputs: n.out[n.features()], Layer: firstLayer,
		Order: &nn.Order{Inputs: n.in[1:], Outputs: n.out[1:], Degrees: "cyclic"},
	}
	return n
}

func (n *network) features() int { return len(n.in) - 1 }

// seen is the number of rows in which the codes of all features are seen.
func (n *network) seen() int { return n.in[n.features()] }

func (n *network) categories(g int) int { return n.out[g+1] - n.out[g] }

// size is the number of parameters, without the vectors.
func (n *network) size() (size int) {
	in := n.shape.Features
	for _, width := range append(n.cfg.Hidden[:len(n.cfg.Hidden):len(n.cfg.Hidden)], n.shape.Outputs) {
		size += width * (n.shape.Context + in + 1)
		in = width
	}
	return size
}

// embeds says whether the codes of feature g are seen as vectors; learns, whether those of any are.
func (n *network) embeds(g int) bool { return n.categories(g) > mostHot }

func (n *network) learns() bool {
	return slices.ContainsFunc(n.vector, func(v nn.View) bool { return v.Rows > 0 })
}

func (n *network) layOut(l *nn.Layout) {
	for g := range n.features() {
		var v nn.View
		if n.embeds(g) {
			v = l.Add(fmt.Sprintf("%s%d", Vectors, g), n.categories(g), embedded, nn.Bias)
		}
		n.vector = append(n.vector, v)
	}
	n.MLP = nn.NewMLP(l, "codes", n.cfg, n.shape)
}

// Vectors begins the names of the vectors by which codes are seen, among the parameters.
const Vectors = "codes.vectors."

// drawVectors starts the vectors.
func (n *network) drawVectors(params []float32, seed uint64) {
	for g, v := range n.vector {
		random := rng.New(seed, rng.StreamInit, subTable+uint32(g))
		for j, all := 0, v.Of(params); j < len(all); j++ {
			all[j] = float32(random.NormFloat64())
		}
	}
}

func (n *network) clearVectors(g []float32) {
	for _, v := range n.vector {
		clear(v.Of(g))
	}
}

// learn adds the gradient d of what is seen to that of the vectors.
func (n *network) learn(g, d []float32, t *tile) {
	for k, v := range n.vector {
		if v.Rows == 0 {
			continue
		}
		to, d := v.Of(g), d[n.in[k]*kernel.Tile:]
		for e, c := range t.codes(k)[:t.Events] {
			for j := range embedded {
				if c >= 0 {
					to[int(c)*embedded+j] += d[j*kernel.Tile+e]
				}
			}
		}
	}
}

// tile is 64 events on their way through the network.
type tile struct {
	nn.Pass
	noise   nn.Noise
	code    []int32 // of event e and categorical feature g at g*kernel.Tile+e; -1 for what is no code
	context []float32
	act     []float32
	p       []float32 // probabilities, as many rows as logits; in training the gradient of these
	scratch []float32
	logProb [kernel.Tile]float64
}

func (n *network) newTile(training bool) *tile {
	t := &tile{
		code: make([]int32, n.features()*kernel.Tile), context: kernel.Aligned(n.shape.Context * kernel.Tile),
		act: kernel.Aligned(n.Rows() * kernel.Tile), p: kernel.Aligned(n.shape.Outputs * kernel.Tile),
	}
	if training {
		t.scratch = kernel.Aligned(n.Scratch() * kernel.Tile)
	}
	return t
}

// take sets codes of feature g from its numbers x, the last repeated.
func (t *tile) take(g int, x []float32, categories int) {
	for e := range t.N {
		t.code[g*kernel.Tile+e] = codeOf(x[min(e, len(x)-1)], categories)
	}
}

// codes are those of feature g.
func (t *tile) codes(g int) []int32 { return t.code[g*kernel.Tile:][:t.N] }

// codeOf is -1 for what is no code.
func codeOf(v float32, categories int) int32 {
	if c := int32(v); float32(c) == v && c >= 0 && int(c) < categories {
		return c
	}
	return -1
}

// see sets the rows of in where feature g is seen, for events of these codes. Of what is no code all are 0.
func (n *network) see(params, in []float32, g int, code []int32) {
	in = in[n.in[g]*kernel.Tile : n.in[g+1]*kernel.Tile]
	if n.embeds(g) {
		table := n.vector[g].Of(params)
		for e, c := range code {
			for j := range embedded {
				if in[j*kernel.Tile+e] = 0; c >= 0 {
					in[j*kernel.Tile+e] = table[int(c)*embedded+j]
				}
			}
		}
		return
	}
	clear(in)
	for e, c := range code {
		if c >= 0 {
			in[int(c)*kernel.Tile+e] = 1
		}
	}
}

// score runs the network on the codes of the tile and sets the probabilities, and logProb to that of the codes: NaN where one is none.
func (n *network) score(params []float32, t *tile) {
	for g := range n.features() {
		n.see(params, n.Input(t.act), g, t.codes(g))
	}
	h := n.Forward(params, t.act, t.context, &t.Pass)
	clear(t.logProb[:])
	for g := range n.features() {
		first, k := n.out[g]*kernel.Tile, n.categories(g)
		logits, logSum := h[first:], softmax(t.p[first:], h[first:], k, t.N)
		for e, c := range t.codes(g) {
			if c < 0 {
				t.logProb[e] = math.NaN()
				continue
			}
			t.logProb[e] += float64(logits[int(c)*kernel.Tile+e]) - float64(logSum[e])
		}
	}
}

// softmax sets k rows of p to the softmax of those of logits, and returns the logarithm of the sum of the exponentials of the latter.
func softmax(p, logits []float32, k, n int) (logSum [kernel.Tile]float32) {
	var column [2][kernel.Tile]float32
	top, sum := column[0][:n], column[1][:n]
	copy(top, logits)
	for j := 1; j < k; j++ {
		kernel.Max(top, logits[j*kernel.Tile:], top)
	}
	for j := range k {
		r := p[j*kernel.Tile:][:n]
		copy(r, logits[j*kernel.Tile:])
		kernel.Axpy(r, -1, top)
		kernel.Exp(r, r)
		kernel.Add(sum, r)
	}
	kernel.Log(logSum[:n], sum)
	kernel.Add(logSum[:n], top)
	for e, v := range sum {
		sum[e] = 1 / v
	}
	for j := range k {
		r := p[j*kernel.Tile:][:n]
		kernel.Mul(r, r, sum)
	}
	return logSum
}

// slope turns the probabilities of the tile into the gradient of the logits of -logProb times weight, one number an event.
func (n *network) slope(t *tile, weight []float32) {
	for r := range n.shape.Outputs {
		d := t.p[r*kernel.Tile:][:t.N]
		kernel.Mul(d, d, weight)
	}
	for g := range n.features() {
		for e, c := range t.codes(g) {
			if c >= 0 {
				t.p[(n.out[g]+int(c))*kernel.Tile+e] -= weight[e]
			}
		}
	}
}

// middle is the normal quantile of the middle of the interval that a code has in the distribution function of its probabilities.
func middle(p []float32, code int32, e int) float32 {
	if code < 0 {
		return float32(math.NaN())
	}
	var below float64
	for c := range int(code) {
		below += float64(p[c*kernel.Tile+e])
	}
	below += float64(p[int(code)*kernel.Tile+e]) / 2
	const least = 1e-16 // of what is further out nothing is left of 1
	return float32(math.Sqrt2 * math.Erfinv(2*min(max(below, least), 1-least)-1))
}

// draw sets the codes of the tile's events, of which the first has this number, feature after feature by the inverse of its distribution
// function.
func (n *network) draw(params []float32, t *tile, seed, first uint64) {
	in := n.Input(t.act)
	n.Begin(t.act, t.context)
	for g := range n.features() {
		var u [kernel.Tile]float64
		rng.Uniform(u[:t.Events], seed, rng.StreamCodes, uint32(g), first)
		p, k := t.p[n.out[g]*kernel.Tile:], n.categories(g)
		softmax(p, n.Next(params, t.act, g, t.N), k, t.N)
		for e := range t.N {
			t.code[g*kernel.Tile+e] = choose(p[e:], k, u[min(e, t.Events-1)])
		}
		n.see(params, in, g, t.codes(g))
	}
}

// choose is the code in whose interval u lies: one that has a probability.
func choose(p []float32, k int, u float64) (code int32) {
	var sum float64
	for c := range k {
		sum += float64(p[c*kernel.Tile])
	}
	left := u * sum
	for c := range k {
		v := float64(p[c*kernel.Tile])
		if v > 0 {
			code = int32(c)
		}
		if left -= v; left < 0 {
			return code
		}
	}
	return code
}
