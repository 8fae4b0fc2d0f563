package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/model"
)

// Draw says which events of a model's endless sample Sample draws.
type Draw = apply.Sample

// Drawn is the record of a sample.
type Drawn = apply.Drawn

// Sample draws events from a model into the file out, whose format follows from its ending, a block at a time.
// It returns how many were drawn, and how many again since they lay too far out.
//
// A context that does not fit the model, and a file that cannot be read or written, are *InputError. The file appears when
// it is whole. When ctx ends, or the program is killed, the blocks drawn are kept in out.journal (*InterruptedError), and
// Options.Resume goes on from there to the same bytes.
func Sample(ctx context.Context, m *model.Model, d Draw, out string, o Options) (*Drawn, error) {
	chain := o.chain()
	release, err := chain.Claim(out, d.ContextFile)
	if err != nil {
		return nil, err
	}
	defer release()
	d.Version = chain.Version
	at := chain.Apply(out)
	r, err := d.ToFile(ctx, m, out, at)
	return r, ended(ctx, err, at.State)
}
