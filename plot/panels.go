package plot

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panels are small multiples of 2-D samples in a grid: the steps of a flow, one panel a transform, or a
// latent space with the circles of a standard normal.
type Panels struct {
	Panels []Panel
	Alt    string // what the picture shows, for readers who cannot see it
}

// Panel is one sample.
type Panel struct {
	Title, XLabel, YLabel string
	X, Y                  []float64
	Group                 []int // colours the points by group, 0 to 5; nil for one colour
	// Density draws a 2-D histogram, whose colour grows as the square root of the content, instead of dots.
	// More than 50,000 points without groups are always drawn so.
	Density bool
	// Sigmas draws circles of radius 1 to Sigmas (at most 5) about the origin, on equal axes.
	Sigmas int
	// Range is the lowest and highest x and y shown. Where it is zero, all but the 0.2 % of points that
	// are farthest out on each side.
	Range [4]float64
}

const (
	maxPanels   = 100
	panelsWidth = vg.Length(720) // of a row of panels, where their text is as large as that of a page of 70 rem
	panelMargin = vg.Length(42)  // about what stands left and right of a panel
	leastPanel  = vg.Length(128)
	mostPanel   = vg.Length(240)
	densityFrom = 50_000
)

// Picture draws the panels, or says which one is not a sample.
func (p *Panels) Picture() (*Picture, error) {
	n := len(p.Panels)
	if n < 1 || n > maxPanels {
		return nil, fmt.Errorf("plot: %d panels: there must be 1 to %d", n, maxPanels)
	}
	g := grid{across: p.across()}
	g.side = min(max(panelsWidth/vg.Length(g.across)-panelMargin, leastPanel), mostPanel)
	frames := make([]frame, n)
	for i := range p.Panels {
		q := &p.Panels[i]
		if err := q.check(); err != nil {
			return nil, fmt.Errorf("plot: panel %d (%q): %w", i+1, q.Title, err)
		}
		frames[i] = q.frame(g.side)
		g.left = max(g.left, leftMargin(&frames[i].y))
		g.right = max(g.right, frames[i].x.rightMargin())
		if q.XLabel != "" {
			g.bottom = xRoom
		}
	}
	g.left += gap
	g.bottom = max(g.bottom, xTickRoom+gap)
	g.top = fontSize + 2*gap
	rows := (n + g.across - 1) / g.across
	width := vg.Length(g.across) * (g.left + g.side + g.right)
	height := vg.Length(rows) * (g.top + g.side + g.bottom)
	return &Picture{width, height, p.Alt, func(c draw.Canvas) {
		for i := range p.Panels {
			f := frames[i]
			f.c = g.cell(c, i)
			p.Panels[i].draw(&f)
		}
	}}, nil
}

func (p *Panels) across() int {
	n := len(p.Panels)
	if n == 5 || n == 6 || n == 9 {
		return 3
	}
	return min(n, 4)
}

// grid is the common measure of the panels.
type grid struct {
	across                   int
	side                     vg.Length
	left, right, bottom, top vg.Length
}

// cell is the inside of the frame of panel i, row by row from the top.
func (g *grid) cell(c draw.Canvas, i int) draw.Canvas {
	row, column := vg.Length(i/g.across), vg.Length(i%g.across)
	x := c.Min.X + column*(g.left+g.side+g.right) + g.left
	y := c.Max.Y - row*(g.top+g.side+g.bottom) - g.top - g.side
	c.Rectangle = vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + g.side, Y: y + g.side}}
	return c
}

func (q *Panel) check() error {
	switch {
	case len(q.X) != len(q.Y):
		return fmt.Errorf("%d values of x and %d of y", len(q.X), len(q.Y))
	case q.Group != nil && len(q.Group) != len(q.X):
		return fmt.Errorf("%d groups for %d points", len(q.Group), len(q.X))
	case q.Sigmas < 0 || q.Sigmas > 5:
		return fmt.Errorf("%d circles are not between 0 and 5", q.Sigmas)
	case !(q.Range[0] <= q.Range[1] && q.Range[2] <= q.Range[3]) || math.IsInf(q.Range[1]-q.Range[0]+q.Range[3]-q.Range[2], 0):
		return fmt.Errorf("%v is not a range", q.Range)
	}
	if i := slices.IndexFunc(q.Group, func(k int) bool { return k < 0 || k >= len(groups) }); i >= 0 {
		return fmt.Errorf("group %d of point %d is not between 0 and %d", q.Group[i], i, len(groups)-1)
	}
	return nil
}

// frame has the axes; its canvas, of the given width, is not set.
func (q *Panel) frame(width vg.Length) frame {
	r := q.Range
	if q.Sigmas > 0 && r == [4]float64{} {
		reach := max(4.2, float64(q.Sigmas)+0.7)
		r = [4]float64{-reach, reach, -reach, reach}
	}
	if r == [4]float64{} {
		r[0], r[1] = bulk(q.X)
		r[2], r[3] = bulk(q.Y)
	}
	return frame{x: newXAxis(r[0], r[1], width, q.XLabel), y: newAxis(r[2], r[3], false, 4, q.YLabel)}
}

// bulk is the range of the finite values without the outermost 0.2 % on each side, and some room.
func bulk(v []float64) (lo, hi float64) {
	v = slices.DeleteFunc(slices.Clone(v), func(x float64) bool { return math.IsNaN(x) || math.Abs(x) > math.MaxFloat64/8 })
	if len(v) == 0 {
		return 0, 1
	}
	slices.Sort(v)
	cut := len(v) / 500
	lo, hi = v[cut], v[len(v)-1-cut]
	pad := (hi - lo) * 0.08
	return lo - pad, hi + pad
}

func (q *Panel) draw(f *frame) {
	c := f.c
	img, outside := q.image(f, int(c.Max.X-c.Min.X))
	c.DrawImage(c.Rectangle, img)
	q.circles(f)
	f.drawAxes(true, leftMargin(&f.y))
	middle := (c.Min.X + c.Max.X) / 2
	title := fit(q.Title, fontSize, f.width()+2*margin)
	c.FillText(textStyle(fontSize, ink, 0.5, 0), vg.Point{X: middle, Y: c.Max.Y + gap}, title)
	if outside > 0 {
		at := vg.Point{X: c.Max.X - majorTick - 2, Y: c.Min.Y + majorTick + 2}
		c.FillText(textStyle(cellSize, faint, 1, 0), at, grouped(outside)+" outside")
	}
}

func (q *Panel) circles(f *frame) {
	var p vg.Path
	for s := 1; s <= q.Sigmas; s++ {
		for k := range 97 {
			sin, cos := math.Sincos(2 * math.Pi * float64(k) / 96)
			at := f.point(float64(s)*cos, float64(s)*sin)
			if k == 0 {
				p.Move(at)
			} else {
				p.Line(at)
			}
		}
	}
	stroke(f.c, p, ink, errorWidth, 4, 2)
	for s := 1; s <= q.Sigmas; s++ {
		label, at := strconv.Itoa(s)+"σ", f.point(0, float64(s))
		var ground vg.Path
		half := textWidth(smallSize, label)/2 + 1
		rectangle(&ground, at.X-half, at.Y-smallSize*0.5, at.X+half, at.Y+smallSize*0.5)
		fill(f.c, ground, color.White)
		f.c.FillText(textStyle(smallSize, ink, 0.5, 0.5), at, label)
	}
}
