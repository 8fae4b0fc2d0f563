package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/model"
)

// Evaluate says of which events Density is evaluated, and what is written beside log_prob.
type Evaluate = apply.Density

// Evaluated is the record of a density.
type Evaluated = apply.Evaluated

// Density writes the columns of files, as they are, and log_prob, the log-density of each event in nats per unit of the
// features, to the file out. It returns their number, their mean and how many lie outside the trained range.
//
// A column that is not there, a missing value and a file that cannot be read or written are *InputError. The file appears
// when it is whole. When ctx ends, or the program is killed, the blocks evaluated are kept in out.journal
// (*InterruptedError), and Options.Resume goes on from there to the same bytes.
func Density(ctx context.Context, m *model.Model, e Evaluate, out string, o Options) (*Evaluated, error) {
	chain := o.chain()
	release, err := chain.Claim(out, e.Files...)
	if err != nil {
		return nil, err
	}
	defer release()
	e.Version, e.Verbose = chain.Version, o.Verbose
	at := chain.Apply(out)
	r, err := e.ToFile(ctx, m, out, at)
	return r, ended(ctx, err, at.State)
}
