package fit

import (
	"context"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
)

// Excess is a density p_S, the flow of the card, and a share w that make w p_S + (1-w) p_B of a fixed p_B the likeliest density of the
// events (R-ANODE, arXiv:2312.11629).
type Excess struct {
	*model.Model
	Share float64 // w
}

// TrainExcess fits them to the events. background is log p_B of each of Held, in the user's units; w starts at share, and is learned with the
// flow: in each epoch it becomes the mean probability of the training events to be of p_S, the step of the EM algorithm, within [1e-4, 0.5].
// Nothing is kept of a training that is interrupted.
func (d *Data) TrainExcess(ctx context.Context, o Options, share float64, background []float64) (*Excess, error) {
	o = o.Filled()
	if n := d.Held.Len(); len(background) != n || d.windows != nil || d.weight != nil {
		return nil, fmt.Errorf("fit: an excess is learned over %d densities of the background of %d events in memory, without weights", len(background), n)
	}
	density, err := d.start(ctx, o, d.card.Seed, 1)
	if err != nil {
		return nil, err
	}
	f, ok := density.(*flow.Flow)
	if !ok {
		return nil, fmt.Errorf("fit: an excess is the density of a flow, not of a %T", density)
	}
	e := &excess{background: background, logDet: d.logDet, share: share, weight: make([]float32, len(background)), events: len(d.Rows.Train)}
	if e.likelihood, err = flow.NewLikelihood(f, d.x, d.context, e.weight); err != nil {
		f.Close()
		return nil, d.unbound(err)
	}
	defer e.Close()
	r, err := train.Run(ctx, e, d.Rows, d.config(), train.Options{Seed: d.card.Seed, Progress: o.Progress})
	if err != nil {
		f.Close()
		return nil, trainError(err)
	}
	m := &model.Model{Features: d.Features, Context: d.Context, Density: f, Seed: d.card.Seed, Train: r}
	return &Excess{m, e.share}, nil
}

// excess is the NLL of w p_S + (1-w) p_B. Its gradient is that of the NLL of p_S, with the probability of each event to be of p_S for a weight.
type excess struct {
	likelihood
	background, logDet []float64
	share              float64
	weight             []float32
	each               []float64

	events, seen int // that train, and of the epoch so far
	sum          float64
}

// losses sets the weight of each event in rows, and each to the NLL of the mixture, by logsumexp.
func (e *excess) losses(rows []int32) []float64 {
	for len(e.each) < len(rows) {
		e.each = append(e.each, 0)
	}
	each := e.each[:len(rows)]
	e.Losses(rows, each)
	for i, r := range rows {
		signal := math.Log(e.share) + e.logDet[r] - each[i]
		background := math.Log1p(-e.share) + e.background[r]
		most := max(signal, background)
		total := most + math.Log(math.Exp(signal-most)+math.Exp(background-most))
		e.weight[r], each[i] = float32(math.Exp(signal-total)), -total
	}
	return each
}

// Gradient implements train.Objective.
func (e *excess) Gradient(rows []int32, grad []float32) (loss float64) {
	for i, nll := range e.losses(rows) {
		loss += nll / float64(len(rows))
		e.sum += float64(e.weight[rows[i]])
	}
	if e.seen += len(rows); e.seen >= e.events {
		e.share = min(max(e.sum/float64(e.seen), 1e-4), 0.5)
		e.seen, e.sum = 0, 0
	}
	e.likelihood.Gradient(rows, grad)
	return loss
}

// Loss implements train.Objective.
func (e *excess) Loss(rows []int32) float64 {
	loss, _ := e.LossError(rows)
	return loss
}

// LossError is Loss with its standard error.
func (e *excess) LossError(rows []int32) (loss, deviation float64) {
	return stats.MeanError(e.losses(rows), nil)
}
