package fit

import (
	"fmt"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/train"
)

const (
	// fewest training events make batches of their own size.
	fewest = 32
	// steps is how many a training has at least, of the usual batch or a smaller one: 50 epochs of 1,000 to 20,000 events end too early.
	steps = 10_000
	// matched is the batch of flow matching, whose gradient scatters more, and is cheap, from so many batches of training events on.
	matched, matchedFrom = 1024, 16
	// crowded is the number of parameters a training event above which a flow learns its events by heart: a tenth of the hidden
	// units is then left out in training. docs/performance.md has the figures.
	crowded, leftOut = 10, 0.1
)

// bySize is a card with the batch and the epochs that so many training events ask for, where it names none, and a line on each
// that is not the usual one.
func bySize(c *card.Card, events int) (*card.Card, []string) {
	own, usual := *c, c.Train.WithDefaults()
	var said []string
	if c.Train.Batch == 0 && events >= fewest && events < usual.Batch {
		own.Train.Batch = events / 4
		said = append(said, fmt.Sprintf("%d events train, fewer than a usual batch: batches of %d are taken (train.batch)", events, own.Train.Batch))
	}
	batch := min(own.Train.WithDefaults().Batch, train.Config{}.WithDefaults().Batch)
	if c.Train.Batch == 0 && events >= matchedFrom*matched && byMatching(c.Flow, c.Train) {
		own.Train.Batch, batch = matched, matched
		said = append(said, fmt.Sprintf("flow matching takes batches of %d (train.batch)", matched))
	}
	if epochs := (steps*batch + events - 1) / max(events, 1); c.Train.Epochs == 0 && epochs > usual.Epochs {
		own.Train.Epochs = epochs
		said = append(said, fmt.Sprintf("%d events train in up to %d epochs (train.epochs)", events, epochs))
	}
	return &own, said
}

// dropout sets that of a flow with many parameters for its events, where the card says nothing of it.
func (d *Data) dropout() error {
	cfg := d.card.Train.WithDefaults()
	short := cfg.Epochs*d.survey.Train < steps/2*cfg.Batch // too few steps to learn all with a part left out
	if len(d.card.Flow.Layers) > 0 || d.card.Flow.Dropout != 0 || short {
		return nil
	}
	plan, err := d.plan(d.card.Seed)
	if err != nil || plan.Size() <= crowded*d.survey.Train {
		return err
	}
	own := *d.card
	own.Flow.Dropout = leftOut
	if own.Flow.Validate() != nil {
		return nil // a flow without hidden layers to leave a part of out
	}
	if _, table := plan.(*mix.Plan); table && own.Categorical.Dropout == 0 {
		own.Categorical.Dropout = leftOut
	}
	d.card = &own
	d.Notices = append(d.Notices, fmt.Sprintf("%d parameters learn from %d events: a dropout of %g keeps the flow from knowing them by heart (flow.dropout; 0 for none)",
		plan.Size(), d.survey.Train, leftOut))
	return nil
}
