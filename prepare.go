package sluice

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// Prepared is a table of events as a training needs it.
type Prepared struct {
	Events   *events.Table  // all, or, of a stream, those that test and then those that validate
	Rows     train.Data     // which events train, which validate, which test
	Features *prep.Pipeline // fitted on the training events
	Context  *prep.Pipeline
	Notices  []string

	card    *card.Card
	events  int         // in all
	x       [][]float32 // prepared features of every event
	context [][]float32
	logDet  []float64      // of the preparation, a value an event
	weight  []float32      // in units of the mean of those that train; nil where all are 1
	weights feed.WeightSum // of the training events

	// Of a stream:
	survey  *feed.Survey
	windows *feed.Windows
}

// Prepare splits the events of a card, fits the preparation of each column and applies it. Errors are
// InputErrors.
func Prepare(c *card.Card, t *events.Table) (*Prepared, error) {
	p, err := prepare(c, t)
	return p, input(err)
}

func prepare(c *card.Card, t *events.Table) (*Prepared, error) {
	cfg := c.Train.WithDefaults()
	p := &Prepared{Events: t, events: t.Len(), card: c}
	rows := make([]int64, t.Len())
	for i := range rows {
		rows[i] = int64(i)
	}
	parts, err := feed.Split(feed.Block{Table: t, Rows: rows}, feed.Config{
		Columns: slices.Concat(features(c), c.Context), Valid: cfg.Valid, Test: cfg.Test, Seed: c.Seed,
	})
	if err != nil {
		return nil, err
	}
	p.Rows.Train, p.Rows.Valid, p.Rows.Test = parts.Train, parts.Valid, parts.Test
	if n := len(p.Rows.Train); n < cfg.Batch {
		return nil, tooFew(cfg.Batch, t.Len(), n, len(p.Rows.Valid), len(p.Rows.Test))
	}
	if err := p.fit(t.Take(p.Rows.Train), nil); err != nil {
		return nil, err
	}
	if p.x, p.logDet, err = p.Features.Apply(t, parts.Number); err != nil {
		return nil, err
	}
	if len(c.Context) > 0 {
		if p.context, _, err = p.Context.Apply(t, nil); err != nil {
			return nil, err
		}
	}
	return p, p.readWeights()
}

// fit fits the preparation on training events, or on a sample of them whose moments are known.
func (p *Prepared) fit(t *events.Table, moments prep.Moments) (err error) {
	var notices []string
	if p.Features, notices, err = moments.Fit(t, features(p.card), p.card.Prepare, p.card.Seed); err != nil {
		return err
	}
	p.Notices = append(p.Notices, notices...)
	if p.Context, notices, err = moments.FitContext(t, p.card.Context, p.card.PrepareContext); err != nil {
		return err
	}
	p.Notices = append(p.Notices, notices...)
	return nil
}

func (p *Prepared) readWeights() error {
	if p.Events.Weight == "" {
		return nil
	}
	c, err := p.Events.Column(p.Events.Weight)
	if err != nil {
		return err
	}
	for _, r := range p.Rows.Train {
		p.weights.Add(c.Float(int(r)))
	}
	p.weight = make([]float32, c.Len())
	for i := range p.weight {
		p.weight[i] = p.weights.Relative(c.Float(i))
	}
	return p.checkWeights()
}

// checkWeights refuses samples over which no mean can be taken.
func (p *Prepared) checkWeights() error {
	if p.weight == nil {
		return nil
	}
	mean := p.weights.Sum() / p.weights.Events
	for _, s := range []struct {
		name string
		rows int
		sum  float64
	}{
		{"training", p.Rows.Training(), p.weights.Sum()},
		{"validation", len(p.Rows.Valid), mean * p.sumWeights(p.Rows.Valid)},
		{"test", len(p.Rows.Test), mean * p.sumWeights(p.Rows.Test)},
	} {
		if s.rows > 0 && !(s.sum > 0) {
			return fmt.Errorf("weight %q: the weights of the %d %s events add up to %g; a mean needs a positive sum", p.card.Weight, s.rows, s.name, s.sum)
		}
	}
	return nil
}

func tooFew(batch, all, train, valid, test int) error {
	return fmt.Errorf("a batch of %d needs as many training events, but %d events leave only %d (%d validate, %d test): "+
		"take more events or a smaller batch (--batch, in a card train.batch)", batch, all, train, valid, test)
}

// sumWeights is the number of events where all weigh 1.
func (p *Prepared) sumWeights(rows []int32) float64 {
	if p.weight == nil {
		return float64(len(rows))
	}
	var s float64
	for _, r := range rows {
		s += float64(p.weight[r])
	}
	return s
}
