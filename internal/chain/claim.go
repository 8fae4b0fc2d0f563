package chain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
)

// Claim finds out before the work whether a file can be written after it, and keeps other processes from it meanwhile.
func (o *Options) Claim(path string, inputs ...string) (release func(), err error) {
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

// claimEvents claims a file of events, in a format that can be written.
func (o *Options) claimEvents(path string, inputs ...string) (release func(), err error) {
	if release, err = o.Claim(path, inputs...); err != nil {
		return nil, err
	}
	f, err := o.Create(path)
	if err != nil {
		release()
		return nil, fault.Of(err)
	}
	f.Abort()
	return release, nil
}

// wouldClaim is the error that Claim would have; place is where the file would be, or, where its folder is to be made, beside that.
func (o *Options) wouldClaim(path, place string, c *card.Card) error {
	if err := distinct(path, append(c.Inputs(), o.Inputs...)...); err != nil {
		return err
	}
	return fault.Of(atomicfile.Check(place))
}

// mayKeep is an error where a training has no test events to write, or no place for them.
func (o *Options) mayKeep(c *card.Card, model string) error {
	switch {
	case c.Train.WithDefaults().Test <= 0:
		return fault.Of(errors.New("--held-out: no event is held out; set --test above 0"))
	case filepath.Clean(o.HeldOut) == filepath.Clean(model):
		return fault.Of(fmt.Errorf("%s is to hold the model; write the events held out to another file", model))
	}
	return nil
}

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

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
