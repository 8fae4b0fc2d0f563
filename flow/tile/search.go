package tile

import "github.com/sluice-hep/sluice/internal/kernel"

// Search finds the x of a column of z = f(x), f increasing, by Newton's method; where a step leaves the bracket, or is not
// half of the one before, it takes the middle of the bracket. Each event goes its own way, whatever the others of its tile.
type Search struct {
	Z, Lo, Hi [kernel.Tile]float32 // z, and the bracket of x
	last      [kernel.Tile]float32 // length of the step before
	found     [kernel.Tile]bool
	steps     int
}

// Precision is that to which a Search finds x: of z, relative to 1+|z|, or of a step relative to x: some units of float32's last place.
const Precision = 4e-7

const searchSteps = 120 // bisecting the widest bracket takes 60

// Begin sets x to the middle of the brackets.
func (s *Search) Begin(x []float32) {
	for e := range x {
		x[e] = s.Lo[e]/2 + s.Hi[e]/2
		s.last[e] = s.Hi[e] - s.Lo[e]
	}
}

// Step takes z and its log-slope at x, and says whether it has moved x.
func (s *Search) Step(x, z, logSlope []float32) bool {
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
		r := z[e] - s.Z[e]
		if r > 0 {
			s.Hi[e] = at
		} else {
			s.Lo[e] = at
		}
		by := r * inverse[e]
		to := at - by
		if !(to > s.Lo[e] && to < s.Hi[e]) || 2*Abs(by) > s.last[e] {
			to = s.Lo[e]/2 + s.Hi[e]/2
			by = to - at
		}
		s.last[e] = Abs(by)
		if Abs(r) <= Precision*(1+Abs(s.Z[e])) || Abs(by) <= Precision/4*Abs(at) || to == at {
			s.found[e] = true
			continue
		}
		x[e], moved = to, true
	}
	s.steps++
	return moved && s.steps < searchSteps
}
