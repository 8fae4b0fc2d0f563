package fit

import (
	"fmt"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
)

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
	wide, width, gain, err := widenedDensity(b.density, z, weight)
	if err != nil || gain == 0 {
		return nil, err
	}
	b.hold(wide)
	l, err := d.likelihood(wide)
	if err != nil {
		return nil, err
	}
	trained := b.close
	b.close = func() { trained(); l.Close() }
	b.said = append(b.said, fmt.Sprintf("the base of the flow is made %.4g wide, as the latents of the %s that validate are: %.2g nats better for them "+
		"(flow.base: normal leaves it as it was trained)", width, say.Count(len(rows), "event"), gain))
	wider := &objective{l, d}
	b.shares(wider, func(string) {})
	return wider, nil
}

// widenedDensity is a density with a base of the width of latents z, which Evaluate gave; the gain is 0 where it is as it was.
func widenedDensity(density model.Density, z [][]float32, weight []float32) (wide model.Density, width, gain float64, err error) {
	switch density := density.(type) {
	case *flow.Flow:
		return density.Widened(z, weight)
	case *mix.Table:
		var numbers [][]float32
		for _, i := range density.Spec.Continuous() {
			numbers = append(numbers, z[i])
		}
		return density.Widened(numbers, weight)
	}
	return density, 1, 0, nil
}
