package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/simulate"
)

// mostDrawn is how often an object is drawn at most.
const mostDrawn = 10_000

func (a *app) simulateVerb() *cobra.Command {
	var out, fakes, page, within string
	var files, sets []string
	var draws int
	var resume bool
	var how query.Reading
	c := &cobra.Command{
		Use:   "simulate MODEL --generated FILE -o FILE.root",
		Short: "Make reconstructed events of generated ones",
		Long: `Give each generated object of a file to a conditional model, which draws whether it is
reconstructed, and as what; put the objects of an event together, in falling pt, beside
those that a model of fakes adds; and write the events as NanoAOD has them: nJet, Jet_pt
and so on, Jet_genJetIdx, and the generated objects. What is what the card of the model
says (simulate: ...).

With --draws N each event is drawn N times, with weight 1/N: histograms are smoother,
and their errors are those of the number of generated events. The file has a histogram
of each column (TH1D) with these errors.

Where the file also has what the full simulation made of the objects, --report writes a
page that judges the model by it. The generated objects are read into memory.

The file appears when it is whole. Until then FILE.root.journal holds what is drawn: with
it, --resume goes on after an interruption.`,
		Example: `  sluice simulate out/detector/model.safetensors --generated jets.parquet -o events.root
  sluice simulate out/detector/model.safetensors --generated jets.parquet --draws 10 -o events.root --fakes out/detector-fakes/model.safetensors --report page.html`,
		Args: arguments(1, 1, "one model"),
	}
	c.Flags().StringArrayVar(&files, "generated", nil, "a FILE of generated objects, a row each, with the column that tells the event")
	c.Flags().StringVarP(&out, "output", "o", "", "the ROOT file to write")
	c.Flags().IntVar(&draws, "draws", 1, "how often each event is drawn")
	c.Flags().StringVar(&fakes, "fakes", "", "a MODEL of objects that nothing generated")
	c.Flags().StringVar(&page, "report", "", "a page (HTML) to write, which judges by the full simulation in the same file")
	c.Flags().StringVar(&within, "within", "0.5", "FACTOR: how far a draw may lie beyond the trained range, in units of it, or none")
	c.Flags().StringArrayVar(&sets, "set", nil, "KEY=VALUE: change a value of the model's card (repeatable), as in --set simulate.event=[run,event]")
	readingFlags(c, &how)
	resumeFlag(c, &resume)
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		switch {
		case len(files) == 0:
			return usage("which events? give --generated FILE")
		case len(files) > 1:
			return usage("--generated names two files, %s and %s; give one (sluice convert joins several)", files[0], files[1])
		case out == "":
			return usage("where to write the events? give -o FILE.root")
		case draws < 1 || draws > mostDrawn:
			return usage("--draws %d is not between 1 and %d", draws, mostDrawn)
		}
		s := sluice.Simulation{File: files[0], Reading: how, Draws: draws, Seed: a.seed}
		if s.Within, err = parseWithin(within); err != nil {
			return err
		}
		m, err := a.load(c.Context(), args[0])
		if err != nil {
			return err
		}
		if err := setIn(m, sets); err != nil {
			return err
		}
		o := a.options()
		o.Resume, o.Inputs, o.Command = resume, args, commandLine(c, args)
		if fakes != "" {
			if s.Fakes, err = a.load(c.Context(), fakes); err != nil {
				return err
			}
			o.Inputs = append(o.Inputs, fakes)
		}
		r, err := sluice.Simulate(c.Context(), m, s, out, page, o)
		return show(a, r, goesOn(err, sameCommand), printSimulated)
	}
	return c
}

// setIn changes the card that a model keeps.
func setIn(m *model.Model, sets []string) error {
	if len(sets) == 0 {
		return nil
	}
	c, err := card.Parse([]byte(m.Card), "the card of the model")
	if err != nil {
		return fault.Of(err)
	}
	if err := set(c, sets); err != nil {
		return err
	}
	text, err := c.YAML()
	m.Card = string(text)
	return err
}

func printSimulated(w io.Writer, r *simulate.Simulated) {
	fmt.Fprintf(w, "%s  %s, %s of %s", r.File, say.Count(uint64(r.Events*r.Draws), "event"), say.Count(uint64(r.Reconstructed), "object"), fmt.Sprint(r.Generated*r.Draws, " generated"))
	if r.Fakes > 0 {
		fmt.Fprintf(w, ", %s", say.Count(uint64(r.Fakes), "fake"))
	}
	fmt.Fprintf(w, ", in %.2f s, %s events/s\n", r.Seconds, rate(r.PerSecond))
	if j := r.Judged; j != nil {
		for _, line := range j.Lines() {
			fmt.Fprintln(w, line)
		}
		fmt.Fprintln(w, r.Report)
	}
}
