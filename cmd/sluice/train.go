package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/live"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/train"
)

func (a *app) trainVerb() *cobra.Command {
	f := &trainFlags{}
	c := &cobra.Command{
		Use:   "train FILE... -o MODEL --features a,b,c",
		Short: "Learn the density of columns of files",
		Long: `Learn the density of columns of files, and write it as one model file. Names are
given as in CSV: quote one that holds a comma. Everything that a card can say can
be set with --set, as in --set flow.transforms=10 or --set prepare=[standardise].

Losses are negative log-likelihoods in nats per event, of the density per unit
of the columns; they can be negative.`,
		Example: `  sluice train cards/data/lhco.parquet -o jets.safetensors \
      --define 'tau21=tau2j1/(tau1j1+1e-5)' --features mj1,tau21 --where 'mj1 > 0' --epochs 5`,
		Args: arguments(1, -1, "one or more files"),
	}
	f.register(c)
	c.RunE = func(c *cobra.Command, files []string) error {
		job, err := f.card(files, c.Flags().Changed)
		if err != nil {
			return err
		}
		a.global(c, job)
		if a.follows(job) {
			return nil
		}
		o := a.options()
		o.Resume, o.HeldOut = f.resume, f.heldOut
		if f.dry {
			p, err := sluice.PlanTraining(c.Context(), job, f.model, o)
			return show(a, p, err, printPlanned)
		}
		end, err := a.live(c.Context(), f.live, live.Source{Model: f.model})
		if err != nil {
			return err
		}
		defer end()
		t, err := sluice.Train(c.Context(), job, f.model, o)
		return show(a, t, goesOn(err, sameCommand), printTraining)
	}
	return c
}

// trainFlags are a card on the command line.
type trainFlags struct {
	card.Card
	model, memory string
	live          string
	missing       string
	heldOut       string
	define, sets  []string
	resume, dry   bool
}

func (f *trainFlags) register(c *cobra.Command) {
	flags := c.Flags()
	usual := train.Config{}.WithDefaults()
	flags.StringVarP(&f.model, "output", "o", "", "the model file to write")
	flags.StringVar(&f.heldOut, "held-out", "", "a file to write the test events to, for sluice compare")
	flags.StringSliceVar(&f.Features, "features", nil, "columns to model")
	flags.StringSliceVar(&f.Context, "context", nil, "columns to condition on")
	flags.StringVar(&f.Weight, "weight", "", "column of event weights")
	flags.StringArrayVar(&f.define, "define", nil, "NAME=EXPR: a column made from others (repeatable)")
	flags.StringVar(&f.Where, "where", "", "keep the events for which an expression holds")
	readingFlags(c, &f.Reading)
	flags.StringVar(&f.Flow.Type, "flow", "", "type: "+strings.Join(flow.Presets(), ", ")+" (default "+flow.Presets()[0]+")")
	flags.StringArrayVar(&f.sets, "set", nil, "KEY=VALUE: any value of a card (repeatable)")
	flags.IntVar(&f.Train.Epochs, "epochs", 0, fmt.Sprintf("passes over the training events (default %d, more of few events)", usual.Epochs))
	ensembleFlag(c, &f.Train.Ensemble)
	flags.IntVar(&f.Train.Batch, "batch", 0, fmt.Sprintf("events a step (default %d, fewer of few events)", usual.Batch))
	flags.Float64Var(&f.Train.LR, "lr", usual.LR, "learning rate")
	flags.Float64Var(&f.Train.Valid, "valid", usual.Valid, "fraction of events that validate; 0 for none")
	flags.Float64Var(&f.Train.Test, "test", usual.Test, "fraction of events held out; 0 for none")
	flags.Float64Var(&f.Train.MaxSeconds, "max-seconds", 0, "end the training after so long; 0 for no limit")
	memoryFlag(c, &f.memory)
	flags.BoolVar(&f.DropNaN, "drop-nan", false, "leave out events with a missing feature, context or weight")
	flags.StringVar(&f.missing, "missing", "", "model: model missing cells (NaN) as such, or COLUMN=VALUE,...: what stands for them in a column (none for nothing)")
	flags.BoolVar(&f.DropDependent, "drop-dependent", false, "leave out features that follow from others, and put them back in what is generated")
	flags.BoolVar(&f.resume, "resume", false, "go on with an interrupted training")
	dryFlag(c, &f.dry)
	liveFlag(c, &f.live)
}

