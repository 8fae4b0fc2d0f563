package fit

import (
	"context"
	"fmt"

	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
)

// TrainWeighted is Train with weights of either sign in place of the card's, one for each of Held, and, where epochs is not 0, with so many of these.
// from are the parameters of a flow that it gave of the same Data, from which it goes on; nil for a fresh start.
func (d *Data) TrainWeighted(ctx context.Context, o Options, weight []float64, from []float32, epochs int) (*model.Model, error) {
	if n := d.Held.Len(); len(weight) != n || d.windows != nil {
		return nil, fmt.Errorf("fit: %d weights for %d events in memory", len(weight), n)
	}
	own, c := *d, *d.card
	own.card, own.from = &c, from
	if epochs != 0 {
		c.Train.Epochs = epochs
	}
	var sum float64
	for _, r := range d.Rows.Train {
		sum += weight[r]
	}
	mean := sum / float64(len(d.Rows.Train))
	own.weight = make([]float32, len(weight))
	for i, w := range weight {
		own.weight[i] = float32(w / mean)
	}
	for name, rows := range map[string][]int32{"training": own.Rows.Train, "validation": own.Rows.Valid} {
		if s := own.sumWeights(rows); len(rows) > 0 && !(s > 0 && mean > 0) {
			return nil, fault.Of(fmt.Errorf("the weights of the %d %s events of the flow add up to %g; a mean needs a positive sum", len(rows), name, s*mean))
		}
	}
	own.Rows.Test = nil
	density, r, err := own.one(ctx, o.Filled(), c.Seed, nil)
	if err != nil {
		return nil, err
	}
	return &model.Model{Features: d.Features, Context: d.Context, Density: density, Seed: c.Seed, Train: r}, nil
}
