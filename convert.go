package sluice

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/query"
)

// Converted is the record of a conversion.
type Converted struct {
	File   string `json:"file"`
	Events int    `json:"events"` // written
	Read   int    `json:"read"`
}

// Convert writes the events of a query to the file out, whose format follows from its ending, a block at a time. Without
// Columns it writes every column that the files list, and then those defined.
//
// What is wrong with the query or its files is an *InputError. The file appears when it is whole; when ctx ends, none does,
// and nothing is kept.
func Convert(ctx context.Context, q query.Query, out string, o Options) (*Converted, error) {
	if err := distinct(out, q.Files...); err != nil {
		return nil, err
	}
	if len(q.Columns) == 0 {
		q.All = true
		for _, d := range q.Define {
			q.Columns = append(q.Columns, d.Name)
		}
	}
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return nil, fault.Of(err)
	}
	defer rows.Close()
	for _, line := range rows.Skipped() {
		o.notice(line)
	}
	file, err := events.Create(out)
	if err != nil {
		return nil, fault.Of(err)
	}
	defer file.Abort()
	r := &Converted{File: out}
	for {
		b, err := rows.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, ended(ctx, fault.Of(err), "")
		}
		if b.Len() == 0 {
			continue
		}
		if err := file.Write(b.Table); err != nil {
			return nil, fmt.Errorf("after %d events: %w", r.Events, err)
		}
		r.Events += b.Len()
	}
	if err := rows.Nothing(); err != nil {
		return nil, fault.Of(err)
	}
	r.Read = rows.Read()
	return r, file.Close()
}
