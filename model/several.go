package model

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/train"
)

// seeds are those that parts are built from.
type seeds struct {
	Seeds []uint64 `json:"seeds"`
}

// seeded is a density that is built from a seed.
type seeded interface{ Seed() uint64 }

func seedsOf(parts []Density) (s seeds) {
	for _, part := range parts {
		var seed uint64
		if from, ok := part.(seeded); ok {
			seed = from.Seed()
		}
		s.Seeds = append(s.Seeds, seed)
	}
	return s
}

func ensembleSpec(d Density) (any, bool) {
	if _, ok := d.(*mix.Ensemble); !ok {
		return nil, false
	}
	return seedsOf(ensembleParts(d)), true
}

func ensembleParts(d Density) (parts []Density) {
	for _, m := range d.(*mix.Ensemble).Members {
		parts = append(parts, m)
	}
	return parts
}

func layEnsemble(s *section) (*layout, error) {
	var spec seeds
	if err := decodeJSON(string(s.Spec), &spec); err != nil {
		return nil, err
	}
	l, build, err := s.layParts(spec.Seeds)
	if err != nil {
		return nil, err
	}
	l.tell = func(info *Info) {
		l.parts[0].tell(info)
		info.Members = len(l.parts)
	}
	l.build = func() (Density, error) {
		parts, err := build()
		if err != nil {
			return nil, err
		}
		var members []mix.Density
		for _, part := range parts {
			m, ok := part.(mix.Density)
			if !ok {
				return nil, fmt.Errorf("a %T is no member of an ensemble", part)
			}
			members = append(members, m)
		}
		return mix.NewEnsemble(members...)
	}
	return l, nil
}

func tellEnsemble(d Density, info *Info) {
	members := ensembleParts(d)
	if k, _ := kindOf(members[0]); k != nil {
		k.tell(members[0], info)
	}
	info.Members = len(members)
}

func ensemblePoints(d Density, n int, context [][]float32) ([][]float32, error) {
	first := ensembleParts(d)[0]
	k, _ := kindOf(first)
	if k == nil {
		return nil, fmt.Errorf("a density of type %T cannot be saved", first)
	}
	return k.points(first, n, context)
}

// layParts lays out the parts of a density, which are built from seeds of their own, and what builds them.
func (s *section) layParts(from []uint64) (l *layout, build func() ([]Density, error), err error) {
	switch {
	case len(s.Parts) == 0:
		return nil, nil, errors.New("it has no parts")
	case len(s.Parts) > train.MostMembers || len(from) != len(s.Parts):
		return nil, nil, fmt.Errorf("%d parts and %d seeds: as many of both belong here, at most %d", len(s.Parts), len(from), train.MostMembers)
	}
	l = &layout{}
	var parts []*section
	for i, seed := range from {
		part := s.part(i)
		part.seed = seed
		of, err := part.lay()
		if err != nil {
			return nil, nil, fmt.Errorf("part %d: %w", i, err)
		}
		if part.Features != s.Features || part.Context != s.Context {
			return nil, nil, fmt.Errorf("part %d has %d features and %d context columns, not %d and %d", i, part.Features, part.Context, s.Features, s.Context)
		}
		l.parts, parts = append(l.parts, of), append(parts, part)
	}
	there := 0
	for _, t := range s.file.Tensors {
		if strings.HasPrefix(t.Name, s.prefix+"parts.") {
			there++
		}
	}
	if n := l.tensors(); n != there {
		return nil, nil, fmt.Errorf("its parts have %d tensors, and there are %d", n, there)
	}
	return l, func() (all []Density, err error) {
		for i, part := range parts {
			d, err := part.density()
			if err != nil {
				return nil, fmt.Errorf("part %d: %w", i, err)
			}
			all = append(all, d)
		}
		return all, nil
	}, nil
}

// tensors is how many there are of a layout, with its parts.
func (l *layout) tensors() int {
	n := len(l.views)
	for _, part := range l.parts {
		n += part.tensors()
	}
	return n
}

// gatedRecord is what a mixture is made from, beside its components.
type gatedRecord struct {
	seeds
	Gate mix.Gate `json:"gate,omitzero"`
	Own  uint64   `json:"seed"` // of the gate
}

func gatedSpec(d Density) (any, bool) {
	g, ok := d.(*mix.Gated)
	if !ok {
		return nil, false
	}
	return gatedRecord{seedsOf(gatedParts(d)), g.Gate, g.Seed()}, true
}

func gatedParts(d Density) (parts []Density) {
	for _, f := range d.(*mix.Gated).Components {
		parts = append(parts, f)
	}
	return parts
}

func layGated(s *section) (*layout, error) {
	var spec gatedRecord
	if err := decodeJSON(string(s.Spec), &spec); err != nil {
		return nil, err
	}
	l, build, err := s.layParts(spec.Seeds)
	if err != nil {
		return nil, err
	}
	if l.views, err = mix.GateViews(len(l.parts), s.Context, spec.Gate, s.floats()); err != nil {
		return nil, err
	}
	l.tell = func(info *Info) {
		l.parts[0].tell(info)
		info.Components, info.Gate = len(l.parts), spec.Gate.String()
	}
	l.build = func() (Density, error) {
		parts, err := build()
		if err != nil {
			return nil, err
		}
		var of []*flow.Flow
		for _, part := range parts {
			f, ok := part.(*flow.Flow)
			if !ok {
				return nil, fmt.Errorf("a %T is no component of a mixture", part)
			}
			of = append(of, f)
		}
		return mix.NewGated(of, spec.Gate, spec.Own)
	}
	return l, nil
}

func tellGated(d Density, info *Info) {
	g := d.(*mix.Gated)
	tellFlow(g.Components[0].Plan, info)
	info.Components, info.Gate = len(g.Components), g.Gate.String()
}

func gatedPoints(d Density, n int, context [][]float32) ([][]float32, error) {
	return d.(*mix.Gated).Components[0].Latent(n, context, 0, 0)
}
