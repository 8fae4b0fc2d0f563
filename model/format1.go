package model

import (
	"slices"

	"github.com/sluice-hep/sluice/flow"
)

// firstFormat takes out of a flow's description what files of format 1 kept beside it without an effect. All its flows are
// presets, whose defaults were those of today.
func firstFormat(s flow.Spec) flow.Spec {
	if slices.Contains([]string{"maf", "realnvp"}, s.Type) {
		s.Bins, s.Bound = 0, 0
	} else {
		s.LogScale = ""
	}
	if slices.Contains([]string{"nsf", "realnvp"}, s.Type) {
		s.Degrees = ""
	}
	return s
}
