package plot

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
)

// Corner shows how columns go together in pairs: contours that hold 68 % and 95 % of a sample's events in every pair, the reference's
// filled, and histograms of each column on the diagonal. The same normal average, narrower the more events the smallest sample has,
// smooths all samples before contours are drawn.
type Corner struct {
	// Columns are 2 to 8. Where no range is given, an axis holds the central 99 % of the reference and some room.
	Columns   []Axis
	Reference Points
	Generated []Points // up to 12
	// Marks are a value of each column to be marked, or NaN, and Marked what they are called; nil for none.
	Marks  []float64
	Marked string
}

// Points are events with a value in each of some columns. Values that are no numbers are outside of every range.
type Points struct {
	Name    string
	Columns [][]float64
	Weights []float64 // of either sign; nil where all are 1
}

const (
	mostCorner  = 8
	cornerWidth = 720.0
	cornerSide  = 200.0 // of a panel, where few columns leave more room
	cornerGap   = 6.0
	cornerCells = 64  // of a histogram, on each side
	cornerBins  = 32  // of a histogram on the diagonal
	smoothest   = 8.0 // cells, the width of the average for one event; it falls as the sixth root of their number (Scott's rule)
)

var contourShares = [2]float64{0.95, 0.68}

// Picture draws the panels, or says which sample does not fit the columns.
func (o *Corner) Picture() (*Picture, error) {
	if n := len(o.Columns); n < 2 || n > mostCorner {
		return nil, fmt.Errorf("plot: corner of %d columns: there must be 2 to %d", n, mostCorner)
	}
	if n := len(o.Generated); n > maxStyles {
		return nil, fmt.Errorf("plot: corner of %d generated samples: there may be %d", n, maxStyles)
	}
	for i := range o.Columns {
		if err := o.Columns[i].check(); err != nil {
			return nil, fmt.Errorf("plot: corner: the axis of %q: %w", o.Columns[i].Label, err)
		}
	}
	if o.Marks != nil && len(o.Marks) != len(o.Columns) {
		return nil, fmt.Errorf("plot: corner: %d marks for %d columns", len(o.Marks), len(o.Columns))
	}
	samples := append([]Points{o.Reference}, o.Generated...)
	samples[0].Name = cmp.Or(samples[0].Name, "Reference")
	sigma := 0.0
	for k := range samples {
		events, err := samples[k].check(len(o.Columns))
		if err != nil {
			return nil, fmt.Errorf("plot: corner: sample %d (%q): %w", k+1, samples[k].Name, err)
		}
		sigma = max(sigma, smoothest*math.Pow(events, -1./6))
	}
	d := o.layout(samples, sigma)
	return &Picture{d.width, d.height, "Corner plot: the reference and generated events in all pairs of columns", d.draw}, nil
}

// check counts the events, by what they are worth without weights.
func (s *Points) check(columns int) (worth float64, err error) {
	if len(s.Columns) != columns {
		return 0, fmt.Errorf("%d columns, not %d", len(s.Columns), columns)
	}
	n := len(s.Columns[0])
	for i, x := range s.Columns {
		if len(x) != n {
			return 0, fmt.Errorf("%d values in column %d and %d in the first", len(x), i+1, n)
		}
	}
	switch {
	case n == 0:
		return 0, fmt.Errorf("no events")
	case s.Weights == nil:
		return float64(n), nil
	case len(s.Weights) != n:
		return 0, fmt.Errorf("%d weights for %d events", len(s.Weights), n)
	}
	w, w2 := 0.0, 0.0
	for _, v := range s.Weights {
		w, w2 = w+v, w2+v*v
	}
	if !(w > 0) || !finite(w2) {
		return 0, fmt.Errorf("the sum of its weights is %g", w)
	}
	return max(w*w/w2, 1), nil
}

// cornered is a corner plot before it is drawn.
type cornered struct {
	axes          []axis // of the columns, horizontally
	vertical      []axis
	samples       []binned
	marks         []float64
	side          float64
	left          float64
	width, height float64
	legend        legend
}

// binned is a sample as its picture needs it.
type binned struct {
	columns []bars      // one a column, of area 1
	pairs   [][]float64 // cells of row i and column k < i: number i(i-1)/2+k
}

