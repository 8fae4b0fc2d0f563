package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/chain"
	"github.com/sluice-hep/sluice/record"
)

// TrainResult is the record of a training.
type TrainResult = record.Training

// Train reads the events of a card, or takes its table, prepares them, learns their density and writes it to the file out,
// unless that is "". The record that it returns has the model and how the training went; NLLs are in nats per event, of the
// density per unit of the user's columns.
//
// Errors in the card or its files are *InputError. When ctx ends, the state of the training is kept beside out
// (*InterruptedError), and Options.Resume goes on from it to the model that an uninterrupted training gives, bit for bit;
// without out nothing is kept. So is that of a training after which something failed, as the writing of Options.HeldOut: the same
// call takes it up.
func Train(ctx context.Context, c *card.Card, out string, o Options) (*TrainResult, error) {
	r, kept, err := chain.Train(ctx, c, out, o.chain())
	return r, ended(ctx, err, kept)
}
