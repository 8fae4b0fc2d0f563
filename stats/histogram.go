package stats

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Histogram holds sums of weights in bins. Bin i is [Edges[i], Edges[i+1]); the last bin holds its upper
// edge too.
type Histogram struct {
	Edges []float64 // ascending, one more than bins
	SumW  []float64 // sum of weights a bin
	SumW2 []float64 // sum of squared weights a bin: the variance of SumW

	Under, Over   float64 // sums of weights below the first and above the last edge
	Under2, Over2 float64 // and of their squares
}

// NewHistogram fills a histogram; w is nil where all weights are 1. Values that are NaN are left out. Edges
// must ascend; they are not copied.
func NewHistogram(edges, x, w []float64) (*Histogram, error) {
	for i := 1; i < len(edges); i++ {
		if !(edges[i] > edges[i-1]) {
			return nil, fmt.Errorf("stats: edges must ascend, but edge %d is %g after %g", i, edges[i], edges[i-1])
		}
	}
	if len(edges) < 2 {
		return nil, fmt.Errorf("stats: a histogram needs at least 2 edges, not %d", len(edges))
	}
	if w != nil && len(w) != len(x) {
		return nil, fmt.Errorf("stats: %d values but %d weights", len(x), len(w))
	}
	n := len(edges) - 1
	h := &Histogram{Edges: edges, SumW: make([]float64, n), SumW2: make([]float64, n)}
	for i, v := range x {
		e := weight(w, i)
		h.add(v, e, e*e)
	}
	return h, nil
}

func (h *Histogram) add(x, w, w2 float64) {
	n := len(h.SumW)
	switch {
	case math.IsNaN(x):
	case x < h.Edges[0]:
		h.Under += w
		h.Under2 += w2
	case x > h.Edges[n]:
		h.Over += w
		h.Over2 += w2
	default:
		i := sort.Search(n-1, func(i int) bool { return h.Edges[i+1] > x })
		h.SumW[i] += w
		h.SumW2[i] += w2
	}
}

// Total is the sum of all weights, those outside the edges included.
func (h *Histogram) Total() float64 { return h.Under + sum(h.SumW) + h.Over }

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

func squares(x []float64) (s float64) {
	for _, v := range x {
		s += v * v
	}
	return s
}

// Density gives each bin's density, a unit of x, and its statistical error. It integrates to the share of
// the events that lie between the edges, so that two samples compare though their tails differ. All are 0
// where the total is not positive.
func (h *Histogram) Density() (density, err []float64) {
	density, err = make([]float64, len(h.SumW)), make([]float64, len(h.SumW))
	total := h.Total()
	if !(total > 0) {
		return density, err
	}
	for i := range density {
		scale := 1 / (total * (h.Edges[i+1] - h.Edges[i]))
		density[i], err[i] = h.SumW[i]*scale, math.Sqrt(h.SumW2[i])*scale
	}
	return density, err
}

// counts tells whether every event weighs 1.
func (h *Histogram) counts() bool { return slices.Equal(h.SumW, h.SumW2) }

// At is the sum of the weights at a value, and of their squares.
func (c *CDF) At(v float64) (w, w2 float64) {
	w0, v0 := c.sums(sort.SearchFloat64s(c.x, v))
	w, w2 = c.sums(c.upTo(v))
	return w - w0, w2 - v0
}

// Histogram fills bins, without the values that stand apart.
func (c *CDF) Histogram(b Bins) *Histogram {
	h := c.histogram(b.Edges)
	for _, v := range b.Apart {
		w, w2 := c.At(v)
		h.add(v, -w, -w2)
	}
	return h
}

// histogram fills bins from the sorted values. Infinite edges take the tails.
func (c *CDF) histogram(edges []float64) *Histogram {
	n := len(edges) - 1
	h := &Histogram{Edges: edges, SumW: make([]float64, n), SumW2: make([]float64, n)}
	at := func(e float64) (w, w2 float64) { return c.sums(sort.SearchFloat64s(c.x, e)) }
	w0, v0 := at(edges[0])
	h.Under, h.Under2 = w0, v0
	for i := range n {
		w1, v1 := at(edges[i+1])
		if i == n-1 {
			w1, v1 = at(math.Nextafter(edges[n], math.Inf(1)))
		}
		h.SumW[i], h.SumW2[i] = w1-w0, v1-v0
		w0, v0 = w1, v1
	}
	total, total2 := c.sums(len(c.x))
	h.Over, h.Over2 = total-w0, total2-v0
	return h
}
