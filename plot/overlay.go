package plot

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
)

// Overlay compares a column of generated events with the same column of reference events: both
// histograms, and their ratio below. Where the sums of weights differ, the generated one is scaled to the
// reference's, and the legend says by how much.
type Overlay struct {
	Label, Unit          string // of the column
	Reference, Generated Histogram
	// Log draws the column on a logarithmic axis: the edges are positive.
	Log bool
	// Width is how much of the column, or with Log how many decades of it, the heights are for, whatever the width of their bins;
	// 0 stands for that of all bins, or for one unit where they differ.
	Width float64
	// Apart are values of many events that are drawn beside the histograms, which hold the others.
	Apart []Apart
	// Names in the legend; "" stands for "Reference" and "Generated".
	ReferenceName, GeneratedName string
	Vertical                     Scale // of the contents
}

// Scale is that of an axis.
type Scale int

const (
	ByContents  Scale = iota // logarithmic where the contents span more than a factor of 100
	Linear                   // even
	Logarithmic              // wherever there are contents above 0
)

// Apart is a single value, with the sum of the weights of the events that have it, and of their squares, on both sides.
type Apart struct {
	Value                                        float64
	Reference, Reference2, Generated, Generated2 float64
}

// Picture draws the overlay, or says which histogram is not one.
func (o *Overlay) Picture() (*Picture, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("plot: overlay of %q: %w", o.Label, err)
	}
	alt := "Histogram of " + o.Label + ": reference and generated events, and their ratio below"
	return &Picture{overlayWidth, overlayHeight, alt, o.draw}, nil
}

func (o *Overlay) check() error {
	if err := o.Reference.check(); err != nil {
		return fmt.Errorf("reference histogram: %w", err)
	}
	if err := o.Generated.check(); err != nil {
		return fmt.Errorf("generated histogram: %w", err)
	}
	if !slices.Equal(o.Reference.Edges, o.Generated.Edges) {
		return errors.New("the two histograms have different edges")
	}
	if low := o.Reference.Edges[0]; o.Log && low <= 0 {
		return fmt.Errorf("a logarithmic axis cannot begin at %g", low)
	}
	if i := slices.IndexFunc(o.bars(&o.Generated, o.scale()).y, func(y float64) bool { return math.IsInf(y, 0) }); i >= 0 {
		return fmt.Errorf("bin %d of the generated histogram overflows at the reference's scale", i)
	}
	return nil
}

const (
	overlayWidth  = 320.0
	overlayHeight = 300.0
	ratioHeight   = 66.0
	leastSlot     = 16.0 // of a value drawn apart
)

func (o *Overlay) draw(c *canvas) {
	scale := o.scale()
	ref, gen := o.bars(&o.Reference, 1), o.bars(&o.Generated, scale)
	ratio := ratioOf(gen, ref)

	slot := o.slot()
	xAxis := o.xAxis(overlayWidth*0.85 - slot*float64(len(o.Apart)))
	yAxis := o.yAxis(ref, gen)
	rAxis := ratio.axis()
	left, right := leftMargin(&yAxis, &rAxis), xAxis.rightMargin()

	legend := o.legend(scale)
	legendHeight := legend.height(overlayWidth - left - margin/2)
	low := box{left, xRoom + gap, overlayWidth - right, xRoom + gap + ratioHeight}
	high := box{left, low.y1 + 1.5*gap, low.x1, overlayHeight - legendHeight - gap}
	legend.draw(c, point{left, overlayHeight - gap/2}, overlayWidth-left-margin/2)
	if len(o.Apart) > 0 {
		low.x1 = overlayWidth - margin/2 - slot*float64(len(o.Apart)) - right
		high.x1 = low.x1
		rest := box{low.x1 + right, low.y0, overlayWidth - margin/2, low.y1}
		o.drawApart(frame{canvas: c, box: box{rest.x0, high.y0, rest.x1, high.y1}}, frame{canvas: c, box: rest, y: rAxis}, scale)
	}

	c.plane = &plane{box{high.x0, low.y0, high.x1, high.y1}, xAxis}
	main := frame{c, high, xAxis, yAxis}
	main.overlay(ref, gen)
	main.drawAxes(false, left)

	below := frame{c, low, xAxis, rAxis}
	ratio.draw(&below)
	below.drawAxes(true, left)
}

// overlay draws the reference filled, and the generated bars as a line.
func (f *frame) overlay(ref, gen bars) {
	f.fill(f.area(ref), grey)
	f.fill(f.bands(ref), greyBand)
	f.stroke(f.steps(ref), greyEdge, errorWidth)
	f.stroke(f.errorLines(gen), vermilion, errorWidth)
	f.stroke(f.steps(gen), vermilion, lineWidth)
}

