package flow

import (
	"errors"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow/whole"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Matching is the loss of flow matching (arXiv:2210.02747, equation 14) of a flow of one whole.Continuous, which trains its v without going
// along it: the mean over events x1, draws x0 of the base and times t of (v(x, t) - dx/dt)^2, for x on the whole.Path between x0 and x1. It is
// also a mean over the features. The loss of an event counts with its weight. It is not for concurrent use.
//
// Every step draws anew, times evenly over the batch; Loss takes the same draws each time, which no step sees. The Likelihood is that of the
// same events under the flow as it is.
type Matching struct {
	*Likelihood
	by     *whole.Continuous
	seeds  [2]uint64 // of the draws of steps, and of Loss
	spaces []matchSpace
	rows   float64 // events of the batch
	fn     struct {
		train func(worker int, t *batch.Tile)
		loss  func(worker, first, end int)
	}
}

// matchSpace is what one worker needs.
type matchSpace struct {
	tile                                     Tile
	x1, target, act, given, d, scratch, base []float32
	byGiven                                  []float32 // the gradient of given; nil where nobody wants it
}

// NewMatching binds events to a flow as NewLikelihood does.
func NewMatching(f *Flow, x, context [][]float32, weight []float32) (*Matching, error) {
	if !f.Spec.Matched() {
		return nil, fmt.Errorf("flow: flow matching trains one continuous layer, not %s", f.Spec)
	}
	if f.trainedBase {
		return nil, fmt.Errorf("flow: the base %s has parameters, which flow matching cannot train: take a base without, such as normal, or train by likelihood", f.Spec.Base)
	}
	l, err := NewLikelihood(f, x, context, weight)
	if err != nil {
		return nil, err
	}
	by := f.transforms[0].(*whole.Continuous)
	if by.Paired && (f.Context > 0 || weight != nil) {
		l.Close()
		return nil, errors.New("flow: pairing ot is for events without context and without weights, with which the draws would no longer follow the base: take pairing none")
	}
	m := &Matching{Likelihood: l, by: by, seeds: [2]uint64{derived(f.seed, stepDraws), derived(f.seed, lossDraws)}}
	m.fn.train, m.fn.loss = m.train, m.lossGroup
	base, baseScratch := f.endsMemory()
	for range m.batch.Threads() {
		net, d := m.by.Net, f.Features
		take := func(rows int) []float32 { return kernel.Aligned(rows * kernel.Tile) }
		m.spaces = append(m.spaces, matchSpace{
			tile: f.newTile(), x1: take(d), target: take(d), act: take(net.Rows()), given: take(whole.Clocks + f.seen), d: take(d),
			scratch: take(max(net.Scratch(), baseScratch)), base: take(base),
		})
		if f.embedding != nil {
			m.spaces[len(m.spaces)-1].byGiven = take(whole.Clocks + f.seen)
		}
	}
	return m, nil
}

// Matched says whether flow matching can train the flow that s describes: one layer, which is continuous.
func (s Spec) Matched() bool {
	full, err := s.Full()
	if err != nil || full.Repeat != 1 || len(full.Layers) != 1 {
		return false
	}
	p, _, _ := full.Layers[0].inner(layerRoles...)
	return p.Kind == "continuous"
}

// Gradient is that of Likelihood, of the loss of flow matching.
func (m *Matching) Gradient(rows []int32, grad []float32) float64 {
	m.rows = float64(len(rows))
	return m.batch.Gradient(rows, grad, m.fn.train)
}

// Loss is the mean over the events in rows, each with its weight.
func (m *Matching) Loss(rows []int32) float64 {
	m.rows = float64(len(rows))
	return m.batch.Loss(rows, 1, m.fn.loss)
}

func (m *Matching) lossGroup(worker, number, _ int) {
	if !m.ended() {
		s := &m.spaces[worker]
		m.forward(s, number, m.batch.Rows(number), m.seeds[1], 0)
		m.batch.SetSum(number, m.differ(s, m.batch.Rows(number)))
	}
}

func (m *Matching) train(worker int, b *batch.Tile) {
	s := &m.spaces[worker]
	m.forward(s, b.Number, b.Rows, m.seeds[0], uint64(b.Noise.Step)<<32)
	m.batch.SetSum(b.Number, m.differ(s, b.Rows))
	clear(s.byGiven)
	t := &s.tile
	t.Pass = nn.Pass{N: t.N, Events: t.Events, First: b.First, SkipDX: true, DContext: s.byGiven}
	m.by.Net.Backward(m.f.params, b.Grad, s.act, s.d, s.scratch, &t.Pass)
	if s.byGiven != nil {
		t.DContext = s.byGiven[whole.Clocks*kernel.Tile:]
		m.f.embedBack(t, b.Grad, s.base, s.scratch)
	}
}

// forward puts a tile of events on their paths, and sets d to v there; draws are those from number first on.
func (m *Matching) forward(s *matchSpace, number int, rows []int32, seed, first uint64) {
	t := &s.tile
	m.load(t, s.base, number, rows)
	copy(s.x1, t.X)
	m.f.drawTile(t, s.base, seed, first+uint64(number*kernel.Tile))
	if m.by.Paired {
		pair(t.X, s.x1, len(rows))
	}
	copy(s.given[whole.Clocks*kernel.Tile:], t.Context)
	in := m.by.Net.Input(s.act)
	var begin [1]float64
	rng.Uniform(begin[:], seed, rng.StreamTime, 0, first)
	for e := range t.N {
		_, at := math.Modf(begin[0] + (float64(number*kernel.Tile+e)+0.5)/m.rows)
		at *= m.by.Path.Latest()
		alpha, sigma, dAlpha, dSigma := m.by.Path.At(at, m.by.SigmaMin)
		whole.Clock(s.given[e:], float32(at))
		for i := e; i < len(t.X); i += kernel.Tile {
			in[i] = float32(alpha)*s.x1[i] + float32(sigma)*t.X[i]
			s.target[i] = float32(dAlpha)*s.x1[i] + float32(dSigma)*t.X[i]
		}
	}
	pass := nn.Pass{N: t.N, Events: t.Events}
	copy(s.d, m.by.Net.Forward(m.f.params, s.act, s.given, &pass)[:len(s.d)])
}

// pair exchanges the n draws x0 of a tile, where that brings two of them nearer to their events x1: towards the pairs of optimal transport
// between the two sets (arXiv:2302.00482, section 3.2.3), which one round over all pairs comes close to.
func pair(x0, x1 []float32, n int) {
	for i := range n {
		for j := range i {
			var gain float32 // half of what the sum of squared distances would gain
			for f := 0; f < len(x0); f += kernel.Tile {
				gain -= (x1[f+i] - x1[f+j]) * (x0[f+i] - x0[f+j])
			}
			for f := 0; f < len(x0) && gain > 0; f += kernel.Tile {
				x0[f+i], x0[f+j] = x0[f+j], x0[f+i]
			}
		}
	}
}

// differ returns the loss summed over the events, and turns v in d into the gradient of the mean over the batch.
func (m *Matching) differ(s *matchSpace, rows []int32) (sum float64) {
	features := float64(m.f.Features)
	for e := range s.tile.N {
		weight := 0.0 // of padding
		switch {
		case e >= len(rows):
		case m.weight == nil:
			weight = 1
		default:
			weight = float64(m.weight[rows[e]])
		}
		scale := float32(2 * weight / (features * m.rows))
		for i := e; i < len(s.d); i += kernel.Tile {
			off := s.d[i] - s.target[i]
			sum += weight * float64(off) * float64(off) / features
			s.d[i] = scale * off
		}
	}
	return sum
}
