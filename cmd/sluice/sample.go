package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/model"
)

func (a *app) sampleVerb() *cobra.Command {
	var n, file, shard string
	var context []string
	var resume bool
	c := &cobra.Command{
		Use:   "sample MODEL -n N -o FILE",
		Short: "Draw events from a model",
		Long: `Draw events from a model into a file of any format that can be written. Event i
depends on the seed, on i and on its context alone: the shards of a sample, drawn
apart, are the sample. A model with context needs a value for each event: the same
for all (--context NAME=VALUE) or a row of a file each (--context FILE).

The file appears when it is whole. Until then FILE.journal holds what is drawn, as
large as the numbers in memory: with it, --resume goes on after an interruption.`,
		Example: `  sluice run cards/two-moons-conditional.yaml --out out/moons --set train.epochs=3
  sluice sample out/moons/model.safetensors -n 10000 -o upper.parquet --context moon=0
  sluice sample out/moons/model.safetensors -n 10000 -o lower-2.csv --context moon=1 --shard 2/4`,
		Args: arguments(1, 1, "one model"),
	}
	c.Flags().StringVarP(&n, "events", "n", "", "how many events; 1e6 is a number too")
	c.Flags().StringVarP(&file, "output", "o", "", "the file to write")
	c.Flags().StringArrayVar(&context, "context", nil, "NAME=VALUE for all events (repeatable), or a FILE with a row for each")
	c.Flags().StringVar(&shard, "shard", "", "I/N: only part I, from 1 to N, of the events")
	resumeFlag(c, &resume)
	c.RunE = func(c *cobra.Command, args []string) error {
		d := sluice.Draw{Seed: a.seed}
		var err error
		if d.Events, err = count(n); err != nil {
			return err
		}
		if file == "" {
			return usage("where to write the events? give -o FILE")
		}
		if d.Given, err = given(context); err != nil {
			return err
		}
		if shard != "" {
			if d.Shard, err = sluice.ParseShard(shard); err != nil {
				return err
			}
		}
		m, err := a.load(args[0])
		if err != nil {
			return err
		}
		r, err := sluice.SampleFile(c.Context(), m, file, d, a.journaled(file, resume))
		if err != nil {
			return goesOn(c, file, err)
		}
		return a.result(r, func(w io.Writer) {
			fmt.Fprintf(w, "%s  %d events in %.2f s, %s events/s\n", r.File, r.Events, r.Seconds, rate(r.EventsPerSecond))
		})
	}
	return c
}

func resumeFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "resume", false, "go on where an interrupted run of the same command ended")
}

// journaled are the options of a run that keeps a journal beside the file that it writes.
func (a *app) journaled(file string, resume bool) sluice.Options {
	o := a.options()
	o.State, o.Resume = sluice.JournalPath(file), resume
	return o
}

// goesOn tells how, if a run was interrupted and left a journal.
func goesOn(c *cobra.Command, file string, err error) error {
	if _, none := os.Stat(sluice.JournalPath(file)); c.Context().Err() != nil && none == nil {
		return &resumable{err, "the same command and --resume"}
	}
	return err
}

// load opens a model with the threads asked for.
func (a *app) load(path string) (*model.Model, error) {
	if err := a.checkGlobal(); err != nil {
		return nil, err
	}
	m, err := model.Load(path)
	if err != nil {
		return nil, &sluice.InputError{Err: err}
	}
	m.Density.UseThreads(a.threads)
	return m, nil
}

func count(s string) (uint64, error) {
	if s == "" {
		return 0, usage("how many events? give -n N")
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x < 1 || x > 1e15 || x != math.Trunc(x) {
		return 0, usage("-n %s is not a whole number from 1 on", s)
	}
	return uint64(x), nil
}

// given tells values from a file.
func given(words []string) (g sluice.Given, err error) {
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if _, err := os.Stat(word); !ok || err == nil {
			if g.File != "" {
				return g, usage("--context names two files, %s and %s; give one", g.File, word)
			}
			g.File = word
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return g, usage("--context %s: %q is not a finite number", word, value)
		}
		if g.Values == nil {
			g.Values = map[string]float64{}
		}
		g.Values[strings.TrimSpace(name)] = v
	}
	return g, nil
}