// slot is the width of a value drawn apart, which holds its label.
func (o *Overlay) slot() float64 {
	slot := leastSlot
	for _, a := range o.Apart {
		slot = max(slot, textWidth(smallSize, a.label())+gap)
	}
	return slot
}

// drawApart draws a bar for each value, on a scale of their own, and its ratio below.
func (o *Overlay) drawApart(main, below frame, scale float64) {
	ref, gen := bars{edges: []float64{0}}, bars{}
	x := axis{max: float64(len(o.Apart))}
	for i, a := range o.Apart {
		x.ticks = append(x.ticks, tick{at: float64(i) + 0.5, label: a.label()})
		ref.edges = append(ref.edges, float64(i)+1)
		ref.y, ref.sigma = append(ref.y, a.Reference), append(ref.sigma, math.Sqrt(a.Reference2))
		gen.y, gen.sigma = append(gen.y, a.Generated*scale), append(gen.sigma, math.Sqrt(a.Generated2)*scale)
	}
	gen.edges = ref.edges
	main.x, main.y = x, contentAxis(ref, gen, true, "")
	main.y.ticks = nil
	main.overlay(ref, gen)
	main.drawAxes(false, 0)
	ratio := ratioOf(gen, ref)
	below.x, below.y.label, below.y.ticks = x, "", nil
	ratio.draw(&below)
	below.drawAxes(true, 0)
}

func (a *Apart) label() string {
	digits := 4
	if a.Value == math.Trunc(a.Value) {
		digits = 6
	}
	return minus(strconv.FormatFloat(a.Value, 'g', digits, 64))
}

// sums are those of all weights, of the values apart too.
func (o *Overlay) sums() (ref, gen float64) {
	ref, gen = o.Reference.sum(), o.Generated.sum()
	for _, a := range o.Apart {
		ref, gen = ref+a.Reference, gen+a.Generated
	}
	return ref, gen
}

// scale brings the generated sum of weights to the reference's.
func (o *Overlay) scale() float64 {
	ref, gen := o.sums()
	if !(ref > 0 && gen > 0) || math.Abs(ref/gen-1) < 1e-9 {
		return 1
	}
	return ref / gen
}

// width is how much of the axis the heights are for, and whether it is that of the bins or was asked for.
func (o *Overlay) width() (width float64, round bool) {
	if o.Width > 0 {
		return o.Width, true
	}
	if width, round = o.Reference.uniform(); round && !o.Log {
		return width, true
	}
	return 1, false
}

// bars scales the contents of a histogram, to the common width.
func (o *Overlay) bars(h *Histogram, scale float64) bars {
	width, _ := o.width()
	b := bars{h.Edges, make([]float64, len(h.SumW)), make([]float64, len(h.SumW))}
	for i, w := range h.SumW {
		of := h.Edges[i+1] - h.Edges[i]
		if o.Log {
			of = math.Log10(h.Edges[i+1] / h.Edges[i])
		}
		s := scale * width / of
		b.y[i] = w * s
		b.sigma[i] = math.Sqrt(max(h.variance(i), 0)) * math.Abs(s)
	}
	return b
}

// contentLabel says what the heights are: "Events / 0.05 TeV", sums of weights, or events a unit for bins of several widths.
func (o *Overlay) contentLabel() string {
	what, unit := "Events", o.Unit
	if o.Reference.weighted() || o.Generated.weighted() {
		what = "Sum of weights"
	}
	width, round := o.width()
	if o.Log {
		if unit = "decades"; width == 1 {
			return what + " / decade"
		}
	} else if !round {
		return what + " / " + cmp.Or(unit, "unit")
	}
	per := strconv.FormatFloat(width, 'g', 3, 64)
	if unit != "" {
		per += " " + unit
	}
	return what + " / " + per
}

func (o *Overlay) xAxis(width float64) axis {
	edges := o.Reference.Edges
	a := newXAxis(edges[0], edges[len(edges)-1], o.Log, width, o.Label)
	a.unit = o.Unit
	return a
}

// Steep tells whether Picture has a logarithmic vertical axis.
func (o *Overlay) Steep() bool {
	return o.check() == nil && o.yAxis(o.bars(&o.Reference, 1), o.bars(&o.Generated, o.scale())).log
}

func (o *Overlay) yAxis(ref, gen bars) axis {
	if o.Vertical == Logarithmic {
		return contentAxisFrom(1, ref, gen, o.contentLabel())
	}
	return contentAxis(ref, gen, o.Vertical == Linear, o.contentLabel())
}

