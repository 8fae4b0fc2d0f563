package prep

import (
	"fmt"

	"github.com/sluice-hep/sluice/events/profile"
)

// fewLevels is up to how many distinct integers a column counts as a list of levels.
const fewLevels = 64

// Auto is the automatic preparation of a column: its steps, and the reason in one sentence. A constant column
// has no steps: it is dropped.
func Auto(s profile.Summary) (steps []StepSpec, why string) {
	quantile := StepSpec{Kind: "quantile"}
	switch few := s.Distinct <= fewLevels && s.Distinct*4 <= s.Count; {
	case s.Kind == profile.KindConstant:
		return nil, "the same value in every event: dropped"
	case s.Kind == profile.KindDiscrete, s.Kind == profile.KindInteger && few:
		return []StepSpec{{Kind: "levels"}},
			fmt.Sprintf("%d different values: each gets the part of a normal that holds its probability", s.Distinct)
	case s.Kind == profile.KindInteger && max(s.Max, -s.Min) <= maxInteger:
		return []StepSpec{{Kind: "dequantise"}, quantile},
			"integers: uniform noise fills the steps between them, then quantiles to a normal"
	case s.Kind == profile.KindAtoms:
		return []StepSpec{{Kind: "spread"}, quantile},
			fmt.Sprintf("single values hold many events (%.6g: %.3g %%): noise spreads them over narrow windows, then quantiles to a normal",
				s.Atoms[0].Value+0, 100*s.Atoms[0].Fraction) // -0 + 0 is 0
	}
	return []StepSpec{quantile}, "continuous" + tailWords(s) + ": quantiles to a normal, power-law tails outside the training range"
}

// tailWords says how far the longer tail reaches, if that is far.
func tailWords(s profile.Summary) string {
	up, down := (s.Max-s.Mean)/s.Std, (s.Mean-s.Min)/s.Std
	switch {
	case max(up, down) < 10:
		return ""
	case up > down:
		return fmt.Sprintf(" with a long upper tail (to %.3g, %.0f standard deviations)", s.Max, up)
	}
	return fmt.Sprintf(" with a long lower tail (to %.3g, %.0f standard deviations)", s.Min, down)
}
