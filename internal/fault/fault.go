// Package fault tells errors in what the user gave from failures on the way.
package fault

import "errors"

// Input is an error in what the user gave: a card, a file, a column, a place to write to.
type Input struct{ Err error }

func (e *Input) Error() string { return e.Err.Error() }
func (e *Input) Unwrap() error { return e.Err }

// Of marks an error as the user's; nil stays nil.
func Of(err error) error {
	var already *Input
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &Input{err}
}

// Is reports whether an error is marked.
func Is(err error) bool {
	var in *Input
	return errors.As(err, &in)
}
