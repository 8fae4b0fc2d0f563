package model

import (
	"fmt"

	"github.com/sluice-hep/sluice/flow"
)

func invertedSpec(d Density) (any, bool) {
	if _, ok := d.(*flow.Inverted); !ok {
		return nil, false
	}
	return seedsOf(invertedParts(d)), true
}

func invertedParts(d Density) []Density { return []Density{d.(*flow.Inverted).Flow()} }

func layInverted(s *section) (*layout, error) {
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
		info.Inverted = true
	}
	l.build = func() (Density, error) {
		parts, err := build()
		if err != nil {
			return nil, err
		}
		f, ok := parts[0].(*flow.Flow)
		if !ok || len(parts) != 1 {
			return nil, fmt.Errorf("%d parts, the first a %T: one flow can be read backwards", len(parts), parts[0])
		}
		return flow.Invert(f), nil
	}
	return l, nil
}

func tellInverted(d Density, info *Info) {
	tellFlow(d.(*flow.Inverted).Flow().Plan, info)
	info.Inverted = true
}

func invertedPoints(d Density, n int, context [][]float32) ([][]float32, error) {
	return d.(*flow.Inverted).Latent(n, context, 0, 0)
}
