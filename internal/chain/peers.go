package chain

import (
	"context"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
)

// What the first of several processes orders: a number from 0 on is that of a flow of the card, whose events are to be read.
const (
	trainNext = -1
	endWith   = -2 // less the exit code
)

// order tells the other processes what comes next, if there are any.
func (o *Options) order(n int) {
	if o.Peers != nil {
		o.Peers.Order(n)
	}
}

// together trains, with the other processes if there are any.
func (o *Options) together(ctx context.Context, d *fit.Data, f fit.Options) (*model.Model, *train.Result, error) {
	if o.order(trainNext); o.Peers != nil {
		if err := o.Peers.Agree(nil); err != nil {
			return nil, nil, err
		}
	}
	return d.Train(ctx, f)
}

// End lets the other processes go, with an exit code.
func (o *Options) End(code int) { o.order(endWith - code) }

// Follow is what all processes but the first do: they read the events of the card and train, as the first orders, and write and print nothing. wrong is an
// error in the card, as this process has it. It returns the exit code of the first.
func Follow(ctx context.Context, c *card.Card, wrong error, o *Options) (code int) {
	var d *fit.Data
	err := wrong
	for {
		switch next := o.Peers.Await(); {
		case next <= endWith:
			return endWith - next
		case next == trainNext:
			if o.Peers.Agree(err) == nil {
				_, _, _ = d.Train(ctx, o.Options) // of an error the first has the word
			}
		case wrong == nil:
			d = nil // large
			d, err = fit.Load(ctx, c.Each()[next], o.Options)
		}
	}
}
