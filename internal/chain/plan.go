package chain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/train"
)

// PlanTraining is Train up to the training, with some steps to measure them; it writes nothing.
func PlanTraining(ctx context.Context, c *card.Card, out string, o *Options) (*fit.Planned, error) {
	var files []string
	if err := single(c); err != nil {
		return nil, err
	}
	if out != "" {
		files = append(files, out)
	}
	if o.HeldOut != "" {
		files = append(files, o.HeldOut)
		if err := o.mayKeep(c, out); err != nil {
			return nil, err
		}
		if err := events.CheckFormat(o.HeldOut); err != nil {
			return nil, fault.Of(err)
		}
	}
	for _, path := range files {
		if err := o.wouldClaim(path, path, c); err != nil {
			return nil, err
		}
	}
	d, err := fit.Load(ctx, c, o.Options)
	if err != nil {
		return nil, err
	}
	o.say(d)
	p, err := d.Plan(ctx, o.Options, files...)
	if err != nil {
		return nil, err
	}
	if state := train.StatePath(out); out != "" && isThere(state) {
		o.tell(p, state+" holds an interrupted training, which --resume goes on with")
	}
	return p, nil
}

// PlanRun is Run up to the training, with some steps of each flow to measure them; it writes nothing.
func PlanRun(ctx context.Context, c *card.Card, out string, o *Options) (*fit.Planned, error) {
	r := newRun(c, out, o)
	var files []string
	for _, l := range r.flows {
		files = append(files, l.result.Model, l.result.Sample)
	}
	files = append(files, r.result.Report, record.Path(out))
	if err := r.mayWrite(files); err != nil {
		return nil, err
	}
	if err := r.outside(); err != nil {
		return nil, err
	}
	var all *fit.Planned
	for _, l := range r.flows {
		p, err := l.plan(ctx, files)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = p
		} else {
			all.Join(p)
		}
	}
	return all, nil
}

// plan measures some steps of the flow.
func (r *learning) plan(ctx context.Context, files []string) (*fit.Planned, error) {
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	p, err := r.data.Plan(ctx, r.o.Options, files...)
	if err != nil {
		return nil, err
	}
	p.Name = r.result.Flow
	state := train.StatePath(r.result.Model)
	last, err := record.Read(r.out)
	if old, found := last.Named(r.result.Flow); err == nil && found && old.Fingerprint == r.result.Fingerprint {
		r.o.tell(p, r.of()+"the model of the last run in "+r.out+" is the one that this card and these events give: it would not be trained again")
	} else if isThere(state) {
		r.o.tell(p, state+" holds an interrupted training, which would be gone on with if it is of the same card and events")
	}
	return p, nil
}

// mayWrite is the error that the opening of a run would have, as far as that is known without writing anything.
func (r *run) mayWrite(files []string) error {
	for _, l := range r.flows {
		if err := events.CheckFormat(l.result.Sample); err != nil {
			return fault.Of(err)
		}
	}
	out := filepath.Clean(r.result.Out)
	folder := out
	for !isThere(folder) && filepath.Dir(folder) != folder { // it is to be made
		folder = filepath.Dir(folder)
	}
	if at, err := os.Stat(folder); err == nil && !at.IsDir() {
		return fault.Of(fmt.Errorf("cannot make the folder %s: %s is none; choose another with --out", r.result.Out, folder))
	}
	for _, path := range files {
		place := path
		if filepath.Dir(path) == out {
			place = filepath.Join(folder, filepath.Base(path))
		}
		if err := r.o.wouldClaim(path, place, r.card); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) tell(p *fit.Planned, line string) {
	p.Notices = append(p.Notices, line)
	o.Notice(line)
}
