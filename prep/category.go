package prep

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// category is for a column of a few values, names or codes, whose probabilities the density has as such: value k becomes the code k, from 0 on.
// A value that training did not see counts as the nearest, with the probability 1/(events+1) in place of that one's share.
type category struct {
	Value  []float64 `json:"value"`  // in order
	Share  []float64 `json:"share"`  // of the training events
	Events float64   `json:"events"` // effective number of those
}

func (s *category) Kind() string { return "category" }

func (s *category) Fit(x, w []float64) error {
	e := newEmpirical(x, w)
	if len(e.value) > maxLevels {
		return fmt.Errorf("category takes up to %d distinct values, not %d", maxLevels, len(e.value))
	}
	if len(e.value) == 0 {
		return errors.New("no event has a positive weight")
	}
	*s = category{Value: e.value, Share: e.mass, Events: e.n}
	return s.check()
}

func (s *category) Apply(x, logDet []float64) {
	unseen := math.Log(1 / (s.Events + 1))
	for i, v := range x {
		k, seen := slices.BinarySearch(s.Value, v)
		if !seen {
			k = nearest(s.Value, k, v)
		}
		if x[i] = float64(k); !seen && logDet != nil {
			logDet[i] += unseen - math.Log(s.Share[k])
		}
	}
}

func (s *category) Invert(y, _ []float64) {
	for i, v := range y {
		y[i] = s.Value[s.code(v)]
	}
}

func (s *category) code(y float64) int { return int(min(max(y+0.5, 0), float64(len(s.Value)-1))) }

func (s *category) has(v float64) bool {
	_, ok := slices.BinarySearch(s.Value, v)
	return ok
}

func (s *category) taken() string { return "the nearest that training had" }

func (s *category) check() error {
	n := len(s.Value)
	if n == 0 || n > maxLevels || len(s.Share) != n {
		return fmt.Errorf("%d values with %d shares; there must be 1 to %d of both", n, len(s.Share), maxLevels)
	}
	if !finite(s.Value...) || !finite(s.Share...) || slices.Min(s.Share) <= 0 || !increasing(s.Value) {
		return errors.New("values are not finite and increasing, or shares not positive")
	}
	return require(s.Events >= 1 && finite(s.Events), "the number of events is not positive")
}

// category is that of the column; nil where it has none.
func (c *Column) category() *category {
	if len(c.Steps) == 0 {
		return nil
	}
	s, _ := c.Steps[0].(*category)
	return s
}

// fewValues are those of a column of a few, which the density sees as such; nil of any other.
func (c *Column) fewValues() []float64 {
	switch s := c.first().(type) {
	case *levels:
		return s.Value
	case *category:
		return s.Value
	}
	return nil
}

// atoms takes single values that at least a fraction Above of the events hold, or dozens and ten times as many as others, out of a column: each
// is a code of a categorical feature, and the steps that follow are for the other values. It is the first step of a card's, and none of a fitted
// chain: see Column.Own.
type atoms struct{ spread }

func (*atoms) Kind() string { return "atoms" }

func (*atoms) check() error { return errors.New("it is no step of a fitted chain") }
