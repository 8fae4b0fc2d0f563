package stats

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Parts of the random numbers of tests, so that the users of one seed stay apart.
const (
	partTies uint32 = 0x43414c00 + iota
	partPIT
	partSigns
)

// Ranks is, for each event, how many of its draws lie below its truth: the ranks of simulation-based calibration (Talts et al.,
// arXiv:1804.06788). draws has perEvent of them for each event, those of the first event first. Where a truth is of the law that
// its draws are of, its rank is uniform over 0 to perEvent. Equal values are ranked in random order, by seed, so that this holds of
// integers and atoms too; NaN, a cell without a value, is a value below all others.
func Ranks(truth, draws []float64, seed uint64) (ranks []int, perEvent int, err error) {
	n := len(truth)
	if n == 0 || len(draws) == 0 || len(draws)%n != 0 {
		return nil, 0, fmt.Errorf("stats: %d draws for %d events; each event needs as many, and at least one", len(draws), n)
	}
	perEvent, ranks = len(draws)/n, make([]int, n)
	ties := rng.New(seed, rng.StreamTest, partTies)
	for i, t := range truth {
		below, equal := 0, 0
		for _, d := range draws[i*perEvent:][:perEvent] {
			switch {
			case d == t || d != d && t != t:
				equal++
			case d < t || d != d:
				below++
			}
		}
		if equal > 0 {
			below += ties.IntN(equal + 1)
		}
		ranks[i] = below
	}
	return ranks, perEvent, nil
}

// PIT is the probability integral transform of truths by their ranks: the conditional cumulative distribution, as the draws know
// it, at the truth. It is spread at random, by seed, over the (rank, rank+1)/(perEvent+1) that the rank stands for, so that it is
// uniform over 0 to 1, without steps, where the rank is uniform.
func PIT(ranks []int, perEvent int, seed uint64) []float64 {
	u, place := make([]float64, len(ranks)), rng.New(seed, rng.StreamTest, partPIT)
	for i, r := range ranks {
		u[i] = (float64(r) + place.Float64()) / float64(perEvent+1)
	}
	return u
}

// Central is, for the PIT of each event, the content of the smallest central interval of its draws that holds the truth.
func Central(pit []float64) []float64 {
	c := make([]float64, len(pit))
	for i, u := range pit {
		c[i] = math.Abs(2*u - 1)
	}
	return c
}

// TARP is, for each event, how many of its draws are nearer to its reference point than its truth is (Lemos et al.,
// arXiv:2302.03026), and the number of draws an event: ranks, as those of Ranks, which hold all columns at once. A reference point
// must not depend on the truth. Distances are Euclidean, in units of scale, one number a column (nil: 1); a cell without a value (NaN) is at
// 1 from those with one, and at 0 from another.
func TARP(truth, draws, references [][]float64, scale []float64, seed uint64) (ranks []int, perEvent int, err error) {
	if len(truth) == 0 || len(draws) != len(truth) || len(references) != len(truth) || scale != nil && len(scale) != len(truth) {
		return nil, 0, fmt.Errorf("stats: truths of %d columns, draws of %d, references of %d and %d scales", len(truth), len(draws), len(references), len(scale))
	}
	n, all := len(truth[0]), len(draws[0])
	if n == 0 || all%n != 0 {
		return nil, 0, fmt.Errorf("stats: %d draws for %d events; each event needs as many, and at least one", all, n)
	}
	far, fars := make([]float64, n), make([]float64, all)
	for k, x := range truth {
		if len(x) != n || len(references[k]) != n || len(draws[k]) != all {
			return nil, 0, fmt.Errorf("stats: column %d has %d truths, %d references and %d draws, but the first has %d and %d", k, len(x), len(references[k]), len(draws[k]), n, all)
		}
		unit := 1.0
		if scale != nil {
			unit = scale[k]
		}
		for i := range far {
			far[i] += gapSquared(x[i], references[k][i], unit)
		}
		for j := range fars {
			fars[j] += gapSquared(draws[k][j], references[k][j/(all/n)], unit)
		}
	}
	return Ranks(far, fars, seed)
}

// gapSquared is the square of a distance along one column.
func gapSquared(x, y, unit float64) float64 {
	switch d := (x - y) / unit; {
	case x != x && y != y:
		return 0
	case x != x || y != y:
		return 1
	default:
		return d * d
	}
}
