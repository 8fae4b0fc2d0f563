package journal

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
)

// File is what blocks of events are written to: a file of them (events.Writer), or of what is made of them. The same blocks make the
// same file, which appears with Close.
type File interface {
	Write(t *events.Table) error
	Describe(key, value string)
	Close() error
	Abort()
}

// Writer is a file being written, with a journal of its blocks from which a killed run goes on.
type Writer struct {
	file    File
	journal *journal // nil where none is kept
	state   string   // its path
	warn    func(line string)
	ended   bool
}

// Create starts a file of events. Where State is a path, its journal is begun, or taken up with Resume: done is the number
// of events that are in the output then, and state is that after them. No facts of a run mean that it cannot go on.
func Create(ctx context.Context, path string, run []Fact, state any, o Options) (w *Writer, done uint64, err error) {
	o = o.Filled()
	file, err := o.Create(path)
	if err != nil {
		return nil, 0, fault.Of(err)
	}
	if w, done, err = Over(ctx, file, path, run, state, o); done > 0 && err == nil {
		o.Notice(fmt.Sprintf("resumed after %d events", done))
	}
	return w, done, err
}

// Over is Create of a file that is begun, which tells what it was taken up with by itself: done is the number of rows in its blocks.
func Over(ctx context.Context, file File, path string, run []Fact, state any, o Options) (w *Writer, done uint64, err error) {
	o = o.Filled()
	w = &Writer{file: file, state: o.State, warn: o.Warn}
	if o.State == "" || run == nil {
		return w, 0, nil
	}
	mode, _ := atomicfile.Mode(path)
	if w.journal, err = open(o.State, mode, run, o.Resume); fault.Is(err) {
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
	return w, done, nil
}

// Options say where a journal is kept ("" for nowhere), and whether one that is there is taken up. Notice is told what was
// done, and Warn what makes the result doubtful; each may be nil. Create starts the file.
type Options struct {
	State  string
	Resume bool
	Notice func(line string)
	Warn   func(line string)
	Create func(path string) (*events.Writer, error) // nil: events.Create
}

// Filled has a function where there was none.
func (o Options) Filled() Options {
	if o.Create == nil {
		o.Create = events.Create
	}
	for _, f := range []*func(line string){&o.Notice, &o.Warn} {
		if *f == nil {
			*f = func(string) {}
		}
	}
	return o
}

// Write appends a block to both; state is that of the run after it.
func (w *Writer) Write(t *events.Table, state any) error {
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
func (w *Writer) notResumable(err error) {
	w.warn(fmt.Sprintf("cannot write %s: %v; the run goes on, but could not be resumed", w.state, column.WithoutPath(err)))
}

// Describe adds to what the file says of itself; see events.Writer.
func (w *Writer) Describe(key, value string) { w.file.Describe(key, value) }

// Close makes the file appear, and removes the journal.
func (w *Writer) Close() error {
	if err := w.file.Close(); err != nil {
		return err
	}
	w.ended = true
	if w.journal == nil {
		return nil
	}
	return w.journal.remove()
}

// Abandon, after Close, does nothing. Before, it drops the file and keeps the journal, unless the run ended because of
// what the user gave: with that, it would end so again. What the system refused may go well another time.
func (w *Writer) Abandon(err error) {
	if w.ended {
		return
	}
	w.file.Abort()
	var system syscall.Errno
	switch {
	case w.journal == nil:
	case w.journal.end == w.journal.head, fault.Is(err) && !errors.As(err, &system):
		_ = w.journal.remove()
	default:
		w.journal.keep()
	}
}
