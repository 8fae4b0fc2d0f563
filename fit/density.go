package fit

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// likelihood is that of a density, bound to events.
type likelihood interface {
	train.Objective
	Losses(rows []int32, each []float64) float64
	Parallel(items int, fn func(worker, item int))
	SetStep(step int)
	Decays() [][2]int
	Watch(done <-chan struct{})
	Freeze(rows []int32)
	StartFrom(rows []int32)
	Close()
}

// plan is what the prepared columns and the card ask for: a flow, or, where some columns are categorical, the density of a mixed table.
type plan interface {
	Size() int
	Numerical() []string
	OneWay() string
	CheckMemory(vectors int) error
}

func (d *Data) plan() (plan, error) {
	layout := d.Features.Layout()
	spec, err := d.card.Flow.Resolve(d.Features.InFlow())
	if err != nil {
		return nil, err
	}
	if !d.Features.HasCodes() {
		return flow.NewPlan(len(layout), d.Context.Dim(), spec, d.card.Seed)
	}
	return mix.NewPlan(d.Context.Dim(), d.table(layout, spec), d.card.Seed)
}

// table describes the density of a mixed table.
func (d *Data) table(layout []prep.Feature, spec flow.Spec) mix.Spec {
	c := d.card.Categorical
	s := mix.Spec{Flow: spec, Hidden: c.Hidden, Dropout: max(c.Dropout, 0)}
	for _, f := range layout {
		feature := mix.Feature{Categories: f.Categories}
		if f.By >= 0 {
			feature.Where = &mix.Where{Feature: f.By, Codes: f.Present}
		}
		s.Features = append(s.Features, feature)
	}
	return s
}

// mixed says why the density cannot be that of a mixed table; nil where it can.
func (d *Data) mixed() error {
	spec := d.card.Flow
	if spec.Matched() || d.card.Train.Objective == "matching" {
		return errors.New("flow matching knows numbers alone")
	}
	spec, err := spec.Resolve(d.card.Features)
	if err != nil {
		return err
	}
	n := len(d.card.Features)
	p, err := flow.NewPlan(n, d.Context.Dim(), spec, d.card.Seed)
	if err != nil {
		return nil // which is said later
	}
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	return p.AllowAbsent(all...)
}

// build makes the density of a plan, and binds its likelihood to the events.
func (d *Data) build(ctx context.Context, p plan, threads int) (*bound, error) {
	if err := p.CheckMemory(d.card.Train.Vectors()); err != nil {
		return nil, fault.Of(err)
	}
	b := &bound{plan: p, cfg: d.card.Train}
	threads = cmp.Or(max(threads, 0), d.card.Threads)
	switch p := p.(type) {
	case *mix.Plan:
		t, err := await.Do(ctx, "the start of the density", func() (*mix.Table, error) { return mix.Draw(p), nil })
		if err != nil {
			return nil, err
		}
		t.UseThreads(threads)
		l, err := mix.NewLikelihood(t, d.x, d.context, d.weight)
		if err != nil {
			return nil, d.unbound(err)
		}
		b.density, b.Objective, b.close = t, &objective{l, d}, l.Close
	case *flow.Plan:
		f, err := await.Do(ctx, "the start of the flow", func() (*flow.Flow, error) { return flow.Draw(p), nil })
		if err != nil {
			return nil, err
		}
		f.UseThreads(threads)
		b.density, b.flow = f, f
		return b, d.bindFlow(b, f)
	default:
		return nil, fmt.Errorf("no density of a plan of type %T", p)
	}
	return b, nil
}

// bound is the density of the card, bound to the events.
type bound struct {
	train.Objective
	plan
	density model.Density
	flow    *flow.Flow // the density, where that is a flow
	cfg     train.Config
	close   func()
}

// bindFlow makes the objective of the card, or, where that says none, flow matching for a flow that it can train, else the likelihood.
func (d *Data) bindFlow(b *bound, f *flow.Flow) error {
	if b.cfg.Objective == "matching" || b.cfg.Objective == "" && d.card.Flow.Matched() {
		m, err := flow.NewMatching(f, d.x, d.context, d.weight)
		if err != nil {
			return d.unbound(err)
		}
		if b.cfg.WeightDecay == 0 {
			b.cfg.WeightDecay = -1 // velocities are steep, as the edges of densities are
		}
		if b.cfg.Patience == 0 {
			b.cfg.Patience = -1 // what is left to learn is far below the scatter of that loss
		}
		b.Objective, b.close = &matching{m, d}, m.Close
		return nil
	}
	l, err := flow.NewLikelihood(f, d.x, d.context, d.weight)
	if err != nil {
		return d.unbound(err)
	}
	b.Objective, b.close = &objective{l, d}, l.Close
	return nil
}
