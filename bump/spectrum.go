// Package bump searches a spectrum for a bump over what is expected without one: by windows of some widths, each against a smooth function fitted to what
// lies beside it (Smooth), or against an estimate that somebody has (Estimate), with a local p in each window and a global p of the scan.
package bump

import (
	"errors"
	"math"
	"slices"
)

// Spectrum is a histogram of a mass above 0, in bins of one width.
type Spectrum struct {
	Edges  []float64 // one more than there are bins
	Counts []float64

	basis [][]float64 // of the logarithm of the smooth function in each bin, orthonormal over the bins
}

// New is an empty spectrum. It is an error where edges do not ascend from above 0 in equal steps.
func New(edges []float64) (*Spectrum, error) {
	s := &Spectrum{Edges: slices.Clone(edges), Counts: make([]float64, max(len(edges)-1, 0))}
	if len(edges) < 2 || !(edges[0] > 0) {
		return nil, errors.New("bump: a spectrum has bins, of masses above 0")
	}
	for k := range s.Counts {
		if width := edges[k+1] - edges[k]; !(width > 0) || math.Abs(width-s.width()) > 1e-6*s.width() {
			return nil, errors.New("bump: the bins of a spectrum have one width")
		}
	}
	s.makeBasis()
	return s, nil
}

func (s *Spectrum) width() float64 {
	return (s.Edges[len(s.Edges)-1] - s.Edges[0]) / float64(len(s.Counts))
}

// Empty is a spectrum with the same bins, and nothing in them.
func (s *Spectrum) Empty() *Spectrum {
	own := *s
	own.Counts = make([]float64, len(s.Counts))
	return &own
}

// Of is the spectrum, with the same bins, of masses; those beyond its ends are not in it. Low ends belong to their bins.
func (s *Spectrum) Of(mass []float64) *Spectrum {
	own := s.Empty()
	for _, m := range mass {
		if k := int(math.Floor((m-s.Edges[0])/s.width() + 1e-9)); k >= 0 && k < len(own.Counts) {
			own.Counts[k]++
		}
	}
	return own
}

// Bins are the first of those from low on, and the first from high on.
func (s *Spectrum) Bins(low, high float64) (from, to int) {
	return int(math.Round((low - s.Edges[0]) / s.width())), int(math.Round((high - s.Edges[0]) / s.width()))
}

// Sum is the number of events in the bins of a window.
func (s *Spectrum) Sum(from, to int) (events float64) {
	for _, n := range s.Counts[from:to] {
		events += n
	}
	return events
}
