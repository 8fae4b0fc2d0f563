package profile

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/await"
)

// SummariseFiles describes every column of files read as one table, in memory that does not grow with them. It reads
// them again where atoms came late, unless a pipe is among them. Skipped and notes are those of the
// events.Chain. First is called with the first events, a table that is reused after that; it may be nil.
func SummariseFiles(ctx context.Context, paths []string, opts events.Options, first func(t *events.Table)) (all []Summary, skipped column.LeftOut, notes []string, err error) {
	in, err := await.Do(ctx, strings.Join(paths, ", "), func() (*events.Chain, error) { return events.OpenAll(paths, opts) })
	if err != nil {
		return nil, nil, nil, err
	}
	defer in.Close()
	begin, again := in.Mark()
	var s Summariser
	if err := s.Add(&events.Table{Columns: in.Columns()}, "", nil); err != nil {
		return nil, nil, nil, err
	}
	var rows []int64
	err = pass(ctx, in, func(t *events.Table) error {
		if first != nil {
			first(t)
			first = nil
		}
		rows = slices.Grow(rows[:0], t.Len())[:t.Len()]
		for i := range rows {
			rows[i] = in.First() + int64(i)
		}
		if len(paths) == 1 {
			return s.Add(t, "", rows)
		}
		return s.Add(t, in.Path(), rows)
	})
	if err == nil && again && s.Unsure() {
		if err = in.Seek(begin); err == nil {
			err = pass(ctx, in, s.Recount)
		}
	}
	if err != nil {
		return nil, nil, nil, err
	}
	return s.Summaries(), in.Skipped(), in.Notes(), nil
}

// pass calls f with all blocks.
func pass(ctx context.Context, in *events.Chain, f func(t *events.Table) error) error {
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
