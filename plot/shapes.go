package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Shapes are small multiples of histograms, each scaled to the same area: for every column the events with the largest and the smallest
// density ratio over all, or, as one panel, the ratio itself in two samples. The first histogram of a panel is filled, the others are
// lines.
type Shapes struct {
	Panels []Shape
	Alt    string // what the picture shows, for readers who cannot see it
	Marked string // what the marks of the panels are called; "" where none has any
}

// Shape is one panel.
type Shape struct {
	Label, Unit string
	Log         bool // along a logarithmic axis: the edges are positive
	// Histograms are 1 to 13 of the same edges. Those of all panels have the same names, which the legend says, and the numbers of events
	// of the first panel; what lies outside of the edges is said in the panel, as its share in each. Contents apart are not drawn.
	Histograms []Histogram
	Vertical   Scale     // of the contents
	Marks      []float64 // values to be marked
}

const (
	shapesWidth = 720.0
	shapeHeight = 110.0
	loneShape   = 320.0 // width of a picture of one panel
	loneHeight  = 180.0
)

// Picture draws the panels, or says which one has no histograms.
func (s *Shapes) Picture() (*Picture, error) {
	n := len(s.Panels)
	if n < 1 || n > maxPanels {
		return nil, fmt.Errorf("plot: %d shapes: there must be 1 to %d", n, maxPanels)
	}
	for i := range s.Panels {
		if err := s.Panels[i].check(len(s.Panels[0].Histograms)); err != nil {
			return nil, fmt.Errorf("plot: shape %d (%q): %w", i+1, s.Panels[i].Label, err)
		}
	}
	width, across, high := loneShape, 1, loneHeight
	if n > 1 {
		across, high = min(n, 4), shapeHeight
		width = shapesWidth * float64(across) / 4
	}
	rows := (n + across - 1) / across
	cell := box{0, 0, width / float64(across), high + xRoom + cellSize + 3*gap}
	legend := s.legend()
	foot := legend.height(width-2*margin) + 2*gap
	height := float64(rows)*cell.y1 + foot
	return &Picture{width, height, s.Alt, func(c *canvas) {
		legend.draw(c, point{margin, height - gap}, width-2*margin)
		for i := range s.Panels {
			x, y := float64(i%across)*cell.x1, height-foot-float64(i/across+1)*cell.y1
			s.Panels[i].draw(c, box{x, y, x + cell.x1, y + cell.y1})
		}
	}}, nil
}

func (q *Shape) check(n int) error {
	if len(q.Histograms) != n || n < 1 || n > maxStyles+1 {
		return fmt.Errorf("%d histograms, of %d in the first panel: there must be 1 to %d", len(q.Histograms), n, maxStyles+1)
	}
	for i := range q.Histograms {
		h := &q.Histograms[i]
		if err := h.check(); err != nil {
			return fmt.Errorf("histogram %d: %w", i+1, err)
		}
		if !slices.Equal(h.Edges, q.Histograms[0].Edges) {
			return fmt.Errorf("histogram %d: its edges are not those of the first", i+1)
		}
		if q.Log && h.Edges[0] <= 0 {
			return fmt.Errorf("a logarithmic axis cannot begin at %g", h.Edges[0])
		}
		if slices.ContainsFunc(q.bars(h).y, func(y float64) bool { return !finite(y) }) {
			return fmt.Errorf("histogram %d overflows at an area of 1", i+1)
		}
	}
	return nil
}

// bars have an area of the share inside of the edges, the whole axis being of length 1; they are flat where there is no sum to share.
func (q *Shape) bars(h *Histogram) bars {
	edges := h.Edges
	x := axis{min: edges[0], max: edges[len(edges)-1], log: q.Log}
	b := bars{edges, make([]float64, len(h.SumW)), make([]float64, len(h.SumW))}
	sum := h.sum()
	if !(sum > 0) {
		return b
	}
	for i, w := range h.SumW {
		scale := 1 / sum / (x.fraction(edges[i+1]) - x.fraction(edges[i]))
		b.y[i], b.sigma[i] = w*scale, math.Sqrt(max(h.variance(i), 0))*scale
	}
	return b
}

func (q *Shape) draw(c *canvas, cell box) {
	all := make([]bars, len(q.Histograms))
	for i := range all {
		all[i] = q.bars(&q.Histograms[i])
	}
	edges := q.Histograms[0].Edges
	f := frame{c, box{cell.x0 + margin, cell.y0 + xRoom + gap, cell.x1 - margin, cell.y1 - cellSize - gap},
		newXAxis(edges[0], edges[len(edges)-1], q.Log, cell.width()*0.75, q.Label), contentAxis(q.Vertical, map[bool]string{true: "Events, to the same area"}[cell.width() == loneShape], all...)}
	f.x.unit = q.Unit
	if !f.y.log {
		f.y.ticks = nil // shares of a length say nothing
	}
	left := leftMargin(&f.y)
	f.x0 = cell.x0 + max(left, margin)
	f.overlay(all[0], all[1:])
	for _, at := range q.Marks {
		f.mark(at, 0, false)
	}
	f.drawAxes(true, left)
	if outside := q.outside(); outside != "" {
		c.text(text{size: cellSize, colour: faint, x: 1, room: f.width()}, point{f.x1, f.y1 + 2}, outside)
	}
}

// outside says the share of each histogram that is not drawn.
func (q *Shape) outside() (said string) {
	any := false
	for i := range q.Histograms {
		h := &q.Histograms[i]
		share := (h.Under + h.Over) / h.sum()
		if any = any || share != 0 && finite(share); !finite(share) {
			share = 0
		}
		said += " / " + percent(share)
	}
	if !any {
		return ""
	}
	return said[len(" / "):] + " outside"
}

func (s *Shapes) legend() (l legend) {
	for i := range s.Panels[0].Histograms {
		h := &s.Panels[0].Histograms[i]
		e := entry{text: cmp.Or(h.Name, "Reference"), style: style{colour: grey}, box: true}
		if i > 0 {
			e = entry{text: cmp.Or(h.Name, "Generated"), style: styleOf(i - 1)}
		}
		if h.Events > 0 {
			e.text += ", " + grouped(h.Events) + " events"
		}
		l = append(l, e)
	}
	if s.Marked != "" {
		l = append(l, entry{text: s.Marked, style: markStyle})
	}
	return l
}
