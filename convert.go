package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/query"
)

// Converted is the record of a conversion.
type Converted struct {
	File   string `json:"file"`
	Events int    `json:"events"` // written
	Read   int    `json:"read"`
}

// Convert writes the events of a query to the file out, whose format follows from its ending, a block at a time. Without
// Columns it writes every column that the files list, and then those defined. It returns how many events were read and written.
//
// What is wrong with the query or its files is an *InputError. The file appears when it is whole; when ctx ends
// (*InterruptedError), none does, and nothing is kept.
func Convert(ctx context.Context, q query.Query, out string, o Options) (*Converted, error) {
	chain := o.chain()
	release, err := chain.Claim(out, q.Files...)
	if err != nil {
		return nil, err
	}
	defer release()
	if len(q.Columns) == 0 {
		q.All = true
		for _, d := range q.Define {
			q.Columns = append(q.Columns, d.Name)
		}
	}
	r := &Converted{File: out}
	create := func() (*events.Writer, error) { return chain.Create(out) }
	if r.Events, r.Read, err = q.Write(ctx, create, o.Verbose, chain.Notice); err != nil {
		return nil, ended(ctx, err, "")
	}
	return r, nil
}
