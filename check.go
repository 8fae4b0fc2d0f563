package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/record"
)

// RunFile is a file that a run wrote, as it was then.
type RunFile = record.File

// Checked says whether the folder of a run is as the run left it.
type Checked = record.Checked

// CheckedFile is a file in, or missing from, the folder of a run.
type CheckedFile = record.CheckedFile

// Check finds out whether all that a run wrote to the folder out is there, unchanged, and of one run: by the hashes that its
// record keeps, and by that of the model in the page. What it finds is no error; a folder that is not there is an *InputError.
// When ctx ends, it gives an *InterruptedError and no answer.
func Check(ctx context.Context, out string) (*Checked, error) {
	r, err := record.Check(ctx, out)
	return r, ended(ctx, err, "")
}
