package prep

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// levels takes a column of a few distinct values to a standard normal: value k gets the interval of the normal
// that holds its probability P[k], and an event a place in it by noise u,
//
//	y = Phi^-1(P[0] + ... + P[k-1] + u P[k]),   log-det = log P[k] - log phi(y),
//
// so that under a normal density every value has exactly its probability: the density here is per value, not
// per unit. A value that training did not see counts as the nearest one with the probability 1/(events+1).
type levels struct {
	Value  []float64 `json:"value"`
	Cum    []float64 `json:"cum"`    // upper end of each value's interval of (0, 1); the last is 1
	Events float64   `json:"events"` // effective number of training events

	cells   []cell
	byValue *guide
	byY     *guide // by the ends of the intervals between two values
}

// cell is the interval of one value: p is from low to low+width.
type cell struct{ low, width, logWidth float64 }

const maxLevels = 4096

func (s *levels) Kind() string { return "levels" }

func (s *levels) Fit(x, w []float64) error {
	e := newEmpirical(x, w)
	if len(e.value) > maxLevels {
		return fmt.Errorf("levels takes up to %d distinct values, not %d", maxLevels, len(e.value))
	}
	if len(e.value) == 0 {
		return errors.New("no event has a positive weight")
	}
	*s = levels{Value: e.value, Cum: make([]float64, len(e.value)), Events: e.n}
	c := 0.0
	for i, m := range e.mass {
		c += m
		s.Cum[i] = c
	}
	s.Cum[len(s.Cum)-1] = 1
	return s.check()
}

func (s *levels) Apply(x, logDet []float64) { s.ApplyNoise(x, nil, logDet) }

// ApplyNoise takes three passes: short loops overlap more of their arithmetic.
func (s *levels) ApplyNoise(x, u, logDet []float64) {
	unseen := math.Log(1 / (s.Events + 1))
	for i, v := range x {
		k := int(s.byValue.below(v))
		seen := k < len(s.Value) && s.Value[k] == v
		if !seen {
			k = nearest(s.Value, k, v)
		}
		c := &s.cells[k]
		x[i] = c.low + c.width*place(u, i)
		if logDet == nil {
			continue
		}
		if seen {
			logDet[i] += c.logWidth
		} else {
			logDet[i] += unseen
		}
	}
	for i, p := range x {
		x[i] = normalQuantile(p, 1-p)
	}
	if logDet != nil {
		for i, y := range x {
			logDet[i] -= logNormal(y)
		}
	}
}

func (s *levels) places(_ []float64, marked []bool) { markAll(marked) }

func (s *levels) Invert(y, logDet []float64) {
	for i, v := range y {
		k := s.byY.below(v)
		y[i] = s.Value[k]
		if logDet != nil {
			logDet[i] -= s.cells[k].logWidth - logNormal(v)
		}
	}
}

// index makes of the probabilities what Apply and Invert look up.
func (s *levels) index() {
	n := len(s.Value)
	s.cells = make([]cell, n)
	ends := make([]float64, n)
	low := 0.0
	for k, c := range s.Cum {
		s.cells[k] = cell{low, c - low, math.Log(c - low)}
		ends[k] = normalQuantile(c, 1-c)
		low = c
	}
	s.byValue, s.byY = newGuide(s.Value, s.Value[0], s.Value[n-1]), newGuide(ends[:n-1], ends[0], ends[max(n-2, 0)])
}

// nearest is the place of the value next to v, which has k values below it.
func nearest(value []float64, k int, v float64) int {
	if k == len(value) || k > 0 && v-value[k-1] < value[k]-v {
		k--
	}
	return k
}

func (s *levels) has(v float64) bool {
	_, ok := slices.BinarySearch(s.Value, v)
	return ok
}

func (s *levels) taken() string { return "the nearest that training had" }

func (s *levels) check() error {
	n := len(s.Value)
	if n == 0 || n > maxLevels || len(s.Cum) != n {
		return fmt.Errorf("%d values with %d probabilities; there must be 1 to %d of both", n, len(s.Cum), maxLevels)
	}
	if !finite(s.Value...) || !finite(s.Cum...) || s.Cum[0] <= 0 || s.Cum[n-1] != 1 || !increasing(s.Value) || !increasing(s.Cum) {
		return errors.New("values or cumulative probabilities are not finite and increasing to 1")
	}
	if !(s.Events >= 1 && finite(s.Events)) {
		return errors.New("the number of events is not positive")
	}
	s.index()
	return nil
}

func increasing(x []float64) bool {
	return slices.IsSortedFunc(x, func(a, b float64) int {
		if a < b { // equal neighbours count as out of order
			return -1
		}
		return 1
	})
}