func (o *Corner) layout(samples []Points, sigma float64) *cornered {
	n := len(o.Columns)
	d := &cornered{side: cornerSide, marks: o.Marks}
	for i := range o.Columns {
		x := o.axis(i)
		d.vertical = append(d.vertical, newAxis(x.min, x.max, x.log, 3, x.label))
		d.axes = append(d.axes, x)
	}
	ends := make([]*axis, n)
	for i := range ends {
		d.vertical[i].unit = o.Columns[i].Unit
		ends[i] = &d.vertical[i]
	}
	d.left = leftMargin(ends...) + gap
	d.side = min(d.side, (cornerWidth-d.left-margin)/float64(n)-cornerGap)
	for i, c := range o.Columns {
		d.axes[i] = newXAxis(d.axes[i].min, d.axes[i].max, d.axes[i].log, d.side*0.9, c.Label)
		d.axes[i].unit = c.Unit
	}
	d.width = d.left + float64(n)*(d.side+cornerGap) + margin
	d.height = xRoom + float64(n)*(d.side+cornerGap) + gap
	for k := range samples {
		b, outside := samples[k].binned(d.axes, sigma)
		d.samples = append(d.samples, b)
		e := entry{text: samples[k].Name, style: style{colour: grey}, box: true}
		if k > 0 {
			e = entry{text: cmp.Or(e.text, "Generated"), style: styleOf(k - 1)}
		}
		e.text += ", " + grouped(len(samples[k].Columns[0])) + " events"
		if outside > 0 {
			e.text += " (" + grouped(outside) + " outside)"
		}
		d.legend = append(d.legend, e)
	}
	d.legend = append(d.legend, entry{text: "contours of 68 % and 95 %", plain: true})
	if o.Marks != nil {
		d.legend = append(d.legend, entry{text: o.Marked, style: markStyle})
	}
	return d
}

// axis is that of a column, by its central values in the reference if nothing else is said.
func (o *Corner) axis(i int) axis {
	c := o.Columns[i]
	if c.Min != c.Max {
		return newAxis(c.Min, c.Max, c.Scale == Logarithmic, 4, c.Label)
	}
	x := ordered(o.Reference.Columns[i])
	log := c.Scale == Logarithmic || c.Scale == ByData && len(x) > 0 && x[len(x)/1000] > 1e-300 && x[len(x)*99/100]/x[len(x)/100] > manyDecades
	if log {
		x = slices.DeleteFunc(x, func(v float64) bool { return v < 1e-300 })
	}
	if len(x) == 0 {
		return newAxis(1, 10, log, 4, c.Label)
	}
	whole := whole(x)
	if log {
		for k, v := range x {
			x[k] = math.Log(v)
		}
	}
	cut := max(len(x)/200, min(len(x)/20, 1))
	lo, hi := x[cut], x[len(x)-1-cut]
	pad := (hi - lo) * 0.1
	if whole && !log {
		pad = max(pad, 0.5)
	}
	if o.Marks != nil && finite(o.Marks[i]) && (!log || o.Marks[i] > 0) {
		at := o.Marks[i]
		if log {
			at = math.Log(at)
		}
		lo, hi = min(lo, at), max(hi, at)
	}
	if lo, hi = lo-pad, hi+pad; log {
		lo, hi = math.Exp(max(lo, -690)), math.Exp(min(hi, 690)) // 1e-300 to 1e300
	}
	return newAxis(lo, hi, log, 4, c.Label)
}

const (
	manyDecades = 1000   // the 99 % quantile over that at 1 %, from which on an axis is logarithmic
	enough      = 100000 // values to know quantiles by
)

// ordered are the numbers of a column, ascending; of very many, some that are spread over all.
func ordered(x []float64) (some []float64) {
	for i := 0; i < len(x); i += 1 + len(x)/enough {
		if math.Abs(x[i]) < math.MaxFloat64/8 {
			some = append(some, x[i])
		}
	}
	slices.Sort(some)
	return some
}

// binned fills the histograms of all columns and pairs, and counts the events that are outside of some axis. Whole numbers are spread
// evenly over their cells, by a sequence that fills the square (R2), since each of them means what is nearest to it.
func (s *Points) binned(axes []axis, sigma float64) (b binned, outside int) {
	n, events := len(axes), len(s.Columns[0])
	cell := make([][]int8, n)
	out := make([]bool, events)
	for i, x := range s.Columns {
		cell[i] = make([]int8, events)
		spread := whole(x) && !axes[i].log
		step := [2]float64{0.7548776662466927, 0.5698402909980532}[i%2]
		for e, v := range x {
			if t := axes[i].fraction(v); !(t >= 0 && t <= 1) {
				cell[i][e], out[e] = -1, true
				continue
			}
			if spread {
				_, t := math.Modf(float64(e+1) * step)
				v += t - 0.5
			}
			cell[i][e] = int8(min(int(axes[i].at(v)*cornerCells), cornerCells-1))
		}
		b.columns = append(b.columns, s.column(&axes[i], cell[i]))
	}
	for _, o := range out {
		if o {
			outside++
		}
	}
	for i := range n {
		for k := range i {
			b.pairs = append(b.pairs, smooth(s.pair(cell[k], cell[i]), cornerCells, sigma))
		}
	}
	return b, outside
}

