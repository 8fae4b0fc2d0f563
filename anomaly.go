package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/anomaly"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/report"
)

// AnomalyResult is what a search found.
type AnomalyResult = anomaly.Result

// Anomaly makes the search of a card (card.Anomaly), and writes a page about it, report.html, to the folder out, unless that is "".
//
// A card without a search, and events that leave nothing to search in or to learn from, are *InputError. When ctx ends (*InterruptedError), nothing
// is kept.
func Anomaly(ctx context.Context, c *card.Card, out string, o Options) (r *AnomalyResult, err error) {
	chain := o.chain()
	page, err := o.analysis(out, c.Inputs(), func() (about *report.Page, err error) {
		if r, err = anomaly.Run(ctx, c, anomaly.Options{Threads: chain.Threads, Notice: chain.Notice, Warn: chain.Warn, Stage: chain.Stage}); err != nil {
			return nil, ended(ctx, err, "")
		}
		return r.Page(c)
	})
	if err != nil {
		return nil, err
	}
	r.Out, r.Report = out, page
	return r, nil
}