func contentAxis(ref, gen bars, linear bool, label string) axis {
	if linear {
		return contentAxisFrom(math.Inf(1), ref, gen, label)
	}
	return contentAxisFrom(100, ref, gen, label)
}

// contentAxisFrom spans both histograms with their errors, on a logarithmic scale where the contents span more than a factor. That does not
// follow bins that hold far less than an event of usual weight.
func contentAxisFrom(factor float64, ref, gen bars, label string) axis {
	low, high, positive, usual := 0.0, 0.0, math.Inf(1), math.Inf(1)
	for _, b := range []bars{ref, gen} {
		sum, squares := 0.0, 0.0
		for i, y := range b.y {
			high = max(high, y+b.sigma[i])
			if y < 0 {
				low = min(low, y-b.sigma[i])
			}
			if y > 0 {
				positive = min(positive, y)
			}
			sum, squares = sum+y, squares+b.sigma[i]*b.sigma[i]
		}
		if sum > 0 && squares > 0 {
			usual = min(usual, squares/sum)
		}
	}
	if high == 0 {
		high = 1
	}
	if high/positive >= factor && finite(positive) && finite(factor) {
		if finite(usual) {
			positive = max(positive, min(usual, high/100)/5)
		}
		lo := max(positive/2, high*1e-7)
		if high/lo < 100 { // less than two labels
			lo = math.Pow(10, math.Floor(math.Log10(lo)))
			high = max(high, 12*lo)
		}
		return newAxis(lo, high*math.Pow(high/lo, 0.06), true, 8, label)
	}
	return newAxis(low*1.08, high*1.08, false, 5, label)
}

func (o *Overlay) legend(scale float64) legend {
	ref, gen := o.sums()
	generated := o.Generated.said(cmp.Or(o.GeneratedName, "Generated"), gen)
	if times := strconv.FormatFloat(scale, 'g', 3, 64); times != "1" {
		generated += " × " + times
	}
	l := legend{
		{text: o.Reference.said(cmp.Or(o.ReferenceName, "Reference"), ref), colour: grey, box: true},
		{text: generated, colour: vermilion},
	}
	for i, a := range o.Apart {
		s := fmt.Sprintf("%s: %s / %s", a.label(), percent(a.Reference/ref), percent(a.Generated/gen))
		if i%2 == 1 {
			l[len(l)-1].text += "; " + s
		} else {
			l = append(l, entry{text: s, plain: true})
		}
	}
	return l
}

// said is a legend of the histogram, with what lies outside of its edges: a count, or the share in the sum of all weights.
func (h *Histogram) said(name string, sum float64) string {
	if h.Events > 0 {
		name += ", " + grouped(h.Events) + " events"
	}
	switch outside := h.Under + h.Over; {
	case outside == 0:
	case h.weighted():
		name += " (" + percent(outside/sum) + " outside)"
	default:
		name += " (" + grouped(int(outside)) + " outside)"
	}
	return name
}

func percent(share float64) string {
	if share > 0 && share < 1e-5 {
		return "< 0.001 %"
	}
	return minus(strconv.FormatFloat(100*share, 'g', 3, 64)) + " %"
}

// grouped writes a count with commas.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// legend stands above a frame: in one row if it fits, else a row an entry.
type legend []entry

type entry struct {
	text       string
	colour     color.RGBA
	box, plain bool // a filled box, or nothing, rather than a line
	dashes     []float64
}

const legendKey = 18.0

func (e entry) width() float64 { return legendKey + gap + textWidth(smallSize, e.text) }

func (l legend) oneRow(width float64) bool {
	need := -4 * gap
	for _, e := range l {
		need += e.width() + 4*gap
	}
	return need <= width
}

func (l legend) height(width float64) float64 {
	if l.oneRow(width) {
		return smallSize + gap
	}
	return float64(len(l)) * (smallSize + gap)
}

// draw starts at the upper left corner.
func (l legend) draw(c *canvas, at point, width float64) {
	row := l.oneRow(width)
	x, y := at.x, at.y-smallSize/2
	for _, e := range l {
		var p path
		switch {
		case e.box:
			p.rectangle(box{x, y - smallSize*0.35, x + legendKey, y + smallSize*0.4})
			c.fill(p, e.colour)
			c.stroke(p, greyEdge, errorWidth)
		case !e.plain:
			p.segment(x, y, x+legendKey, y)
			c.stroke(p, e.colour, lineWidth, e.dashes...)
		}
		c.text(text{size: smallSize, colour: ink, y: 0.5, room: width - legendKey - gap}, point{x + legendKey + gap, y}, e.text)
		if row {
			x += e.width() + 4*gap
		} else {
			y -= smallSize + gap
		}
	}
}
