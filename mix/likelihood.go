package mix

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Likelihood is the negative log-likelihood (NLL) of a set of events under a table, in nats, as a function of its parameters: the
// objective of a training, of the categorical network and of the flow at once. The loss of an event is its weight times its NLL. It is
// not for concurrent use.
type Likelihood struct {
	t          *Table
	cells      *flow.Likelihood // nil where no feature is continuous
	x, context [][]float32
	numbers    [][]float32 // of x, the continuous ones
	weight     []float32   // nil where all are 1

	batch *batch.Batch
	tiles []*tile   // one a worker
	scale float32   // one over the events of a batch
	seen  []float32 // gradient of what the flow sees of the codes, tile by tile; nil where nothing learns of it
	each  []float64
	done  <-chan struct{}
	loops struct {
		train func(worker int, b *batch.Tile)
		loss  func(worker, first, end int)
	}
}

// NewLikelihood binds events to a table. weight may be nil; it is taken as it is, and the events and it may change from call to call,
// in place. context is nil for a table without. Close it after use.
func NewLikelihood(t *Table, x, context [][]float32, weight []float32) (*Likelihood, error) {
	n, err := t.check(x, context)
	if err != nil {
		return nil, err
	}
	if weight != nil && len(weight) != n {
		return nil, fmt.Errorf("mix: %d weights for %d events", len(weight), n)
	}
	l := &Likelihood{t: t, x: x, numbers: t.continuous(x, 0, n), context: context, weight: weight}
	if t.flow == nil {
		l.batch = batch.New(t.threads, t.layout.Size, t.seed)
	} else {
		if err := t.flow.Support(l.numbers); err != nil {
			return nil, err
		}
		learn := l.learn
		if !t.codes.learns() {
			learn = nil
		}
		l.cells = flow.NewLikelihoodOf(t.flow, l, learn, weight)
		l.batch = l.cells.Batch().Beside(t.layout.Size, t.seed)
	}
	for range l.batch.Threads() {
		l.tiles = append(l.tiles, t.codes.newTile(true))
	}
	l.loops.train, l.loops.loss = l.train, l.lossGroup
	return l, nil
}

// Params is the table's parameter vector.
func (l *Likelihood) Params() []float32 { return l.t.params }

// Parallel lends the workers between gradients; see train.Parallel.
func (l *Likelihood) Parallel(items int, fn func(worker, item int)) { l.batch.Run(items, fn) }

// SetStep says which step of a training the next Gradient belongs to: its random numbers (dropout) depend on it.
func (l *Likelihood) SetStep(step int) {
	if l.batch.SetStep(step); l.cells != nil {
		l.cells.SetStep(step)
	}
}

// Decays are the parameters that a weight decay is for; see train.Decaying.
func (l *Likelihood) Decays() (ranges [][2]int) {
	all := nn.Layout{Views: l.t.Views()}
	return all.Decays()
}

// Apart is the number of the first parameter of the categorical network; see train.Parted.
func (l *Likelihood) Apart() int { return l.t.flowSize() }

// Share has peers take a share of each batch, and of each Loss.
func (l *Likelihood) Share(p batch.Peers) (gradients bool) {
	gradients = l.batch.Share(p)
	if l.cells != nil {
		gradients = l.cells.Share(p)
	}
	return gradients
}

// Close ends the workers.
func (l *Likelihood) Close() {
	if l.cells != nil {
		l.cells.Close()
	} else {
		l.batch.Close()
	}
}

// Gradient sets grad to the gradient of the mean loss over the events in rows and returns that mean. It is the same for any number of
// threads.
func (l *Likelihood) Gradient(rows []int32, grad []float32) (loss float64) {
	at := l.t.flowSize()
	if tiles := batch.Tiles(len(rows)); l.cells != nil && l.t.codes.learns() {
		if n := tiles * l.t.codes.seen() * kernel.Tile; len(l.seen) < n {
			l.seen = kernel.Aligned(n)
		}
	}
	if l.cells != nil {
		loss = l.cells.Gradient(rows, grad[:at:at])
	}
	l.scale = 1 / float32(len(rows))
	l.batch.BeginGradient(rows, grad[at:])
	l.batch.Each(l.loops.train)
	l.batch.Reduce()
	l.t.codes.Cut(grad[at:])
	return loss + l.batch.Mean()
}

// Loss is the mean over the events in rows, without dropout and with the frozen statistics of batch norms; see Freeze.
func (l *Likelihood) Loss(rows []int32) (loss float64) {
	if l.cells != nil {
		if l.each != nil {
			loss = l.cells.Losses(rows, l.each)
		} else {
			loss = l.cells.Loss(rows)
		}
	} else {
		clear(l.each)
	}
	return loss + l.batch.Loss(rows, 1, l.loops.loss)
}

