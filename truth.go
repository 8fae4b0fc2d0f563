package sluice

import (
	"context"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/toy"
)

// truth finds how low an NLL can be, where the events are those of a toy as it was drawn: on average (the entropy),
// and on the events that the model is compared with, which differ from the average by chance.
func (r *runner) truth(context.Context) error {
	c := r.card
	names := slices.Sorted(slices.Values(features(c)))
	if c.Toy == (card.Toy{}) || len(c.Define) > 0 || c.Where != "" || !slices.Equal(names, []string{"x1", "x2"}) {
		return nil
	}
	d, err := toy.New(c.Toy.Name, c.Toy.Options())
	if err != nil {
		return err
	}
	given := len(c.Context) > 0
	if given && (len(c.Context) > 1 || c.Context[0] != d.Label()) {
		return nil
	}
	entropy := d.Entropy
	if given {
		entropy = d.EntropyGiven
	}
	h := entropy()
	nll, err := trueNLL(d, r.held, given)
	r.summary.TrueEntropy, r.summary.TrueNLL = &h, &nll
	return err
}

// trueNLL is the mean NLL of events under the density that they were drawn from.
func trueNLL(d *toy.Distribution, t *events.Table, given bool) (float64, error) {
	var columns [3]*events.Column
	names := []string{"x1", "x2"}
	if given {
		names = append(names, d.Label())
	}
	for i, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return 0, err
		}
		columns[i] = c
	}
	var sum float64
	for i := range t.Len() {
		x := []float64{columns[0].Float(i), columns[1].Float(i)}
		if given {
			sum -= d.LogDensityGiven(int(columns[2].Float(i)), x)
		} else {
			sum -= d.LogDensity(x)
		}
	}
	return sum / float64(t.Len()), nil
}
