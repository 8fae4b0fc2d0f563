package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/infer"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/query"
)

// mostDraws of a posterior, or of a toy, are in memory.
const mostDraws = 10_000_000

func (a *app) inferVerb() *cobra.Command {
	var n, within, check string
	var out sluice.InferOutputs
	var observed, truth []string
	var events string
	var how query.Reading
	var q sluice.Observed
	c := &cobra.Command{
		Use:   "infer MODEL --observed FILE|NAME=VALUE...",
		Short: "Draw parameters from their posterior, given an observation",
		Long: `Draw the features of a conditional model, which are the parameters of a simulation,
given its context, which is what is observed: median and central intervals of 68 and
95 % of each. A FILE has an observation a row; each has a posterior of its own. That
given all of them together, of independent observations of the same parameters, is
--combine's: the product of the posteriors over the prior to the power of their number
less one, by a Markov chain. The prior is --log-prior, or that of the card's simulator,
or even over the trained range.

True parameters, where the FILE has them or --truth tells them, are marked.

Before any posterior, an observation outside the trained range is told. With --check, a
file of simulated pairs of parameters and observables that the model was not trained on,
also how far the observation lies from simulated ones (surprise_p: the chance that one
of these lies as far from its neighbours, in all observables together), and whether the
intervals hold the parameters as often as they claim (calibration). The pairs are read
into memory. Where the model's card draws from a simulator, or else by the pairs of
--check, what draws of the posterior predict is compared with what was observed.

With --reweight, or a likelihood as an expression over parameters and observables, the
draws get weights by which they follow prior times likelihood: how many independent
draws these are worth, the evidence, and weighted intervals. With --mcmc the draws are
those of a Markov chain over prior times likelihood of the simulator, for comparison.

Draws of which a parameter lies further beyond its trained range than --within times
that are drawn again, and counted; after --max-seconds without an end it is given up.`,
		Example: `  sluice run cards/two-moons.yaml --profile given --out out/moons --set train.epochs=3
  sluice infer out/moons/model.safetensors --observed moon=1 -o draws.csv --report posterior.html`,
		Args: arguments(1, 1, "one model"),
	}
	c.Flags().StringArrayVar(&observed, "observed", nil, "NAME=VALUE of one observation (repeatable), or a FILE with an observation a row")
	c.Flags().StringVarP(&n, "draws", "n", fmt.Sprint(infer.Draws), "how many of each posterior; 1e5 is a number too")
	c.Flags().StringVarP(&out.Draws, "output", "o", "", "a file of the draws to write")
	c.Flags().StringVar(&out.Page, "report", "", "a page (HTML) to write: table, pairs of parameters, histograms, calibration")
	c.Flags().StringVar(&check, "check", "", "a FILE of simulated pairs that the model was not trained on")
	c.Flags().StringVar(&within, "within", "0.5", "FACTOR: how far a draw may lie beyond the trained range, in units of it, or none")
	c.Flags().StringArrayVar(&truth, "truth", nil, "NAME=VALUE of a true parameter, to be marked (repeatable)")
	c.Flags().StringVar(&events, "check-events", "", "how many of the pairs of --check the calibration looks at (default 1000, fewer of an expensive model)")
	c.Flags().BoolVar(&q.Combine, "combine", false, "one posterior given all observations together")
	c.Flags().BoolVar(&q.MCMC, "mcmc", false, "draw by a Markov chain over the likelihood of the simulator of the model's card, for comparison")
	c.Flags().BoolVar(&q.Reweight, "reweight", false, "weight the draws with the likelihood of the simulator of the model's card")
	c.Flags().StringVar(&q.LogLikelihood, "log-likelihood", "", "EXPR: weight the draws with this likelihood, in nats")
	c.Flags().StringVar(&q.LogPrior, "log-prior", "", "EXPR: the prior, in nats, of parameters alone")
	c.Flags().Float64Var(&q.MaxSeconds, "max-seconds", 0, "give up after so long (default: never)")
	readingFlags(c, &how)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(observed) == 0 {
			return usage("what was observed? give --observed NAME=VALUE for each observable, or --observed FILE")
		}
		q.Check, q.Seed, q.Reading = check, a.seed, how
		draws, err := count(n)
		if err != nil {
			return err
		}
		if q.Draws = int(min(draws, mostDraws)); draws > mostDraws {
			return usage("-n %s is more than %d draws of a posterior", n, mostDraws)
		}
		if q.Within, err = parseWithin(within); err != nil {
			return err
		}
		if events != "" {
			if draws, err = count(events); err != nil || check == "" {
				return usage("--check-events takes a whole number from 1 on, and --check FILE")
			}
			q.CheckEvents = int(min(draws, mostDraws))
		}
		if q.MaxSeconds < 0 || q.MaxSeconds == 0 && c.Flags().Changed("max-seconds") || math.IsNaN(q.MaxSeconds) {
			return usage("--max-seconds %g: give a number above 0", q.MaxSeconds)
		}
		if known, file, err := given("--truth", truth); err != nil {
			return err
		} else if q.Truth = known; file != "" {
			return usage("--truth %s is not NAME=VALUE", file)
		}
		if q.Values, q.File, err = given("--observed", observed); err != nil {
			return err
		}
		if q.Values != nil && q.File != "" {
			return usage("--observed takes a file or values, not both")
		}
		m, err := a.load(c.Context(), args[0])
		if err != nil {
			return err
		}
		o := a.options()
		o.Inputs, o.Command = args, commandLine(c, args)
		r, err := sluice.Infer(c.Context(), m, q, out, o)
		return show(a, r, err, printInferred)
	}
	return c
}

// mostPrinted posteriors are printed.
const mostPrinted = 20

func printInferred(w io.Writer, r *sluice.Inferred) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	several, true := r.Observations > 1, infer.HasTruth(r.Each[0].Parameters)
	if several {
		fmt.Fprint(table, "observation\t")
	}
	fmt.Fprint(table, "parameter\tmedian\t68 %\t95 %")
	if true {
		fmt.Fprint(table, "\ttruth")
	}
	fmt.Fprintln(table)
	rows := func(which any, parameters map[string]infer.Parameter) {
		for _, name := range r.Parameters {
			if several {
				fmt.Fprintf(table, "%v\t", which)
			}
			q := parameters[name]
			median, of68, of95 := q.Cells()
			if q.Unit != "" {
				name += " [" + q.Unit + "]"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s", name, median, of68, of95)
			if true {
				fmt.Fprint(table, "\t", q.TruthCell())
			}
			fmt.Fprintln(table)
		}
	}
	if r.Combined != nil {
		rows("all", r.Combined.Parameters)
	}
	for _, p := range r.Each[:min(len(r.Each), mostPrinted)] {
		rows(p.Observation, p.Parameters)
	}
	table.Flush()
	if more := len(r.Each) - mostPrinted; more > 0 {
		fmt.Fprintf(w, "and of %s more; --json prints all\n", say.Count(more, "observation"))
	}
	for _, p := range r.Each[:min(len(r.Each), mostPrinted)] {
		for _, line := range p.Lines() {
			if several {
				line = fmt.Sprintf("observation %d: %s", p.Observation, line)
			}
			fmt.Fprintln(w, line)
		}
	}
	if c := r.Calibration; c != nil {
		for _, line := range c.Lines(func(column string) string { return column })[1:] {
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintf(w, "%s of each posterior in %.2f s\n", say.Count(r.Draws, "draw"), r.Seconds)
	for _, file := range []string{r.File, r.Report} {
		if file != "" {
			fmt.Fprintln(w, file)
		}
	}
}
