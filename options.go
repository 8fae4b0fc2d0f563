package sluice

import (
	"errors"

	"github.com/sluice-hep/sluice/train"
)

// Options are what every stage may be given beside its card. The zero value works in silence on all cores.
type Options struct {
	Threads int // 0: what the card says, or all cores

	// State is the file from which an interrupted training, sample or evaluation can go on; "" for none. Resume
	// takes it up.
	State  string
	Resume bool

	// Progress follows a training. Notice is called with a line that the user should know, and Stage with
	// the name of what begins. Each may be nil.
	Progress func(train.Progress)
	Notice   func(line string)
	Stage    func(name string)
}

func (o *Options) notice(line string) {
	if o.Notice != nil {
		o.Notice(line)
	}
}

func (o *Options) stage(name string) {
	if o.Stage != nil {
		o.Stage(name)
	}
}

// InputError is an error in what the user gave: a card, a file, a column, a place to write to. Other errors
// are failures on the way.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

func input(err error) error {
	var already *InputError
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &InputError{err}
}
