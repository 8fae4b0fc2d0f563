package plot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
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
	// Field draws values over all of Range in place of points: those of a lattice of equal cells, as many along x as along y, row by
	// row from the lowest y. The colours are as those of Density; Most is the value of the darkest.
	Field []float64
	Most  float64
	// Sigmas draws circles of radius 1 to Sigmas (at most 5) about the origin, on equal axes.
	Sigmas int
	// Range is the lowest and highest x and y shown. Where it is zero, all but the 0.2 % of points that
	// are farthest out on each side.
	Range [4]float64
}

const (
	maxPanels   = 100
	panelsWidth = 720 // of a row of panels, where their text is as large as that of a page of 70 rem
	panelMargin = 42  // about what stands left and right of a panel
	leastPanel  = 128
	mostPanel   = 240
	densityFrom = 50_000
)

// Picture draws the panels, or says which one is not a sample.
func (p *Panels) Picture() (*Picture, error) {
	n := len(p.Panels)
	if n < 1 || n > maxPanels {
		return nil, fmt.Errorf("plot: %d panels: there must be 1 to %d", n, maxPanels)
	}
	g := grid{across: p.across()}
	g.side = min(max(panelsWidth/float64(g.across)-panelMargin, leastPanel), mostPanel)
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
	width := float64(g.across) * (g.left + g.side + g.right)
	height := float64(rows) * (g.top + g.side + g.bottom)
	return &Picture{width, height, p.Alt, func(c *canvas) {
		for i := range p.Panels {
			f := frames[i]
			f.canvas, f.box = c, g.cell(height, i)
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
	side                     float64
	left, right, bottom, top float64
}

// cell is the inside of the frame of panel i, row by row from the top.
func (g *grid) cell(height float64, i int) box {
	row, column := float64(i/g.across), float64(i%g.across)
	x := column*(g.left+g.side+g.right) + g.left
	y := height - row*(g.top+g.side+g.bottom) - g.top - g.side
	return box{x, y, x + g.side, y + g.side}
}

func (q *Panel) check() error {
	switch {
	case len(q.X) != len(q.Y):
		return fmt.Errorf("%d values of x and %d of y", len(q.X), len(q.Y))
	case q.Group != nil && len(q.Group) != len(q.X):
		return fmt.Errorf("%d groups for %d points", len(q.Group), len(q.X))
	case q.Field != nil && (int(math.Sqrt(float64(len(q.Field))))*int(math.Sqrt(float64(len(q.Field)))) != len(q.Field) || q.Range[0] >= q.Range[1] || q.Range[2] >= q.Range[3] || !(q.Most > 0)):
		return fmt.Errorf("a field of %d values over %v, the darkest %g", len(q.Field), q.Range, q.Most)
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
func (q *Panel) frame(width float64) frame {
	r := q.Range
	if q.Sigmas > 0 && r == [4]float64{} {
		reach := max(4.2, float64(q.Sigmas)+0.7)
		r = [4]float64{-reach, reach, -reach, reach}
	}
	if r == [4]float64{} {
		r[0], r[1] = Bulk(q.X)
		r[2], r[3] = Bulk(q.Y)
	}
	return frame{x: newXAxis(r[0], r[1], false, width, q.XLabel), y: newAxis(r[2], r[3], false, 4, q.YLabel)}
}

// SameAxes gives panels of points the axes that the bulk of the points of each has room in.
func SameAxes(panels []Panel) {
	all := [4]float64{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)}
	for _, p := range panels {
		for i, v := range [][]float64{p.X, p.Y} {
			low, high := Bulk(v)
			all[2*i], all[2*i+1] = min(all[2*i], low), max(all[2*i+1], high)
		}
	}
	for i := range panels {
		panels[i].Range = all
	}
}

// Bulk is the range of the finite values without the outermost 0.2 % on each side, and some room.
func Bulk(v []float64) (lo, hi float64) {
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
	img, outside := q.image(f, int(f.width()))
	f.image(f.box, img)
	q.circles(f)
	f.drawAxes(true, leftMargin(&f.y))
	f.text(text{size: fontSize, colour: ink, x: 0.5, room: f.width() + 2*margin}, point{f.at(0.5, 0).x, f.y1 + gap}, q.Title)
	if outside > 0 {
		at := point{f.x1 - majorTick - 2, f.y0 + majorTick + 2}
		f.text(text{size: cellSize, colour: faint, x: 1}, at, grouped(outside)+" outside")
	}
}

func (q *Panel) circles(f *frame) {
	var p path
	for s := 1; s <= q.Sigmas; s++ {
		for k := range 97 {
			sin, cos := math.Sincos(2 * math.Pi * float64(k) / 96)
			at := f.point(float64(s)*cos, float64(s)*sin)
			if k == 0 {
				p.move(at)
			} else {
				p.line(at)
			}
		}
	}
	f.stroke(p, ink, errorWidth, 4, 2)
	for s := 1; s <= q.Sigmas; s++ {
		label, at := strconv.Itoa(s)+"σ", f.point(0, float64(s))
		var ground path
		half := textWidth(smallSize, label)/2 + 1
		ground.rectangle(box{at.x - half, at.y - smallSize*0.5, at.x + half, at.y + smallSize*0.5})
		f.fill(ground, white)
		f.text(text{size: smallSize, colour: ink, x: 0.5, y: 0.5}, at, label)
	}
}
