package main

import (
	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
)

func (a *app) compareVerb() *cobra.Command {
	var p sluice.Pair
	var file, limit, model string
	var define, names []string
	c := &cobra.Command{
		Use:   "compare REFERENCE GENERATED",
		Short: "Measure how far generated events are from reference events",
		Long: `Measure, column by column, how far generated events are from reference events:
the Kolmogorov-Smirnov distance and its p-value, the Wasserstein-1 distance in the
column's unit, chi2/ndf of histograms, and the pair whose rank correlations differ most.
The verdict is "agree" (one column), "untested" (no difference found, but how the columns go
together is not tested), "close", "differs" or "apart".`,
		Example: `  sluice run cards/two-moons.yaml --out out/moons --set train.epochs=3
  sluice sample out/moons/model.safetensors -n 20000 -o other.csv --seed 2
  sluice compare out/moons/sample.parquet other.csv -o moons.html`,
		Args: arguments(2, 2, "two files"),
	}
	c.Flags().StringSliceVar(&p.Columns, "columns", nil, "columns to compare (default: all that both have)")
	c.Flags().StringVar(&p.Weight, "weight", "", "column of event weights, in each file that has it")
	c.Flags().StringVarP(&file, "output", "o", "", "a report (HTML) to write")
	c.Flags().StringVar(&model, "model", "", "compare as a model has it: its columns, definitions, selection and weights")
	c.Flags().StringArrayVar(&define, "define", nil, "NAME=EXPR: a column made from others, in each file that lacks it (repeatable)")
	c.Flags().StringVar(&p.Where, "where", "", "compare the events for which an expression holds")
	c.Flags().StringSliceVar(&names, "names", nil, "A,B: what the report calls the two (default: the names of the files)")
	failFlag(c, &limit)
	readingFlags(c, &p.Reading)
	c.RunE = func(c *cobra.Command, args []string) error {
		p.Reference, p.Generated, p.Columns = args[0], args[1], trimmed(p.Columns)
		if n := copy(p.Names[:], trimmed(names)); n == 1 || n < len(names) {
			return usage("--names takes two names, A,B, and %d were given", len(names))
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
		r, err := sluice.Compare(c.Context(), p, file, o)
		if err := show(a, r, err, printComparison); err != nil {
			return err
		}
		return fails(r)
	}
	return c
}
