package background

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
)

// The ways to carry what is learned in control regions to others.
const (
	byDensity     = "conditional"
	byTransport   = "flow-to-flow"
	byDiscrepancy = "mmd"
)

// learned carries what it has learned in some regions to others.
type learned interface {
	// carried are events of a region: features and context, and weights whose unit means nothing.
	carried(region int) (*events.Table, []float64, error)
	close()
}

// learn takes up all control regions but one, -1 for none.
func (e *estimate) learn(ctx context.Context, without int) (learned, error) {
	switch e.result.Method {
	case byDiscrepancy:
		return e.learnDiscrepancy(ctx, without)
	case byTransport:
		return e.learnTransport(ctx, without)
	}
	return e.learnDensity(ctx, without)
}

// seed is that of a training, or of draws, about a region, -1 for none.
func (e *estimate) seed(of uint32, region int) uint64 {
	return rng.New(e.data.card.Seed, rng.StreamRegion, of<<16+uint32(region+1)).Uint64() >> 1
}

// The seeds apart.
const (
	ofTraining uint32 = iota + 1
	ofDraws
	ofSimulation
	ofSearch
)

// train fits the density of a card; its warnings are said of the first training alone, or each would say the same.
func (e *estimate) train(ctx context.Context, d *fit.Data, first bool) (*model.Model, error) {
	own := fit.Options{Threads: e.threads}
	if first {
		own.Warn = func(line string) { e.said = append(e.said, line) }
		for _, line := range d.Warnings {
			own.Warn(line)
		}
	}
	m, _, err := d.Train(ctx, own)
	return m, err
}

// rows are the events of s in the control regions but one.
func (e *estimate) rows(s *sample, without int) []int32 {
	return s.where(func(r int) bool { return r != without && slices.Contains(e.control, r) })
}

// drawn is the density of the features given the context, by the data.
type drawn struct {
	*estimate
	*model.Model
}

func (e *estimate) learnDensity(ctx context.Context, without int) (learned, error) {
	d, err := fit.Load(ctx, e.data.density(e.rows(e.data, without), e.seed(ofTraining, without)), fit.Options{Threads: e.threads})
	if err != nil {
		return nil, err
	}
	m, err := e.train(ctx, d, without < 0)
	if err != nil {
		return nil, err
	}
	return &drawn{e, m}, nil
}

func (d *drawn) close() { d.Density.Close() }

// carried draws features for the control variables of each event of the region, several times.
func (d *drawn) carried(region int) (*events.Table, []float64, error) {
	var rows []int32
	for _, r := range d.data.in(region) {
		for range d.card.Draws {
			rows = append(rows, r)
		}
	}
	given := d.data.columns(d.data.card.Context, rows)
	t, _, err := d.SampleWithin(len(rows), given, d.seed(ofDraws, region), 0, float64(d.data.card.Sample.Within))
	return t, d.data.weights(rows), err
}

// moved is a map from simulation to data.
type moved struct {
	*estimate
	*model.Model
	toData func(x, context [][]float32) ([][]float32, error)
}

func (m *moved) close() { m.Density.Close() }

// learnTransport learns the flow between the density of the simulation and that of the data, or the map that makes the two alike.
func (e *estimate) learnTransport(ctx context.Context, without int) (learned, error) {
	c := e.data.density(e.rows(e.data, without), e.seed(ofTraining, without))
	c.BaseModel = e.base
	d, err := fit.Load(ctx, c, fit.Options{Threads: e.threads})
	if err != nil {
		return nil, err
	}
	m, err := e.train(ctx, d, without < 0)
	if err != nil {
		return nil, err
	}
	f, ok := m.Density.(*flow.Flow)
	if !ok {
		return nil, fmt.Errorf("background: a transport is a flow, not a %T", m.Density)
	}
	return &moved{e, m, func(x, context [][]float32) ([][]float32, error) {
		y, _, err := f.ToData(x, context)
		return y, err
	}}, nil
}

// learnSimulation leaves the density of the simulation, of all regions, in the file of the base.
func (e *estimate) learnSimulation(ctx context.Context) error {
	c := e.simulation.density(e.simulation.where(func(int) bool { return true }), e.seed(ofSimulation, -1))
	if own := e.card.Simulation.Flow; !reflect.ValueOf(own).IsZero() {
		c.Flow = own
	}
	d, err := fit.Load(ctx, c, fit.Options{Threads: e.threads})
	if err != nil {
		return fmt.Errorf("simulation: %w", err)
	}
	m, err := e.train(ctx, d, true)
	if err != nil {
		return fmt.Errorf("simulation: %w", err)
	}
	defer m.Density.Close()
	return m.Save(e.base)
}

// carried moves the simulated events of the region.
func (m *moved) carried(region int) (*events.Table, []float64, error) {
	rows := m.simulation.in(region)
	given := m.simulation.columns(m.data.card.Context, rows)
	x, _, err := m.Features.Apply(m.simulation.columns(m.data.card.Features, rows), nil)
	if err != nil {
		return nil, nil, err
	}
	c, _, err := m.Context.Apply(given, nil)
	if err != nil {
		return nil, nil, err
	}
	y, err := m.toData(x, c)
	if err != nil {
		return nil, nil, err
	}
	t, _, err := m.Features.Invert(y)
	if err != nil {
		return nil, nil, err
	}
	t.Columns = append(t.Columns, given.Columns...)
	return t, m.simulation.weights(rows), nil
}
