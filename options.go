package sluice

import (
	"context"
	"io"
	"os"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/chain"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/train"
)

// Options are what every verb may be given beside its own. The zero value works in silence on all cores, from the beginning.
type Options struct {
	Threads int       // 0: what the card says, or all cores; results do not depend on it
	Resume  bool      // go on with what an interrupted call of the same verb left
	Command string    // that makes the result again, for pages
	Inputs  []string  // files that the caller read, as a model or a card: no result takes the place of one
	HeldOut string    // a file that Train writes the events to that test (or else validate); "" for none
	Verbose bool      // name all that is left out of files, each with its reason, not in brief
	Force   bool      // results may take the place of files outside the folder of a run
	Peers   fit.Peers // the processes that train together, of which this is the first; nil for none

	// Stream, where set, gets the events of Sample, Density and Convert in place of a file, in a Format that is written from front to
	// back: csv, csv.gz, parquet, ... Of what ends early nothing is kept.
	Stream io.Writer
	Format string

	// Progress follows a training, and Stage is called with the name of what begins. Notice is called with a line on what was
	// decided or left out, and Warn with one on what makes a result doubtful. Each may be nil.
	Progress func(train.Progress)
	Stage    func(name string)
	Notice   func(line string)
	Warn     func(line string)
}

// chain is what the stages are given of them.
func (o Options) chain() *chain.Options {
	return &chain.Options{
		Options: fit.Options{Threads: o.Threads, Resume: o.Resume, Peers: o.Peers, Progress: o.Progress, Notice: o.Notice, Warn: o.Warn, Stage: o.Stage}.Filled(),
		Command: o.Command, Version: Version(), Inputs: o.Inputs, HeldOut: o.HeldOut, Force: o.Force, Stream: o.Stream, Format: o.Format,
	}
}

// staged is an analysis of a card whose stages are kept in the folder until the page is written, so that one that was killed or interrupted goes on.
func (o Options) staged(ctx context.Context, folder string, c *card.Card, run func(w stages.Work) (*report.Page, error)) (page string, err error) {
	var kept *stages.Stages
	chain := o.chain()
	page, err = chain.Analysis(folder, c.Inputs(), func() (about *report.Page, err error) {
		if kept, err = chain.Stages(folder, c); err != nil {
			return nil, err
		}
		return run(stages.Work{Threads: chain.Threads, Kept: kept, Notice: chain.Notice, Warn: chain.Warn, Stage: chain.Stage, Folder: folder, Version: chain.Version})
	})
	switch {
	case err == nil:
		return page, kept.Done()
	case ctx.Err() == nil:
		return "", err
	case kept.Left():
		return "", &InterruptedError{err, kept.Folder}
	}
	return "", &InterruptedError{err, ""}
}

// InputError is an error in what the user gave: a card, a file, a column, a place to write to. Other errors are failures
// on the way.
type InputError = fault.Input

// InterruptedError is the end of a verb whose context was cancelled. It wraps the context's error.
type InterruptedError struct {
	Err  error
	Kept string // the file that Options.Resume goes on from, or the folder that the same call does; "" where nothing is kept
}

func (e *InterruptedError) Error() string { return e.Err.Error() }
func (e *InterruptedError) Unwrap() error { return e.Err }

// ended is the error of a verb that keeps what it has done in a file.
func ended(ctx context.Context, err error, state string) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if at, none := os.Stat(state); none != nil || !at.Mode().IsRegular() {
		state = ""
	}
	return &InterruptedError{err, state}
}
