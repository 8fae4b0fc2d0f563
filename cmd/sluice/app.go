package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/internal/spell"
)

// Exit codes.
const (
	done        = 0
	failed      = 1
	badInput    = 2
	interrupted = 130
)

// app is what all verbs share: where output goes, and the global flags.
type app struct {
	stdout, stderr io.Writer
	events         io.Writer // stdout as it is, for what is no text

	threads int
	seed    uint64
	json    bool
	quiet   bool
	verbose bool

	ranks ranks
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Normalizing flows for event data: learn a density, draw events from it, test both",
		Long: `sluice learns the probability density of a table of events (CSV, NumPy, Parquet,
HDF5, ROOT) with a normalizing flow, draws new events from it, evaluates it, and
says in a report how far both can be trusted.`,
		Example:       "  sluice run cards/lhco.yaml\n  sluice inspect cards/data/lhco.parquet",
		Version:       sluice.Version(),
		SilenceErrors: true, SilenceUsage: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var verbs []string
			for _, v := range c.Commands() {
				verbs = append(verbs, v.Name())
			}
			return usage("there is no verb %q; %s", args[0], spell.Remedy(args[0], verbs, "sluice --help lists them"))
		},
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if draws := c.Flags().Lookup("toy"); c.Flags().Changed("seed") && (draws == nil || !draws.Changed) && !slices.Contains([]string{"run", "train", "sample", "compare", "infer", "anomaly", "background", "unfold", "simulate"}, c.Name()) {
				return usage("--seed has no effect on %s, which draws nothing at random: leave it out", c.Name())
			}
			if err := a.checkGlobal(); err != nil {
				return err
			}
			return a.join(c)
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("sluice {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.IntVar(&a.threads, "threads", 0, "threads used (default: all)")
	flags.Uint64Var(&a.seed, "seed", 1, "seed of all random numbers of run, train, sample, compare, infer, anomaly, background and unfold")
	flags.BoolVar(&a.json, "json", false, "print one JSON object on stdout at the end")
	flags.BoolVar(&a.quiet, "quiet", false, "no progress on stderr; warnings and errors remain")
	flags.BoolVar(&a.verbose, "verbose", false, "name all that is left out of files, each with its reason")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.runVerb(), a.inspectVerb(), a.trainVerb(), a.sampleVerb(), a.densityVerb(), a.compareVerb(), a.inferVerb(),
		a.describeVerb(), a.anomalyVerb(), a.unfoldVerb(), a.backgroundVerb(), a.simulateVerb(), a.checkVerb(), a.convertVerb(), a.benchVerb(), a.mergeVerb(), a.watchVerb(), a.exportVerb(), a.serveVerb(), a.pythonVerb(), a.versionVerb(), a.manVerb())
	return root
}

// usageError is a command line that cannot be.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// flagError says what is wrong with a flag, or with its value.
func flagError(c *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return usage("%s; see %s --help", err, c.CommandPath())
	}
	f := value.GetFlag()
	takes := map[string]string{
		"int": "a whole number", "uint64": "a whole number from 0 on", "float64": "a number", "bool": "true or false",
		"stringSlice": "names, as in CSV: quote one that holds a comma or a quote", "stringToString": "NAME=TYPE",
	}[f.Value.Type()]
	if takes == "" {
		takes = f.Value.Type()
	}
	what := strconv.Quote(value.GetValue())
	if errors.Is(err, strconv.ErrRange) {
		what += ", which is too large"
	}
	return usage("--%s takes %s, not %s; see %s --help", f.Name, takes, what, c.CommandPath())
}

// arguments checks how many names a verb is given; at most none where most is negative.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return usage("%s takes %s, and %d were given; see %s --help", c.CommandPath(), what, len(args), c.CommandPath())
		}
		return nil
	}
}

// resumable is an interruption from which a command goes on.
type resumable struct {
	*sluice.InterruptedError
	command string
}

// goesOn says by which command, if a verb was interrupted and something is kept.
func goesOn(err error, command string) error {
	var stop *sluice.InterruptedError
	if errors.As(err, &stop) && stop.Kept != "" {
		return &resumable{stop, command}
	}
	return err
}

const sameCommand = "the same command and --resume"

// report says what went wrong, in one line, and returns the exit code.
func (a *app) report(err error) int {
	var in *sluice.InputError
	var use *usageError
	var again *resumable
	code := failed
	switch {
	case err == nil:
		return done
	case errors.As(err, &again):
		fmt.Fprintf(a.stderr, "sluice: interrupted; what was done is kept in %s, and goes on with: %s\n", printable(again.Kept), printable(again.command))
		return interrupted
	case errors.Is(err, context.Canceled):
		code = interrupted
	case errors.As(err, &in), errors.As(err, &use):
		code = badInput
	}
	text := err.Error()
	if text == context.Canceled.Error() {
		text = "interrupted; nothing is kept"
	}
	fmt.Fprintf(a.stderr, "sluice: %s\n", printable(strings.Join(strings.Fields(text), " ")))
	return code
}

// options are those of the library, with what is shown on stderr.
func (a *app) options() sluice.Options {
	p := &progress{out: a.stderr, quiet: a.quiet, terminal: isTerminal(a.stderr)}
	if a.ranks.world != nil {
		p.notice(a.ranks.together())
	}
	return sluice.Options{Threads: a.threads, Peers: a.peers(), Verbose: a.verbose, Notice: p.notice, Warn: p.warn, Stage: p.stage, Progress: p.training}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// show prints what a verb found, unless it failed: one JSON object, or text.
func show[T any](a *app, found T, err error, text func(w io.Writer, found T)) error {
	switch {
	case err != nil:
		return err
	case a.json:
		return json.NewEncoder(a.stdout).Encode(found)
	}
	text(a.stdout, found)
	return nil
}

// checkGlobal refuses global flags that cannot be, before any verb, also one on which they have no effect.
func (a *app) checkGlobal() error {
	if a.threads < 0 || a.threads > 4096 {
		return usage("--threads %d is not between 1 and 4096", a.threads)
	}
	return nil
}
