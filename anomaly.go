package sluice

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/anomaly"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/report"
)

// AnomalyResult is what a search found.
type AnomalyResult = anomaly.Result

// Anomaly makes the search of a card (card.Anomaly), and writes a page about it, report.html, to the folder out, unless that is "".
//
// A card without a search, and events that leave nothing to search in or to learn from, are *InputError. When ctx ends (*InterruptedError), nothing
// is kept.
func Anomaly(ctx context.Context, c *card.Card, out string, o Options) (*AnomalyResult, error) {
	chain := o.chain()
	page := filepath.Join(out, "report.html")
	if out != "" {
		defer leave(missing(out))
		if err := os.MkdirAll(out, 0o777); err != nil {
			return nil, fault.Of(fmt.Errorf("cannot make the folder %s: %w; choose another with --out", out, err))
		}
		release, err := chain.Claim(page, c.Inputs()...)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	r, err := anomaly.Run(ctx, c, anomaly.Options{Threads: chain.Threads, Notice: chain.Notice, Warn: chain.Warn, Stage: chain.Stage})
	if err != nil || out == "" {
		return r, ended(ctx, err, "")
	}
	about, err := r.Page(c)
	if err != nil {
		return nil, err
	}
	r.Out, r.Report = out, page
	about.Version, about.Commands = "sluice "+chain.Version, o.Command
	about.WithoutFolders(append(o.Inputs, out)...)
	return r, report.Write(page, about)
}

// missing are the folders that are to be made for one, that first.
func missing(folder string) (made []string) {
	for !isThere(folder) {
		made = append(made, folder)
		folder = filepath.Dir(folder)
	}
	return made
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// leave takes folders away in which there is nothing.
func leave(folders []string) {
	for _, f := range folders {
		_ = os.Remove(f)
	}
}
