package fit

import (
	"fmt"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/train"
)

// willWiden has the base widened after the training, unless the card names one.
func (d *Data) willWiden(b *bound) {
	if o, ok := b.Objective.(*objective); ok && d.base == nil && d.card.Flow.Base.IsZero() && len(d.Rows.Valid) > 0 {
		b.Objective = &widened{o, b, d.Rows.Valid}
	}
}

// widen gives the flow a base of the width that the latents of the events in rows have, and is the objective of that density; nil where it has that
// width.
func (b *bound) widen(d *Data, rows []int32) (train.Objective, error) {
	_, z, err := b.density.Evaluate(take(d.x, rows), take(d.context, rows))
	if err != nil {
		return nil, err
	}
	var weight []float32
	if d.weight != nil {
		weight = take([][]float32{d.weight}, rows)[0]
	}
	var l likelihood
	var width, gain float64
	trained := b.close
	switch density := b.density.(type) {
	case *flow.Flow:
		var f *flow.Flow
		if f, width, gain, err = density.Widened(z, weight); err != nil || gain == 0 {
			return nil, err
		}
		b.flow, b.density = f, f
		l, err = flow.NewLikelihood(f, d.x, d.context, d.weight)
	case *mix.Table:
		var numbers [][]float32
		for _, i := range density.Spec.Continuous() {
			numbers = append(numbers, z[i])
		}
		var t *mix.Table
		if t, width, gain, err = density.Widened(numbers, weight); err != nil || gain == 0 {
			return nil, err
		}
		b.flow, b.density = t.Flow(), t
		l, err = mix.NewLikelihood(t, d.x, d.context, d.weight)
	}
	if err != nil {
		return nil, err
	}
	b.close = func() { trained(); l.Close() }
	b.said = append(b.said, fmt.Sprintf("the base of the flow is made %.4g wide, as the latents of the %s that validate are: %.2g nats better for them "+
		"(flow.base: normal leaves it as it was trained)", width, say.Count(len(rows), "event"), gain))
	return &objective{l, d}, nil
}
