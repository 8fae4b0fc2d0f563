package model

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/flow"
)

// transportRecord is what a flow on a trained one is made from, beside that.
type transportRecord struct {
	seeds
	Flow flow.Spec `json:"flow"`
}

func transportSpec(d Density) (any, bool) {
	f, ok := d.(*flow.Flow)
	if !ok || f.On() == nil {
		return nil, false
	}
	return transportRecord{seedsOf(transportParts(d)), f.Spec}, true
}

func transportParts(d Density) []Density { return []Density{d.(*flow.Flow).On()} }

func layTransport(s *section) (*layout, error) {
	var spec transportRecord
	if err := decodeJSON(string(s.Spec), &spec); err != nil {
		return nil, err
	}
	if len(s.Parts) != 1 || s.Parts[0].Kind != "flow" {
		return nil, fmt.Errorf("%d parts: one flow is the base of another", len(s.Parts))
	}
	l, build, err := s.layParts(spec.Seeds)
	if err != nil {
		return nil, err
	}
	plan := func(base Density) (*flow.Plan, error) {
		f, ok := base.(*flow.Flow)
		if !ok {
			return nil, fmt.Errorf("a %T is no base of a flow", base)
		}
		return flow.PlanWithin(s.floats(), s.Features, s.Context, spec.Flow, s.seed, append(slices.Clip(s.own), flow.Trained(f))...)
	}
	blank, err := l.parts[0].build()
	if err != nil {
		return nil, err
	}
	p, err := plan(blank)
	if err != nil {
		return nil, err
	}
	if p.On() == nil {
		return nil, fmt.Errorf("base %s beside a part: the base is that part", p.Spec.Base)
	}
	l.views, l.before = p.Views(), true
	l.tell = func(info *Info) { tellOn(p, info) }
	l.build = func() (Density, error) {
		parts, err := build()
		if err != nil {
			return nil, err
		}
		p, err := plan(parts[0])
		if err != nil {
			return nil, err
		}
		return flow.Blank(p), nil
	}
	return l, nil
}

func tellTransport(d Density, info *Info) { tellOn(d.(*flow.Flow).Plan, info) }

func tellOn(p *flow.Plan, info *Info) {
	tellFlow(p, info)
	on := p.On()
	info.On = &OnInfo{Flow: on.Spec, Numerical: on.Numerical(), Parameters: on.Size()}
}
