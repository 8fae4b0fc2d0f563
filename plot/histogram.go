package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
)

// Histogram is the contents of n bins between n+1 edges.
type Histogram struct {
	Edges []float64 // increasing
	SumW  []float64 // sum of weights a bin
	SumW2 []float64 // sum of squared weights a bin; nil stands for SumW, which is right for unit weights
	// Under and Over are the sums of weights outside the edges. They count in the scale of an overlay, and its
	// legend says them.
	Under, Over float64
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

func (h *Histogram) variance(i int) float64 {
	if h.SumW2 == nil {
		return math.Abs(h.SumW[i])
	}
	return h.SumW2[i]
}

// sum is over all events, those outside the edges too.
func (h *Histogram) sum() float64 {
	s := h.Under + h.Over
	for _, w := range h.SumW {
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

// bars scales the contents; perWidth divides by the bin widths.
func (h *Histogram) bars(scale float64, perWidth bool) bars {
	b := bars{h.Edges, make([]float64, len(h.SumW)), make([]float64, len(h.SumW))}
	for i, w := range h.SumW {
		s := scale
		if perWidth {
			s /= h.Edges[i+1] - h.Edges[i]
		}
		b.y[i] = w * s
		b.sigma[i] = math.Sqrt(max(h.variance(i), 0)) * math.Abs(s)
	}
	return b
}

// area is what lies under the bars.
func (f *frame) area(b bars) vg.Path {
	floor := max(f.y.min, 0)
	var p vg.Path
	p.Move(f.point(b.edges[0], floor))
	for i, y := range b.y {
		p.Line(f.point(b.edges[i], y))
		p.Line(f.point(b.edges[i+1], y))
	}
	p.Line(f.point(b.edges[len(b.y)], floor))
	p.Close()
	return p
}

// steps is the line over the bars, without the bars that are at the floor.
func (f *frame) steps(b bars) vg.Path {
	floor := f.point(0, max(f.y.min, 0)).Y
	at := vg.Point{X: f.point(b.edges[0], 0).X, Y: floor}
	var p vg.Path
	p.Move(at)
	for i, y := range b.y {
		left, right := f.point(b.edges[i], y), f.point(b.edges[i+1], y)
		if left.Y != at.Y {
			p.Line(left)
		}
		if at = right; at.Y == floor {
			p.Move(at)
		} else {
			p.Line(at)
		}
	}
	if at.Y != floor {
		p.Line(vg.Point{X: at.X, Y: floor})
	}
	return p
}

// bands are boxes of one standard deviation up and down about the bars.
func (f *frame) bands(b bars) vg.Path {
	var p vg.Path
	for i, s := range b.sigma {
		if s > 0 {
			lo, hi := f.point(b.edges[i], b.y[i]-s), f.point(b.edges[i+1], b.y[i]+s)
			rectangle(&p, lo.X, lo.Y, hi.X, hi.Y)
		}
	}
	return p
}

// errorLines are vertical lines of one standard deviation at the bin centres.
func (f *frame) errorLines(b bars) vg.Path {
	var p vg.Path
	for i, s := range b.sigma {
		if s > 0 {
			x := (b.edges[i] + b.edges[i+1]) / 2
			p.Move(f.point(x, b.y[i]-s))
			p.Line(f.point(x, b.y[i]+s))
		}
	}
	return p
}
