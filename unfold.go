package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/unfold"
)

// UnfoldResult is what an unfolding found.
type UnfoldResult = unfold.Result

// Unfold takes the effects of a detector out of the data of a card (card.Unfold). It writes to the folder out, unless that is "", the unfolded events of each
// method, unfolded-METHOD.parquet, a page about them, report.html, and its histograms with all numbers, report.json.
// A card without an unfolding, and events that leave nothing to unfold or to learn from, are *InputError. When ctx ends (*InterruptedError), it is as with Anomaly.
func Unfold(ctx context.Context, c *card.Card, out string, o Options) (r *UnfoldResult, err error) {
	chain := o.chain()
	page, err := o.staged(ctx, out, c, func(kept *stages.Stages) (about *report.Page, err error) {
		own := unfold.Options{Threads: chain.Threads, Kept: kept, Notice: chain.Notice, Warn: chain.Warn, Stage: chain.Stage, Folder: out, Version: chain.Version}
		r, about, err = unfold.Analyse(ctx, c, own)
		return about, err
	})
	if err == nil {
		r.Out, r.Report = out, page
	}
	return r, err
}
