package feed

import (
	"cmp"
	"math"
	"slices"
)

// Parts are the events of a table, by their places in it, in the order of their digests where they are held out.
type Parts struct {
	Train, Valid, Test []int32
	Number             []uint64 // of each event of the table, for the noise of its preparation
}

// Split divides events as a survey does that has room for all: with the smallest digests the share that tests, and with
// the largest the share that validates. Columns, Valid, Test and Seed of the configuration count.
func Split(b Block, cfg Config) (*Parts, error) {
	d := newDigest(cfg.Columns, cfg.Seed)
	number, err := d.of(b)
	if err != nil {
		return nil, err
	}
	p := &Parts{Number: number}
	cfg.Held = 0
	border := borders(slices.Sorted(slices.Values(number)), cfg)
	for i, d := range number {
		switch {
		case border.tests(d):
			p.Test = append(p.Test, int32(i))
		case border.validates(d):
			p.Valid = append(p.Valid, int32(i))
		default:
			p.Train = append(p.Train, int32(i))
		}
	}
	byDigest := func(i, j int32) int { return cmp.Or(cmp.Compare(number[i], number[j]), cmp.Compare(i, j)) }
	slices.SortFunc(p.Test, byDigest)
	slices.SortFunc(p.Valid, byDigest)
	return p, nil
}

// held is how many of n events test and how many validate: the fractions, rounded, as far as there is room.
func (c Config) held(n int) (test, valid int) {
	room := c.room()
	test = min(int(math.Round(float64(n)*max(c.Test, 0))), n, room)
	valid = min(int(math.Round(float64(n)*max(c.Valid, 0))), n-test, room)
	return test, valid
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

// borders are those of all digests, in order.
func borders(sorted []uint64, cfg Config) border {
	n := len(sorted)
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
