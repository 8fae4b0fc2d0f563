package plot

// frame is a box with two axes.
type frame struct {
	*canvas
	box
	x, y axis
}

func (f *frame) point(x, y float64) point { return f.at(f.x.at(x), f.y.at(y)) }

// leftMargin is the room that the tick labels of vertical axes and the axes' labels need.
func leftMargin(axes ...*axis) float64 {
	widest, label := 0.0, 0.0
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
func (a *axis) rightMargin() float64 {
	room := margin / 2
	for _, t := range a.ticks {
		if a.at(t.at) > 0.95 {
			room = max(room, t.width()/2+1)
		}
	}
	return room
}

func (t tick) width() float64 {
	return textWidth(smallSize, t.label) + textWidth(supSize, t.sup)
}

const supSize = smallSize * 0.72

// tick writes a tick's label, aligned as text is.
func (c *canvas) tick(t tick, at point, x, y float64) {
	at.x -= t.width() * x
	c.text(text{size: smallSize, colour: ink, y: y}, at, t.label)
	raised := point{at.x + textWidth(smallSize, t.label), at.y + smallSize*(0.69-0.54*y)}
	c.text(text{size: supSize, colour: ink, y: y}, raised, t.sup)
}

// drawAxes draws the box, ticks inside on four sides, and labels: x at the right end, y at the top,
// as the field does. The labels of x are left out where another frame with the same axis stands below.
// The label of y stands left by the margin that leftMargin gave.
func (f *frame) drawAxes(labelX bool, left float64) {
	var p path
	for _, t := range f.x.ticks {
		x, n := f.at(f.x.at(t.at), 0).x, t.length()
		p.segment(x, f.y0, x, f.y0+n)
		p.segment(x, f.y1, x, f.y1-n)
		if labelX && t.major() {
			f.tick(t, point{x, f.y0 - gap}, 0.5, 1)
		}
	}
	for _, t := range f.y.ticks {
		y, n := f.at(0, f.y.at(t.at)).y, t.length()
		p.segment(f.x0, y, f.x0+n, y)
		p.segment(f.x1, y, f.x1-n, y)
		if t.major() && !t.silent {
			f.tick(t, point{f.x0 - gap, y}, 1, 0.5)
		}
	}
	p.rectangle(f.box)
	f.stroke(p, ink, frameWidth)
	style := text{size: fontSize, colour: ink, x: 1, y: 1}
	if labelX {
		style.room = f.x1 - f.x0 + left/2
		f.text(style, point{f.x1, f.y0 - xTickRoom}, f.x.title())
	}
	style.turned, style.room = true, f.y1-f.y0+gap
	f.text(style, point{f.x0 - left, f.y1}, f.y.title())
}

const (
	xTickRoom = gap + smallSize + 3        // below a frame, for the tick labels of x
	xRoom     = xTickRoom + fontSize + gap // and for its label
)

// title is the axis' label with its unit.
func (a *axis) title() string {
	if a.unit == "" {
		return a.label
	}
	return a.label + " [" + a.unit + "]"
}

func (t tick) length() float64 {
	if t.major() {
		return majorTick
	}
	return minorTick
}

// polyline is a curve, with gaps where a coordinate is not finite, cut off at the frame.
func (f *frame) polyline(xs, ys []float64) (p path) {
	for i := 1; i < len(ys); i++ {
		a, b := f.at(f.x.fraction(xs[i-1]), f.y.fraction(ys[i-1])), f.at(f.x.fraction(xs[i]), f.y.fraction(ys[i]))
		if !finite(a.x + a.y + b.x + b.y) {
			continue
		}
		from, to, seen := f.clip(a, b)
		if !seen {
			continue
		}
		if len(p) == 0 || p[len(p)-1].point != from {
			p.move(from)
		}
		p.line(to)
	}
	return p
}

// clip is the part of a line that lies in the box, if any (Liang and Barsky, ACM Trans. Graph. 3 (1984) 1).
func (b box) clip(p, q point) (from, to point, seen bool) {
	dx, dy := q.x-p.x, q.y-p.y
	lo, hi := 0.0, 1.0
	for _, side := range [4][2]float64{{-dx, p.x - b.x0}, {dx, b.x1 - p.x}, {-dy, p.y - b.y0}, {dy, b.y1 - p.y}} {
		switch d, room := side[0], side[1]; {
		case d < 0:
			lo = max(lo, room/d)
		case d > 0:
			hi = min(hi, room/d)
		case room < 0:
			return p, q, false
		}
	}
	from, to = p, q
	if lo > 0 {
		from = point{p.x + lo*dx, p.y + lo*dy}
	}
	if hi < 1 {
		to = point{p.x + hi*dx, p.y + hi*dy}
	}
	return from, to, lo <= hi
}

// mark draws a line across the frame at x and, if asked for, one at y; none at a value outside of its axis.
func (f *frame) mark(x, y float64, both bool) {
	var p path
	if t := f.x.fraction(x); t >= 0 && t <= 1 {
		p.step(f.at(t, 0), true)
		p.step(f.at(t, 1), false)
	}
	if t := f.y.fraction(y); both && t >= 0 && t <= 1 {
		p.step(f.at(0, t), true)
		p.step(f.at(1, t), false)
	}
	f.stroke(p, markStyle.colour, lineWidth, markStyle.dashes...)
}
