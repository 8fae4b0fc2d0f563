package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/apply"
)

// Merge joins all shards of a sample, in any order, to the file that the sample would be, byte by byte where they have its format. Each is checked by
// the manifest that Sample left beside it.
//
// Shards that are lacking, changed or of another sample are *InputError. The file appears when it is whole; when ctx ends (*InterruptedError), none does.
func Merge(ctx context.Context, shards []string, out string, o Options) (*Drawn, error) {
	chain := o.chain()
	release, err := chain.Claim(out, shards...)
	if err != nil {
		return nil, err
	}
	defer release()
	r, err := apply.Merge(ctx, shards, out, chain.Apply(""))
	return r, ended(ctx, err, "")
}
