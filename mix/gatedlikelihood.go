package mix

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// GatedLikelihood is the negative log-likelihood of events under a mixture, in nats, as a function of all its parameters: of the
// components and the gate at once. With the share r_k = g_k p_k / p of a component in an event, the gradient by its parameters is r_k
// times that of its own NLL, and that by a logit of the gate is g_k - r_k. It is not for concurrent use.
type GatedLikelihood struct {
	g          *Gated
	x, context [][]float32
	weight     []float32 // nil where all are 1

	batch      *batch.Batch
	components []*flow.Component
	spaces     []gatedSpace // one a worker
	scale      float32      // one over the events of a batch
	each       []float64    // the NLL of each event of a Loss goes here; nil for nowhere
	done       <-chan struct{}
	loops      struct {
		train func(worker int, b *batch.Tile)
		loss  func(worker, first, end int)
	}
}

// gatedSpace is what a worker needs for a tile.
type gatedSpace struct {
	gating
	logProb        [][]float64 // of each component
	v              []float64   // of an event, a value a component
	slope, scratch []float32
	dLogits        []float32
}

// NewGatedLikelihood binds events to a mixture; see flow.NewLikelihood. Close it after use.
func NewGatedLikelihood(g *Gated, x, context [][]float32, weight []float32) (*GatedLikelihood, error) {
	if weight != nil && len(x) > 0 && len(weight) != len(x[0]) {
		return nil, fmt.Errorf("mix: %d weights for %d events", len(weight), len(x[0]))
	}
	l := &GatedLikelihood{g: g, x: x, context: context, weight: weight, batch: batch.New(g.threads, len(g.flat), g.seed)}
	for _, f := range g.Components {
		c, err := flow.NewComponent(f, x, context, l.batch)
		if err != nil {
			l.batch.Close()
			return nil, err
		}
		l.components = append(l.components, c)
	}
	k := len(l.components)
	for range l.batch.Threads() {
		s := gatedSpace{gating: g.newGating(), v: make([]float64, k), slope: kernel.Aligned(k * kernel.Tile), dLogits: kernel.Aligned(k * kernel.Tile)}
		for range k {
			s.logProb = append(s.logProb, make([]float64, kernel.Tile))
		}
		if g.net != nil {
			s.scratch = kernel.Aligned(g.net.Scratch() * kernel.Tile)
		}
		l.spaces = append(l.spaces, s)
	}
	l.loops.train, l.loops.loss = l.train, l.lossTile
	return l, nil
}

// Params is the vector of all parameters.
func (l *GatedLikelihood) Params() []float32 { return l.g.flat }

// Parallel lends the workers between gradients; see train.Parallel.
func (l *GatedLikelihood) Parallel(items int, fn func(worker, item int)) { l.batch.Run(items, fn) }

// SetStep says which step of a training the next Gradient belongs to: its random numbers (dropout) depend on it.
func (l *GatedLikelihood) SetStep(step int) { l.batch.SetStep(step) }

// Decays are the parameters that a weight decay is for; see train.Decaying.
func (l *GatedLikelihood) Decays() (ranges [][2]int) {
	add := func(at int, of [][2]int) {
		for _, r := range of {
			ranges = append(ranges, [2]int{at + r[0], at + r[1]})
		}
	}
	for k, c := range l.components {
		add(l.g.at[k], c.Decays())
	}
	add(l.g.at[len(l.components)], l.g.layout.Decays())
	return ranges
}

// Share has peers take a share of each batch, and of each Loss.
func (l *GatedLikelihood) Share(p batch.Peers) (gradients bool) { return l.batch.Share(p) }

// Close ends the workers.
func (l *GatedLikelihood) Close() { l.batch.Close() }

// Watch has Loss and Freeze end at once, with any value, when the channel is closed.
func (l *GatedLikelihood) Watch(done <-chan struct{}) {
	l.done = done
	for _, c := range l.components {
		c.Watch(done)
	}
}

// StartFrom sets what starts from events (act-norms) by those in rows; Freeze brings what follows from other parameters to where it belongs.
func (l *GatedLikelihood) StartFrom(rows []int32) {
	for _, c := range l.components {
		c.StartFrom(rows)
	}
}

