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

// QualityOptions are those of the tests that draw events.
type QualityOptions struct {
	Seed    uint64
	Threads int // 0: all of the machine's; no number depends on it
}

func (o QualityOptions) source(part uint32) *rng.Source { return rng.New(o.Seed, rng.StreamTest, part) }

// spread does task 0 to n-1 on the threads. A task writes where no other does.
func (o QualityOptions) spread(n int, task func(i int)) {
	each(n, o.Threads, func() func(int) { return task })
}

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
	n := s.len()
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
	case s.effective() < fewest:
		return fmt.Sprintf("has %.3g effective events; at least %d are needed", s.effective(), fewest)
	}
	return ""
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

func newBlocks(ref, gen affine, degree, most int, o QualityOptions) *blocks {
	b := &blocks{each: min(most, ref.len(), gen.len())}
	b.of = make([]*powers, 2*b.each)
	for s, from := range []affine{ref, gen} {
		share := 1 / from.total()
		order := o.source(partDivide + uint32(s)).Perm(from.len())
		o.spread(b.each, func(i int) {
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

// test is a distance between the samples beside those that permutations of the blocks make: the first half of the numbers handed over
// are the blocks of one sample. What rounding alone makes of equal samples is 0.
func (b *blocks) test(draws int, o QualityOptions, distance func(order []int32) float64) Test {
	null := make([]float64, draws+1)
	o.spread(draws+1, func(i int) {
		order := o.source(partPermute + uint32(i)).Perm(len(b.of))
		if i == draws {
			slices.Sort(order)
		}
		if null[i] = distance(order); null[i] < 1e-14 {
			null[i] = 0
		}
	})
	if slices.ContainsFunc(null, func(v float64) bool { return !finite(v) }) {
		return Test{Cannot: "the weights of some permutations do not sum to a positive number: too many are negative"}
	}
	return newTest(null[draws], null[:draws])
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
