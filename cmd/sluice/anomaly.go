package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/anomaly"
	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/say"
)

func (a *app) anomalyVerb() *cobra.Command {
	var methods []string
	var seeds int
	c := &cobra.Command{
		Use:   "anomaly CARD",
		Short: "Search for a resonance without a model of it: what looks unlike the sidebands?",
		Long: `Search for a resonance in a window of a mass, the signal region, by events that look
unlike the background that the sidebands teach a flow. The page in out/NAME has the
significance improvement of each method where labels are known, the background
expected in the signal region, and a scan of the mass.`,
		Example: "  sluice anomaly cards/anomaly-lhco.yaml --methods cathode,supervised --seeds 3",
	}
	c.Flags().StringSliceVar(&methods, "methods", nil, "anode, r-anode, cathode, lacathode, cwola, idealised, supervised (default: the card's)")
	c.Flags().IntVar(&seeds, "seeds", 0, "thinnings of the signal and trainings, each of its own seed (default: the card's)")
	return analysis(a, c, func(job *card.Card) error {
		if c.Flags().Changed("seeds") {
			if seeds < 1 {
				return usage("--seeds %d is not above 0", seeds)
			}
			job.Anomaly.Seeds = seeds
		}
		if methods != nil {
			job.Anomaly.Methods = trimmed(methods)
		}
		return nil
	}, sluice.Anomaly, printAnomaly)
}

func printAnomaly(w io.Writer, r *anomaly.Result) {
	b := r.Background
	fmt.Fprintf(w, "events      %d in the signal region, %d in the sidebands\n", r.Events.Region, r.Events.Sidebands)
	fmt.Fprintf(w, "background  %.0f +- %.0f in the signal region by the sidebands (chi2/ndf %.2f)", b.Estimate, b.Error, b.Chi2NDF)
	if b.Truth != nil {
		fmt.Fprintf(w, "; truly %.0f", b.Truth.Events)
	}
	fmt.Fprintln(w)
	if h := r.Hunt; h != nil {
		fmt.Fprintf(w, "hunt        %.0f events from %.4g to %.4g where %s are expected, after %s: local p %.2g, global p %.2g (%.2g sigma) by %s\n",
			h.Observed, h.Window[0], h.Window[1], estimate(h.Expected, h.Error), h.Method, h.LocalP, h.GlobalP, h.GlobalSigma, pseudo(&h.Hunt))
	}
	if s := r.Slide; s != nil {
		printSlide(w, s)
	}
	if c := r.Closure; c != nil {
		fmt.Fprintf(w, "closure     p of searches without signal, with %s, are uniform with a probability (KS) of %.2g (global p of %d hunts) and %.2g (local p of the signal region, of %d)\n",
			c.Method, c.KSP, len(c.GlobalP), c.LocalKS, len(c.LocalP))
	}
	fmt.Fprintf(w, "report      %s\n\n", r.Report)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "method\tmax SIC\tAUC\tseconds\t\n")
	for _, name := range r.Order {
		m := r.Methods[name]
		sic, auc := "-", "-"
		if m.MaxSIC != nil {
			sic, auc = fmt.Sprintf("%.1f +- %.1f", *m.MaxSIC, *m.MaxSICError), fmt.Sprintf("%.3f +- %.3f", *m.AUC, *m.AUCError)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.0f\t\n", name, sic, auc, m.Seconds)
	}
	t.Flush()
	for _, in := range r.Injections {
		var all []string
		for _, name := range r.Order {
			if m := in.Methods[name]; m.MaxSIC != nil {
				all = append(all, fmt.Sprintf("%s %.1f +- %.1f", name, *m.MaxSIC, *m.MaxSICError))
			}
		}
		fmt.Fprintf(w, "\nmax SIC with %d signal events, S/B %.2g %%: %s\n", in.Signal, 100*in.Ratio, strings.Join(all, ", "))
	}
}

// pseudo is where a global p is from.
func pseudo(h *bump.Hunt) string {
	n := say.Count(h.Pseudo, "pseudo-experiment")
	if h.Tail {
		return fmt.Sprintf("an exponential fitted to the most extreme tenth of %s, none of which is as extreme", n)
	}
	return n
}

// estimate is a number of events with its error, for any terminal.
func estimate(n, deviation float64) string {
	return strings.Replace(say.Estimate(n, deviation), "±", "+-", 1)
}

// printSlide says what the p of other signal regions are.
func printSlide(w io.Writer, s *anomaly.Slide) {
	fmt.Fprintf(w, "regions     %s, each searched with %s: the local p is that of as many events, or more, in the region after a selection of 1 %%\n", say.Count(len(s.Windows), "signal region"), s.Method)
	looked := 0
	for _, r := range s.Windows {
		if r.LocalP == 0 {
			fmt.Fprintf(w, "            %.4g to %.4g: %.0f events; too few are beside it to know what to expect\n", r.Low, r.High, r.Observed)
			continue
		}
		looked++
		fmt.Fprintf(w, "            %.4g to %.4g: %.0f events where %s are expected, local p %.2g\n", r.Low, r.High, r.Observed, estimate(r.Estimate.Estimate, r.Estimate.Error), r.LocalP)
	}
	fmt.Fprintf(w, "            global p %.2g (%.2g sigma): that of a least local p as small among %d, these being independent\n", s.GlobalP, s.GlobalSigma, looked)
}
