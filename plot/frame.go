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
	for _, t := range f.x.ticks {
		x, n := c.X(f.x.at(t.at)), t.length()
		segment(&path, x, c.Min.Y, x, c.Min.Y+n)
		segment(&path, x, c.Max.Y, x, c.Max.Y-n)
		if labelX && t.major() {
			drawTick(c, t, vg.Point{X: x, Y: c.Min.Y - gap}, 0.5, 1)
		}
	}
	for _, t := range f.y.ticks {
		y, n := c.Y(f.y.at(t.at)), t.length()
		segment(&path, c.Min.X, y, c.Min.X+n, y)
		segment(&path, c.Max.X, y, c.Max.X-n, y)
		if t.major() {
			drawTick(c, t, vg.Point{X: c.Min.X - gap, Y: y}, 1, 0.5)
		}
	}
	rectangle(&path, c.Min.X, c.Min.Y, c.Max.X, c.Max.Y)
	stroke(c, path, ink, frameWidth)
	if labelX {
		at := vg.Point{X: c.Max.X, Y: c.Min.Y - xTickRoom}
		c.FillText(textStyle(fontSize, ink, 1, 1), at, f.x.fitted(f.width()+margin))
	}
	if f.y.label != "" {
		style := textStyle(fontSize, ink, 1, 1)
		style.Rotation = math.Pi / 2
		c.FillText(style, vg.Point{X: c.Min.X - left, Y: c.Max.Y}, f.y.fitted(c.Max.Y-c.Min.Y))
	}
}

const (
	xTickRoom = gap + smallSize + 3        // below a frame, for the tick labels of x
	xRoom     = xTickRoom + fontSize + gap // and for its label
)

// fitted is the axis' label with its unit, cut to width in the label.
func (a *axis) fitted(width vg.Length) string {
	if a.unit == "" {
		return fit(a.label, fontSize, width)
	}
	unit := " [" + fit(a.unit, fontSize, width/2) + "]"
	return fit(a.label, fontSize, width-textWidth(fontSize, unit)) + unit
}

func (t tick) length() vg.Length {
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

// segment appends a line to a path, and rectangle a box, so that many are one element of the SVG.
func segment(p *vg.Path, x0, y0, x1, y1 vg.Length) {
	p.Move(vg.Point{X: x0, Y: y0})
	p.Line(vg.Point{X: x1, Y: y1})
}

func rectangle(p *vg.Path, x0, y0, x1, y1 vg.Length) {
	segment(p, x0, y0, x1, y0)
	p.Line(vg.Point{X: x1, Y: y1})
	p.Line(vg.Point{X: x0, Y: y1})
	p.Close()
}

// outlined strokes a box about what was drawn inside.
func outlined(c draw.Canvas, box vg.Rectangle) {
	var p vg.Path
	rectangle(&p, box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
	stroke(c, p, ink, frameWidth)
}

// polyline is a curve, with gaps where y is not finite, cut off at the frame.
func (f *frame) polyline(xs, ys []float64) vg.Path {
	var runs [][]vg.Point
	down := false
	for i, y := range ys {
		fy := f.y.fraction(y)
		if !finite(fy) {
			down = false
			continue
		}
		if !down {
			runs, down = append(runs, nil), true
		}
		k := len(runs) - 1
		runs[k] = append(runs[k], vg.Point{X: f.c.X(f.x.fraction(xs[i])), Y: f.c.Y(fy)})
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
