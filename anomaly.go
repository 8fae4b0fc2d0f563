package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/anomaly"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/report"
)

// Anomaly makes the search of a card (card.Anomaly), and writes a page about it, report.html, to the folder out, unless that is "".
//
// A card without a search, and events that leave nothing to search in or to learn from, are *InputError. When ctx ends (*InterruptedError), what was done
// is kept in the folder, and the same call goes on from it, as after a kill.
func Anomaly(ctx context.Context, c *card.Card, out string, o Options) (r *anomaly.Result, err error) {
	page, err := o.staged(ctx, out, c, func(w stages.Work) (*report.Page, error) {
		if r, err = anomaly.Run(ctx, c, w); err != nil {
			return nil, err
		}
		return r.Page(c)
	})
	if err != nil {
		return nil, err
	}
	r.Out, r.Report = out, page
	return r, nil
}