// whole tells whether values are integers, as far as they are numbers.
func whole(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return finite(v) && v != math.Trunc(v) })
}

func (s *Points) weight(e int) float64 {
	if s.Weights == nil {
		return 1
	}
	return s.Weights[e]
}

// pair sums the weights in cells.
func (s *Points) pair(x, y []int8) []float64 {
	cells := make([]float64, cornerCells*cornerCells)
	for e, i := range x {
		if j := y[e]; i >= 0 && j >= 0 {
			cells[int(j)*cornerCells+int(i)] += s.weight(e)
		}
	}
	return cells
}

// column is a histogram along an axis, as a share of all weights.
func (s *Points) column(a *axis, cell []int8) bars {
	b := bars{make([]float64, cornerBins+1), make([]float64, cornerBins), make([]float64, cornerBins)}
	for i := range b.edges {
		b.edges[i] = a.value(float64(i) / cornerBins)
	}
	sum := 0.0
	for e, i := range cell {
		w := s.weight(e)
		if sum += w; i >= 0 {
			k := int(i) * cornerBins / cornerCells
			b.y[k], b.sigma[k] = b.y[k]+w, b.sigma[k]+w*w
		}
	}
	for k := range b.y {
		b.y[k], b.sigma[k] = b.y[k]/sum, math.Sqrt(b.sigma[k])/sum
	}
	return b
}

func (d *cornered) draw(c *canvas) {
	n := len(d.axes)
	pitch := d.side + cornerGap
	for i := range n {
		for k := range i + 1 {
			f := frame{canvas: c, x: d.axes[k], y: d.vertical[i]}
			f.x0, f.y0 = d.left+float64(k)*pitch, xRoom+float64(n-1-i)*pitch
			f.x1, f.y1 = f.x0+d.side, f.y0+d.side
			if k == i {
				d.diagonal(&f, i)
			} else {
				d.pair(&f, i*(i-1)/2+k)
			}
			if d.marks != nil {
				f.mark(d.marks[k], d.marks[i], k < i)
			}
			d.drawAxes(&f, i == n-1, k == 0 && i > 0)
		}
	}
	at := point{d.left + pitch + gap, d.height - gap}
	d.legend.draw(c, at, d.width-at.x)
}

// drawAxes leaves out the labels of all panels but the outer ones.
func (d *cornered) drawAxes(f *frame, labelX, labelY bool) {
	left := d.left - gap
	if !labelY {
		left, f.y.label, f.y.unit = 0, "", ""
		f.y.ticks = slices.Clone(f.y.ticks)
		for i := range f.y.ticks { // the marks stay as long as they were
			f.y.ticks[i].silent = true
		}
	}
	f.drawAxes(labelX, left)
}

func (d *cornered) diagonal(f *frame, i int) {
	var gen []bars
	for _, s := range d.samples[1:] {
		gen = append(gen, s.columns[i])
	}
	y := f.y
	f.y = contentAxis(Linear, "", append(gen, d.samples[0].columns[i])...)
	f.overlay(d.samples[0].columns[i], gen)
	f.y = y
	f.y.ticks = nil
}

func (d *cornered) pair(f *frame, pair int) {
	for k, share := range contourShares {
		cells := d.samples[0].pairs[pair]
		l := framed(cells, cornerCells, true)
		region := f.lines(l.contours(levelOf(cells, share)))
		f.fill(region, [2]color.RGBA{grey, greyBand}[k])
		f.stroke(region, greyEdge, errorWidth/2)
	}
	for s := range slices.Backward(d.samples[1:]) {
		for k, share := range contourShares {
			cells := d.samples[s+1].pairs[pair]
			l := framed(cells, cornerCells, false)
			f.stroke(f.lines(l.contours(levelOf(cells, share))), styleOf(s).colour, [2]float64{lineWidth * 0.7, lineWidth}[k], styleOf(s).dashes...)
		}
	}
}

// lines are those of a unit square, over the frame, without points that lie nearly on the way to the next.
func (f *frame) lines(all [][]point) (p path) {
	for _, line := range all {
		var last point
		for k, at := range line {
			to := f.at(at.x, at.y)
			if k > 0 && k < len(line)-1 && offLine(last, f.at(line[k+1].x, line[k+1].y), to) < finestStep/2 {
				continue
			}
			p.step(to, k == 0)
			last = to
		}
		if line[0] == line[len(line)-1] {
			p.close()
		}
	}
	return p
}

// offLine is how far a point lies off the line through two others.
func offLine(a, b, at point) float64 {
	return math.Abs((b.x-a.x)*(at.y-a.y)-(b.y-a.y)*(at.x-a.x)) / max(math.Hypot(b.x-a.x, b.y-a.y), 1e-9)
}
