package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/live"
	"github.com/sluice-hep/sluice/report"
)

func (a *app) runVerb() *cobra.Command {
	var out, limit, address string
	var f cardFlags
	var force, dry bool
	var members int
	c := &cobra.Command{
		Use:   "run CARD",
		Short: "Do the whole chain of a card: read, prepare, train, draw, compare, report",
		Long: `Do the whole chain of a card: read, prepare, train, draw, compare, report. The
results go to out/NAME. Run again, it goes on where an earlier run was interrupted,
and does not train again a model that is there already.`,
		Example: "  sluice run cards/lhco.yaml\n  sluice run cards/two-moons.yaml --out /tmp/moons --set train.epochs=5",
		Args:    arguments(1, 1, "one card"),
	}
	c.Flags().StringVar(&out, "out", "", "folder for the results (default out/NAME)")
	f.register(c)
	ensembleFlag(c, &members)
	c.Flags().BoolVar(&force, "force", false, "let the sample take the place of a file outside the folder")
	dryFlag(c, &dry)
	liveFlag(c, &address)
	failFlag(c, &limit)
	c.RunE = func(c *cobra.Command, args []string) error {
		fails, err := failAbove(limit)
		if err != nil {
			return err
		}
		job, err := f.card(a, c, args[0], func(job *card.Card) error {
			if c.Flags().Changed("ensemble") {
				if members < 1 {
					return usage("--ensemble %d is not above 0", members)
				}
				job.Train.Ensemble = members
			}
			return nil
		})
		if err != nil || a.follows(job) {
			return err
		}
		o := a.options()
		o.Command, o.Inputs, o.Force = commandLine(c, args), args, force
		folder := cmp.Or(out, filepath.Join("out", job.Name))
		if dry {
			p, err := sluice.PlanRun(c.Context(), job, folder, o)
			return show(a, p, err, printPlanned)
		}
		end, err := a.live(c.Context(), address, live.Source{Out: folder})
		if err != nil {
			return err
		}
		defer end()
		s, err := sluice.Run(c.Context(), job, folder, o)
		if err := show(a, s, goesOn(err, o.Command), printRun); err != nil {
			return err
		}
		return fails(s.Compare)
	}
	return c
}

func failFlag(c *cobra.Command, limit *string) {
	c.Flags().StringVar(limit, "fail-above", "", "exit with 1 where the verdict is worse than agree, untested, close or differs, or a\nKS distance above a number")
}

// commandLine is that of a verb with the flags given, for a shell.
func commandLine(c *cobra.Command, args []string) string {
	words := append([]string{"sluice", c.Name()}, args...)
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "json" || f.Name == "quiet" || f.Name == "verbose" || f.Name == "threads" || f.Name == "live" {
			return
		}
		if list, ok := f.Value.(interface{ GetSlice() []string }); ok {
			for _, v := range list.GetSlice() {
				words = append(words, "--"+f.Name, v)
			}
			return
		}
		value := f.Value.String()
		if f.Value.Type() == "stringToString" {
			value = strings.Trim(value, "[]")
		}
		words = append(words, "--"+f.Name, value)
	})
	for i, w := range words {
		if strings.ContainsFunc(w, func(r rune) bool { return !strings.ContainsRune(plain, r) }) || w == "" {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%"

func printRun(w io.Writer, s *sluice.RunResult) {
	if s.Flows != nil {
		printFlows(w, s)
	}
	printTraining(w, s.Train)
	if s.TrueEntropy != nil {
		fmt.Fprintf(w, "truth      the entropy is %.4f nats, the lowest NLL on average; the true density has %.4f on the events compared, the model %.4f +- %.4f more\n", *s.TrueEntropy, *s.TrueNLL, *s.Excess, *s.ExcessError)
	}
	if s.LogZ != nil {
		fmt.Fprintf(w, "log Z      %.4f from a grid; draws of the model give it a bound of %.4f +- %.2g\n", *s.LogZ, *s.LogZBound, *s.LogZBoundError)
	}
	fmt.Fprintf(w, "sample     %s\n", s.Sample)
	fmt.Fprintf(w, "report     %s\n\n", s.Report)
	printComparison(w, s.Compare)
}

// printFlows has a line a flow; what follows it is about the best.
func printFlows(w io.Writer, s *sluice.RunResult) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "flow\tparameters\tseconds\tvalid NLL\ttest NLL\tabove the truth\tverdict\n")
	for _, f := range s.Flows {
		truth := "-"
		if f.Excess != nil {
			truth = fmt.Sprintf("%.4f +- %.2g", *f.Excess, *f.ExcessError)
		}
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%s\t%s\t%s\t%s\n", f.Flow, f.Train.Parameters, f.Train.Seconds, number(float64(f.Train.ValidNLL)), number(float64(f.Train.TestNLL)), truth, f.Compare.Verdict.Level)
	}
	t.Flush()
	fmt.Fprintf(w, "\nthe lowest NLL of the validation events has %s:\n", s.Flow)
}

// effective is how many events without weights would tell as much, where that is fewer.
func effective(n float64, events int) string {
	if n > 0.995*float64(events) {
		return ""
	}
	return fmt.Sprintf(" (by their weights worth %.0f)", n)
}

// failAbove makes a failure of a verdict worse than a level, or of a KS distance above a number.
func failAbove(limit string) (check func(*sluice.Compared) error, err error) {
	if limit == "" {
		return func(*sluice.Compared) error { return nil }, nil
	}
	if most, err := strconv.ParseFloat(limit, 64); err == nil {
		if !(most >= 0) {
			return nil, usage("--fail-above %s is not a KS distance: give a number from 0 on, or a verdict", limit)
		}
		return func(c *sluice.Compared) error {
			for _, name := range c.Names {
				if ks := c.Columns[name].KS; ks > most {
					return fmt.Errorf("the KS distance of %s is %.4g, above %s (--fail-above)", name, ks, limit)
				}
			}
			return nil
		}, nil
	}
	var level report.Level
	if err := level.UnmarshalText([]byte(limit)); err != nil {
		return nil, usage("--fail-above: %v, or a KS distance", err)
	}
	return func(c *sluice.Compared) error {
		if c.Verdict.Level > level {
			return fmt.Errorf("the verdict is %q, worse than %q (--fail-above): %s", c.Verdict.Level, level, c.Verdict.Headline)
		}
		return nil
	}, nil
}
