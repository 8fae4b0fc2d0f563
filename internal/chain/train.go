package chain

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/live"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/train"
)

// Train trains the model of a card and writes it to the file out, unless that is "". Beside an error stands the file that keeps what
// was done, if it is there; "" for none.
func Train(ctx context.Context, c *card.Card, out string, o *Options) (_ *record.Training, kept string, err error) {
	f := o.Options
	if err := single(c); err != nil {
		return nil, "", err
	}
	if out != "" {
		release, err := o.Claim(out, c.Inputs()...)
		if err != nil {
			return nil, "", err
		}
		defer release()
		f.State, f.StateOf = train.StatePath(out), out
		if err := o.mayBegin(f.State); err != nil {
			return nil, "", err
		}
	}
	if o.HeldOut != "" {
		if err := o.mayKeep(c, out); err != nil {
			return nil, "", err
		}
		release, err := o.claimEvents(o.HeldOut, c.Inputs()...)
		if err != nil {
			return nil, "", err
		}
		defer release()
	}
	if out != "" {
		log := live.New(live.Beside(out), filepath.Base(out))
		f = log.Follow(f)
		followed := *o
		followed.Options, followed.log = f, log
		o = &followed
		defer func() { log.End(err, ctx.Err() != nil) }()
	}
	r, err := o.train(ctx, c, out, f)
	return r, f.State, err
}

// single is an error over a card of several flows.
func single(c *card.Card) error {
	if len(c.Flows) > 0 {
		return fault.Of(errors.New("flows: a training is of one flow; run trains several, and compares them"))
	}
	return nil
}

// mayBegin is an error over the state of an interrupted training that is not to be gone on with.
func (o *Options) mayBegin(state string) error {
	states := train.States(state)
	there := len(states) > 0
	if !o.Resume && slices.ContainsFunc(states, func(at string) bool { return !train.Done(at) }) {
		return fault.Of(fmt.Errorf("%s holds an interrupted training; go on with --resume, or remove that file to start anew", state))
	}
	if !there && o.Resume {
		o.Notice("there is no interrupted training to go on with (" + state + "): it starts anew")
	}
	return nil
}

// train is Train in places that are claimed.
func (o *Options) train(ctx context.Context, c *card.Card, out string, f fit.Options) (*record.Training, error) {
	o.order(0)
	d, err := fit.Load(ctx, c, f)
	if err != nil {
		return nil, err
	}
	o.say(d)
	f.Look = look(o.log, c, d)
	o.Stage("train")
	m, result, err := o.learn(ctx, d, f, !o.Resume)
	if err != nil {
		return nil, err
	}
	if o.HeldOut != "" {
		t, _ := d.HeldOut()
		if err := o.WriteEvents(ctx, o.HeldOut, t); err != nil {
			return nil, err
		}
	}
	r := newTraining(out, m, result)
	if out == "" {
		return r, nil
	}
	if err := m.Save(out); err != nil {
		return nil, err
	}
	return r, train.RemoveState(f.State)
}

// look lets those who follow a log see what the model would draw.
func look(log *live.Log, c *card.Card, d *fit.Data) func(see func(do func(m *model.Model))) {
	if log == nil {
		return nil
	}
	held, name := d.HeldOut()
	s := live.Sample{Held: held, Name: name, Labels: c.Labels, Columns: c.Compare.Columns, Given: len(c.Given()) > 0, Finish: c.Restore.Of, Seed: c.Seed}
	if len(s.Columns) == 0 {
		s.Columns = c.Generated()
	}
	return log.Look(s)
}

// say tells what was found of the events.
func (o *Options) say(d *fit.Data) {
	for _, line := range d.Notices {
		o.Notice(line)
	}
	for _, line := range d.Warnings {
		o.Warn(line)
	}
}

// learn trains. A state that nobody asked for, of a run or of a training whose model could not be written, is taken up where it is of
// the same training (any).
func (o *Options) learn(ctx context.Context, d *fit.Data, f fit.Options, any bool) (*model.Model, *train.Result, error) {
	f.Resume = f.Resume || any
	m, result, err := o.together(ctx, d, f)
	var state *train.StateError
	if any && errors.As(err, &state) {
		o.Notice("the state of an earlier training cannot be taken up (" + state.Reason + "): the training starts anew")
		f.Resume = false
		return o.together(ctx, d, f)
	}
	return m, result, err
}

func newTraining(path string, m *model.Model, result *train.Result) *record.Training {
	return &record.Training{Model: path, Parameters: m.Density.Size(), Result: result, Density: m}
}
