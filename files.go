package sluice

import (
	"errors"
	"fmt"
	"os"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
)

// distinct is an error if the file to write is one of those to read, named as events.Files has it.
func distinct(path string, inputs ...string) error {
	out, err := os.Stat(path)
	if err != nil {
		return nil // nothing there that could be lost
	}
	for _, in := range inputs {
		names, _ := events.Files([]string{in}) // what is not there cannot be lost
		for _, name := range names {
			if read, err := os.Stat(name); err == nil && os.SameFile(out, read) {
				return fault.Of(fmt.Errorf("%s is read, and would be overwritten; write to another file", path))
			}
		}
	}
	return nil
}

// create starts the events of a verb.
func (o *Options) create(path string) (*events.Writer, error) {
	if o.Stream != nil {
		return events.Stream(o.Stream, o.Format)
	}
	return events.Create(path)
}

// claimEvents claims a file of events, in a format that can be written.
func (o *Options) claimEvents(path string, inputs ...string) (release func(), err error) {
	if release, err = o.claim(path, inputs...); err != nil {
		return nil, err
	}
	f, err := o.create(path)
	if err != nil {
		release()
		return nil, fault.Of(err)
	}
	f.Abort()
	return release, nil
}

// claim finds out before the work whether a file can be written after it, and keeps other processes from it meanwhile.
func (o *Options) claim(path string, inputs ...string) (release func(), err error) {
	switch {
	case o.Stream != nil:
		return func() {}, nil
	case path == "-":
		return nil, fault.Of(errors.New("this cannot be written to stdout (-); give the name of a file"))
	}
	if err := distinct(path, append(inputs, o.Inputs...)...); err != nil {
		return nil, err
	}
	release, err = atomicfile.Claim(path)
	return release, fault.Of(err)
}
