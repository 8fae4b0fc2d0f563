package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/stats"
)

func (a *app) runVerb() *cobra.Command {
	var out, memory string
	var sets []string
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
	memoryFlag(c, &memory)
	c.Flags().StringArrayVar(&sets, "set", nil, "KEY=VALUE: change a value of the card (repeatable)")
	c.RunE = func(c *cobra.Command, args []string) error {
		job, err := card.Load(args[0])
		if err != nil {
			return &sluice.InputError{Err: err}
		}
		if err := cmp.Or(set(job, sets), allow(job, memory), a.global(c, job)); err != nil {
			return err
		}
		o := a.options()
		o.Command = commandLine(c, args)
		s, err := sluice.Run(c.Context(), job, cmp.Or(out, filepath.Join("out", job.Name)), o)
		return show(a, s, goesOn(err, o.Command), printRun)
	}
	return c
}

// commandLine is that of a verb with the flags given, for a shell.
func commandLine(c *cobra.Command, args []string) string {
	words := append([]string{"sluice", c.Name()}, args...)
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "json" || f.Name == "quiet" || f.Name == "threads" {
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
	printTraining(w, s.Train)
	if s.TrueEntropy != nil {
		fmt.Fprintf(w, "truth      the entropy is %.4f nats, the lowest NLL on average; the true density has %.4f on the events compared\n", *s.TrueEntropy, *s.TrueNLL)
	}
	fmt.Fprintf(w, "sample     %s\n", s.Sample)
	fmt.Fprintf(w, "report     %s\n\n", s.Report)
	printComparison(w, s.Compare)
}

func printComparison(w io.Writer, c *stats.Comparison) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "column\tKS\tp\tW1\tchi2/ndf\t\n")
	for _, name := range c.Names {
		d := c.Columns[name]
		fmt.Fprintf(t, "%s\t%.4f\t%.3g\t%.3g\t%.3g\t\n", name, d.KS, d.KSP, d.W1, d.Chi2NDF)
	}
	t.Flush()
	if len(c.CorrelationMaxPair) == 2 {
		fmt.Fprintf(w, "largest difference of a correlation: %.4f (%s)\n", c.CorrelationMaxDiff, strings.Join(c.CorrelationMaxPair, ", "))
	}
	fmt.Fprintf(w, "%d generated events against %d\n", c.GeneratedEvents, c.ReferenceEvents)
}
