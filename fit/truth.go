package fit

import (
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/toy"
)

// True is how low an NLL can be, in nats, where the events are those of a toy as it was drawn.
type True struct {
	Entropy float64 // on average
	NLL     float64 // of the true density on the events at hand, which differ from the average by chance
	// Excess is by how much the model's NLL is above that on the same events, event by event, so that their scatter cancels.
	Excess, ExcessError float64
}

// Truth compares a model with the density that the events of t were drawn from, given its log-density of each; nil for other events
// than a toy's.
func Truth(c *card.Card, t *events.Table, logProb []float64) (*True, error) {
	d, err := drawnFrom(c)
	if d == nil {
		return nil, err
	}
	given := len(c.Context) > 0
	truth, err := trueLogDensity(d, t, given)
	if err != nil {
		return nil, err
	}
	r := &True{Entropy: d.Entropy()}
	if given {
		r.Entropy = d.EntropyGiven()
	}
	mean, _ := stats.MeanError(truth, nil)
	r.NLL = -mean
	for i := range truth {
		truth[i] -= logProb[i]
	}
	r.Excess, r.ExcessError = stats.MeanError(truth, nil)
	return r, nil
}

// drawnFrom is the toy of a card whose events are modelled as they were drawn, or nil.
func drawnFrom(c *card.Card) (*toy.Distribution, error) {
	names := slices.Sorted(slices.Values(c.Features))
	if c.Toy == (card.Toy{}) || toy.Find(c.Toy.Name) != nil || len(c.Define) > 0 || c.Where != "" || !slices.Equal(names, []string{"x1", "x2"}) {
		return nil, nil
	}
	d, err := toy.New(c.Toy.Name, c.Toy.Options())
	if err != nil {
		return nil, err
	}
	if given := c.Given(); len(given) > 0 && (len(given) > 1 || len(c.Context) == 0 || c.Context[0] != d.Label()) {
		return nil, nil
	}
	return d, nil
}

// TrueLogDensity is that of each event of t under the density that those of the card were drawn from; nil where that is not known.
func TrueLogDensity(c *card.Card, t *events.Table) ([]float64, error) {
	d, err := drawnFrom(c)
	if d == nil {
		return nil, err
	}
	return trueLogDensity(d, t, len(c.Context) > 0)
}

// trueLogDensity is that of each event under the density that they were drawn from.
func trueLogDensity(d *toy.Distribution, t *events.Table, given bool) ([]float64, error) {
	names := []string{"x1", "x2"}
	if given {
		names = append(names, d.Label())
	}
	var columns [3]*events.Column
	for i, name := range names {
		var err error
		if columns[i], err = t.Column(name); err != nil {
			return nil, err
		}
	}
	l := make([]float64, t.Len())
	for i := range l {
		x := []float64{columns[0].Float(i), columns[1].Float(i)}
		if given {
			l[i] = d.LogDensityGiven(int(columns[2].Float(i)), x)
		} else {
			l[i] = d.LogDensity(x)
		}
	}
	return l, nil
}
