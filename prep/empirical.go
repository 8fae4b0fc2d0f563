package prep

import (
	"cmp"
	"slices"
	"sort"
)

// empirical is the distribution of weighted training values: distinct values in order, and the fraction
// below each with half of its own weight, so that ties stand at the middle of their step.
type empirical struct {
	value []float64
	mass  []float64 // fraction of the weight at value[i]
	below []float64 // fraction below value[i], plus mass[i]/2
	n     float64   // effective number of events, (sum w)^2 / sum w^2
}

func newEmpirical(x, w []float64) *empirical {
	e := &empirical{}
	var sum, sq float64
	add := func(v, wi float64) {
		sum += wi
		sq += wi * wi
		if k := len(e.value); k > 0 && e.value[k-1] == v {
			e.mass[k-1] += wi
			return
		}
		e.value = append(e.value, v+0) // -0 + 0 is 0
		e.mass = append(e.mass, wi)
	}
	if w == nil { // sorting numbers is several times faster than sorting their places
		for _, v := range slices.Sorted(slices.Values(x)) {
			add(v, 1)
		}
	} else {
		for _, i := range sortedPlaces(x) {
			if wi := weight(w, int(i)); wi > 0 {
				add(x[i], wi)
			}
		}
	}
	if sum > 0 {
		e.n = sum * sum / sq
	}
	e.below = make([]float64, len(e.value))
	c := 0.0
	for i := range e.mass {
		e.below[i] = (c + e.mass[i]/2) / sum
		c += e.mass[i]
		e.mass[i] /= sum
	}
	return e
}

func sortedPlaces(x []float64) []int32 {
	order := make([]int32, len(x))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(x[a], x[b]) })
	return order
}

// every takes one of so many events that at most n remain, with their weights: enough for quantiles, and bounded in time.
func every(n int, x, w []float64) ([]float64, []float64) {
	stride := (len(x) + n - 1) / n
	if stride <= 1 {
		return x, w
	}
	var a, b []float64
	for i := 0; i < len(x); i += stride {
		a = append(a, x[i])
		if w != nil {
			b = append(b, w[i])
		}
	}
	return a, b
}

// at is the quantile of fraction p, linear between neighbouring values.
func (e *empirical) at(p float64) float64 {
	j := sort.SearchFloat64s(e.below, p)
	switch {
	case len(e.value) == 0:
		return 0
	case j == 0:
		return e.value[0]
	case j == len(e.value):
		return e.value[j-1]
	}
	t := (p - e.below[j-1]) / (e.below[j] - e.below[j-1])
	return e.value[j-1] + t*(e.value[j]-e.value[j-1])
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(x))[len(x)/2]
}
