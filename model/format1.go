package model

import "github.com/sluice-hep/sluice/flow"

// firstFormat fills in what files of format 1 left out of a flow's description: the defaults of that time. All its flows are
// presets.
func firstFormat(s flow.Spec) flow.Spec {
	set(&s.Type, "nsf-ar")
	set(&s.Activation, "relu")
	set(&s.Init, "glorot")
	spline := s.Type == "nsf" || s.Type == "nsf-ar"
	coupling := s.Type == "nsf" || s.Type == "realnvp"
	if spline {
		set(&s.Transforms, 5)
		set(&s.Bins, 8)
		set(&s.Bound, 5)
	} else {
		set(&s.Transforms, 8)
		set(&s.LogScale, "tanh")
		s.Bins, s.Bound = 0, 0 // had no effect
	}
	if spline {
		s.LogScale = ""
	}
	if coupling {
		set(&s.Permute, "random")
		s.Degrees = ""
	} else {
		set(&s.Permute, "reverse")
		set(&s.Degrees, "cyclic")
	}
	if s.Net != "residual" {
		set(&s.Context, "all")
	}
	if s.Hidden == nil {
		s.Hidden = []int{128, 128}
		if s.Net == "residual" {
			s.Hidden = []int{128}
		}
	}
	if s.Net == "residual" {
		set(&s.Blocks, 2)
	}
	return s
}

func set[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
