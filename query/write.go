package query

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
)

// Write writes the events, a block at a time, to what create starts once they are open, and says how many were written and how
// many read. Tell gets what cannot be read, in brief or all of it, and what was guessed.
func (q Query) Write(ctx context.Context, create func() (*events.Writer, error), verbose bool, tell func(line string)) (written, read int, err error) {
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return 0, 0, fault.Of(err)
	}
	defer rows.Close()
	for _, line := range rows.Skipped().Say(verbose) {
		tell("left out: " + line)
	}
	out, err := create()
	if err != nil {
		return 0, 0, fault.Of(err)
	}
	waits := func(do func() error) error { // for what may take longer than ctx
		err := await.Done(ctx, "the output", do)
		if ctx.Err() != nil {
			out.Drop()
		} else if err != nil {
			out.Abort()
		}
		return err
	}
	for {
		b, err := rows.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			out.Abort()
			return 0, 0, fault.Of(err)
		}
		if b.Len() == 0 {
			continue
		}
		if err := waits(func() error { return out.Write(b.Table) }); err != nil {
			return 0, 0, fmt.Errorf("after %d events: %w", written, err)
		}
		written += b.Len()
	}
	for _, line := range rows.Notes() {
		tell(line)
	}
	if err := rows.Nothing(); err != nil {
		out.Abort()
		return 0, 0, fault.Of(err)
	}
	return written, rows.Read(), waits(out.Close)
}
