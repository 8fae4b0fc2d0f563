package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/background"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/report"
)

// BackgroundResult is an estimate of a background.
type BackgroundResult = background.Result

// Background makes the estimate of a card (card.Background), and writes it to the folder out, unless that is "": a page about it, report.html, weighted
// events, templates and a workspace.
//
// A card without an estimate, and regions that cannot be or hold no events, are *InputError. When ctx ends (*InterruptedError), nothing is kept.
func Background(ctx context.Context, c *card.Card, out string, o Options) (r *BackgroundResult, err error) {
	chain := o.chain()
	inputs := append(c.Inputs(), c.SimulationPaths()...)
	page, err := o.analysis(out, inputs, func() (about *report.Page, err error) {
		own := background.Options{Threads: chain.Threads, Notice: chain.Notice, Warn: chain.Warn, Stage: chain.Stage, Folder: out, Version: chain.Version}
		if r, err = background.Run(ctx, c, own); err != nil {
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
