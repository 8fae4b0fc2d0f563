// Package fault tells errors in what the user gave from failures on the way.
package fault

import (
	"context"
	"errors"
)

// Input is an error in what the user gave: a card, a file, a column, a place to write to.
type Input struct{ Err error }

func (e *Input) Error() string { return e.Err.Error() }
func (e *Input) Unwrap() error { return e.Err }

// Of marks an error as the user's; nil stays nil, and so does the end of a context, which is nobody's.
func Of(err error) error {
	if err == nil || Is(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Input{err}
}

// Is reports whether an error is marked.
func Is(err error) bool {
	var in *Input
	return errors.As(err, &in)
}
