package stats

import (
	"fmt"
	"math"
	"slices"
)

// Sample is a set of events in several dimensions: one slice a column, of equal length, and the weights,
// nil where all are 1. Distances between columns of different units mean little: standardise them first.
type Sample struct {
	Columns [][]float64
	Weights []float64
}

// Take is the events in rows, in that order.
func (s Sample) Take(rows []int32) (out Sample) {
	take := func(x []float64) []float64 {
		y := make([]float64, len(rows))
		for i, r := range rows {
			y[i] = x[r]
		}
		return y
	}
	for _, x := range s.Columns {
		out.Columns = append(out.Columns, take(x))
	}
	if s.Weights != nil {
		out.Weights = take(s.Weights)
	}
	return out
}

// check reports what makes two samples unfit to compare.
func check(x, y Sample) error {
	if len(x.Columns) == 0 || len(x.Columns) != len(y.Columns) {
		return fmt.Errorf("stats: samples of %d and %d columns", len(x.Columns), len(y.Columns))
	}
	for i, s := range []Sample{x, y} {
		n, which := len(s.Columns[0]), [2]string{"reference", "generated"}[i]
		for k, c := range s.Columns {
			if len(c) != n || n == 0 {
				return fmt.Errorf("stats: columns of %d and %d values", n, len(c))
			}
			if at := slices.IndexFunc(c, notFinite); at >= 0 {
				return fmt.Errorf("stats: the %s sample, column %d, event %d: %v; leave such events out first", which, k+1, at+1, c[at])
			}
		}
		if at := slices.IndexFunc(s.Weights, notFinite); at >= 0 {
			return fmt.Errorf("stats: the %s sample, event %d: the weight is %v", which, at+1, s.Weights[at])
		}
		if s.Weights != nil && len(s.Weights) != n {
			return fmt.Errorf("stats: %d events but %d weights", n, len(s.Weights))
		}
		if !(s.total() > 0) {
			return fmt.Errorf("stats: the weights of the %s sample sum to %g; they must sum to a positive number", which, s.total())
		}
	}
	return nil
}

func (s Sample) total() float64 {
	if s.Weights == nil {
		return float64(len(s.Columns[0]))
	}
	return sum(s.Weights)
}

// rows are the events one after the other, so that the loop over pairs reads memory in order.
func (s Sample) rows() []float64 {
	d := len(s.Columns)
	r := make([]float64, d*len(s.Columns[0]))
	for k, c := range s.Columns {
		for i, v := range c {
			r[i*d+k] = v
		}
	}
	return r
}

// meanPair is the weighted mean of f(|x_i - y_j|^2) over all pairs.
func meanPair(x, y Sample, f func(squared float64) float64) float64 {
	d, a, b := len(x.Columns), x.rows(), y.rows()
	var s float64
	for i := range len(x.Columns[0]) {
		p, row := a[i*d:][:d], 0.0
		for j := range len(y.Columns[0]) {
			q, squared := b[j*d:][:d], 0.0
			for k, v := range p {
				squared += (v - q[k]) * (v - q[k])
			}
			row += weight(y.Weights, j) * f(squared)
		}
		s += weight(x.Weights, i) * row
	}
	return s / (x.total() * y.total())
}

// withoutDiagonal turns the mean over all pairs of one sample into that over pairs of different events,
// given f(0). It holds where all weights are 1.
func withoutDiagonal(mean, zero float64, n int) float64 {
	return (mean*float64(n) - zero) / float64(n-1)
}

// Energy is the square of the energy distance (Szekely and Rizzo), 2 E|x-y| - E|x-x'| - E|y-y'| with the
// Euclidean norm. v averages over all pairs, pairs of an event with itself included, and is never negative;
// u leaves these out, so that its mean is 0 for samples of one distribution, and is NaN with weights or
// a single event. The time is that of all pairs.
func Energy(x, y Sample) (v, u float64, err error) {
	if err := check(x, y); err != nil {
		return 0, 0, err
	}
	v, u = discrepancy(x, y, func(squared float64) float64 { return -math.Sqrt(squared) }, 0)
	return v, u, nil
}

// MMD is the square of the maximum mean discrepancy (Gretton et al., JMLR 13 (2012) 723) with the kernel
// exp(-|x-y|^2 / (2 bandwidth^2)). v and u are as in Energy.
func MMD(x, y Sample, bandwidth float64) (v, u float64, err error) {
	if err := check(x, y); err != nil {
		return 0, 0, err
	}
	if !(bandwidth > 0) {
		return 0, 0, fmt.Errorf("stats: a bandwidth of %g; it must be positive", bandwidth)
	}
	v, u = discrepancy(x, y, func(squared float64) float64 {
		return math.Exp(-squared / (2 * bandwidth * bandwidth))
	}, 1)
	return v, u, nil
}

// discrepancy is E k(x,x') + E k(y,y') - 2 E k(x,y) for a kernel with k(x,x) = zero.
func discrepancy(x, y Sample, k func(squared float64) float64, zero float64) (v, u float64) {
	xx, yy, xy := meanPair(x, x, k), meanPair(y, y, k), meanPair(x, y, k)
	v, u = xx+yy-2*xy, math.NaN()
	if x.Weights == nil && y.Weights == nil {
		n, m := len(x.Columns[0]), len(y.Columns[0])
		u = withoutDiagonal(xx, zero, n) + withoutDiagonal(yy, zero, m) - 2*xy
	}
	return v, u
}

// SlicedWasserstein is the mean of Wasserstein1 over projections onto the directions, which hold one
// number a column.
func SlicedWasserstein(x, y Sample, directions [][]float64) (float64, error) {
	if err := check(x, y); err != nil {
		return 0, err
	}
	var s float64
	for i, d := range directions {
		if len(d) != len(x.Columns) {
			return 0, fmt.Errorf("stats: direction %d has %d numbers for %d columns", i, len(d), len(x.Columns))
		}
		a, err := NewCDF(x.project(d), x.Weights)
		if err != nil {
			return 0, err
		}
		b, err := NewCDF(y.project(d), y.Weights)
		if err != nil {
			return 0, err
		}
		s += Wasserstein1(a, b)
	}
	return s / float64(max(len(directions), 1)), nil
}

func (s Sample) project(direction []float64) []float64 {
	p := make([]float64, len(s.Columns[0]))
	for k, c := range s.Columns {
		for i, v := range c {
			p[i] += direction[k] * v
		}
	}
	return p
}
