package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/unfold"
)

// Unfold takes the effects of a detector out of the data of a card (card.Unfold). It writes to the folder out, unless that is "", the unfolded events of each
// method, unfolded-METHOD.parquet, a page about them, report.html, and its histograms with all numbers, report.json. Errors are those of Anomaly.
func Unfold(ctx context.Context, c *card.Card, out string, o Options) (r *unfold.Result, err error) {
	page, err := o.staged(ctx, out, c, func(w stages.Work) (about *report.Page, err error) {
		r, about, err = unfold.Analyse(ctx, c, w)
		return about, err
	})
	if err != nil {
		return nil, err
	}
	r.Out, r.Report = out, page
	return r, nil
}