// card is the flags as one; given says which there are.
func (f *trainFlags) card(files []string, given func(flag string) bool) (*card.Card, error) {
	if f.model == "" && !f.dry {
		return nil, usage("where to write the model? give -o MODEL")
	}
	for _, name := range files {
		if e := filepath.Ext(name); e == ".yaml" || e == ".yml" {
			return nil, usage("%s is a card, and train takes files of events: sluice run %s trains on those that it names", name, name)
		}
	}
	c, t := &f.Card, &f.Train
	for _, f := range []struct {
		flag  string
		value float64
	}{{"epochs", float64(t.Epochs)}, {"ensemble", float64(t.Ensemble)}, {"batch", float64(t.Batch)}, {"lr", t.LR}} {
		if given(f.flag) && !(f.value > 0) {
			return nil, usage("--%s %g is not above 0", f.flag, f.value)
		}
	}
	c.Files, c.Features, c.Context, c.Seed = files, trimmed(c.Features), trimmed(c.Context), 1
	var err error
	if c.Define, err = definitions(f.define); err != nil {
		return nil, err
	}
	t.Valid, t.Test = cmp.Or(t.Valid, -1), cmp.Or(t.Test, -1) // a card's word for none
	return c, cmp.Or(allow(c, f.memory), lacks(c, f.missing), set(c, f.sets))
}

func ensembleFlag(c *cobra.Command, members *int) {
	c.Flags().IntVar(members, "ensemble", 0, "train so many models from different seeds, as one whose density is the mean (default 1)")
}

func dryFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "dry-run", false, "read, prepare and take a few steps; say what would be done, and write nothing")
}

func memoryFlag(c *cobra.Command, memory *string) {
	c.Flags().StringVar(memory, "memory", "", "what the events may take, as 500MB; more of them are read anew each epoch (default "+card.DefaultMemory.String()+")")
}

// allow sets the memory of a card to what a flag says.
func allow(c *card.Card, memory string) error {
	if memory == "" {
		return nil
	}
	b, err := card.ParseBytes(memory)
	if err != nil {
		return usage("--memory: %v", err)
	}
	c.Memory = b
	return nil
}

// lacks sets what is missing in a card to what a flag says.
func lacks(c *card.Card, missing string) error {
	if missing == "" {
		return nil
	}
	for _, part := range strings.Split(missing, ",") {
		column, value, ok := strings.Cut(part, "=")
		if !ok {
			column, value = "*", part
		}
		if err := c.Set("missing."+strings.TrimSpace(column), strings.TrimSpace(value)); err != nil {
			return usage("--missing: %v", err)
		}
	}
	return nil
}

func trimmed(names []string) []string {
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

func definitions(lines []string) (query.Definitions, error) {
	var all query.Definitions
	for _, line := range lines {
		name, expr, ok := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.TrimSpace(expr) == "" {
			return nil, usage("--define %q is not NAME=EXPR", line)
		}
		if all.Defines(name) {
			return nil, usage("--define makes %q twice; give the second another name", name)
		}
		all = append(all, query.Definition{Name: name, Expr: strings.TrimSpace(expr)})
	}
	return all, nil
}

// set changes values of a card and checks it as a whole.
func set(c *card.Card, sets []string) error {
	for _, s := range sets {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return usage("--set %q is not KEY=VALUE, as in train.epochs=20", s)
		}
		if err := c.Set(strings.TrimSpace(key), value); err != nil {
			return usage("--%s", err)
		}
	}
	if err := c.Validate(); err != nil {
		return usage("%s", err)
	}
	return nil
}

// global lets the global flags win over the card. Threads are no part of it: the model does not depend on them.
func (a *app) global(c *cobra.Command, job *card.Card) {
	if c.Flags().Changed("seed") {
		job.Seed = a.seed
	}
}

func printTraining(w io.Writer, t *sluice.TrainResult) {
	fmt.Fprintf(w, "model      %s (%d parameters)\n", t.Model, t.Parameters)
	fmt.Fprintf(w, "training   %s, %s in %.1f s, %s events/s; %s\n", say.Count(t.Epochs, "epoch"), say.Count(t.Steps, "step"), t.Seconds, rate(t.EventsPerSecond), t.Kept())
	var parts []string
	for _, n := range []struct {
		name string
		nll  train.NLL
	}{{"train", t.TrainNLL}, {"valid", t.ValidNLL}, {"test", t.TestNLL}} {
		if !math.IsNaN(float64(n.nll)) {
			parts = append(parts, fmt.Sprintf("%s %.4f", n.name, float64(n.nll)))
			if n.name == "test" && t.TestError > 0 {
				parts[len(parts)-1] += fmt.Sprintf(" +- %.2g", t.TestError)
			}
		}
	}
	fmt.Fprintf(w, "NLL        %s %s per event\n", strings.Join(parts, ", "), t.Unit)
	if t.Ensemble != nil {
		fmt.Fprintf(w, "members    %s\n", t.Ensemble)
	}
}
