package fit

import (
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/toy"
)

// Truth is how low an NLL can be, in nats, where the events are those of a toy as it was drawn: on average (the entropy), and
// on the events of t, which differ from the average by chance. Both are nil for other events.
func Truth(c *card.Card, t *events.Table) (entropy, nll *float64, err error) {
	names := slices.Sorted(slices.Values(c.Features))
	if c.Toy == (card.Toy{}) || len(c.Define) > 0 || c.Where != "" || !slices.Equal(names, []string{"x1", "x2"}) {
		return nil, nil, nil
	}
	d, err := toy.New(c.Toy.Name, c.Toy.Options())
	if err != nil {
		return nil, nil, err
	}
	given := len(c.Context) > 0
	if given && (len(c.Context) > 1 || c.Context[0] != d.Label()) {
		return nil, nil, nil
	}
	h := d.Entropy
	if given {
		h = d.EntropyGiven
	}
	lowest := h()
	mean, err := trueNLL(d, t, given)
	return &lowest, &mean, err
}

// trueNLL is the mean NLL of events under the density that they were drawn from.
func trueNLL(d *toy.Distribution, t *events.Table, given bool) (float64, error) {
	names := []string{"x1", "x2"}
	if given {
		names = append(names, d.Label())
	}
	var columns [3]*events.Column
	for i, name := range names {
		var err error
		if columns[i], err = t.Column(name); err != nil {
			return 0, err
		}
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
