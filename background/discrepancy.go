package background

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/mmd"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// defaultDiscrepancyBatch has some tens of events a region, as a discrepancy needs.
const defaultDiscrepancyBatch = 1024

// learnDiscrepancy trains the flow of the card as a map from simulation to data that are alike in each control region.
func (e *estimate) learnDiscrepancy(ctx context.Context, without int) (learned, error) {
	seed := e.seed(ofTraining, without)
	d, err := fit.Load(ctx, e.simulation.density(e.rows(e.simulation, without), seed), fit.Options{Threads: e.threads})
	if err != nil {
		return nil, err
	}
	if d.Features.HasCodes() {
		return nil, fault.Of(fmt.Errorf("train.objective: mmd moves numbers alone, and some of %s have single values: prepare them as numbers (prepare: {NAME: [standardise]}), or leave them out", column.List(e.data.card.Features, 8)))
	}
	spec, err := e.data.card.Flow.Resolve(d.Features.InFlow())
	if err != nil {
		return nil, fault.Of(err)
	}
	f, err := flow.New(d.Features.Dim(), d.Context.Dim(), spec, seed)
	if err != nil {
		return nil, fault.Of(err)
	}
	f.UseThreads(e.threads)
	if err := e.match(ctx, f, d, without, seed); err != nil {
		f.Close()
		return nil, err
	}
	m := &model.Model{Features: d.Features, Context: d.Context, Density: f, Seed: seed}
	return &moved{e, m, func(x, context [][]float32) ([][]float32, error) {
		y, _, err := f.ToLatent(x, context)
		return y, err
	}}, nil
}

func (e *estimate) match(ctx context.Context, f *flow.Flow, d *fit.Data, without int, seed uint64) error {
	simulation, err := e.prepared(e.simulation, d, without)
	if err != nil {
		return err
	}
	data, err := e.prepared(e.data, d, without)
	if err != nil {
		return err
	}
	o, err := mmd.New(f, simulation, data, seed, e.threads)
	if err != nil {
		return fault.Of(err)
	}
	defer o.Close()
	cfg := e.data.card.Train
	if cfg.Batch == 0 {
		cfg.Batch = min(defaultDiscrepancyBatch, len(simulation.Group)/4)
	}
	rows := rng.New(seed, rng.StreamRegion, ofTraining).Perm(len(simulation.Group))
	held := int(max(cfg.WithDefaults().Valid, 0) * float64(len(rows)))
	_, err = train.Run(ctx, o, train.Data{Train: rows[held:], Valid: rows[:held]}, cfg, train.Options{Seed: seed})
	return err
}

// prepared are the events of the control regions but one, as d prepares them.
func (e *estimate) prepared(s *sample, d *fit.Data, without int) (p mmd.Sample, err error) {
	rows := e.rows(s, without)
	apply := func(p *prep.Pipeline, names []string) ([][]float32, error) {
		x, _, err := p.Apply(s.columns(names, rows), nil)
		return x, err
	}
	if p.X, err = apply(d.Features, s.card.Features); err != nil {
		return p, err
	}
	if p.Context, err = apply(d.Context, s.card.Context); err != nil {
		return p, err
	}
	var sum float64
	for _, r := range rows {
		sum += s.of(int(r)) / float64(len(rows))
	}
	for _, r := range rows {
		p.Group = append(p.Group, int32(slices.Index(e.control, s.region[r])))
		if s.weight != nil {
			p.Weight = append(p.Weight, float32(s.of(int(r))/sum))
		}
	}
	return p, nil
}
