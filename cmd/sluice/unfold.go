package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/unfold"
)

func (a *app) unfoldVerb() *cobra.Command {
	return analysis(a, &cobra.Command{
		Use:   "unfold CARD",
		Short: "Take the effects of a detector out of data: what is true, given what was measured?",
		Long: `Unfold data by a simulation that has what is true and what is measured of its events:
by an iterated conditional flow, by OmniFold, and by a matrix beside them. The folder
out/NAME has the unfolded events with weights, histograms with their covariance, and a
page.`,
		Example: "  sluice unfold cards/unfolding.yaml",
	}, nil, sluice.Unfold, printUnfold)
}

func printUnfold(w io.Writer, r *unfold.Result) {
	e := r.Events
	fmt.Fprintf(w, "data        %d events measured\n", e.Data)
	fmt.Fprintf(w, "simulation  %d events: %d pass both selections, %d fakes, %d lost\n", e.Simulation, e.Both, e.Fakes, e.Lost)
	for _, name := range r.Order {
		m := r.Methods[name]
		fmt.Fprintf(w, "%-11s %.0f +- %.0f events unfolded", name, m.Total, m.TotalError)
		if m.Truth > 0 {
			fmt.Fprintf(w, "; truly %.0f", m.Truth)
		}
		if n := len(m.Iterations); n > 0 && m.Iterations[n-1].Folded > 0 {
			fmt.Fprintf(w, "; folded again, chi2 %.2f a measured bin", m.Iterations[n-1].Folded)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "report      %s\n\n", r.Report)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "method\tcolumn\tchi2\tbins\tp\tother prior\t\n")
	for _, name := range r.Order {
		for _, s := range r.Methods[name].Columns {
			chi2, p, prior := "-", "-", "-"
			if s.Chi2 != nil {
				chi2, p = fmt.Sprintf("%.1f", *s.Chi2), fmt.Sprintf("%.2g", *s.P)
			}
			if s.Prior != nil {
				prior = fmt.Sprintf("%.1f %%", 100*s.PriorShift())
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t\n", name, s.Name, chi2, s.NDF, p, prior)
		}
	}
	t.Flush()
}
