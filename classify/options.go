package classify

import (
	"cmp"
	"fmt"
	"runtime"
)

// Options say how a network is trained. The zero value of a field means its default.
type Options struct {
	Hidden   []int   // widths of the hidden layers; default 64, 64
	Classes  int     // default 2
	Epochs   int     // at most; default 30
	Patience int     // epochs without a better validation loss that end the training; default 5
	Batch    int     // events a step; default a fiftieth of the training events, between 64 and 1024
	LR       float64 // learning rate; default 2e-3
	Valid    float64 // share of the events that early stopping goes by; default 0.2
	Most     int     // events of each class that are taken, at random among more; default 100,000, negative for all
	Ensemble int     // networks, from seeds that follow from Seed, whose mean is taken; default 1
	Seed     uint64
	Threads  int // default one a core; the result does not depend on it
}

const leastEvents = 10 // of a class: with fewer there is nothing to train on and to validate by

func (o Options) withDefaults() Options {
	if o.Hidden == nil {
		o.Hidden = []int{64, 64}
	}
	o.Classes = cmp.Or(o.Classes, 2)
	o.Epochs = cmp.Or(o.Epochs, 30)
	o.Patience = cmp.Or(o.Patience, 5)
	o.LR = cmp.Or(o.LR, 2e-3)
	o.Valid = cmp.Or(o.Valid, 0.2)
	o.Most = cmp.Or(o.Most, 100_000)
	o.Ensemble = cmp.Or(o.Ensemble, 1)
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return o
}

// Validate reports the first field that cannot be.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Classes < 2 || o.Classes > 255:
		return fmt.Errorf("classify: %d classes; between 2 and 255 can be told apart", o.Classes)
	case !(o.Valid > 0 && o.Valid < 1):
		return fmt.Errorf("classify: a validation share of %g; it must be above 0 and below 1", o.Valid)
	case o.Ensemble < 1:
		return fmt.Errorf("classify: an ensemble of %d; it takes 1 or more", o.Ensemble)
	}
	for _, h := range o.Hidden {
		if h < 1 {
			return fmt.Errorf("classify: a hidden layer of %d units", h)
		}
	}
	return nil
}
