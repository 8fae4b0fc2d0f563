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

// Compare measures how far generated events are from reference events, and writes a page about it to out, unless that is "".
//
// A file that cannot be read and a column that is not there are *InputError. When ctx ends, nothing is written.
func Compare(ctx context.Context, p Pair, out string, o Options) (*Compared, error) {
	if out != "" {
		release, err := o.claim(out, p.Reference, p.Generated)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	p.Verbose = o.Verbose
	c, notices, page, err := p.Compare(ctx)
	for _, line := range notices {
		o.notice(line)
	}
	if err != nil || out == "" {
		return c, ended(ctx, fault.Of(err), "")
	}
	about, err := await.Do(ctx, "the report", page)
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	about.Version, about.Commands = "sluice "+Version(), o.Command
	return c, report.Write(out, about)
}
