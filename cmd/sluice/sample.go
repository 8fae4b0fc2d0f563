package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
)

func (a *app) sampleVerb() *cobra.Command {
	var n, shard, within string
	var to destination
	var fixed []string
	var resume bool
	var d sluice.Draw
	c := &cobra.Command{
		Use:   "sample MODEL -n N -o FILE",
		Short: "Draw events from a model",
		Long: `Draw events from a model into a file of any format that can be written. Event i
depends on the seed, on i and on its context alone: the shards of a sample, drawn
apart, are the sample. A model with context needs a value for each event: the same
for all (--context NAME=VALUE) or a row of a file each (--context FILE; without -n, as many
events as it has rows). Contexts from the data themselves are in the proportions of the
data; --where selects among them, as a window of one.

An event of which a feature lies further beyond its trained range than --within times
that is drawn again; how many is told, and kept in the metadata of Parquet files.

The file appears when it is whole. Until then FILE.journal holds what is drawn, as
large as the numbers in memory: with it, --resume goes on after an interruption.`,
		Example: `  sluice run cards/two-moons.yaml --profile given --out out/moons --set train.epochs=3
  sluice sample out/moons/model.safetensors -n 10000 -o upper.parquet --context moon=0
  sluice sample out/moons/model.safetensors -n 10000 -o lower-2.csv --context moon=1 --shard 2/4`,
		Args: arguments(1, 1, "one model"),
	}
	c.Flags().StringVarP(&n, "events", "n", "", "how many events; 1e6 is a number too")
	destinationFlags(c, &to)
	c.Flags().StringArrayVar(&fixed, "context", nil, "NAME=VALUE for all events (repeatable), or a FILE with a row for each")
	c.Flags().StringVar(&within, "within", "0.5", "FACTOR: how far an event may lie beyond the trained range, in units of it, or none")
	c.Flags().BoolVar(&d.Which, "which", false, "add a column that says which member of an ensemble (member), or component of a\nmixture (component), drew each event")
	c.Flags().StringVar(&shard, "shard", "", "I/N: only part I, from 1 to N, of the events, with a manifest FILE.shard for sluice merge")
	c.Flags().StringVar(&d.Where, "where", "", "take the rows of the --context FILE for which an expression holds")
	readingFlags(c, &d.Reading)
	resumeFlag(c, &resume)
	c.RunE = func(c *cobra.Command, args []string) error {
		o := a.options()
		o.Resume, o.Inputs = resume, args
		if err := a.send(&to, &o); err != nil {
			return err
		}
		if err := drawOf(&d, n, fixed, shard, within); err != nil {
			return err
		}
		d.Seed = a.seed
		m, err := a.load(c.Context(), args[0])
		if err != nil {
			return err
		}
		r, err := sluice.Sample(c.Context(), m, d, to.file, o)
		return show(a, r, goesOn(err, sameCommand), printDrawn)
	}
	return c
}

func printDrawn(w io.Writer, r *sluice.Drawn) {
	fmt.Fprintf(w, "%s  %s in %.2f s, %s events/s\n", r.File, say.Count(r.Events, "event"), r.Seconds, rate(r.EventsPerSecond))
}

// drawOf reads which events are wanted.
func drawOf(d *sluice.Draw, n string, fixed []string, shard, within string) (err error) {
	if d.Context, d.ContextFile, err = given("--context", fixed); err != nil {
		return err
	}
	if n != "" || d.ContextFile == "" { // which else gives the number
		if d.Events, err = count(n); err != nil {
			return err
		}
	}
	if d.Shard, d.Shards, err = parseShard(shard); err != nil {
		return err
	}
	d.Within, err = parseWithin(within)
	return err
}

func resumeFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "resume", false, "go on where an interrupted run of the same command ended")
}

// parseShard reads "2/8"; "" is the whole.
func parseShard(s string) (part, of uint64, err error) {
	if s == "" {
		return 0, 0, nil
	}
	i, n, ok := strings.Cut(s, "/")
	part, errA := strconv.ParseUint(i, 10, 32)
	of, errB := strconv.ParseUint(n, 10, 32)
	if !ok || errA != nil || errB != nil || part < 1 || part > of {
		return 0, 0, usage("shard %q is not I/N with I from 1 to N, as in 1/4 to 4/4", s)
	}
	return part, of, nil
}

// parseWithin reads a factor; 0 is the smallest above it, for 0 stands for the default.
func parseWithin(s string) (float64, error) {
	if s == "none" {
		return math.Inf(1), nil
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x >= 0) {
		return 0, usage("--within %s is not a number from 0 on, or none", s)
	}
	return max(x, math.SmallestNonzeroFloat64), nil
}

// load opens a model with the threads asked for.
func (a *app) load(ctx context.Context, path string) (*model.Model, error) {
	m, err := readModel(ctx, path, func() (*model.Model, error) { return model.Load(path) })
	if err != nil {
		return nil, err
	}
	m.Density.UseThreads(a.threads)
	return m, nil
}

// readModel reads a model, or what is known of one; a file of events is told as such.
func readModel[T any](ctx context.Context, path string, read func() (T, error)) (T, error) {
	m, err := await.Do(ctx, path, read)
	if err != nil && ctx.Err() == nil {
		if kind := events.KindOf(path); kind != "" {
			err = fmt.Errorf("%s is %s, not a model; sluice train makes one of it", path, kind)
		}
	}
	return m, fault.Of(err)
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

// given tells values, one for all events, from a file, of the words of a flag.
func given(flag string, words []string) (values *events.Table, file string, err error) {
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if _, err := os.Stat(word); !ok || err == nil {
			if file != "" {
				return nil, "", usage("%s names two files, %s and %s; give one", flag, file, word)
			}
			file = word
			continue
		}
		c, err := exactly(strings.TrimSpace(value))
		if err != nil {
			return nil, "", usage("%s %s: %q is neither a finite number nor a name", flag, word, value)
		}
		if values == nil {
			values = &events.Table{}
		}
		if c.Name = strings.TrimSpace(name); slices.Contains(values.Names(), c.Name) {
			return nil, "", usage("%s %s: %s is given twice; take one out", flag, word, c.Name)
		}
		values.Columns = append(values.Columns, c)
	}
	return values, file, nil
}

// exactly is a column of one number, an integer where it is written as one, or of one name.
func exactly(text string) (c events.Column, err error) {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return events.Column{Type: events.Int64, I64: []int64{v}}, nil
	}
	if v, err := strconv.ParseUint(text, 10, 64); err == nil {
		return events.Column{Type: events.Uint64, U64: []uint64{v}}, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax) && text != "":
		return events.Column{Type: events.Text, Str: []string{text}}, nil
	case err == nil && (math.IsNaN(v) || math.IsInf(v, 0)):
		err = strconv.ErrRange
	}
	return events.Column{Type: events.Float64, F64: []float64{v}}, err
}
