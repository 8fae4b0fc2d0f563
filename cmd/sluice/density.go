package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/model"
)

func (a *app) densityVerb() *cobra.Command {
	var file string
	var resume bool
	var e sluice.Evaluate
	c := &cobra.Command{
		Use:   "density MODEL FILE... -o FILE",
		Short: "Evaluate the density of events",
		Long: `Write the columns of files and log_prob, the log of the density of each event in
nats per unit of the features; with --latent also the latent columns z_0, z_1, ...
Columns that the model's card defines are computed where the files lack them.

Integers, levels (a few values) and atoms (single values of many events) count with
their probability, not per unit: log_prob of a Poisson number is the log of its
probability, and summed over all numbers these give 1. It is the mean of the flow's
density over the cell of the value, at --draws places (of several such columns, of a
Latin hypercube), and follows from the values of the event alone: not from its row,
the other events, or threads. The latent columns are of the middle of the cells.

The file appears when it is whole. Until then FILE.journal holds what is evaluated, as
large as the numbers in memory: with it, --resume goes on after an interruption.`,
		Example: `  sluice run cards/lhco.yaml --set train.epochs=3
  sluice density out/lhco/model.safetensors cards/data/lhco.parquet -o scored.parquet --latent`,
		Args: arguments(2, -1, "a model and one or more files"),
	}
	c.Flags().StringVarP(&file, "output", "o", "", "the file to write")
	c.Flags().BoolVar(&e.Latent, "latent", false, "write the latent columns too")
	c.Flags().IntVar(&e.Draws, "draws", model.Draws, "at so many places of its cell the density of a repeated value is taken")
	c.Flags().BoolVar(&e.DropNaN, "drop-nan", false, "leave out events with a missing feature or context")
	readingFlags(c, &e.Reading)
	resumeFlag(c, &resume)
	c.RunE = func(c *cobra.Command, args []string) error {
		if file == "" {
			return usage("where to write the events? give -o FILE")
		}
		if e.Draws < 1 || e.Draws > 1<<16 {
			return usage("--draws %d is not between 1 and %d", e.Draws, 1<<16)
		}
		m, err := a.load(c.Context(), args[0])
		if err != nil {
			return err
		}
		o := a.options()
		o.Resume, o.Inputs, e.Files = resume, args[:1], args[1:]
		r, err := sluice.Density(c.Context(), m, e, file, o)
		return show(a, r, goesOn(err, sameCommand), func(w io.Writer, r *sluice.Evaluated) {
			fmt.Fprintf(w, "%s  %d events in %.2f s; mean log_prob %.4f nats, %d events out of the trained range\n",
				r.File, r.Events, r.Seconds, r.MeanLogProb, r.OutOfRange)
		})
	}
	return c
}
