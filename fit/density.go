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

// plan is what the prepared columns and the card ask for: a flow, or, where some columns are categorical, the density of a mixed table.
type plan interface {
	Size() int
	Numerical() []string
	OneWay() string
	CheckMemory(vectors int) error
}

func (d *Data) plan(seed uint64) (plan, error) {
	spec, err := d.flowSpec()
	if err != nil {
		return nil, err
	}
	layout := d.Features.Layout()
	switch {
	case d.base != nil:
		return flow.NewPlan(len(layout), d.Context.Dim(), spec, seed, flow.Trained(d.base.flow))
	case !d.Features.HasCodes():
		return flow.NewPlan(len(layout), d.Context.Dim(), spec, seed)
	}
	return mix.NewPlan(d.Context.Dim(), d.table(layout, spec), seed)
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
	switch {
	case byMatching(spec, d.card.Train):
		return errors.New("flow matching knows numbers alone")
	case d.card.Mixture.Components > 0:
		return errors.New("the components of a mixture know numbers alone")
	case len(d.Context.Sets) > 0:
		return errors.New("beside sets of objects in the context the density knows numbers alone")
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

// bound is the density of the card, bound to the events.
type bound struct {
	train.Objective
	density model.Density
	flow    *flow.Flow // that, or one of those that it is made of; nil for none
	cfg     train.Config
	close   func()

	peers  Peers
	said   []string // of the base after the training
	failed error
}

// twoWay is a flow, or one read backwards.
type twoWay interface {
	model.Density
	ToLatent(x, context [][]float32) (z [][]float32, logDet []float32, err error)
	ToData(z, context [][]float32) (x [][]float32, logDet []float32, err error)
}

// bind makes the density of the card and its objective, or, where that says none, flow matching for a flow that it can train, else the
// likelihood, after which the base is widened, unless the card names one.
func (d *Data) bind(ctx context.Context, o Options, seed uint64) (*bound, error) {
	if n := d.card.Mixture.Components; n > 0 {
		return d.bindMixture(ctx, o, n, seed)
	}
	density, err := d.start(ctx, o, seed, 1)
	if err != nil {
		return nil, err
	}
	b := &bound{cfg: d.config()}
	b.hold(density)
	whole, isFlow := density.(*flow.Flow)
	switch {
	case b.cfg.Objective == "mmd":
		return nil, fault.Of(errors.New("train.objective: mmd carries simulation to data, which sluice background does, and is no density: take another objective"))
	case isFlow && b.cfg.Objective == "reverse-kl":
		return b, d.bindReverse(b)
	case isFlow && byMatching(whole.Spec, b.cfg):
		return b, d.bindMatching(b)
	}
	l, err := d.likelihood(density)
	if err != nil {
		return nil, d.unbound(err)
	}
	b.Objective, b.close = &objective{l, d}, l.Close
	if d.base == nil && d.card.Flow.Base.IsZero() && len(d.Rows.Valid) > 0 {
		b.Objective = &widened{&objective{l, d}, b, d.Rows.Valid}
	}
	return b, nil
}

// hold takes up a density.
func (b *bound) hold(density model.Density) {
	b.density = density
	switch density := density.(type) {
	case *flow.Flow:
		b.flow = density
	case *mix.Table:
		b.flow = density.Flow()
	}
}

// likelihood is that of a density, bound to the events.
func (d *Data) likelihood(density model.Density) (likelihood, error) {
	switch density := density.(type) {
	case *flow.Flow:
		return flow.NewLikelihood(density, d.x, d.context, d.weight)
	case *mix.Table:
		return mix.NewLikelihood(density, d.x, d.context, d.weight)
	}
	return nil, fmt.Errorf("no likelihood of a density of type %T", density)
}

// bindMatching makes the objective of a flow that is trained by flow matching.
func (d *Data) bindMatching(b *bound) error {
	m, err := flow.NewMatching(b.flow, d.x, d.context, d.weight)
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

// byMatching says whether a flow is trained by flow matching.
func byMatching(spec flow.Spec, cfg train.Config) bool {
	return cfg.Objective == "matching" || cfg.Objective == "" && spec.Matched()
}

// config is that of one training: each member of an ensemble is trained as it would be alone.
func (d *Data) config() train.Config {
	cfg := d.card.Train
	cfg.Ensemble = 0
	return cfg
}

// start builds the flow, or the density of a mixed table, one of so many.
func (d *Data) start(ctx context.Context, o Options, seed uint64, of int) (density model.Density, err error) {
	p, err := d.plan(seed)
	if err != nil {
		return nil, fault.Of(err)
	}
	if err := p.CheckMemory(of * d.card.Train.Vectors()); err != nil {
		return nil, fault.Of(err)
	}
	density, err = await.Do(ctx, "the start of the density", func() (model.Density, error) {
		switch p := p.(type) {
		case *mix.Plan:
			return mix.Draw(p), nil
		case *flow.Plan:
			return flow.Draw(p), nil
		}
		return nil, fmt.Errorf("no density of a plan of type %T", p)
	})
	if err == nil {
		density.UseThreads(cmp.Or(max(o.Threads, 0), d.card.Threads))
	}
	if f, ok := density.(*flow.Flow); ok && d.from != nil {
		copy(f.Params(), d.from)
	}
	return density, err
}

// bindMixture makes the objective of several flows and their gate.
func (d *Data) bindMixture(ctx context.Context, o Options, n int, seed uint64) (*bound, error) {
	var of []*flow.Flow
	for k := range n {
		density, err := d.start(ctx, o, mix.MemberSeed(seed, k), n)
		if err != nil {
			return nil, err
		}
		f, ok := density.(*flow.Flow)
		if !ok {
			return nil, fmt.Errorf("a component of a mixture is a flow, not a %T", density)
		}
		of = append(of, f)
	}
	g, err := mix.NewGated(of, d.card.Mixture.Gate, seed)
	if err != nil {
		return nil, fault.Of(err)
	}
	g.UseThreads(of[0].Threads)
	l, err := mix.NewGatedLikelihood(g, d.x, d.context, d.weight)
	if err != nil {
		return nil, d.unbound(err)
	}
	return &bound{Objective: &objective{l, d}, density: g, flow: of[0], cfg: d.config(), close: l.Close}, nil
}
