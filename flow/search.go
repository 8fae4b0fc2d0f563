package flow

import (
	"sync"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// search finds the x of a column of z = f(x), f increasing, by Newton's method; where a step leaves the bracket, or is not
// half of the one before, it takes the middle of the bracket. Each event goes its own way, whatever the others of its tile.
type search struct {
	z, lo, hi [kernel.Tile]float32
	last      [kernel.Tile]float32 // length of the step before
	found     [kernel.Tile]bool
	steps     int
}

const (
	searchPrecision = 4e-7 // of z, relative to 1+|z|, or of a step relative to x: some units of float32's last place
	searchSteps     = 120  // bisecting the widest bracket takes 60
)

// begin sets x to the middle of the brackets.
func (s *search) begin(x []float32) {
	for e := range x {
		x[e] = s.lo[e]/2 + s.hi[e]/2
		s.last[e] = s.hi[e] - s.lo[e]
	}
}

// step takes z and its log-slope at x, and says whether it has moved x.
func (s *search) step(x, z, logSlope []float32) bool {
	var inverse [kernel.Tile]float32
	for e := range x {
		inverse[e] = -logSlope[e]
	}
	kernel.Exp(inverse[:len(x)], inverse[:len(x)])
	moved := false
	for e, at := range x {
		if s.found[e] {
			continue
		}
		r := z[e] - s.z[e]
		if r > 0 {
			s.hi[e] = at
		} else {
			s.lo[e] = at
		}
		by := r * inverse[e]
		to := at - by
		if !(to > s.lo[e] && to < s.hi[e]) || 2*size(by) > s.last[e] {
			to = s.lo[e]/2 + s.hi[e]/2
			by = to - at
		}
		s.last[e] = size(by)
		if size(r) <= searchPrecision*(1+size(s.z[e])) || size(by) <= searchPrecision/4*size(at) || to == at {
			s.found[e] = true
			continue
		}
		x[e], moved = to, true
	}
	s.steps++
	return moved && s.steps < searchSteps
}

// newScratch keeps memory of so many rows for those who search.
func newScratch(rows int) *sync.Pool {
	return &sync.Pool{New: func() any { m := kernel.Aligned(rows * kernel.Tile); return &m }}
}

func size(v float32) float32 { return max(v, -v) }
