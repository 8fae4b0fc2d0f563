package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/report"
)

func (a *app) compareVerb() *cobra.Command {
	var p sluice.Pair
	var limit, model, tests string
	var out sluice.CompareOutputs
	var define, names []string
	c := &cobra.Command{
		Use:   "compare REFERENCE GENERATED...",
		Short: "Measure how far generated events are from reference events",
		Long: `Tell how far generated events are from reference events. Column by column: the
Kolmogorov-Smirnov distance and its p-value, the Wasserstein-1 distance in the column's
unit, chi2/ndf of histograms; and the pair whose rank correlations differ most. All columns
together: tests with their p-values, unless --tests columns. After each --cut all of it again.
Several files of generated events are ranked, the best first.
The verdict is "agree", "untested" (no difference found, but too few events, or how the columns
go together is not tested), "close" (differences that are small, but more than chance), "differs"
or "apart".`,
		Example: `  sluice run cards/two-moons.yaml --out out/moons --set train.epochs=3
  sluice sample out/moons/model.safetensors -n 20000 -o other.csv --seed 2
  sluice compare out/moons/sample.parquet other.csv -o moons.html`,
		Args: arguments(2, -1, "two files or more"),
	}
	c.Flags().StringSliceVar(&p.Columns, "columns", nil, "columns to compare (default: all that all files have)")
	c.Flags().StringVar(&p.Weight, "weight", "", "column of event weights, in each file that has it")
	c.Flags().StringVarP(&out.Page, "output", "o", "", "a report (HTML) to write")
	c.Flags().StringVar(&model, "model", "", "compare as a model has it: its columns, definitions, selection and weights")
	c.Flags().StringArrayVar(&define, "define", nil, "NAME=EXPR: a column made from others, in each file that lacks it (repeatable)")
	c.Flags().StringVar(&p.Where, "where", "", "compare the events for which an expression holds")
	c.Flags().StringSliceVar(&names, "names", nil, "A,B,...: what the report calls the files (default: their names)")
	c.Flags().StringArrayVar(&p.Cuts, "cut", nil, "compare again the events for which an expression holds (repeatable)")
	c.Flags().StringVar(&out.Figures, "figures", "", "a folder for the pictures, as PNG, PDF and SVG")
	c.Flags().StringSliceVar(&p.Corner, "corner", nil, "columns to draw in pairs, 2 to 8")
	c.Flags().StringVar(&p.Score, "score", "", "a column of scores, larger for signal: ROC, AUC, rejection and significance improvement")
	c.Flags().StringVar(&p.Label, "label", "", "the column that is 1 for signal and 0 for background (default: REFERENCE is background,\nGENERATED signal)")
	c.Flags().StringVar(&out.Weights, "weights-out", "", "write the generated events with a column "+report.RatioColumn+", by which they are as the reference")
	c.Flags().StringVar(&p.Training, "training", "", "the events that a model was trained on: does the generated file hold copies?")
	c.Flags().StringVar(&tests, "tests", card.TestsOfAll, "all, or columns: one by one, without the tests of all columns together")
	failFlag(c, &limit)
	readingFlags(c, &p.Reading)
	c.RunE = func(c *cobra.Command, args []string) error {
		p.Reference, p.Generated, p.Columns, p.Seed = args[0], args[1:], trimmed(p.Columns), a.seed
		if p.Names = trimmed(names); len(p.Names) > 0 && len(p.Names) != len(args) {
			return usage("--names takes a name for each of the %d files, A,B, and %d were given", len(args), len(names))
		}
		switch p.Corner = trimmed(p.Corner); {
		case len(p.Corner) == 1 || len(p.Corner) > 8:
			return usage("--corner takes 2 to 8 columns, not %d", len(p.Corner))
		case p.Label != "" && p.Score == "":
			return usage("--label names the signal for --score: give the column of scores")
		case out.Weights != "" && len(args) > 2:
			return usage("--weights-out is for one file of generated events, not for %d", len(args)-1)
		case out.Weights != "" && tests == card.TestsOfColumns:
			return usage("--weights-out takes the tests of all columns together: leave out --tests columns")
		}
		switch tests {
		case card.TestsOfAll, card.TestsOfColumns:
			p.Alone = tests == card.TestsOfColumns
		default:
			return usage("--tests takes all or columns, not %q", tests)
		}
		o := a.options()
		o.Command = commandLine(c, args)
		var err error
		if p.Define, err = definitions(define); err != nil {
			return err
		}
		if model != "" {
			m, err := a.load(c.Context(), model)
			if err == nil {
				err = p.Follow(m)
			}
			if err != nil {
				return err
			}
			o.Inputs = []string{model}
		}
		fails, err := failAbove(limit)
		if err != nil {
			return err
		}
		r, err := sluice.Compare(c.Context(), p, out, o)
		if err := show(a, r, err, printComparison); err != nil {
			return err
		}
		return failsAny(fails, r)
	}
	return c
}

// failsAny is the first failure of several comparisons, or that of one.
func failsAny(fails func(*sluice.Compared) error, r *sluice.Compared) error {
	if len(r.Generated) == 0 {
		return fails(r)
	}
	for _, g := range r.Generated {
		if err := fails(g); err != nil {
			return fmt.Errorf("%s: %w", g.File, err)
		}
	}
	return nil
}
