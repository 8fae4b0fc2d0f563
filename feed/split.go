package feed

import "math"

// held is how many of n events test and how many validate: the fractions, rounded, as far as there is room.
func (c Config) held(n int) (test, valid int) {
	part := func(fraction float64) int { return min(int(math.Round(float64(n)*max(fraction, 0))), c.room()) }
	test = min(part(c.Test), n)
	return test, min(part(c.Valid), n-test)
}

func (c Config) room() int {
	if c.Held > 0 {
		return c.Held
	}
	return math.MaxInt / 2
}

// border divides digests: those below test, those whose complement is below valid, and the others, which train. Events
// of one digest, copies in the same row of several files, are never divided.
type border struct{ test, valid uint64 }

func (b border) tests(digest uint64) bool     { return digest < b.test }
func (b border) validates(digest uint64) bool { return ^digest < b.valid }
func (b border) trains(digest uint64) bool    { return !b.tests(digest) && !b.validates(digest) }

// borders are those of all digests, in order, where there is room for all events.
func borders(sorted []uint64, cfg Config) border {
	n := len(sorted)
	cfg.Held = 0
	test, valid := cfg.held(n)
	b := border{math.MaxUint64, math.MaxUint64}
	if test < n {
		b.test = sorted[test]
	}
	if valid < n {
		b.valid = ^sorted[n-1-valid]
	}
	return b
}
