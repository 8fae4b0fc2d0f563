package fit

import (
	"fmt"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
)

// reverse is KL(q|p) of a flow read backwards from the density of a toy, over draws of the flow. It is judged by the events of the toy, which
// it does not train on.
type reverse struct {
	*flow.ReverseKL
	q *flow.Inverted
	d *Data
}

// bindReverse makes the objective of a flow that is read backwards.
func (d *Data) bindReverse(b *bound) error {
	t, err := toy.New(d.card.Toy.Name, d.card.Toy.Options())
	if err != nil {
		return fault.Of(err)
	}
	target, _ := t.Target()
	if way := b.flow.OneWay(); target == nil || way != "" {
		return fault.Of(fmt.Errorf("reverse-kl: %s cannot be learned so: it takes a toy of known potential, and layers with an inverse: %s", d.card.Toy.Name, way))
	}
	k, err := flow.NewReverseKL(b.flow, flow.EventTarget(target), nil)
	if err != nil {
		return fault.Of(err)
	}
	q := flow.Invert(b.flow)
	b.density, b.Objective, b.close = q, &reverse{k, q, d}, k.Close
	return nil
}

// Unit implements train.Measured. The factor of the density is known here, so that the loss is the divergence itself.
func (*reverse) Unit() train.Unit { return "nats of KL(q|p)" }

// Judge implements train.Judged.
func (r *reverse) Judge() train.Objective { return &ofEvents{r} }

// ofEvents is the NLL of events.
type ofEvents struct{ *reverse }

func (*ofEvents) Unit() train.Unit { return "" }

func (o *ofEvents) Loss(rows []int32) float64 {
	loss, _ := o.LossError(rows)
	return loss
}

func (o *ofEvents) LossError(rows []int32) (loss, deviation float64) {
	x := columns(len(o.d.x), len(rows))
	for c := range x {
		for i, r := range rows {
			x[c][i] = o.d.x[c][r]
		}
	}
	each, err := o.q.LogProb(x, nil)
	if err != nil {
		panic(err) // of columns of other lengths, and layers without an inverse
	}
	for i := range each {
		each[i] = -each[i]
	}
	return stats.MeanError(each, nil)
}

// Evidence is what draws of a model tell of the factor of a density: the mean of log p - log q, of p without its factor, is at most the
// logarithm of its integral (arXiv:1505.05770, equation 3), in nats.
type Evidence struct{ LogIntegral, Bound, BoundError float64 }

// Bounded is the evidence of n draws; nil where the events are not of a toy of known potential as it is.
func Bounded(c *card.Card, m *model.Model, n int) (*Evidence, error) {
	d, err := drawnFrom(c)
	if d == nil {
		return nil, err
	}
	target, logIntegral := d.Target()
	if target == nil {
		return nil, nil
	}
	t, err := m.Sample(n, nil, c.Seed, 0)
	if err != nil {
		return nil, err
	}
	each, err := m.LogProb(t, 1)
	if err != nil {
		return nil, err
	}
	truth, err := trueLogDensity(d, t, false)
	if err != nil {
		return nil, err
	}
	for i := range each {
		each[i] = truth[i] + logIntegral - each[i]
	}
	e := &Evidence{LogIntegral: logIntegral}
	e.Bound, e.BoundError = stats.MeanError(each, nil)
	return e, nil
}
