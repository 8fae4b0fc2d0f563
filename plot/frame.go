package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// frame is a box with two axes. Its canvas is the inside of the box.
type frame struct {
	c    draw.Canvas
	x, y axis
}

func (f *frame) point(x, y float64) vg.Point {
	return vg.Point{X: f.c.X(f.x.at(x)), Y: f.c.Y(f.y.at(y))}
}

func (f *frame) width() vg.Length { return f.c.Max.X - f.c.Min.X }

// leftMargin is the room that the tick labels of vertical axes and the axes' labels need.
func leftMargin(axes ...*axis) vg.Length {
	widest, label := vg.Length(0), vg.Length(0)
	for _, a := range axes {
		for _, t := range a.ticks {
			widest = max(widest, t.width())
		}
		if a.label != "" {
			label = fontSize + gap
		}
	}
	return widest + label + gap
}

// rightMargin is the room beside a frame for the half of the last tick label of x.
func (a *axis) rightMargin() vg.Length {
	room := margin / 2
	for _, t := range a.ticks {
		if a.at(t.at) > 0.95 {
			room = max(room, t.width()/2+1)
		}
	}
	return room
}

func (t tick) width() vg.Length {
	return textWidth(smallSize, t.label) + textWidth(supSize, t.sup)
}

const supSize = smallSize * 0.72

// drawTick writes a tick's label, aligned like textStyle.
func drawTick(c draw.Canvas, t tick, at vg.Point, x, y float64) {
	left := at.X - t.width()*vg.Length(x)
	style := textStyle(smallSize, ink, 0, y)
	c.FillText(style, vg.Point{X: left, Y: at.Y}, t.label)
	if t.sup != "" {
		raised := vg.Point{X: left + textWidth(smallSize, t.label), Y: at.Y + smallSize*vg.Length(0.69-0.54*y)}
		c.FillText(textStyle(supSize, ink, 0, y), raised, t.sup)
	}
}

// drawAxes draws the box, ticks inside on four sides, and labels: x at the right end, y at the top,
// as the field does. The labels of x are left out where another frame with the same axis stands below.
// The label of y stands left by the margin that leftMargin gave.
func (f *frame) drawAxes(labelX bool, left vg.Length) {
	c := f.c
	var path vg.Path
	line := func(x0, y0, x1, y1 vg.Length) {
		path.Move(vg.Point{X: x0, Y: y0})
		path.Line(vg.Point{X: x1, Y: y1})
	}
	for _, t := range f.x.ticks {
		x, n := c.X(f.x.at(t.at)), tickLength(t)
		line(x, c.Min.Y, x, c.Min.Y+n)
		line(x, c.Max.Y, x, c.Max.Y-n)
		if labelX && t.major() {
			drawTick(c, t, vg.Point{X: x, Y: c.Min.Y - gap}, 0.5, 1)
		}
	}
	for _, t := range f.y.ticks {
		y, n := c.Y(f.y.at(t.at)), tickLength(t)
		line(c.Min.X, y, c.Min.X+n, y)
		line(c.Max.X, y, c.Max.X-n, y)
		if t.major() {
			drawTick(c, t, vg.Point{X: c.Min.X - gap, Y: y}, 1, 0.5)
		}
	}
	path.Move(c.Min)
	path.Line(vg.Point{X: c.Max.X, Y: c.Min.Y})
	path.Line(c.Max)
	path.Line(vg.Point{X: c.Min.X, Y: c.Max.Y})
	path.Close()
	stroke(c, path, ink, frameWidth)
	if labelX {
		at := vg.Point{X: c.Max.X, Y: c.Min.Y - xTickRoom}
		c.FillText(textStyle(fontSize, ink, 1, 1), at, f.x.fitted(f.width()+margin))
	}
	f.drawYLabel(left)
}

const (
	xTickRoom = gap + smallSize + 3        // below a frame, for the tick labels of x
	xRoom     = xTickRoom + fontSize + gap // and for its label
)

func (f *frame) drawYLabel(left vg.Length) {
	if f.y.label == "" {
		return
	}
	style := textStyle(fontSize, ink, 1, 1)
	style.Rotation = math.Pi / 2
	at := vg.Point{X: f.c.Min.X - left, Y: f.c.Max.Y}
	f.c.FillText(style, at, f.y.fitted(f.c.Max.Y-f.c.Min.Y))
}

// fitted is the axis' label with its unit, cut to width in the label.
func (a *axis) fitted(width vg.Length) string {
	if a.unit == "" {
		return fit(a.label, fontSize, width)
	}
	unit := " [" + fit(a.unit, fontSize, width/2) + "]"
	return fit(a.label, fontSize, width-textWidth(fontSize, unit)) + unit
}

func tickLength(t tick) vg.Length {
	if t.major() {
		return majorTick
	}
	return minorTick
}

func stroke(c draw.Canvas, p vg.Path, col color.Color, width vg.Length, dashes ...vg.Length) {
	if len(p) == 0 {
		return
	}
	c.SetLineStyle(draw.LineStyle{Color: col, Width: width, Dashes: dashes})
	c.Stroke(p)
}

func fill(c draw.Canvas, p vg.Path, col color.Color) {
	if len(p) == 0 {
		return
	}
	c.SetColor(col)
	c.Fill(p)
}

// rectangle appends a box to a path, so that many boxes are one element of the SVG.
func rectangle(p *vg.Path, x0, y0, x1, y1 vg.Length) {
	p.Move(vg.Point{X: x0, Y: y0})
	p.Line(vg.Point{X: x1, Y: y0})
	p.Line(vg.Point{X: x1, Y: y1})
	p.Line(vg.Point{X: x0, Y: y1})
	p.Close()
}

// polyline is a curve, with gaps where y is not finite, cut off at the frame.
func (f *frame) polyline(xs, ys []float64) vg.Path {
	var runs [][]vg.Point
	down := false
	for i, y := range ys {
		fy := f.y.fraction(y)
		if math.IsNaN(fy) || math.IsInf(fy, 0) {
			down = false
			continue
		}
		if !down {
			runs = append(runs, nil)
		}
		k := len(runs) - 1
		runs[k] = append(runs[k], vg.Point{X: f.c.X(f.x.fraction(xs[i])), Y: f.c.Y(fy)})
		down = true
	}
	var p vg.Path
	for _, run := range f.c.ClipLinesXY(runs...) {
		p.Move(run[0])
		for _, at := range run[1:] {
			p.Line(at)
		}
	}
	return p
}
