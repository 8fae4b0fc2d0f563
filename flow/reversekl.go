package flow

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Target is a density that is known up to a factor, as that of a theory or of a posterior. Its methods may be called for several
// tiles at the same time.
type Target interface {
	// LogProb sets logProb, one value an event of the tile, to the log-density of t.X given t.Given, in nats, up to a constant.
	LogProb(t *Tile, logProb []float64)
	// Gradient sets t.DX to the gradient of that log-density with respect to t.X.
	Gradient(t *Tile)
}

// EventTarget is a Target that takes one event after the other: it returns the log-density of the features x given the context, in nats,
// up to a constant, and sets gradient, unless that is nil, to its gradient with respect to x.
type EventTarget func(x, context, gradient []float64) float64

// LogProb implements Target.
func (of EventTarget) LogProb(t *Tile, logProb []float64) {
	for e := range logProb {
		x, c, _ := t.Event(e)
		logProb[e] = of(x, c, nil)
	}
}

// Gradient implements Target.
func (of EventTarget) Gradient(t *Tile) {
	for e := range t.Events {
		x, c, d := t.Event(e)
		of(x, c, d)
		for f, v := range d {
			row(t.DX, f)[e] = float32(v)
		}
	}
}

// ReverseKL is the reverse Kullback-Leibler divergence KL(q|p) of an Inverted flow q from a target p, up to the logarithm of
// p's factor, as a function of the flow's parameters: E[log q(x) - log p(x)] over draws x of q (arXiv:1505.05770, equation 15).
// It is not for concurrent use.
//
// An event is a draw; rows say how many there are, and in which rows of context what they are given. Every step draws anew;
// Loss and Freeze take the same draws each time, which no step sees.
type ReverseKL struct {
	*course
	target  Target
	context [][]float32
	seeds   [2]uint64 // of the draws of steps, and of Loss
}

// NewReverseKL trains f, as it is read in Inverted(f), on a density; context is nil for a flow without. The base may have no
// parameters: they would move the draws. Close it after use.
func NewReverseKL(f *Flow, target Target, context [][]float32) (*ReverseKL, error) {
	if len(context) != f.Context {
		return nil, fmt.Errorf("flow: %d context columns given to a flow of %d", len(context), f.Context)
	}
	if _, err := equallyLong(context); err != nil {
		return nil, err
	}
	if f.trainedBase {
		return nil, fmt.Errorf("flow: the base %s has parameters, which reverse KL cannot train: take a base without, such as normal", f.Spec.Base)
	}
	k := &ReverseKL{target: target, context: context, seeds: [2]uint64{derived(f.seed, stepDraws), derived(f.seed, lossDraws)}}
	k.course = newCourse(f, k)
	return k, nil
}

// The seeds derived for draws, beyond those of the parts of a base.
const (
	stepDraws uint32 = math.MaxUint32 - iota
	lossDraws
)

func (k *ReverseKL) load(t *Tile, mem []float32, number int, rows []int32) {
	gather(t, k.context, rows)
	k.f.embed(t, mem)
	seed, first := k.seeds[1], uint64(number*kernel.Tile)
	if t.Noise != nil {
		seed, first = k.seeds[0], first|uint64(t.Noise.Step)<<32
	}
	k.f.drawTile(t, mem, seed, first)
	k.f.logDensity(t, mem, t.LogProb[:t.Events])
}

// loss has log q(x) = log base(z) - log|det dx/dz|.
func (k *ReverseKL) loss(t *Tile, _ []float32, _ int, _ []int32) (sum float64) {
	k.target.LogProb(t, t.Target[:t.Events])
	for e := range t.Events {
		sum += t.LogProb[e] - float64(t.LogDet[e]) - t.Target[e]
	}
	return sum
}

func (k *ReverseKL) seed(s *trainSpace, _ *batch.Tile, scale float32) {
	t := &s.tile
	k.target.Gradient(t)
	for f := range k.f.Features {
		d := row(t.DX, f)[:t.N]
		kernel.Scale(d, -scale)
		clear(d[t.Events:])
	}
	for e := range t.DLogDet[:t.Events] {
		t.DLogDet[e] = -scale
	}
	clear(t.DLogDet[t.Events:t.N])
}
