package sluice

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/train"
)

// TrainResult is the record of a training.
type TrainResult = record.Training

// Train reads the events of a card, or takes its table, prepares them, learns their density and writes it to the file out,
// unless that is "". NLLs are in nats per event, of the density per unit of the user's columns.
//
// Errors in the card or its files are *InputError. When ctx ends, the state of the training is kept beside out
// (*InterruptedError), and Options.Resume goes on from it to the model that an uninterrupted training gives, bit for bit;
// without out nothing is kept. So is that of a training after which something failed, as the writing of Options.HeldOut: the same
// call takes it up.
func Train(ctx context.Context, c *card.Card, out string, o Options) (*TrainResult, error) {
	f := o.fit()
	if out != "" {
		release, err := o.claim(out, c.Paths()...)
		if err != nil {
			return nil, err
		}
		defer release()
		f.State, f.StateOf = train.StatePath(out), out
		if _, err := os.Stat(f.State); err == nil && !o.Resume && !train.Done(f.State) {
			return nil, fault.Of(fmt.Errorf("%s holds an interrupted training; go on with --resume, or remove that file to start anew", f.State))
		} else if err != nil && o.Resume {
			o.notice("there is no interrupted training to go on with (" + f.State + "): it starts anew")
		}
	}
	if o.HeldOut != "" {
		if err := o.mayKeep(c, out); err != nil {
			return nil, err
		}
		release, err := o.claimEvents(o.HeldOut, c.Paths()...)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	d, err := fit.Load(ctx, c, f)
	if err != nil {
		return nil, ended(ctx, err, f.State)
	}
	o.say(d)
	o.stage("train")
	m, result, err := o.learn(ctx, d, f, !o.Resume)
	if err != nil {
		return nil, ended(ctx, err, f.State)
	}
	if o.HeldOut != "" {
		t, _ := d.HeldOut()
		create := func() (*events.Writer, error) { return events.Create(o.HeldOut) }
		if _, _, err := (query.Query{Table: t, All: true}).Write(ctx, create, false, o.notice); err != nil {
			return nil, err
		}
	}
	r := newTrainResult(out, m, result)
	if out == "" {
		return r, nil
	}
	if err := m.Save(out); err != nil {
		return nil, err
	}
	return r, train.RemoveState(f.State)
}

// say tells what was found of the events.
func (o *Options) say(d *fit.Data) {
	for _, line := range d.Notices {
		o.notice(line)
	}
	for _, line := range d.Warnings {
		o.warn(line)
	}
}

// learn trains. A state that nobody asked for, of a run or of a training whose model could not be written, is taken up where it is of
// the same training (any).
func (o *Options) learn(ctx context.Context, d *fit.Data, f fit.Options, any bool) (*model.Model, *train.Result, error) {
	f.Resume = f.Resume || any
	m, result, err := d.Train(ctx, f)
	var state *train.StateError
	if any && errors.As(err, &state) {
		o.notice("the state of an earlier training cannot be taken up (" + state.Reason + "): the training starts anew")
		f.Resume = false
		return d.Train(ctx, f)
	}
	return m, result, err
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

func newTrainResult(path string, m *model.Model, result *train.Result) *TrainResult {
	return &TrainResult{Model: path, Parameters: m.Density.Size(), Result: result, Density: m}
}

func (o *Options) fit() fit.Options {
	return fit.Options{Threads: o.Threads, Resume: o.Resume, Progress: o.Progress, Notice: o.notice, Warn: o.warn, Stage: o.stage}
}
