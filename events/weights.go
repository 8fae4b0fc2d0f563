package events

import (
	"fmt"
	"math"
)

// Weights are the weights of the events; nil where all are 1. They come in a unit of their own, the power of 2 in which the
// largest is from 1 to 2 in size, so that no sum of them or of their squares leaves the numbers, be they cross sections
// of 1e-46 or of 1e300. Whatever needs them does not depend on their unit: a fit, a density, a distance.
func (t *Table) Weights() ([]float64, error) {
	if t.Weight == "" {
		return nil, nil
	}
	c, err := t.Column(t.Weight)
	if err != nil {
		return nil, err
	}
	w, err := c.Floats(make([]float64, 0, c.Len()))
	if err != nil {
		return nil, fmt.Errorf("events: weights: %w", err)
	}
	largest := 0.0
	for i, v := range w {
		if v-v != 0 {
			return nil, fmt.Errorf("events: row %d: weight %q is %v; select the events whose weight is a number", i+1, t.Weight, v)
		}
		largest = max(largest, math.Abs(v))
	}
	_, unit := math.Frexp(largest)
	for i, v := range w {
		w[i] = math.Ldexp(v, 1-unit)
	}
	return w, nil
}
