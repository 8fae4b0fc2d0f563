package sluice

import (
	"fmt"

	"github.com/sluice-hep/sluice/feed"
)

// weightNotices has a line when more than a tenth of the training events, or of their absolute weight, is negative.
func weightNotices(s feed.WeightSum) []string {
	if s.Negative <= 0.1*s.Events && s.Below <= 0.1*s.Absolute {
		return nil
	}
	return []string{fmt.Sprintf("%.1f %% of the events, with %.1f %% of the absolute weight, have negative weights: "+
		"they count negatively, and the fit needs correspondingly more events", 100*s.Negative/s.Events, 100*s.Below/s.Absolute)}
}
