package sluice

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/train"
)

// Planned is what a training would be.
type Planned = fit.Planned

// PlannedFile is a file that would be written.
type PlannedFile = fit.PlannedFile

// PlanTraining does what Train does up to the training, takes some steps to measure them, and writes nothing.
func PlanTraining(ctx context.Context, c *card.Card, out string, o Options) (*Planned, error) {
	var files []string
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
	d, err := fit.Load(ctx, c, o.fit())
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	o.say(d)
	p, err := d.Plan(ctx, o.fit(), files...)
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	if out != "" && isThere(train.StatePath(out)) {
		o.tell(p, train.StatePath(out)+" holds an interrupted training, which --resume goes on with")
	}
	return p, nil
}

// PlanRun does what Run does up to the training, takes some steps to measure them, and writes nothing.
func PlanRun(ctx context.Context, c *card.Card, out string, o Options) (*Planned, error) {
	r := newRunner(c, out, o)
	files := []string{r.result.Model, r.result.Sample, r.result.Report, record.Path(out)}
	if err := events.CheckFormat(r.result.Sample); err != nil {
		return nil, fault.Of(err)
	}
	folder := filepath.Clean(out)
	for !isThere(folder) && filepath.Dir(folder) != folder { // it is to be made
		folder = filepath.Dir(folder)
	}
	if at, err := os.Stat(folder); err == nil && !at.IsDir() {
		return nil, fault.Of(fmt.Errorf("cannot make the folder %s: %s is none; choose another with --out", out, folder))
	}
	for _, path := range files {
		place := path
		if filepath.Dir(path) == filepath.Clean(out) {
			place = filepath.Join(folder, filepath.Base(path))
		}
		if err := o.wouldClaim(path, place, c); err != nil {
			return nil, err
		}
	}
	if err := r.outside(); err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil {
		return nil, ended(ctx, err, "")
	}
	p, err := r.data.Plan(ctx, o.fit(), files...)
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	if old, err := record.Read(out); err == nil && old.Fingerprint == r.result.Fingerprint {
		o.tell(p, "the model of the last run in "+out+" is the one that this card and these events give: it would not be trained again")
	} else if isThere(train.StatePath(r.result.Model)) {
		o.tell(p, train.StatePath(r.result.Model)+" holds an interrupted training, which would be gone on with if it is of the same card and events")
	}
	return p, nil
}

func (o *Options) tell(p *Planned, line string) {
	p.Notices = append(p.Notices, line)
	o.notice(line)
}

// wouldClaim is the error that claim would have; place is where the file would be, or, where its folder is to be made, beside that.
func (o *Options) wouldClaim(path, place string, c *card.Card) error {
	if err := distinct(path, append(c.Paths(), o.Inputs...)...); err != nil {
		return err
	}
	return fault.Of(atomicfile.Check(place))
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
