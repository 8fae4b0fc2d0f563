package plot

import (
	"errors"
	"fmt"
	"math"
)

// Oversampling shows a histogram of draws of which each conditioning event has many, over the events themselves, with the errors of its
// bins: the right ones, which the number of events sets, and those that the square root of the number of draws would give. Below are both as shares of
// the contents.
type Oversampling struct {
	Label, Unit string
	Draws       int // of each event, for the legend; 0 is left out
	Edges       []float64
	Log         bool // along a logarithmic axis: the edges are positive
	// Shares of all events in the bins, with their errors; nil for none.
	Reference, ReferenceError []float64
	// Shares of all draws, and the errors.
	Generated, Error, Naive []float64
	Vertical                Scale // of the shares
}

// Picture draws the histograms, or says which field does not fit the others.
func (o *Oversampling) Picture() (*Picture, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("plot: oversampling of %q: %w", o.Label, err)
	}
	extra := max(o.legend().height(overlayWidth)-usualRows*(smallSize+gap), 0)
	height := overlayHeight + extra
	return &Picture{overlayWidth, height, "Errors of the bins of " + o.Label + " with many draws of each event", func(c *canvas) { o.draw(c, height) }}, nil
}

func (o *Oversampling) check() error {
	n := len(o.Generated)
	if err := (&Histogram{Edges: o.Edges, SumW: o.Generated}).check(); err != nil {
		return err
	}
	if o.Log && o.Edges[0] <= 0 {
		return fmt.Errorf("a logarithmic axis cannot begin at %g", o.Edges[0])
	}
	if len(o.Reference) != len(o.ReferenceError) || o.Reference != nil && len(o.Reference) != n || len(o.Error) != n || len(o.Naive) != n {
		return fmt.Errorf("%d shares, %d and %d errors of them; %d of the reference, %d errors", n, len(o.Error), len(o.Naive), len(o.Reference), len(o.ReferenceError))
	}
	for _, field := range [][]float64{o.Reference, o.ReferenceError, o.Error, o.Naive} {
		for i, v := range field {
			if !finite(v) {
				return fmt.Errorf("%g in bin %d", v, i)
			}
		}
	}
	for i := range n {
		if o.Error[i] < 0 || o.Naive[i] < 0 || o.ReferenceError != nil && o.ReferenceError[i] < 0 {
			return errors.New("a negative error")
		}
	}
	return nil
}

func (o *Oversampling) draw(c *canvas, height float64) {
	n := len(o.Generated)
	ref, gen, naive := bars{o.Edges, o.Reference, o.ReferenceError}, bars{o.Edges, o.Generated, o.Error}, bars{o.Edges, o.Generated, o.Naive}
	if ref.y == nil {
		ref.y, ref.sigma = make([]float64, n), make([]float64, n)
	}
	x := newXAxis(o.Edges[0], o.Edges[n], o.Log, overlayWidth*0.85, o.Label)
	x.unit = o.Unit
	y := contentAxis(o.Vertical, "Share / bin", ref, gen)
	relative := [2]Curve{{X: o.Edges}, {X: o.Edges}}
	for i, v := range o.Generated {
		for k, e := range [2]float64{o.Error[i], o.Naive[i]} {
			relative[k].Y = append(relative[k].Y, map[bool]float64{true: e / v, false: math.NaN()}[v > 0 && e > 0])
		}
	}
	lo, hi, log := (&Axis{Scale: Logarithmic}).span(append(relative[0].Y, relative[1].Y...))
	if log {
		lo, hi = lo/1.5, hi*1.8 // no label stands at an end
	}
	errorAxis := newAxis(lo, hi, log, 3, "Rel. error")
	left, right := leftMargin(&y, &errorAxis), x.rightMargin()
	legend := o.legend()
	below := frame{c, box{left, xRoom + gap, overlayWidth - right, xRoom + gap + ratioHeight}, x, errorAxis}
	main := frame{c, box{left, below.y1 + 1.5*gap, below.x1, height - legend.height(overlayWidth-left-margin/2) - gap}, x, y}
	legend.draw(c, point{left, height - gap/2}, overlayWidth-left-margin/2)
	main.overlay(ref, []bars{gen})
	main.stroke(main.errorLines(naive, 0.5), styleOf(1).colour, 2*lineWidth)
	main.drawAxes(false, left)
	for k := range relative {
		relative[k].drawLine(&below, styleOf(k))
	}
	below.drawAxes(true, left)
}

func (o *Oversampling) legend() (l legend) {
	if o.Reference != nil {
		l = append(l, entry{text: "Events", style: style{colour: grey}, box: true})
	}
	draws := "Draws"
	if o.Draws > 0 {
		draws = grouped(o.Draws) + " draws of each"
	}
	return append(l, entry{text: draws + ", error by the events", style: styleOf(0)}, entry{text: "error by the square root of the draws", style: styleOf(1)})
}
