// Package chain does what a card asks for, stage after stage, from the events to the files: a training, or a whole run, which
// goes on from what an earlier one left.
package chain

import (
	"context"
	"io"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/internal/live"
	"github.com/sluice-hep/sluice/query"
)

// Options are what a chain may be given beside its card and its place; those of the root package say more of each.
type Options struct {
	fit.Options               // filled
	Command, Version string   // of the program, for pages, records and journals
	Inputs           []string // that no result takes the place of
	HeldOut          string
	Force            bool
	log              *live.Log // of the training; nil for none

	Stream io.Writer
	Format string
}

// Apply are the options of what writes a file of events with a journal.
func (o *Options) Apply(out string) apply.Options {
	a := apply.Options{State: journal.Path(out), Resume: o.Resume, Notice: o.Notice, Warn: o.Warn, Create: o.Create}
	if o.Stream != nil {
		a.State = ""
	}
	return a
}

// Create starts the file of events of a verb, or its stream.
func (o *Options) Create(path string) (*events.Writer, error) {
	if o.Stream != nil {
		return events.Stream(o.Stream, o.Format)
	}
	return events.Create(path)
}

// WriteEvents writes a table to a file of events, which appears when it is whole.
func (o *Options) WriteEvents(ctx context.Context, path string, t *events.Table) error {
	_, _, err := query.Query{Table: t, All: true}.Write(ctx, func() (*events.Writer, error) { return o.Create(path) }, false, o.Notice)
	return err
}
