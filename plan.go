package sluice

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
)

// Planned is what a training would be.
type Planned struct {
	Read    int      `json:"read"`              // events of the files
	Kept    int      `json:"kept"`              // those that are selected and complete
	Dropped []string `json:"dropped,omitempty"` // why others are not, a line a reason
	Train   int      `json:"train"`             // of those kept
	Valid   int      `json:"valid"`
	Test    int      `json:"test"`

	Features   []model.Column `json:"features"` // with their preparation
	Context    []model.Column `json:"context"`
	Flow       flow.Spec      `json:"flow"` // the composition in full
	Parameters int            `json:"parameters"`
	// MemoryMB is the highest resident memory of the program so far, which has read and prepared the events and taken some steps; 0
	// where the system does not tell. ParametersMB is what a training keeps as long as the parameters.
	MemoryMB     float64 `json:"memory_mb"`
	ParametersMB float64 `json:"parameters_mb"`

	Epochs        int `json:"epochs"` // at most
	StepsPerEpoch int `json:"steps_per_epoch"`
	StepsMeasured int `json:"steps_measured"`
	// SecondsPerEpoch is an estimate from the steps measured, or, of a stream, from reading the events; Seconds is that of all epochs, or the limit.
	SecondsPerEpoch float64 `json:"seconds_per_epoch"`
	Seconds         float64 `json:"seconds"`

	Files   []PlannedFile `json:"files"` // that would be written
	Notices []string      `json:"notices,omitempty"`
}

// PlannedFile is a file that would be written.
type PlannedFile struct {
	File  string `json:"file"`
	There bool   `json:"there"` // and would be replaced
}

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
	p, err := o.plan(ctx, c, d, files)
	if err == nil && out != "" && isThere(statePath(out)) {
		o.tell(p, statePath(out)+" holds an interrupted training, which --resume goes on with")
	}
	return p, err
}

// PlanRun does what Run does up to the training, takes some steps to measure them, and writes nothing.
func PlanRun(ctx context.Context, c *card.Card, out string, o Options) (*Planned, error) {
	r := newRunner(c, out, o)
	files := []string{r.result.Model, r.result.Sample, r.result.Report, r.summaryPath()}
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
	p, err := o.plan(ctx, c, r.data, files)
	if err != nil {
		return nil, err
	}
	if old, err := readRecord(out); err == nil && old.Fingerprint == r.result.Fingerprint {
		o.tell(p, "the model of the last run in "+out+" is the one that this card and these events give: it would not be trained again")
	} else if isThere(statePath(r.result.Model)) {
		o.tell(p, statePath(r.result.Model)+" holds an interrupted training, which would be gone on with if it is of the same card and events")
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

func (o *Options) plan(ctx context.Context, c *card.Card, d *fit.Data, files []string) (*Planned, error) {
	plan, err := d.Plan(ctx, o.fit())
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	cfg := c.Train.WithDefaults()
	p := &Planned{
		Read: d.Read, Kept: d.Total, Dropped: d.Dropped, Train: d.Rows.Training(), Valid: len(d.Rows.Valid), Test: len(d.Rows.Test),
		Features: model.Columns(d.Features), Context: model.Columns(d.Context), Flow: plan.Flow, Parameters: plan.Parameters,
		MemoryMB: plan.Peak, ParametersMB: float64(plan.Vectors) / (1 << 20),
		Epochs: cfg.Epochs, StepsPerEpoch: plan.Pace.Steps, StepsMeasured: plan.Pace.Measured,
		SecondsPerEpoch: plan.Epoch.Seconds(), Seconds: float64(cfg.Epochs) * plan.Epoch.Seconds(),
	}
	p.Notices = slices.DeleteFunc(slices.Concat(d.Notices, d.Warnings), func(line string) bool { return slices.Contains(d.Dropped, line) })
	if cfg.MaxSeconds > 0 {
		p.Seconds = min(p.Seconds, cfg.MaxSeconds)
	}
	for _, path := range files {
		p.Files = append(p.Files, PlannedFile{filepath.Clean(path), isThere(path)})
	}
	return p, nil
}