// Freeze comes before parameters are judged or kept.
func (l *GatedLikelihood) Freeze(rows []int32) {
	for _, c := range l.components {
		c.Freeze(rows)
	}
}

// Gradient sets grad to the gradient of the mean loss over the events in rows and returns that mean. It is the same for any number of
// threads.
func (l *GatedLikelihood) Gradient(rows []int32, grad []float32) float64 {
	l.scale = 1 / float32(len(rows))
	for _, c := range l.components {
		c.Begin()
	}
	l.batch.BeginGradient(rows, grad)
	l.batch.Each(l.loops.train)
	l.batch.Reduce()
	for k, f := range l.g.Components {
		f.Cut(grad[l.g.at[k]:l.g.at[k+1]])
	}
	return l.batch.Mean()
}

func (l *GatedLikelihood) train(worker int, b *batch.Tile) {
	s, g, n := &l.spaces[worker], l.g, len(b.Rows)
	for k, c := range l.components {
		c.Forward(worker, b, s.logProb[k][:n])
	}
	g.weigh(&s.gating, l.context, b.Rows)
	clear(s.slope)
	clear(s.dLogits)
	var sum float64
	for e, r := range b.Rows {
		w := l.weightOf(r)
		sum -= w * l.share(s, e, w*float64(l.scale))
	}
	for k, c := range l.components {
		c.Backward(worker, b, s.slope[k*kernel.Tile:][:n], b.Grad[g.at[k]:g.at[k+1]])
	}
	l.gateBackward(s, b, b.Grad[g.at[len(l.components)]:])
	l.batch.SetSum(b.Number, sum)
}

func (l *GatedLikelihood) weightOf(row int32) float64 {
	if l.weight == nil {
		return 1
	}
	return float64(l.weight[row])
}

// share is the log-density of event e of a tile; slope is the gradient of the loss by minus that, which is shared out.
func (l *GatedLikelihood) share(s *gatedSpace, e int, slope float64) float64 {
	logGate(s.logits, e, s.v)
	for k, v := range s.v {
		s.dLogits[k*kernel.Tile+e] = float32(slope * math.Exp(v))
		s.v[k] += s.logProb[k][e]
	}
	logProb := logSum(s.v)
	for k, v := range s.v {
		r := slope * math.Exp(v-logProb)
		s.slope[k*kernel.Tile+e] = float32(r)
		s.dLogits[k*kernel.Tile+e] -= float32(r)
	}
	return logProb
}

// gateBackward puts or adds the gradient of the gate's parameters to grad.
func (l *GatedLikelihood) gateBackward(s *gatedSpace, b *batch.Tile, grad []float32) {
	if net := l.g.net; net != nil {
		s.pass.First, s.pass.SkipDX = b.First, true
		net.Backward(l.g.Params(), grad, s.act, s.dLogits, s.scratch, &s.pass)
		return
	}
	for k, d := 0, l.g.bias.Of(grad); k < len(d); k++ {
		if b.First {
			d[k] = 0
		}
		d[k] += kernel.Sum(s.dLogits[k*kernel.Tile:][:len(b.Rows)])
	}
}

// Loss is the mean over the events in rows, in nats, without dropout.
func (l *GatedLikelihood) Loss(rows []int32) float64 {
	return l.batch.Loss(rows, 1, l.loops.loss)
}

// Losses is Loss, and sets each to the NLL of each event, without its weight.
func (l *GatedLikelihood) Losses(rows []int32, each []float64) float64 {
	l.each = each
	loss := l.Loss(rows)
	l.each = nil
	l.batch.Complete(each)
	return loss
}

func (l *GatedLikelihood) lossTile(worker, number, _ int) {
	select {
	case <-l.done:
		return
	default:
	}
	s, rows := &l.spaces[worker], l.batch.Rows(number)
	for k, c := range l.components {
		c.LogProb(worker, rows, s.logProb[k][:len(rows)])
	}
	l.g.weigh(&s.gating, l.context, rows)
	var sum float64
	for e, r := range rows {
		v := -l.share(s, e, 0)
		if l.each != nil {
			l.each[number*kernel.Tile+e] = v
		}
		sum += l.weightOf(r) * v
	}
	l.batch.SetSum(number, sum)
}
