package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// Inspection is what a table of events looks like.
type Inspection = prep.Inspection

// InspectedColumn is a column with the preparation that `auto` would choose for it as a feature.
type InspectedColumn = prep.InspectedColumn

// Inspect describes every column of files read as one table, in memory that does not grow with them. A file that cannot be read
// is an *InputError; when ctx ends, so does the reading (*InterruptedError), and nothing is left.
func Inspect(ctx context.Context, files []string, how query.Reading) (*Inspection, error) {
	opts, err := how.Options()
	if err != nil {
		return nil, fault.Of(err)
	}
	r, err := prep.Inspect(ctx, files, opts)
	return r, ended(ctx, fault.Of(err), "")
}

// Starter is a card to begin with, for the columns of files that can be modelled: what auto does with each is spelled out,
// with the reason, to be edited. Run as it is, it gives the model that auto gives. Events that cannot be read, or without a column
// to model, are an *InputError; the context ends it with an *InterruptedError, and nothing is left.
func Starter(ctx context.Context, files []string, how query.Reading, o Options) ([]byte, error) {
	text, err := fit.Starter(ctx, files, how, o.Verbose, o.chain().Options)
	return text, ended(ctx, err, "")
}
