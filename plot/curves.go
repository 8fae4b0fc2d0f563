package plot

import (
	"fmt"
	"math"
	"slices"
)

// Curves are functions in one frame, each with a band of its uncertainty if it has one: ROC and SIC curves, coverage, histograms of
// ranks, differences of distribution functions.
type Curves struct {
	X, Y   Axis
	Curves []Curve // drawn in this order, all bands first
	Alt    string  // what the picture shows, for readers who cannot see it
}

// Axis is what an axis shows.
type Axis struct {
	Label, Unit string
	Scale       Scale   // by the data it is logarithmic where they are positive and span more than a factor of 100
	Min, Max    float64 // both 0: as the data need
}

// Curve is a polygonal line through points, or, with one X more than Y, a step for each Y between the edges X. Where Y is not finite
// there is a gap.
type Curve struct {
	Name      string // in the legend; "" for none
	X, Y      []float64
	Low, High []float64 // ends of the band, one each a Y; nil for none
	// Expected curves are grey, the line dashed: what perfection or chance would give, with the band of what is still compatible.
	Expected bool
}

const (
	curvesWidth  = 320.0
	curvesHeight = 260.0 // with a legend of usualRows rows
	maxPoints    = 10_000_000
)

// Picture draws the curves, or says which is not one.
func (v *Curves) Picture() (*Picture, error) {
	lines := 0
	for i := range v.Curves {
		if err := v.Curves[i].check(); err != nil {
			return nil, fmt.Errorf("plot: curve %d (%q): %w", i+1, v.Curves[i].Name, err)
		}
		if !v.Curves[i].Expected {
			lines++
		}
	}
	if len(v.Curves) == 0 || lines > maxStyles {
		return nil, fmt.Errorf("plot: %d curves: there must be 1 to %d", lines, maxStyles)
	}
	for _, a := range []*Axis{&v.X, &v.Y} {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("plot: the axis of %q: %w", a.Label, err)
		}
	}
	extra := max(v.legend().height(curvesWidth)-usualRows*(smallSize+gap), 0)
	height := curvesHeight + extra
	return &Picture{curvesWidth, height, v.Alt, func(c *canvas) { v.draw(c, height) }}, nil
}

func (a *Axis) check() error {
	switch {
	case a.Scale < ByData || a.Scale > Logarithmic:
		return fmt.Errorf("there is no scale %d", a.Scale)
	case !(a.Min <= a.Max) || !finite(a.Max-a.Min):
		return fmt.Errorf("from %g to %g is not a range", a.Min, a.Max)
	case a.Scale == Logarithmic && a.Max != a.Min && a.Min <= 0:
		return fmt.Errorf("a logarithmic axis cannot begin at %g", a.Min)
	}
	return nil
}

func (u *Curve) check() error {
	n := len(u.Y)
	switch {
	case n < 1 || n > maxPoints:
		return fmt.Errorf("%d points: there must be 1 to %d", n, maxPoints)
	case len(u.X) != n && len(u.X) != n+1:
		return fmt.Errorf("%d values of x and %d of y", len(u.X), n)
	case len(u.Low) != len(u.High) || u.Low != nil && len(u.Low) != n:
		return fmt.Errorf("a band of %d lower and %d upper ends for %d points", len(u.Low), len(u.High), n)
	}
	for i, x := range u.X {
		if !finite(x) {
			return fmt.Errorf("x %d is %g", i, x)
		}
		if u.steps() && i > 0 && !(x > u.X[i-1]) {
			return fmt.Errorf("edges %d and %d, %g and %g, do not increase", i-1, i, u.X[i-1], x)
		}
	}
	for i, low := range u.Low {
		if low > u.High[i] {
			return fmt.Errorf("the band at point %d is from %g to %g", i, low, u.High[i])
		}
	}
	return nil
}

func (u *Curve) steps() bool { return len(u.X) > len(u.Y) }

// corners are the points to be joined by lines.
func (u *Curve) corners() (xs, ys, low, high []float64) {
	if !u.steps() {
		return u.X, u.Y, u.Low, u.High
	}
	xs, ys = stepped(u.X, u.Y)
	_, low = stepped(u.X, u.Low)
	_, high = stepped(u.X, u.High)
	return xs, ys, low, high
}

// styles are those of all curves.
func (v *Curves) styles() []style {
	k, all := 0, make([]style, len(v.Curves))
	for i := range v.Curves {
		if all[i] = (style{greyEdge, []float64{3, 2}}); !v.Curves[i].Expected {
			all[i] = styleOf(k)
			k++
		}
	}
	return all
}

func (v *Curves) draw(c *canvas, height float64) {
	var xs, ys, ends []float64
	for _, u := range v.Curves {
		switch {
		case !u.Expected:
			xs, ys, ends = append(xs, u.X...), append(ys, u.Y...), slices.Concat(ends, u.Low, u.High)
		case u.Low != nil || len(v.Curves) == 1: // else it may lie anywhere
			xs, ys = append(xs, u.X...), slices.Concat(ys, u.Y, u.Low, u.High)
		}
	}
	x, y := v.X.across(xs, curvesWidth*0.85), v.Y.up(ys, ends)
	left, right := leftMargin(&y), x.rightMargin()
	f := frame{c, box{left, xRoom, curvesWidth - right, height - gap}, x, y}
	legend := v.legend()
	f.y1 -= legend.height(f.width())
	styles := v.styles()
	for i := range slices.Backward(v.Curves) {
		v.Curves[i].drawBand(&f, styles[i])
	}
	for i := range slices.Backward(v.Curves) {
		v.Curves[i].drawLine(&f, styles[i])
	}
	f.drawAxes(true, left)
	legend.draw(c, point{f.x0, height - gap/2}, f.width())
}

