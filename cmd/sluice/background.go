package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/background"
	"github.com/sluice-hep/sluice/internal/say"
)

func (a *app) backgroundVerb() *cobra.Command {
	return analysis(a, &cobra.Command{
		Use:   "background CARD",
		Short: "Estimate a background in a region of interest from control regions",
		Long: `Estimate the background in a region of interest from events in control regions:
how many by ABCD, what they look like by a flow given the control variables, or by
one that carries simulated events to data. Each control region is predicted without
itself, which gives the systematic error. The folder out/NAME gets weighted events,
templates, a workspace for pyhf, and a page.`,
		Example: "  sluice background cards/background.yaml --out out/estimate",
	}, nil, sluice.Background, printBackground)
}

func printBackground(w io.Writer, r *background.Result) {
	fmt.Fprintf(w, "yield       %s in %s (statistical %.3g, by resampled events %.3g; by closure %.3g); %s observed", estimate(r.Yield, r.Error), r.Region, r.Stat, r.Bootstrap, r.Closing, say.Events(r.Observed))
	if r.Truth != nil {
		fmt.Fprintf(w, "; truly %s", say.Events(*r.Truth))
	}
	fmt.Fprintln(w)
	if s := r.Systematic; s != nil {
		fmt.Fprintf(w, "closure     chi2/ndf %.3f of %d bins, RMS of the pulls %.2f\n", s.Chi2NDF, s.NDF, s.PullRMS)
	}
	fmt.Fprintf(w, "report      %s\n\n", r.Report)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "closure\tchi2/ndf\tobserved\tpredicted\tpull\t\n")
	for _, c := range r.Closure {
		predicted, pull := "-", "-"
		if c.Predictable {
			predicted, pull = fmt.Sprintf("%.0f +- %.0f", c.Predicted, c.Error), fmt.Sprintf("%.2f", c.Pull)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.0f\t%s\t%s\t\n", c.Region, c.Chi2NDF, c.Observed, predicted, pull)
	}
	t.Flush()
}
