package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/chain"
	"github.com/sluice-hep/sluice/record"
)

// RunResult is the record of a run, also kept as summary.json beside what it wrote.
type RunResult = record.Run

// Run does all that a card asks for, in the folder out: model.safetensors, the sample, report.html and summary.json. Run
// again, it goes on where an earlier one was interrupted, and does not train a model anew that is there already. The record
// that it returns is that of summary.json, with the model.
//
// What is wrong with the card, its files or the folder is an *InputError. When ctx ends, what was done is kept in the folder
// (*InterruptedError), and the same call goes on from it, to the same files.
func Run(ctx context.Context, c *card.Card, out string, o Options) (*RunResult, error) {
	r, kept, err := chain.Run(ctx, c, out, o.chain())
	return r, ended(ctx, err, kept)
}
