package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice/bench"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
)

// benchReport is the result of the verb bench.
type benchReport struct {
	Machine   bench.Machine   `json:"machine"`
	Workloads []*bench.Result `json:"workloads"`
}

func (a *app) benchVerb() *cobra.Command {
	var names []string
	var f cardFlags
	var cardPath string
	var seconds float64
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the speed of training, density and sampling on this machine",
		Long: `Measure the speed of training, density and sampling on this machine, for models of
published analyses (docs/performance.md says which) or for the flow of your own
card, on correlated normal events. A step is forward, backward and optimiser; the
fraction is of the processor's peak, measured in the same run.`,
		Example: "  sluice bench --workload A,B --seconds 2\n  sluice bench --card cards/lhco.yaml --threads 1",
		Args:    arguments(0, 0, "no arguments"),
	}
	c.Flags().StringSliceVar(&names, "workload", nil, "which of A, B, Bc, C, D, D512, E, Er, F, G (default: all but D512)")
	c.Flags().StringVar(&cardPath, "card", "", "measure the flow and batch size of a card instead")
	f.registerProfile(c)
	c.Flags().Float64Var(&seconds, "seconds", 4, "time for each workload")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !(seconds > 0 && seconds <= 86400) {
			return usage("--seconds %g is not between 0 and 86400", seconds)
		}
		workloads, unknown := bench.ByName(names)
		if workloads == nil {
			return usage("there is no workload %q; see %s --help", unknown, c.CommandPath())
		}
		if cardPath != "" {
			job, err := f.card(a, c, cardPath, nil)
			if err != nil {
				return err
			}
			workloads = nil
			for _, one := range job.Each() {
				spec, err := one.Flow.Resolve(job.Features)
				if err != nil {
					return fault.Of(err)
				}
				workloads = append(workloads, bench.Workload{
					Name: one.Name, Features: len(job.Features), Context: len(job.Context),
					Batch: one.Train.WithDefaults().Batch, Spec: spec,
				})
			}
		}
		machine, err := await.Do(c.Context(), "the peak of the processor", func() (bench.Machine, error) { return bench.ThisMachine(a.threads), nil })
		if err != nil {
			return err
		}
		report := benchReport{Machine: machine}
		for _, w := range workloads {
			if !a.quiet {
				fmt.Fprintf(a.stderr, "measuring %s ...\n", w.Name)
			}
			budget := time.Duration(math.Round(seconds * float64(time.Second)))
			r, err := await.Do(c.Context(), w.Name, func() (*bench.Result, error) { return bench.Run(c.Context(), w, a.threads, budget) })
			if err != nil {
				return err
			}
			report.Workloads = append(report.Workloads, r)
		}
		return show(a, &report, nil, printBench)
	}
	return c
}

func printBench(w io.Writer, r *benchReport) {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d threads, %s, peak %.0f GFLOP/s a core\n\n", m.CPU, m.Threads, m.ISA, m.PeakGFLOPS)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tbatch\tms a step\tminimum\tevents/s\tGFLOP/s\tof peak\tdensity/s\tsamples/s\tMB\t")
	for _, b := range r.Workloads {
		fmt.Fprintf(t, "%s\t%d\t%.3g\t%.3g\t%.3g\t%.1f\t%.0f %%\t%.3g\t%.3g\t%.0f\t\n",
			b.Name, b.Batch, b.StepMedian, b.StepMin, b.EventsPerSec, b.GFLOPS, 100*b.PeakFraction, b.DensityPerSec, b.SamplePerSec, b.RSS)
	}
	t.Flush()
}
