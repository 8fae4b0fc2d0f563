package fit

import (
	"fmt"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/train"
)

// widen gives the flow a base of the width that the latents of the events in rows have, and is the objective of that flow; nil where it has that width.
func (b *bound) widen(d *Data, rows []int32) (train.Objective, error) {
	z, _, err := b.flow.ToLatent(take(d.x, rows), take(d.context, rows))
	if err != nil {
		return nil, err
	}
	var weight []float32
	if d.weight != nil {
		weight = take([][]float32{d.weight}, rows)[0]
	}
	f, width, gain, err := b.flow.Widened(z, weight)
	if err != nil || gain == 0 {
		return nil, err
	}
	l, err := flow.NewLikelihood(f, d.x, d.context, d.weight)
	if err != nil {
		return nil, err
	}
	trained := b.close
	b.close = func() { trained(); l.Close() }
	b.flow, b.density = f, f
	b.said = append(b.said, fmt.Sprintf("the base of the flow is made %.4g wide, as the latents of the %s that validate are: %.2g nats better for them "+
		"(flow.base: normal leaves it as it was trained)", width, say.Count(len(rows), "event"), gain))
	return &objective{l, d}, nil
}
