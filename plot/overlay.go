package plot

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Overlay compares a column of generated events with the same column of reference events: both
// histograms, and their ratio below. Where the sums of weights differ, the generated one is scaled to the
// reference's, and the legend says by how much.
type Overlay struct {
	Label, Unit          string // of the column
	Reference, Generated Histogram
	// Names in the legend; "" stands for "Reference" and "Generated".
	ReferenceName, GeneratedName string
	// Linear keeps the vertical axis linear; otherwise it is logarithmic where the contents span more
	// than a factor of 100.
	Linear bool
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
	if i := slices.IndexFunc(o.Generated.bars(o.scale(), true).y, func(y float64) bool { return math.IsInf(y, 0) }); i >= 0 {
		return fmt.Errorf("bin %d of the generated histogram overflows at the reference's scale", i)
	}
	return nil
}

const (
	overlayWidth  = vg.Length(320)
	overlayHeight = vg.Length(300)
	ratioHeight   = vg.Length(66)
)

func (o *Overlay) draw(c draw.Canvas) {
	width, uniform := o.Reference.uniform()
	scale := o.scale()
	ref, gen := o.Reference.bars(1, !uniform), o.Generated.bars(scale, !uniform)
	ratio := ratioOf(gen, ref)

	n := len(ref.y)
	xAxis := newXAxis(ref.edges[0], ref.edges[n], overlayWidth*0.85, o.Label)
	xAxis.unit = o.Unit
	yAxis := contentAxis(ref, gen, o.Linear, o.contentLabel(width, uniform))
	rAxis := ratio.axis()
	left, right := leftMargin(&yAxis, &rAxis), xAxis.rightMargin()

	legend := o.legend(scale)
	legendHeight := legend.height(overlayWidth - left - right)
	low := draw.Crop(c, left, -right, xRoom+gap, -(overlayHeight - xRoom - gap - ratioHeight))
	high := draw.Crop(c, left, -right, xRoom+2.5*gap+ratioHeight, -legendHeight-gap)

	main := frame{high, xAxis, yAxis}
	fill(c, main.area(ref), grey)
	fill(c, main.bands(ref), greyBand)
	stroke(c, main.steps(ref), greyEdge, errorWidth)
	stroke(c, main.errorLines(gen), vermilion, errorWidth)
	stroke(c, main.steps(gen), vermilion, lineWidth)
	main.drawAxes(false, left)
	legend.draw(c, vg.Point{X: high.Min.X, Y: c.Max.Y - gap/2}, high.Max.X-high.Min.X)

	below := frame{low, xAxis, rAxis}
	ratio.draw(&below)
	below.drawAxes(true, left)
}

// scale brings the generated sum of weights to the reference's.
func (o *Overlay) scale() float64 {
	ref, gen := o.Reference.sum(), o.Generated.sum()
	if !(ref > 0 && gen > 0) || math.Abs(ref/gen-1) < 1e-9 {
		return 1
	}
	return ref / gen
}

// contentLabel says what a bin holds: "Events / 0.05 TeV", or events a unit for bins of several widths.
func (o *Overlay) contentLabel(width float64, uniform bool) string {
	per := o.Unit
	if uniform {
		per = strconv.FormatFloat(width, 'g', 3, 64)
		if o.Unit != "" {
			per += " " + o.Unit
		}
	} else if per == "" {
		return "Events / unit"
	}
	return "Events / " + per
}

// contentAxis spans both histograms with their errors.
func contentAxis(ref, gen bars, linear bool, label string) axis {
	low, high, positive := 0.0, 0.0, math.Inf(1)
	for _, b := range []bars{ref, gen} {
		for i, y := range b.y {
			high = max(high, y+b.sigma[i])
			if y < 0 {
				low = min(low, y-b.sigma[i])
			}
			if y > 0 {
				positive = min(positive, y)
			}
		}
	}
	if high == 0 {
		high = 1
	}
	if !linear && high/positive > 100 {
		lo := max(positive/2, high*1e-7)
		return newAxis(lo, high*math.Pow(high/lo, 0.06), true, 8, label)
	}
	return newAxis(low*1.08, high*1.08, false, 5, label)
}

func (o *Overlay) legend(scale float64) legend {
	text := func(name string, h *Histogram) string {
		if h.Events > 0 {
			name += ", " + grouped(h.Events) + " events"
		}
		if outside := h.Under + h.Over; outside != 0 {
			name += " (" + strconv.FormatFloat(outside, 'g', 3, 64) + " outside)"
		}
		return name
	}
	generated := text(cmp.Or(o.GeneratedName, "Generated"), &o.Generated)
	if scale != 1 {
		generated += " × " + strconv.FormatFloat(scale, 'g', 3, 64)
	}
	return legend{
		{text: text(cmp.Or(o.ReferenceName, "Reference"), &o.Reference), colour: grey, box: true},
		{text: generated, colour: vermilion},
	}
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
	text   string
	colour color.Color
	box    bool // a filled box rather than a line
	dashes []vg.Length
}

const legendKey = vg.Length(18)

func (l legend) oneRow(width vg.Length) bool {
	need := -4 * gap
	for _, e := range l {
		need += legendKey + gap + textWidth(smallSize, e.text) + 4*gap
	}
	return need <= width
}

func (l legend) height(width vg.Length) vg.Length {
	if l.oneRow(width) {
		return smallSize + gap
	}
	return vg.Length(len(l)) * (smallSize + gap)
}

// draw starts at the upper left corner.
func (l legend) draw(c draw.Canvas, at vg.Point, width vg.Length) {
	row := l.oneRow(width)
	x, y := at.X, at.Y-smallSize/2
	for _, e := range l {
		var p vg.Path
		if e.box {
			rectangle(&p, x, y-smallSize*0.35, x+legendKey, y+smallSize*0.4)
			fill(c, p, e.colour)
			stroke(c, p, greyEdge, errorWidth)
		} else {
			segment(&p, x, y, x+legendKey, y)
			stroke(c, p, e.colour, lineWidth, e.dashes...)
		}
		s := fit(e.text, smallSize, width-legendKey-gap)
		c.FillText(textStyle(smallSize, ink, 0, 0.5), vg.Point{X: x + legendKey + gap, Y: y}, s)
		if row {
			x += legendKey + gap + textWidth(smallSize, s) + 4*gap
		} else {
			y -= smallSize + gap
		}
	}
}
