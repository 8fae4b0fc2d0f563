package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/apply"
)

// Merge joins all shards of a sample or of a density, in any order, to the file that the whole would be, byte by byte where they have its format. Each is
// checked by the manifest that Sample or Density left beside it.
//
// Shards that are lacking, changed or of another whole are *InputError. The file appears when it is whole; when ctx ends (*InterruptedError), none does.
func Merge(ctx context.Context, shards []string, out string, o Options) (*apply.Merged, error) {
	chain := o.chain()
	release, err := chain.Claim(out, shards...)
	if err != nil {
		return nil, err
	}
	defer release()
	r, err := apply.Merge(ctx, shards, out, chain.Apply(""))
	return r, ended(ctx, err, "")
}
