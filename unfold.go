package sluice

import (
	"context"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/unfold"
)

// UnfoldResult is what an unfolding found.
type UnfoldResult = unfold.Result

// Unfold takes the effects of a detector out of the data of a card (card.Unfold). It writes to the folder out, unless that is "", the unfolded events of each
// method, unfolded-METHOD.parquet, a page about them, report.html, and its histograms with all numbers, report.json.
//
// A card without an unfolding, and events that leave nothing to unfold or to learn from, are *InputError. When ctx ends (*InterruptedError), nothing
// is written.
func Unfold(ctx context.Context, c *card.Card, out string, o Options) (r *UnfoldResult, err error) {
	chain := o.chain()
	data, prior := c.UnfoldInputs()
	page, err := o.analysis(out, slices.Concat(c.Inputs(), data, prior), func() (about *report.Page, err error) {
		if r, err = unfold.Run(ctx, c, unfold.Options{Threads: chain.Threads, Notice: chain.Notice, Warn: chain.Warn, Stage: chain.Stage}); err != nil {
			return nil, ended(ctx, err, "")
		}
		if about, err = r.Page(c); err != nil || out == "" {
			return about, err
		}
		o.sign(about, out)
		return about, r.Write(out, about)
	})
	if err != nil {
		return nil, err
	}
	r.Out, r.Report = out, page
	return r, nil
}
