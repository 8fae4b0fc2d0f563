package query

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
)

// ToFile writes the events to a file, whose format follows from its ending, a block at a time, and says how many were written
// and how many read. The file appears when it is whole. Tell gets a line for each column that cannot be read, and for what was guessed.
func (q Query) ToFile(ctx context.Context, path string, tell func(line string)) (written, read int, err error) {
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return 0, 0, fault.Of(err)
	}
	defer rows.Close()
	for _, line := range rows.Skipped() {
		tell(line)
	}
	out, err := events.Create(path)
	if err != nil {
		return 0, 0, fault.Of(err)
	}
	waits := func(do func() error) error { // for what may take longer than ctx
		err := await.Done(ctx, path, do)
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
