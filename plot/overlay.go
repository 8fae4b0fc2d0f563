package plot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Overlay compares a column of one or several generated samples with the same column of reference events: all
// histograms, and the ratio of each to the reference below, where the band is the reference's error. Where the sums
// of weights differ, a generated one is scaled to the reference's, and the legend says by how much. What lies outside of
// the edges of the bins, and so of the picture, is in the legend too.
type Overlay struct {
	Label, Unit string // of the column
	Reference   Histogram
	// Generated are 1 to 12 samples in the reference's bins. Names that are empty stand for "Reference" and "Generated".
	Generated []Histogram
	// Log draws the column on a logarithmic axis: the edges are positive.
	Log bool
	// Width is how much of the column, or with Log how many decades of it, the heights are for, whatever the width of their bins;
	// 0 stands for that of all bins, or for one unit where they differ.
	Width float64
	// Apart are values of many events that are drawn beside the histograms, whose fields of that name have their contents.
	Apart []float64
	// Vertical is the scale of the contents. By the data it is logarithmic where they span more than a factor of 100.
	Vertical Scale
	// Absolute says that the numbers of events matter: no generated sample is scaled to the reference's.
	Absolute bool
	Ratio    string // what the axis of the ratio is called, default "Gen. / Ref."
}

// Scale is how an axis divides its length.
type Scale int

const (
	ByData      Scale = iota // whichever of the others shows more
	Linear                   //
	Logarithmic              // linear nevertheless where nothing is positive
)

// Picture draws the overlay, or says which histogram is not one.
func (o *Overlay) Picture() (*Picture, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("plot: overlay of %q: %w", o.Label, err)
	}
	alt := "Histogram of " + o.Label + ": reference and generated events, and their ratio below"
	extra := max(o.legend().height(overlayWidth)-usualRows*(smallSize+gap), 0)
	height := overlayHeight + extra
	return &Picture{overlayWidth, height, alt, func(c *canvas) { o.draw(c, height) }}, nil
}

func (o *Overlay) check() error {
	n := len(o.Generated)
	if n < 1 || n > maxStyles {
		return fmt.Errorf("%d generated histograms: there must be 1 to %d", n, maxStyles)
	}
	if err := o.checkHistogram(&o.Reference); err != nil {
		return fmt.Errorf("reference histogram: %w", err)
	}
	if low := o.Reference.Edges[0]; o.Log && low <= 0 {
		return fmt.Errorf("a logarithmic axis cannot begin at %g", low)
	}
	for i := range o.Generated {
		if err := o.checkHistogram(&o.Generated[i]); err != nil {
			which := ""
			if n > 1 {
				which = fmt.Sprintf(" %d", i+1)
			}
			return fmt.Errorf("generated histogram%s: %w", which, err)
		}
	}
	return nil
}

func (o *Overlay) checkHistogram(h *Histogram) error {
	if err := h.check(); err != nil {
		return err
	}
	if len(h.Apart) != len(o.Apart) {
		return fmt.Errorf("contents of %d values apart, of which there are %d", len(h.Apart), len(o.Apart))
	}
	if !slices.Equal(o.Reference.Edges, h.Edges) {
		return errors.New("its edges are not the reference's")
	}
	if i := slices.IndexFunc(o.bars(h, o.scale(h)).y, func(y float64) bool { return math.IsInf(y, 0) }); i >= 0 {
		return fmt.Errorf("bin %d overflows at the reference's scale", i)
	}
	return nil
}

const (
	overlayWidth  = 320.0
	overlayHeight = 300.0 // with a legend of usualRows rows; every other one adds to it
	usualRows     = 2
	ratioHeight   = 66.0
	leastSlot     = 16.0 // of a value drawn apart
)

func (o *Overlay) draw(c *canvas, height float64) {
	ref, gen := o.allBars()
	ratios := ratiosOf(gen, ref)

	slot := o.slot()
	xAxis := o.xAxis(overlayWidth*0.85 - slot*float64(len(o.Apart)))
	yAxis := contentAxis(o.Vertical, o.contentLabel(), append(gen, ref)...)
	rAxis := ratioAxis(ratios, cmp.Or(o.Ratio, "Gen. / Ref."))
	left, right := leftMargin(&yAxis, &rAxis), xAxis.rightMargin()

	legend := o.legend()
	low := box{left, xRoom + gap, overlayWidth - right, xRoom + gap + ratioHeight}
	high := box{left, low.y1 + 1.5*gap, low.x1, height - legend.height(overlayWidth-left-margin/2) - gap}
	legend.draw(c, point{left, height - gap/2}, overlayWidth-left-margin/2)
	if len(o.Apart) > 0 {
		low.x1 = overlayWidth - margin/2 - slot*float64(len(o.Apart)) - right - gap
		high.x1 = low.x1
		rest := box{low.x1 + right + gap, low.y0, overlayWidth - margin/2, low.y1}
		o.drawApart(frame{canvas: c, box: box{rest.x0, high.y0, rest.x1, high.y1}}, frame{canvas: c, box: rest, y: rAxis})
	}

	c.plane = &plane{box{high.x0, low.y0, high.x1, high.y1}, xAxis}
	main := frame{c, high, xAxis, yAxis}
	main.overlay(ref, gen)
	main.drawAxes(false, left)

	below := frame{c, low, xAxis, rAxis}
	below.ratios(ratios)
	below.drawAxes(true, left)
}

