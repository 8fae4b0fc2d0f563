package main

import (
	"cmp"
	"context"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
)

// analysis completes the verb of an analysis of a card, which goes on in its folder: change takes up flags of its own, and may be nil.
func analysis[R any](a *app, c *cobra.Command, change func(*card.Card) error,
	run func(ctx context.Context, c *card.Card, out string, o sluice.Options) (*R, error), text func(w io.Writer, r *R)) *cobra.Command {
	var out string
	var f cardFlags
	c.Args = arguments(1, 1, "one card")
	c.Flags().StringVar(&out, "out", "", "folder for all that is written (default out/NAME)")
	f.register(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		job, err := f.card(a, c, args[0], nil)
		if err != nil {
			return err
		}
		if change != nil {
			if err := change(job); err != nil {
				return err
			}
		}
		o := a.options()
		o.Command, o.Inputs = commandLine(c, args), args
		r, err := run(c.Context(), job, cmp.Or(out, filepath.Join("out", job.Name)), o)
		return show(a, r, goesOn(err, "the same command"), text)
	}
	return c
}
