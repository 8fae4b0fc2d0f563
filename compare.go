package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
)

// Pair names two files of events to compare, and how.
type Pair = report.Files

// Compare measures how far generated events are from reference events, and writes a page about it to out, unless that is "".
//
// A file that cannot be read and a column that is not there are *InputError. When ctx ends, nothing is written.
func Compare(ctx context.Context, p Pair, out string, o Options) (*stats.Comparison, error) {
	if out != "" {
		if err := writable(out, p.Reference, p.Generated); err != nil {
			return nil, err
		}
	}
	c, page, err := p.Compare(ctx, o.notice)
	if err != nil || out == "" {
		return c, ended(ctx, fault.Of(err), "")
	}
	about, err := page()
	if err != nil {
		return nil, err
	}
	about.Version, about.Commands = Version(), o.Command
	return c, report.Write(out, about)
}
