package sluice

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/sluice-hep/sluice/events"
)

// output is a file of events being written, with a journal from which a killed run goes on.
type output struct {
	file    *events.Writer
	journal *journal // nil where none is kept
	options Options
	ended   bool
}

// createOutput starts a file of events. Where Options name a journal, it is begun, or taken up: done is the number of
// events that are in the output then, and state is that after them. No facts of a run mean that it cannot go on.
func createOutput(ctx context.Context, path string, run []fact, state any, o Options) (w *output, done uint64, err error) {
	file, err := events.Create(path)
	if err != nil {
		return nil, 0, input(err)
	}
	w = &output{file: file, options: o}
	if o.State == "" || run == nil {
		return w, 0, nil
	}
	var in *InputError
	if w.journal, err = openJournal(o.State, run, o.Resume); errors.As(err, &in) {
		file.Abort()
		return nil, 0, err
	} else if err != nil {
		w.journal = nil
		w.notResumable(err)
		return w, 0, nil
	}
	err = w.journal.replay(state, func(t *events.Table) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted while %d events were taken up: %w", done, err)
		}
		done += uint64(t.Len())
		return file.Write(t)
	})
	if err != nil {
		file.Abort()
		w.journal.keep()
		return nil, 0, err
	}
	if done > 0 {
		o.notice(fmt.Sprintf("resumed after %d events", done))
	}
	return w, done, nil
}

// write appends a block to both; state is that of the run after it.
func (w *output) write(t *events.Table, state any) error {
	if err := w.file.Write(t); err != nil {
		return err
	}
	if w.journal == nil {
		return nil
	}
	if err := w.journal.append(t, state); err != nil {
		_ = w.journal.remove() // which makes room where the disk is full
		w.journal = nil
		w.notResumable(err)
	}
	return nil
}

// notResumable tells of a journal that cannot be written: that should not cost the run.
func (w *output) notResumable(err error) {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	w.options.notice(fmt.Sprintf("warning: cannot write %s: %v; the run goes on, but could not be resumed", w.options.State, err))
}

// close makes the file appear, and removes the journal.
func (w *output) close() error {
	if err := w.file.Close(); err != nil {
		return err
	}
	w.ended = true
	if w.journal == nil {
		return nil
	}
	return w.journal.remove()
}

// abandon, after close, does nothing. Before, it drops the file and keeps the journal, unless the run ended because of
// what the user gave: with that, it would end so again. What the system refused may go well another time.
func (w *output) abandon(err error) {
	if w.ended {
		return
	}
	w.file.Abort()
	var in *InputError
	var system syscall.Errno
	switch {
	case w.journal == nil:
	case w.journal.empty(), errors.As(err, &in) && !errors.As(err, &system):
		_ = w.journal.remove()
	default:
		w.journal.keep()
	}
}
