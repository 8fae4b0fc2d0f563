package sluice

import "fmt"

// weightSum adds up the weights of training events.
type weightSum struct {
	events, negative float64
	below, absolute  float64 // sums of |w|: of the negative weights, of all
}

func (s *weightSum) add(w float64) {
	s.events++
	if w < 0 {
		s.negative++
		s.below -= w
		w = -w
	}
	s.absolute += w
}

func (s *weightSum) sum() float64 { return s.absolute - 2*s.below }

// notices has a line when more than a tenth of the events, or of their absolute weight, is negative.
func (s *weightSum) notices() []string {
	if s.negative <= 0.1*s.events && s.below <= 0.1*s.absolute {
		return nil
	}
	return []string{fmt.Sprintf("%.1f %% of the events, with %.1f %% of the absolute weight, have negative weights: "+
		"they count negatively, and the fit needs correspondingly more events", 100*s.negative/s.events, 100*s.below/s.absolute)}
}
