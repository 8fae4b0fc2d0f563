package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/chain"
)

// Planned is what a training would be.
type Planned = fit.Planned

// PlannedFile is a file that would be written.
type PlannedFile = fit.PlannedFile

// PlanTraining does what Train does up to the training, takes some steps to measure them, and writes nothing. Errors are those
// of Train; when ctx ends, nothing is left (*InterruptedError).
func PlanTraining(ctx context.Context, c *card.Card, out string, o Options) (*Planned, error) {
	p, err := chain.PlanTraining(ctx, c, out, o.chain())
	return p, ended(ctx, err, "")
}

// PlanRun does what Run does up to the training, takes some steps to measure them, and writes nothing. Errors are those of Run;
// when ctx ends, nothing is left (*InterruptedError).
func PlanRun(ctx context.Context, c *card.Card, out string, o Options) (*Planned, error) {
	p, err := chain.PlanRun(ctx, c, out, o.chain())
	return p, ended(ctx, err, "")
}
