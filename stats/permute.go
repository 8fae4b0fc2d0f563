package stats

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"github.com/sluice-hep/sluice/internal/rng"
)

// pool is the events of two samples one after the other, each with its share of the sum of weights of its sample, those of
// the second sample with the other sign: the difference of two distributions as one measure, whose shares sum to 0. Every statistic
// here is a function of such shares.
//
// A draw from the null distribution is other shares of the same events. Where all events of a sample weigh the same, the
// events are divided anew between the samples: the p-value is exact. Events of different weights are not exchangeable where the weights
// of the samples have different laws, such as a weighted sample against one without weights. Then each event's share, less its part of the
// mean of the sample, gets a random sign (the wild bootstrap: van der Vaart and Wellner, Weak Convergence and Empirical Processes (1996),
// section 2.9): this has the covariance of the difference whatever the law of the weights, and of either sign, in the limit of many events.
type pool struct {
	share []float64
	first int // events of the first sample
	signs bool
}

func newPool(x, y Sample) pool {
	p := pool{first: x.len(), share: make([]float64, 0, x.len()+y.len()), signs: !x.even() || !y.even()}
	for k, s := range []Sample{x, y} {
		total := s.total() * float64(1-2*k)
		for i := range s.len() {
			p.share = append(p.share, weight(s.Weights, i)/total)
		}
	}
	return p
}

// draw writes the shares of a draw to one of the lanes of c.
func (p pool) draw(c []float64, lane int, src *rng.Source) {
	if p.signs {
		p.sign(c, lane, src, 0, p.first)
		p.sign(c, lane, src, p.first, len(p.share))
		return
	}
	n := len(p.share)
	perm := src.Perm(n)
	for i, at := range perm {
		c[int(at)*lanes+lane] = p.share[i]
	}
}

// sign draws the shares of one sample, the events from to to.
func (p pool) sign(c []float64, lane int, src *rng.Source, from, to int) {
	var random uint64
	var sum, total float64
	for i := from; i < to; i++ {
		if (i-from)%64 == 0 {
			random = src.Uint64()
		}
		s := p.share[i]
		total += s
		if bits.RotateLeft64(random, i-from)&1 == 1 {
			s = -s
		}
		c[i*lanes+lane] = s
		sum += s
	}
	for i := from; i < to; i++ {
		c[i*lanes+lane] -= p.share[i] * sum / total
	}
}

// lanes are the draws that a statistic is computed of at a time: lane l of event i is c[i*lanes+l].
const lanes = 8

// test is the number of statistics at the events' shares, beside draws from the null distribution. The statistics
// fill one number a lane each. The same seed gives the same numbers for any number of threads.
func (p pool) test(draws, threads int, seed uint64, number int, statistics func(c []float64, out [][lanes]float64)) []Test {
	batches := (draws + lanes) / lanes // with the observed shares before the draws
	out := make([][][lanes]float64, batches)
	each(batches, threads, func() func(int) {
		c := make([]float64, len(p.share)*lanes)
		return func(batch int) {
			for lane := range lanes {
				if d := batch*lanes + lane; d > 0 && d <= draws {
					p.draw(c, lane, rng.New(seed, rng.StreamTest, uint32(d)))
					continue
				}
				for i, s := range p.share {
					c[i*lanes+lane] = s
				}
			}
			out[batch] = make([][lanes]float64, number)
			statistics(c, out[batch])
		}
	})
	tests := make([]Test, number)
	for k := range tests {
		null := make([]float64, 0, draws)
		for d := 1; d <= draws; d++ {
			null = append(null, out[d/lanes][k][d%lanes])
		}
		tests[k] = newTest(out[0][k][0], null)
	}
	return tests
}

// rounding is the relative difference below which statistics are equal: sums in other orders.
const rounding = 1e-12

// newTest is a statistic beside draws from its null distribution. p counts the statistic as a draw of its own (Phipson and Smyth,
// Stat. Appl. Genet. Mol. Biol. 9 (2010) 39): it is never 0, and exact.
func newTest(value float64, null []float64) Test {
	m := NewMoments(null, nil)
	return Test{Value: value, NullMean: m.Mean, NullStd: m.Std, P: chance(value, null), Draws: len(null)}
}

// chance is the probability of at least a value, by draws from the null distribution.
func chance(value float64, null []float64) float64 {
	as := 1.0
	for _, v := range null {
		if !(v < value*(1-rounding)) { // also where numbers overflow
			as++
		}
	}
	return as / float64(len(null)+1)
}

// each does all of n things on some threads, those of the machine where there are none; each thread begins by start.
func each(n, threads int, start func() func(int)) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(threads, n) {
		wait.Go(func() {
			do := start()
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wait.Wait()
}

func (s Sample) len() int {
	if len(s.Columns) == 0 {
		return 0
	}
	return len(s.Columns[0])
}

// even: all events weigh the same.
func (s Sample) even() bool {
	return !slices.ContainsFunc(s.Weights, func(w float64) bool { return w != s.Weights[0] })
}

// effective is the effective number of events.
func (s Sample) effective() float64 {
	if s.Weights == nil {
		return float64(s.len())
	}
	return effective(sum(s.Weights), squares(s.Weights))
}

// pick is n events drawn without repetition, or all of no more.
func (s Sample) pick(n int, src *rng.Source) Sample {
	if s.len() <= n {
		return s
	}
	return s.Take(src.Perm(s.len())[:n])
}

// fewest effective events tell a null distribution.
const fewest = 20

// cannot says why two samples cannot be told from chance, or is empty.
func cannot(x, y Sample) string {
	for i, s := range []Sample{x, y} {
		which := [2]string{"reference", "generated"}[i]
		if !(s.total() > 0) {
			return fmt.Sprintf("the weights of the %d %s events taken do not sum to a positive number", s.len(), which)
		}
		if e := s.effective(); e < fewest {
			return fmt.Sprintf("the %s sample has %.3g effective events; at least %d are needed", which, e, fewest)
		}
	}
	return ""
}
