package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/report"
)

// Pair names a file of reference events and those of generated events to compare with it, and how.
type Pair = report.Files

// CompareOutputs are the files that Compare writes; "" for none.
type CompareOutputs struct {
	Page    string // about the comparison; beside it stands report.DataFile, with all statistics and histograms
	Figures string // a folder for the pictures of the page, as PNG, PDF and SVG
	Weights string // the generated events of one file, with one more column, report.RatioColumn: weighted with it they are as the reference
}

// Compared is a comparison and its verdict.
type Compared = report.Compared

// Compare measures how far generated events are from reference events, and writes what is asked for. It
// returns the distances and the verdict, of several files of generated events those of the best, and of all in their rank; events that
// differ are no error.
//
// A file that cannot be read and a column that is not there are *InputError. When ctx ends (*InterruptedError), nothing is written.
func Compare(ctx context.Context, p Pair, out CompareOutputs, o Options) (*Compared, error) {
	chain, files := o.chain(), append([]string{p.Reference}, p.Generated...)
	claims := []string{out.Weights}
	if out.Page != "" {
		claims = append(claims, out.Page, report.DataFile(out.Page))
	}
	release, err := chain.ClaimAll(files, claims...)
	if err != nil {
		return nil, err
	}
	defer release()
	p.Verbose, p.Threads, p.Reweigh = o.Verbose, o.Threads, out.Weights != ""
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
	if out.Weights != "" {
		if err := chain.WriteEvents(ctx, out.Weights, p.Reweighted()); err != nil {
			return nil, ended(ctx, err, "")
		}
		c.Weights = out.Weights
	}
	if out.Page == "" && out.Figures == "" {
		return c, nil
	}
	about, err := await.Do(ctx, "the report", page)
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	chain.Sign(about, append(files, out.Page, out.Weights, out.Figures)...)
	if out.Figures != "" {
		c.Figures = out.Figures
		if err := await.Done(ctx, "the figures", func() error { return report.WriteFigures(out.Figures, about) }); err != nil {
			return nil, ended(ctx, fault.Of(err), "")
		}
	}
	if out.Page == "" {
		return c, nil
	}
	c.Report, c.ReportJSON = out.Page, report.DataFile(out.Page)
	if err := report.WriteJSON(c.ReportJSON, about, c); err != nil {
		return nil, err
	}
	return c, report.Write(out.Page, about)
}
