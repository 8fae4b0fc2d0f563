package stats

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Parts of the stream of random numbers of tests, apart for what one seed serves.
const (
	partBatch   uint32 = iota << 24 // events drawn for batches
	partDivide                      // events dealt out to blocks
	partPermute                     // blocks, or events, permuted between samples
	partChoose                      // events taken where not all are
)

// fewestEffective are the effective events of a sample below which no distance between several columns is given.
const fewestEffective = 20

// unfit says why two samples cannot be compared; empty where they can.
func unfit(ref, gen Sample) string {
	if len(ref.Columns) == 0 || len(ref.Columns) != len(gen.Columns) {
		return fmt.Sprintf("the reference has %d columns, the generated sample %d", len(ref.Columns), len(gen.Columns))
	}
	for _, s := range []struct {
		Sample
		name string
	}{{ref, "reference"}, {gen, "generated sample"}} {
		if err := s.unfit(); err != "" {
			return "the " + s.name + " " + err
		}
	}
	return ""
}

func (s Sample) unfit() string {
	n := s.events()
	bad := 0
	for i := range n {
		ok := s.Weights == nil || i >= len(s.Weights) || finite(s.Weights[i])
		for _, c := range s.Columns {
			ok = ok && (i >= len(c) || finite(c[i]))
		}
		if !ok {
			bad++
		}
	}
	uneven := slices.ContainsFunc(s.Columns, func(c []float64) bool { return len(c) != n }) || s.Weights != nil && len(s.Weights) != n
	switch {
	case uneven:
		return "has columns, or weights, of different lengths"
	case bad > 0:
		return fmt.Sprintf("has %d events with a value or weight that is not finite; leave them out first", bad)
	case n > math.MaxInt32:
		return fmt.Sprintf("has %d events; at most %d can be numbered", n, math.MaxInt32)
	case n > 0 && !(s.total() > 0):
		return fmt.Sprintf("has weights that sum to %g; they must sum to a positive number", s.total())
	case s.effective() < fewestEffective:
		return fmt.Sprintf("has %.3g effective events; at least %d are needed", s.effective(), fewestEffective)
	}
	return ""
}

func (s Sample) events() int {
	if len(s.Columns) == 0 {
		return 0
	}
	return len(s.Columns[0])
}

func (s Sample) effective() float64 {
	if s.Weights == nil {
		return float64(s.events())
	}
	var w2 float64
	for _, w := range s.Weights {
		w2 += w * w
	}
	return effective(sum(s.Weights), w2)
}

// most blocks of either sample, and permutations of them: p is known to 1/1000.
const (
	mostBlocks   = 200
	permutations = 999
)

// blocks are the events of two samples dealt out at random to equally many blocks of each, of which sums are kept. Permuting blocks
// between the samples is permuting events, at the price of blocks. With equally many of each it tells the noise of the difference of
// weighted means also where the samples differ in size, or in the law of their weights: the variance of the permuted difference is
// that of the real one, the sum of both. The sums are in shares of a sample's weight.
type blocks struct {
	of   []*powers // those of the reference, then those of the generated sample
	each int
}

func newBlocks(ref, gen affine, degree, most int, seed uint64) *blocks {
	b := &blocks{each: min(most, ref.events(), gen.events())}
	b.of = make([]*powers, 2*b.each)
	for s, from := range []affine{ref, gen} {
		share := 1 / from.total()
		order := rng.New(seed, rng.StreamTest, partDivide+uint32(s)).Perm(from.events())
		spread(b.each, func(i int) {
			p := newPowers(from, degree)
			p.add(order[i*len(order)/b.each : (i+1)*len(order)/b.each])
			for k := range p.sum {
				p.sum[k] *= share
			}
			p.w2, p.self = p.w2*share*share, p.self*share*share
			p.z, p.partial = nil, nil
			b.of[s*b.each+i] = p
		})
	}
	return b
}

// permute adds null and p of a distance between the samples that a permutation of the blocks makes: the first half of the
// numbers handed over are those of one sample. A distance that rounding alone sets apart from the observed one counts as large.
func (t *Test) permute(b *blocks, seed uint64, draws int, distance func(order []int32) float64) {
	identity := make([]int32, len(b.of))
	for i := range identity {
		identity[i] = int32(i)
	}
	observed := distance(identity)
	null := make([]float64, draws)
	spread(draws, func(i int) {
		null[i] = distance(rng.New(seed, rng.StreamTest, partPermute+uint32(i)).Perm(len(b.of)))
	})
	at := 1
	for _, v := range null {
		if v >= observed-1e-14 {
			at++
		}
	}
	t.NullMean, t.NullStd = meanStd(null)
	t.P, t.Draws = float64(at)/float64(draws+1), draws
}

// meanStd is the mean and the standard deviation, with n-1.
func meanStd(x []float64) (mean, std float64) {
	mean = sum(x) / float64(len(x))
	for _, v := range x {
		std += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(std / float64(max(len(x)-1, 1)))
}

// byLargest scales each column of both samples by the largest |x| of the reference, as JetNet's FPD and KPD do; a column of zeros stays.
func byLargest(ref, gen Sample) (r, g affine) {
	scale := make([]float64, len(ref.Columns))
	for k, c := range ref.Columns {
		for _, v := range c {
			scale[k] = max(scale[k], math.Abs(v))
		}
		if scale[k] == 0 {
			scale[k] = 1
		}
		scale[k] = 1 / scale[k]
	}
	none := make([]float64, len(scale))
	return affine{ref, none, scale}, affine{gen, none, scale}
}

// draw fills events with numbers in [0, n), each anew.
func draw(events []int32, n int, src *rng.Source) []int32 {
	for i := range events {
		events[i] = int32(src.IntN(n))
	}
	return events
}

// choose takes n events at random, each at most once, or all where there are no more.
func (s Sample) choose(n int, seed uint64, part uint32) Sample {
	if s.events() <= n {
		return s
	}
	return s.at(rng.New(seed, rng.StreamTest, partChoose+part).Perm(s.events())[:n])
}

// at is the events of these numbers.
func (s Sample) at(events []int32) (c Sample) {
	pick := func(x []float64) []float64 {
		y := make([]float64, len(events))
		for i, e := range events {
			y[i] = x[e]
		}
		return y
	}
	for _, x := range s.Columns {
		c.Columns = append(c.Columns, pick(x))
	}
	if s.Weights != nil {
		c.Weights = pick(s.Weights)
	}
	return c
}
