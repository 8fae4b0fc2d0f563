package main

import (
	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
)

func (a *app) compareVerb() *cobra.Command {
	var p sluice.Pair
	var file string
	c := &cobra.Command{
		Use:   "compare REFERENCE GENERATED",
		Short: "Measure how far generated events are from reference events",
		Long: `Measure, column by column, how far generated events are from reference events:
the Kolmogorov-Smirnov distance and its p-value, the Wasserstein-1 distance in the
column's unit, chi2/ndf of histograms, and the largest difference of a correlation.`,
		Example: `  sluice run cards/two-moons.yaml --out out/moons --set train.epochs=3
  sluice sample out/moons/model.safetensors -n 20000 -o other.csv --seed 2
  sluice compare out/moons/sample.parquet other.csv -o moons.html`,
		Args: arguments(2, 2, "two files"),
	}
	c.Flags().StringSliceVar(&p.Columns, "columns", nil, "columns to compare (default: all that both have)")
	c.Flags().StringVar(&p.Weight, "weight", "", "column of event weights, in each file that has it")
	c.Flags().StringVarP(&file, "output", "o", "", "a report (HTML) to write")
	readingFlags(c, &p.Reading)
	c.RunE = func(c *cobra.Command, args []string) error {
		p.Reference, p.Generated, p.Columns = args[0], args[1], trimmed(p.Columns)
		o := a.options()
		o.Command = commandLine(c, args)
		r, err := sluice.Compare(c.Context(), p, file, o)
		return show(a, r, err, printComparison)
	}
	return c
}
