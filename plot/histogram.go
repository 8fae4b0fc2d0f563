package plot

import (
	"fmt"
	"math"
	"slices"
)

// Histogram is the contents of n bins between n+1 edges.
type Histogram struct {
	Name  string    // in a legend
	Edges []float64 // increasing
	SumW  []float64 // sum of weights a bin
	SumW2 []float64 // sum of squared weights a bin; nil stands for SumW, which is right for unit weights
	// Under and Over are the sums of weights outside the edges. They count in the scale of an overlay, and its
	// legend says them; Under2 and Over2 are those of squared weights.
	Under, Over, Under2, Over2 float64
	// Apart are the sums of the weights of events that have one of the values that an overlay draws beside the bins, and Apart2 those of
	// the squared weights; nil stands for Apart.
	Apart, Apart2 []float64
	// Events is the number of events behind it, for the legend; 0 is left out.
	Events int
}

const maxBins = 10000

func (h *Histogram) check() error {
	n := len(h.SumW)
	switch {
	case n == 0 || n > maxBins:
		return fmt.Errorf("%d bins are not between 1 and %d", n, maxBins)
	case len(h.Edges) != n+1:
		return fmt.Errorf("%d bins need %d edges, not %d", n, n+1, len(h.Edges))
	case h.SumW2 != nil && len(h.SumW2) != n:
		return fmt.Errorf("%d bins need %d sums of squared weights, not %d", n, n, len(h.SumW2))
	case h.Apart2 != nil && len(h.Apart2) != len(h.Apart):
		return fmt.Errorf("%d values apart have %d sums of squared weights", len(h.Apart), len(h.Apart2))
	}
	for i := range n {
		if !(h.Edges[i] < h.Edges[i+1]) {
			return fmt.Errorf("edges %d and %d, %g and %g, do not increase", i, i+1, h.Edges[i], h.Edges[i+1])
		}
		if !finite((math.Abs(h.SumW[i]) + h.variance(i)) / (h.Edges[i+1] - h.Edges[i])) {
			return fmt.Errorf("the content of bin %d, or its density, is not finite", i)
		}
	}
	if !finite(h.sum()) {
		return fmt.Errorf("the sum of its weights is not finite")
	}
	if math.IsInf(h.Edges[n]-h.Edges[0], 0) {
		return fmt.Errorf("the edges from %g to %g are too wide", h.Edges[0], h.Edges[n])
	}
	return nil
}

func (h *Histogram) variance(i int) float64 { return variance(h.SumW, h.SumW2, i) }

func variance(w, w2 []float64, i int) float64 {
	if w2 == nil {
		return math.Abs(w[i])
	}
	return w2[i]
}

// weighted tells whether events have other weights than 1.
func (h *Histogram) weighted() bool { return h.SumW2 != nil && !slices.Equal(h.SumW, h.SumW2) }

// sum is over all events, those outside the edges and those apart too.
func (h *Histogram) sum() float64 {
	s := h.Under + h.Over
	for _, w := range slices.Concat(h.SumW, h.Apart) {
		s += w
	}
	return s
}

// uniform is the common width of the bins, if there is one.
func (h *Histogram) uniform() (width float64, ok bool) {
	n := len(h.SumW)
	width = (h.Edges[n] - h.Edges[0]) / float64(n)
	for i := range n {
		if math.Abs(h.Edges[i+1]-h.Edges[i]-width) > 1e-6*width {
			return 0, false
		}
	}
	return width, true
}

// bars are heights and their errors, ready to draw.
type bars struct {
	edges, y, sigma []float64
}

// stepped are the corners of the line over bars.
func stepped(edges, y []float64) (xs, ys []float64) {
	for i, v := range y {
		xs, ys = append(xs, edges[i], edges[i+1]), append(ys, v, v)
	}
	return xs, ys
}

// area is what lies under the bars.
func (f *frame) area(b bars) path {
	floor := max(f.y.min, 0)
	var p path
	p.move(f.point(b.edges[0], floor))
	for i, y := range b.y {
		p.line(f.point(b.edges[i], y))
		p.line(f.point(b.edges[i+1], y))
	}
	p.line(f.point(b.edges[len(b.y)], floor))
	p.close()
	return p
}

// steps is the line over the bars, without the bars that are at the floor.
func (f *frame) steps(b bars) path {
	floor := f.point(0, max(f.y.min, 0)).y
	at := point{f.point(b.edges[0], 0).x, floor}
	var p path
	p.move(at)
	for i, y := range b.y {
		left, right := f.point(b.edges[i], y), f.point(b.edges[i+1], y)
		if left.y != at.y {
			p.line(left)
		}
		if at = right; at.y == floor {
			p.move(at)
		} else {
			p.line(at)
		}
	}
	if at.y != floor {
		p.line(point{at.x, floor})
	}
	return p
}

// bands are boxes of one standard deviation up and down about the bars.
func (f *frame) bands(b bars) path {
	var p path
	for i, s := range b.sigma {
		if s > 0 {
			lo, hi := f.point(b.edges[i], b.y[i]-s), f.point(b.edges[i+1], b.y[i]+s)
			p.rectangle(box{lo.x, lo.y, hi.x, hi.y})
		}
	}
	return p
}

// errorLines are vertical lines of one standard deviation, at a fraction of the width of the bins.
func (f *frame) errorLines(b bars, fraction float64) path {
	var p path
	for i, s := range b.sigma {
		if s > 0 {
			lo, hi := f.point(b.edges[i], b.y[i]-s), f.point(b.edges[i+1], b.y[i]+s)
			x := lo.x + (hi.x-lo.x)*fraction
			p.segment(x, lo.y, x, hi.y)
		}
	}
	return p
}