// Losses is Loss, and sets each to the NLL of each event, without its weight.
func (l *Likelihood) Losses(rows []int32, each []float64) float64 {
	l.each = each
	loss := l.Loss(rows)
	l.each = nil
	l.batch.Complete(each)
	return loss
}

// Watch has Loss and Freeze end at once, with any value, when the channel is closed.
func (l *Likelihood) Watch(done <-chan struct{}) {
	if l.done = done; l.cells != nil {
		l.cells.Watch(done)
	}
}

// Freeze is that of flow.Likelihood.
func (l *Likelihood) Freeze(rows []int32) {
	if l.cells != nil {
		l.cells.Freeze(rows)
	}
}

// StartFrom starts those of the parameters that start from events, by the events in rows: the probabilities of the codes by their
// fractions, half an event added to each, and what the flow has. Call it once, before the first Gradient.
func (l *Likelihood) StartFrom(rows []int32) {
	if l.cells != nil {
		l.cells.StartFrom(rows)
	}
	n, views := l.t.codes, l.t.layout.Views
	bias := views[len(views)-1].Of(l.t.own()) // of the last layer
	for g, f := range l.t.categorical {
		k := n.categories(g)
		count := make([]float64, k)
		for _, r := range rows {
			if c := codeOf(l.x[f][r], k); c >= 0 {
				count[c]++
			}
		}
		for c, v := range count {
			bias[n.out[g]+c] = float32(math.Log((v + 0.5) / (float64(len(rows)) + 0.5*float64(k))))
		}
	}
}

// Load implements flow.Source: it brings the continuous cells, and as context that of the table and what is seen of the codes.
func (l *Likelihood) Load(t *flow.Tile, rows []int32) {
	batch.Gather(t.X, l.numbers, rows, t.N)
	batch.Gather(t.Given, l.context, rows, t.N)
	var code [kernel.Tile]int32
	seen := t.Given[l.t.Context*kernel.Tile:]
	for g := range l.t.codes.features() {
		l.code(code[:t.N], g, rows)
		l.t.codes.see(l.t.own(), seen, g, code[:t.N])
	}
}

// code sets dst to the codes of feature g, the last repeated.
func (l *Likelihood) code(dst []int32, g int, rows []int32) {
	column, k := l.x[l.t.categorical[g]], l.t.codes.categories(g)
	for e := range dst {
		dst[e] = codeOf(column[rows[min(e, len(rows)-1)]], k)
	}
}

// run takes the events in rows through the network, and returns their loss, summed.
func (l *Likelihood) run(t *tile, rows []int32) (sum float64) {
	n := l.t.codes
	t.Events, t.N = len(rows), kernel.RoundLanes(len(rows))
	batch.Gather(t.context, l.context, rows, t.N)
	for g := range n.features() {
		l.code(t.codes(g), g, rows)
	}
	n.score(l.t.own(), t)
	for e, r := range rows {
		v := -t.logProb[e]
		if l.weight != nil {
			v *= float64(l.weight[r])
		}
		sum += v
	}
	return sum
}

func (l *Likelihood) train(worker int, b *batch.Tile) {
	t := l.tiles[worker]
	t.noise, t.First, t.SkipDX = b.Noise, b.First, !l.t.codes.learns()
	t.Noise = &t.noise
	l.batch.SetSum(b.Number, l.run(t, b.Rows))
	var weight [kernel.Tile]float32 // 0 for padding
	for e, r := range b.Rows {
		if weight[e] = l.scale; l.weight != nil {
			weight[e] *= l.weight[r]
		}
	}
	l.t.codes.slope(t, weight[:t.N])
	d := l.t.codes.Backward(l.t.own(), b.Grad, t.act, t.p, t.scratch, &t.Pass)
	if !l.t.codes.learns() {
		return
	}
	if b.First {
		l.t.codes.clearVectors(b.Grad)
	}
	l.t.codes.learn(b.Grad, d, t)
	if l.seen != nil {
		l.t.codes.learn(b.Grad, l.seen[b.Number*l.t.codes.seen()*kernel.Tile:], t)
	}
}

// learn keeps the gradient of what the flow sees of the codes of a tile.
func (l *Likelihood) learn(t *flow.Tile, number int) {
	size := l.t.codes.seen() * kernel.Tile
	copy(l.seen[number*size:][:size], t.DContext[l.t.Context*kernel.Tile:])
}

func (l *Likelihood) lossGroup(worker, number, _ int) {
	select {
	case <-l.done:
		return
	default:
	}
	t, rows := l.tiles[worker], l.batch.Rows(number)
	t.Noise = nil
	l.batch.SetSum(number, l.run(t, rows))
	for e := range rows {
		if l.each != nil {
			l.each[number*kernel.Tile+e] -= t.logProb[e]
		}
	}
}