// across is the horizontal axis, which the data fill.
func (a *Axis) across(values []float64, width float64) axis {
	lo, hi, log := a.span(values)
	x := newXAxis(lo, hi, log, width, a.Label)
	x.unit = a.Unit
	return x
}

// up is the vertical axis. It has room for the ends of bands, but not for more than a third of what the curves take.
func (a *Axis) up(values, ends []float64) axis {
	lo, hi, log := a.span(values)
	ticks := 5
	if log {
		ticks = 8
	}
	if a.Min == a.Max {
		lo, hi = withRoom(lo, hi, log, ends)
	}
	y := newAxis(lo, hi, log, ticks, a.Label)
	y.unit = a.Unit
	return y
}

func withRoom(lo, hi float64, log bool, ends []float64) (float64, float64) {
	to, from := func(v float64) float64 { return v }, func(v float64) float64 { return v }
	if log {
		to, from = math.Log, func(v float64) float64 { return math.Exp(min(max(v, -690), 690)) } // 1e-300 to 1e300
	}
	low, high := to(lo), to(hi)
	bottom, top, room := low, high, (high-low)/3
	if room == 0 {
		room = math.Inf(1)
	}
	for _, e := range ends {
		if t := to(e); finite(t) {
			bottom, top = min(bottom, max(t, low-room)), max(top, min(t, high+room))
		}
	}
	pad := (top - bottom) * 0.04
	if !log && bottom >= 0 && bottom < top/2 {
		return 0, top + pad
	}
	return from(bottom - pad), from(top + pad)
}

// span is the range of the finite values, or that asked for, and whether it is logarithmic.
func (a *Axis) span(values []float64) (lo, hi float64, log bool) {
	lo, hi, positive := math.Inf(1), math.Inf(-1), math.Inf(1)
	for _, v := range values {
		if math.Abs(v) <= math.MaxFloat64/8 {
			lo, hi = min(lo, v), max(hi, v)
			if v > 0 {
				positive = min(positive, v)
			}
		}
	}
	if a.Min != a.Max {
		lo, hi = a.Min, a.Max
		positive = lo
	} else if lo > hi {
		return 0, 1, false
	}
	switch {
	case a.Scale == Logarithmic && hi > 0:
		return min(positive, hi), hi, true
	case a.Scale == ByData && lo > 0 && hi/lo > 100:
		return lo, hi, true
	}
	return lo, hi, false
}

func (u *Curve) drawBand(f *frame, s style) {
	xs, _, low, high := u.corners()
	var band, edges path
	for i := 0; i < len(low); {
		n := i
		for n < len(low) && !math.IsNaN(low[n]) && !math.IsNaN(high[n]) {
			n++
		}
		if n > i {
			upper := f.thinned(xs[i:n], high[i:n])
			lower := f.thinned(xs[i:n], low[i:n])
			for k, at := range upper {
				band.step(at, k == 0)
				edges.step(at, k == 0)
			}
			for k, at := range lower {
				edges.step(at, k == 0)
			}
			for _, at := range slices.Backward(lower) {
				band.line(at)
			}
			band.close()
		}
		i = n + 1
	}
	if u.Expected {
		f.fill(band, grey)
		return
	}
	f.fill(band, tint(s.colour, 0.22))
	f.stroke(edges, tint(s.colour, 0.5), errorWidth/2)
}

func (p *path) step(to point, first bool) {
	if first {
		p.move(to)
	} else {
		p.line(to)
	}
}

// thinned are points in the frame, without those that nobody can see to be apart from the one before.
func (f *frame) thinned(xs, ys []float64) (points []point) {
	for i, y := range ys {
		at := f.point(xs[i], y)
		if n := len(points); n > 0 && i < len(ys)-1 && math.Hypot(at.x-points[n-1].x, at.y-points[n-1].y) < finestStep {
			continue
		}
		points = append(points, at)
	}
	return points
}

// finestStep is the least distance of points of a curve that are worth their bytes.
const finestStep = 0.25

// drawLine marks the points too where they are few.
func (u *Curve) drawLine(f *frame, s style) {
	xs, ys, _, _ := u.corners()
	if u.Expected {
		f.stroke(f.polyline(xs, ys).thinned(), s.colour, errorWidth, s.dashes...)
		return
	}
	f.stroke(f.polyline(xs, ys).thinned(), s.colour, lineWidth, s.dashes...)
	if len(ys) <= 30 && !u.steps() {
		f.fill(f.dots(xs, ys, 2), s.colour)
	}
}

func (p path) thinned() path {
	thin := p[:0:0]
	for i, s := range p {
		if n := len(thin); s.letter == 'L' && i+1 < len(p) && p[i+1].letter == 'L' && math.Hypot(s.x-thin[n-1].x, s.y-thin[n-1].y) < finestStep {
			continue
		}
		thin = append(thin, s)
	}
	return thin
}

func (v *Curves) legend() (l legend) {
	styles := v.styles()
	for i, u := range v.Curves {
		switch {
		case u.Name == "":
		case u.Expected && u.Low != nil:
			l = append(l, entry{text: u.Name, style: style{colour: grey}, box: true})
		default:
			l = append(l, entry{text: u.Name, style: styles[i]})
		}
	}
	return l
}
