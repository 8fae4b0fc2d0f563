package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/background"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/report"
)

// Background makes the estimate of a card (card.Background), and writes it to the folder out, unless that is "": a page about it, report.html, weighted
// events, templates and a workspace.
//
// A card without an estimate, and regions that cannot be or hold no events, are *InputError. When ctx ends (*InterruptedError), what was done is kept in the
// folder, and the same call goes on from it, as after a kill.
func Background(ctx context.Context, c *card.Card, out string, o Options) (r *background.Result, err error) {
	page, err := o.staged(ctx, out, c, func(w stages.Work) (*report.Page, error) {
		if r, err = background.Run(ctx, c, w); err != nil {
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
