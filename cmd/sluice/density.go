package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
)

func (a *app) densityVerb() *cobra.Command {
	var to destination
	var shard string
	var resume bool
	var e sluice.Evaluate
	c := &cobra.Command{
		Use:   "density MODEL FILE... -o FILE",
		Short: "Evaluate the density of events",
		Long: `Write the columns of files and log_prob, the log of the density of each event in
nats per unit of the features; with --latent also the latent columns z_0, z_1, ...
Of an ensemble, log_prob is that of the mean density, and log_prob_std the standard
deviation of its members' log-densities.
Columns that the model's card defines are computed where the files lack them. The
events are those that the model's selection keeps: the density of others is not what
was learned. --where selects others (--where '1>0': all).

Integers, levels (a few values) and atoms (single values of many events) count with
their probability, not per unit: log_prob of a Poisson number is the log of its
probability, and summed over all numbers these give 1. It is the mean of the flow's
density over the cell of the value, at --draws places (of several such columns, of a
Latin hypercube), and follows from the values of the event alone: not from its row,
the other events, or threads. The latent columns are of the middle of the cells.

The shards of a density (--shard I/N: so many events of the files each, in their order)
are joined by sluice merge to the file that the whole would be.

The file appears when it is whole. Until then FILE.journal holds what is evaluated, as
large as the numbers in memory: with it, --resume goes on after an interruption.`,
		Example: `  sluice run cards/lhco.yaml --set train.epochs=3
  sluice density out/lhco/model.safetensors cards/data/lhco.parquet -o scored.parquet --latent`,
		Args: arguments(2, -1, "a model and one or more files"),
	}
	destinationFlags(c, &to)
	c.Flags().BoolVar(&e.Latent, "latent", false, "write the latent columns too")
	c.Flags().IntVar(&e.Draws, "draws", model.Draws, "at so many places of its cell the density of a repeated value is taken")
	c.Flags().StringVar(&e.Where, "where", "", "evaluate the events for which an expression holds (default: the model's selection)")
	c.Flags().StringVar(&shard, "shard", "", "I/N: only part I, from 1 to N, of the events of the files, with a manifest FILE.shard for\nsluice merge")
	c.Flags().BoolVar(&e.DropNaN, "drop-nan", false, "leave out events with a missing feature or context")
	readingFlags(c, &e.Reading)
	resumeFlag(c, &resume)
	c.RunE = func(c *cobra.Command, args []string) error {
		o := a.options()
		o.Resume, o.Inputs, e.Files = resume, args[:1], args[1:]
		if err := a.send(&to, &o); err != nil {
			return err
		}
		if e.Draws < 1 || e.Draws > 1<<16 {
			return usage("--draws %d is not between 1 and %d", e.Draws, 1<<16)
		}
		var err error
		if e.Shard, e.Shards, err = parseShard(shard); err != nil {
			return err
		}
		m, err := a.load(c.Context(), args[0])
		if err != nil {
			return err
		}
		r, err := sluice.Density(c.Context(), m, e, to.file, o)
		return show(a, r, goesOn(err, sameCommand), printEvaluated)
	}
	return c
}

func printEvaluated(w io.Writer, r *sluice.Evaluated) {
	mean := fmt.Sprintf("%.4f nats", r.MeanLogProb)
	switch {
	case r.WeightedMean != nil:
		mean = fmt.Sprintf("%.4f nats weighted by %s, %s unweighted", *r.WeightedMean, r.Weight, mean)
	case r.Weight != "":
		mean += " unweighted"
	}
	if r.Spread != nil {
		mean += fmt.Sprintf(" with a spread of %.2g among %d members", *r.Spread, r.Members)
	}
	fmt.Fprintf(w, "%s  %s in %.2f s; mean log_prob %s, %d out of the trained range\n", r.File, say.Count(r.Events, "event"), r.Seconds, mean, r.OutOfRange)
}
