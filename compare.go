package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/report"
)

// Pair names two files of events to compare, and how.
type Pair = report.Files

// Compared is a comparison and its verdict.
type Compared = report.Compared

// Compare measures how far generated events are from reference events, and writes a page about it to out, unless that is "". It
// returns the distances and the verdict; events that differ are no error.
//
// A file that cannot be read and a column that is not there are *InputError. When ctx ends (*InterruptedError), nothing is written.
func Compare(ctx context.Context, p Pair, out string, o Options) (*Compared, error) {
	chain := o.chain()
	if out != "" {
		release, err := chain.Claim(out, p.Reference, p.Generated)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	p.Verbose = o.Verbose
	c, page, err := p.Compare(ctx)
	if err != nil {
		return nil, ended(ctx, fault.Of(err), "")
	}
	for _, line := range p.Notices {
		chain.Notice(line)
	}
	for _, line := range p.Warnings {
		chain.Warn(line)
	}
	if out == "" {
		return c, nil
	}
	about, err := await.Do(ctx, "the report", page)
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	about.Version, about.Commands = "sluice "+chain.Version, o.Command
	about.WithoutFolders(append(o.Inputs, out, p.Reference, p.Generated)...)
	return c, report.Write(out, about)
}
