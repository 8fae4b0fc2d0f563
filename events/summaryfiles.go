package events

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
)

// SummariseFiles describes every column of files read as one table, in memory that does not grow with them. It reads
// them again where a column turns out to be of another type, or where atoms came late. Skipped says, a line each, which
// columns of the first file are left out and why.
func SummariseFiles(ctx context.Context, paths []string, opts Options) (all []Summary, skipped []string, err error) {
	files, err := expand(paths)
	if err != nil {
		return nil, nil, err
	}
	p := &pass{files: files, opts: opts, once: slices.ContainsFunc(files, func(path string) bool { return !readableAgain(path) })}
	p.opts.Types = maps.Clone(opts.Types)
	for {
		s := &summariser{}
		err := p.run(ctx, s.add)
		if !p.once && p.opts.widen(err, opts.Types) {
			continue
		}
		if err == nil && !p.once && s.unsure() {
			err = p.run(ctx, func(t *Table) error { s.recount(t); return nil })
		}
		if err != nil {
			return nil, nil, err
		}
		return s.summaries(), p.skipped, nil
	}
}

// pass reads files from beginning to end.
type pass struct {
	files   []string
	opts    Options
	once    bool // a pipe is among them
	skipped []string
}

func (p *pass) open() (interface {
	Columns() []Column
	Skipped() []string
	Read(n int) (*Table, error)
	Close() error
}, error) {
	if len(p.files) == 1 { // of which the types need no comparison with those of others
		return Open(p.files[0], p.opts)
	}
	return OpenAll(p.files, p.opts)
}

// run calls f with a table of no events, which has the columns, and then with all blocks.
func (p *pass) run(ctx context.Context, f func(t *Table) error) error {
	in, err := p.open()
	if err != nil {
		return err
	}
	defer in.Close()
	p.skipped = in.Skipped()
	if err := f(&Table{Columns: in.Columns()}); err != nil {
		return err
	}
	for n := 0; ; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted after %d events: %w", n, err)
		}
		t, err := in.Read(1 << 16)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = f(t)
		}
		if err != nil {
			return err
		}
		n += t.Len()
	}
}