// allBars are the reference's and, scaled to it, those of the generated samples.
func (o *Overlay) allBars() (ref bars, gen []bars) {
	for i := range o.Generated {
		gen = append(gen, o.bars(&o.Generated[i], o.scale(&o.Generated[i])))
	}
	return o.bars(&o.Reference, 1), gen
}

// overlay draws the reference filled, and the generated bars as lines, the first on top; the errors of several stand side by side.
func (f *frame) overlay(ref bars, gen []bars) {
	f.fill(f.area(ref), grey)
	f.fill(f.bands(ref), greyBand)
	f.stroke(f.steps(ref), greyEdge, errorWidth)
	for i := range slices.Backward(gen) {
		s := styleOf(i)
		f.stroke(f.errorLines(gen[i], float64(i+1)/float64(len(gen)+1)), s.colour, errorWidth/math.Sqrt(float64(len(gen))))
		f.stroke(f.steps(gen[i]), s.colour, lineWidth, s.dashes...)
	}
}

// slot is the width of a value drawn apart, which holds its label.
func (o *Overlay) slot() float64 {
	slot := leastSlot
	for _, v := range o.Apart {
		slot = max(slot, textWidth(smallSize, valueLabel(v))+gap)
	}
	return slot
}

// drawApart draws a bar for each value, on a scale of their own, and its ratio below.
func (o *Overlay) drawApart(main, below frame) {
	x := axis{max: float64(len(o.Apart))}
	for i, v := range o.Apart {
		x.ticks = append(x.ticks, tick{at: float64(i) + 0.5, label: valueLabel(v)})
	}
	ref, gen := o.Reference.barsApart(1), make([]bars, len(o.Generated))
	for i := range gen {
		gen[i] = o.Generated[i].barsApart(o.scale(&o.Generated[i]))
	}
	main.x, main.y = x, contentAxis(Linear, "", append(gen, ref)...)
	main.y.ticks = nil
	main.overlay(ref, gen)
	main.drawAxes(false, 0)
	below.x, below.y.label, below.y.ticks = x, "", nil
	below.ratios(ratiosOf(gen, ref))
	below.drawAxes(true, 0)
}

// barsApart are those of the values apart, each of width 1.
func (h *Histogram) barsApart(scale float64) bars {
	b := bars{edges: []float64{0}}
	for i, w := range h.Apart {
		b.edges = append(b.edges, float64(i)+1)
		b.y, b.sigma = append(b.y, w*scale), append(b.sigma, math.Sqrt(max(variance(h.Apart, h.Apart2, i), 0))*math.Abs(scale))
	}
	return b
}

func valueLabel(v float64) string {
	digits := 4
	if v == math.Trunc(v) {
		digits = 6
	}
	return minus(strconv.FormatFloat(v, 'g', digits, 64))
}

// scale brings the sum of weights of a generated histogram to the reference's.
func (o *Overlay) scale(h *Histogram) float64 {
	ref, gen := o.Reference.sum(), h.sum()
	if o.Absolute || !(ref > 0 && gen > 0) || math.Abs(ref/gen-1) < 1e-9 {
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
	if o.Reference.weighted() || slices.ContainsFunc(o.Generated, func(h Histogram) bool { return h.weighted() }) {
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
	if o.check() != nil {
		return false
	}
	ref, gen := o.allBars()
	return contentAxis(o.Vertical, "", append(gen, ref)...).log
}

// contentAxis spans histograms with their errors. A logarithmic one does not follow bins that hold far less than an
// event of usual weight.
func contentAxis(scale Scale, label string, all ...bars) axis {
	low, high, positive, usual := 0.0, 0.0, math.Inf(1), math.Inf(1)
	for _, b := range all {
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
	if scale == ByData && high/positive > 100 || scale == Logarithmic && finite(positive) {
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

func (o *Overlay) legend() legend {
	l := legend{{text: o.Reference.said("Reference"), style: style{colour: grey}, box: true}}
	for i := range o.Generated {
		h := &o.Generated[i]
		said := h.said("Generated")
		times := strconv.FormatFloat(o.scale(h), 'g', 3, 64)
		if o.scale(h) >= 1000 {
			times = strconv.FormatFloat(o.scale(h), 'f', 0, 64)
		}
		if times != "1" {
			said += " × " + times
		}
		l = append(l, entry{text: said, style: styleOf(i)})
	}
	for i, v := range o.Apart {
		s := valueLabel(v) + ": " + percent(o.Reference.Apart[i]/o.Reference.sum())
		for k := range o.Generated {
			s += " / " + percent(o.Generated[k].Apart[i]/o.Generated[k].sum())
		}
		if i%2 == 1 && len(o.Generated) == 1 {
			l[len(l)-1].text += "; " + s
		} else {
			l = append(l, entry{text: s, plain: true})
		}
	}
	return l
}

// said is a legend of the histogram, with what lies outside of its edges: a count, or the share in the sum of all weights.
func (h *Histogram) said(otherwise string) string {
	name := cmp.Or(h.Name, otherwise)
	if h.Events > 0 {
		name += ", " + grouped(h.Events) + " events"
	}
	switch outside := h.Under + h.Over; {
	case outside == 0:
	case h.weighted():
		name += " (" + percent(outside/h.sum()) + " outside)"
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
