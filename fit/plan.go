package fit

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/machine"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// Planned is what a training would be.
type Planned struct {
	Read    int      `json:"read"`              // events of the files
	Kept    int      `json:"kept"`              // those that are selected and complete
	Dropped []string `json:"dropped,omitempty"` // why others are not, a line a reason
	Train   int      `json:"train"`             // of those kept
	Valid   int      `json:"valid"`
	Test    int      `json:"test"`

	Features   []model.Column   `json:"features"` // with their preparation
	Context    []model.Column   `json:"context"`
	Flow       flow.Spec        `json:"flow"`            // the composition in full
	Table      *model.TableInfo `json:"table,omitempty"` // beside the flow, of the density of a mixed table
	Parameters int              `json:"parameters"`
	Members    int              `json:"members,omitempty"` // of an ensemble, whose parameters and seconds are those of all together
	// MemoryMB is the highest resident memory of the program so far, which has read and prepared the events and taken some steps; 0
	// where the system does not tell. ParametersMB is what a training keeps as long as the parameters.
	MemoryMB     float64 `json:"memory_mb"`
	ParametersMB float64 `json:"parameters_mb"`

	Epochs        int `json:"epochs"` // at most
	StepsPerEpoch int `json:"steps_per_epoch"`
	StepsMeasured int `json:"steps_measured"`
	// SecondsPerEpoch is an estimate from the steps measured, or, of a stream, from reading the events, if that is slower; Seconds is
	// that of all epochs, or the limit.
	SecondsPerEpoch float64 `json:"seconds_per_epoch"`
	Seconds         float64 `json:"seconds"`

	// Name is that of the flow, among several, and Others are those after it: Seconds is that of all, the rest of each.
	Name   string     `json:"name,omitempty"`
	Others []*Planned `json:"others,omitempty"`

	Files   []PlannedFile `json:"files"` // that would be written
	Notices []string      `json:"notices,omitempty"`
}

// Join adds the training of another flow on the same events after p.
func (p *Planned) Join(next *Planned) {
	p.Seconds += next.Seconds
	next.Files = nil // those of all
	next.Notices = slices.DeleteFunc(next.Notices, func(line string) bool { return slices.Contains(p.Notices, line) })
	p.Others = append(p.Others, next)
}

// PlannedFile is a file that would be written.
type PlannedFile struct {
	File  string `json:"file"`
	There bool   `json:"there"` // and would be replaced
}

// measuring is how long the steps of a plan are taken.
const measuring = time.Second

// Plan builds the flow and takes some steps, of which nothing is kept. Files are those that the training is to be for.
func (d *Data) Plan(ctx context.Context, o Options, files ...string) (*Planned, error) {
	o = o.Filled()
	o.Stage("measure")
	b, err := d.bind(ctx, o, d.card.Seed)
	if err != nil {
		return nil, err
	}
	defer d.close(b)
	pace, err := train.Measure(ctx, b.Objective, d.Rows, b.cfg, d.card.Seed, measuring)
	if err != nil {
		return nil, trainError(err)
	}
	epoch := pace.Epoch()
	if d.windows != nil {
		epoch = max(epoch, d.reading)
	}
	cfg := d.card.Train.WithDefaults()
	p := &Planned{
		Read: d.Read, Kept: d.Total, Dropped: d.Dropped, Train: d.Rows.Training(), Valid: len(d.Rows.Valid), Test: len(d.Rows.Test),
		Features: model.Columns(d.Features), Context: model.Columns(d.Context), Parameters: b.density.Size(),
		MemoryMB: machine.Peak(), ParametersMB: 4 * float64(d.card.Train.Vectors()) * float64(b.density.Size()) / (1 << 20),
		Epochs: cfg.Epochs, StepsPerEpoch: pace.Steps, StepsMeasured: pace.Measured,
		SecondsPerEpoch: epoch.Seconds(), Seconds: float64(cfg.Epochs) * epoch.Seconds(),
	}
	p.tell(b, d.Features)
	p.Notices = slices.DeleteFunc(slices.Concat(d.Notices, d.Warnings), func(line string) bool { return slices.Contains(d.Dropped, line) })
	if cfg.MaxSeconds > 0 {
		p.Seconds = min(p.Seconds, cfg.MaxSeconds)
	}
	if cfg.Ensemble > 1 {
		p.Members = cfg.Ensemble
		p.Seconds *= float64(p.Members)
		p.Parameters *= p.Members
	}
	for _, path := range files {
		_, none := os.Stat(path)
		p.Files = append(p.Files, PlannedFile{filepath.Clean(path), none == nil})
	}
	return p, ctx.Err()
}

// tell adds what the density is made of.
func (p *Planned) tell(b *bound, features *prep.Pipeline) {
	if t, ok := b.density.(*mix.Table); ok {
		p.Flow, p.Table = t.Spec.Flow, model.NewTableInfo(t.Plan, features)
	} else {
		p.Flow = b.flow.Spec
	}
	p.Flow = p.Flow.Named(features.InFlow())
}
