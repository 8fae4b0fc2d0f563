package prep

import (
	"fmt"
	"math"
)

const (
	kindContinuous = "continuous"
	kindInteger    = "integer"
	kindDiscrete   = "discrete"
	kindAtoms      = "atoms"
	kindConstant   = "constant"
)

// fewValues is up to how many distinct values a column counts as a list of levels.
const fewValues = 64

// choose is the automatic preparation of a column with values x: its steps, its kind and the reason.
func choose(x, w []float64) (steps []StepSpec, kind, why string) {
	e := newEmpirical(x, w)
	n := len(e.value)
	integers := true
	atoms, heaviest := 0, 0
	for k, v := range e.value {
		integers = integers && v == math.Trunc(v) && math.Abs(v) <= maxInteger
		if e.mass[k] >= 0.01 && e.mass[k]*float64(len(x)) >= 5 {
			atoms++
		}
		if e.mass[k] > e.mass[heaviest] {
			heaviest = k
		}
	}
	few := n <= fewValues && n*4 <= len(x)
	switch {
	case few && integers:
		return []StepSpec{{Kind: "levels"}}, kindInteger,
			fmt.Sprintf("integers with %d different values: each gets the interval of a normal that holds its probability", n)
	case few:
		return []StepSpec{{Kind: "levels"}}, kindDiscrete,
			fmt.Sprintf("only %d different values: each gets the interval of a normal that holds its probability", n)
	case integers:
		return []StepSpec{{Kind: "dequantise"}, {Kind: "quantile"}}, kindInteger,
			fmt.Sprintf("integers with %d different values: uniform noise fills the steps between them, then quantiles to a normal", n)
	case atoms > 0:
		return []StepSpec{{Kind: "spread"}, {Kind: "quantile"}}, kindAtoms,
			fmt.Sprintf("%d values stand out (%g in %.3g %% of events): noise spreads them over narrow windows, then quantiles to a normal", atoms, e.value[heaviest], 100*e.mass[heaviest])
	}
	return []StepSpec{{Kind: "quantile"}}, kindContinuous, "continuous: " + e.shape() + "quantiles to a normal, with power-law tails outside"
}

// shape says what is remarkable about a continuous distribution.
func (e *empirical) shape() string {
	lo, hi := e.value[0], e.value[len(e.value)-1]
	median := e.at(0.5)
	left, right := median-e.at(0.16), e.at(0.84)-median
	s := ""
	if right > 0 && (hi-median)/right > 8 {
		s += fmt.Sprintf("a long upper tail (to %.3g, %.0f widths above the median); ", hi, (hi-median)/right)
	}
	if left > 0 && (median-lo)/left > 8 {
		s += fmt.Sprintf("a long lower tail (to %.3g, %.0f widths below the median); ", lo, (median-lo)/left)
	}
	return s
}
