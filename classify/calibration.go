package classify

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
)

// Isotonic is the non-decreasing function of a score that is nearest, in the least squares, to labels: their probability where they are 0 and 1
// (pool adjacent violators; Barlow et al., Statistical Inference under Order Restrictions, 1972).
type Isotonic struct {
	from, to, value []float64 // of each step: its first and its last score
}

// step is a run of scores that have one value.
type step struct{ from, to, weight, sum float64 }

func (s step) value() float64 { return s.sum / s.weight }

// NewIsotonic fits to labels, with weights, nil where all are 1. Equal scores are pooled first. Weights may be negative: scores whose weights sum
// to no positive number are pooled with the next.
func NewIsotonic(score, label, weight []float64) (*Isotonic, error) {
	if len(score) == 0 || len(label) != len(score) || weight != nil && len(weight) != len(score) {
		return nil, fmt.Errorf("classify: a calibration of %d scores by %d labels and %d weights", len(score), len(label), len(weight))
	}
	order := all(len(score))
	for i, s := range score {
		if math.IsNaN(s) {
			return nil, fmt.Errorf("classify: score %d is NaN", i+1)
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(score[a], score[b]) })
	var steps []step
	for i := 0; i < len(order); {
		s := step{from: score[order[i]], to: score[order[i]]}
		for ; i < len(order) && score[order[i]] == s.to; i++ {
			w := 1.0
			if weight != nil {
				w = weight[order[i]]
			}
			s.weight += w
			s.sum += w * label[order[i]]
		}
		steps = pool(append(steps, s))
	}
	for n := len(steps); n > 1 && steps[n-1].weight <= 0; n = len(steps) {
		steps = pool(append(steps[:n-2], steps[n-2].with(steps[n-1])))
	}
	if len(steps) == 1 && !(steps[0].weight > 0) {
		return nil, fmt.Errorf("classify: the weights of a calibration sum to %g; they must sum to a positive number", steps[0].weight)
	}
	c := &Isotonic{}
	for _, s := range steps {
		c.from, c.to, c.value = append(c.from, s.from), append(c.to, s.to), append(c.value, s.value())
	}
	return c, nil
}

func (s step) with(next step) step {
	return step{s.from, next.to, s.weight + next.weight, s.sum + next.sum}
}

// pool joins the last steps until they rise.
func pool(steps []step) []step {
	for n := len(steps); n > 1; n = len(steps) {
		a, b := steps[n-2], steps[n-1]
		if a.weight > 0 && (b.weight <= 0 || a.value() < b.value()) {
			break
		}
		steps = append(steps[:n-2], a.with(b))
	}
	return steps
}

// At is the value at a score: on the straight line between two steps, and that of the last one beyond all.
func (c *Isotonic) At(score float64) float64 {
	i := sort.SearchFloat64s(c.to, score) // the first step that does not end before the score
	switch {
	case i == len(c.to):
		return c.value[i-1]
	case i == 0 || score >= c.from[i]:
		return c.value[i]
	}
	share := (score - c.to[i-1]) / (c.from[i] - c.to[i-1])
	return c.value[i-1] + share*(c.value[i]-c.value[i-1])
}

// Temperature is the factor between 0 and 4 that held-out logits of two balanced classes are to be multiplied by for the lowest cross entropy (one over
// the temperature of arXiv:1706.04599): 1 for a calibrated classifier, below for one that is too sure, 0 for one that knows nothing.
func Temperature(logit []float64, label []int, weight []float64) (float64, error) {
	if len(logit) == 0 || len(label) != len(logit) || weight != nil && len(weight) != len(logit) {
		return 0, fmt.Errorf("classify: a calibration of %d logits by %d labels and %d weights", len(logit), len(label), len(weight))
	}
	w, err := shares(weight, func(r int32) int { return label[r] }, all(len(logit)), 2)
	if err != nil {
		return 0, err
	}
	// the slope of the cross entropy by the factor grows with it where weights are positive
	slope := func(a float64) (s float64) {
		for i, f := range logit {
			s += float64(w[i]) * f * (1/(1+math.Exp(-a*f)) - float64(label[i]))
		}
		return s
	}
	low, high := 0.0, 4.0
	if slope(low) >= 0 {
		return 0, nil
	}
	if slope(high) <= 0 {
		return high, nil
	}
	for range 30 {
		if mid := (low + high) / 2; slope(mid) > 0 {
			high = mid
		} else {
			low = mid
		}
	}
	return (low + high) / 2, nil
}
