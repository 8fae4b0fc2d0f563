package profile

import (
	"cmp"
	"math"
	"slices"
)

// Far is a value that lies apart from all others, with its place.
type Far struct {
	Value float64 `json:"value"`
	File  string  `json:"file,omitempty"`
	Row   int64   `json:"row"` // of the file, from 1
}

const (
	farTimes = 1000 // so many times as far from the middle as the next
	mostFar  = 32   // values on either side that are followed
	leastFar = 100  // values of a column of which any is told
)

// ends keeps the outermost values of a stream on one side of it.
type ends struct {
	sign  float64 // -1 for the smallest
	least float64 // of those kept, once they are mostFar
	kept  []Far   // the value times sign
}

func newEnds(sign float64) ends { return ends{sign: sign, least: math.Inf(-1)} }

// add takes values and says where they are.
func (e *ends) add(x []float64, at func(i int) Far) {
	for i, v := range x {
		if v *= e.sign; !(v > e.least) || math.IsInf(v, 1) {
			continue
		}
		f := at(i)
		f.Value = v
		if e.kept = append(e.kept, f); len(e.kept) == 2*mostFar {
			e.order()
			e.kept = e.kept[:mostFar]
			e.least = e.kept[mostFar-1].Value
		}
	}
}

func (e *ends) order() {
	slices.SortStableFunc(e.kept, func(a, b Far) int { return cmp.Compare(b.Value, a.Value) })
}

// apart are the values farTimes as far from the middle as the next, the farthest first. They are counted from at.
func (e *ends) apart(middle, at float64) []Far {
	e.order()
	n := 0
	for i := 1; i < min(len(e.kept), mostFar); i++ {
		if next := e.kept[i].Value - e.sign*middle; next > 0 && e.kept[i-1].Value-e.sign*middle > farTimes*next {
			n = i
		}
	}
	found := slices.Clone(e.kept[:n])
	for i := range found {
		found[i].Value = found[i].Value*e.sign + at
	}
	return found
}

// far are the values that lie apart from the others, of which x are some, in order.
func (s *columnSummary) far(x []float64) []Far {
	if s.n < leastFar || len(x) == 0 {
		return nil
	}
	middle := x[len(x)/2]
	found := append(s.most.apart(middle-s.at, s.at), s.least.apart(middle-s.at, s.at)...)
	slices.SortStableFunc(found, func(a, b Far) int { return cmp.Compare(math.Abs(b.Value-middle), math.Abs(a.Value-middle)) })
	return found
}
