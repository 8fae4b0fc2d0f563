package sluice

import (
	"context"
	"slices"

	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/report"
)

// Pair names a file of reference events and those of generated events to compare with it, and how.
type Pair = report.Files

// Compared is a comparison and its verdict.
type Compared = report.Compared

// Compare measures how far generated events are from reference events, and writes a page about it to out, unless that is "". It
// returns the distances and the verdict, of several files of generated events those of the best, and of all in their rank; events that
// differ are no error.
//
// A file that cannot be read and a column that is not there are *InputError. When ctx ends (*InterruptedError), nothing is written.
func Compare(ctx context.Context, p Pair, out string, o Options) (*Compared, error) {
	chain, files := o.chain(), append([]string{p.Reference}, p.Generated...)
	if out != "" {
		release, err := chain.Claim(out, files...)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	p.Verbose, p.Threads = o.Verbose, o.Threads
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
	about.WithoutFolders(slices.Concat(o.Inputs, files, []string{out})...)
	return c, report.Write(out, about)
}
