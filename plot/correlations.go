package plot

import (
	"cmp"
	"fmt"
	"image"
	imagedraw "image/draw"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Correlations shows two correlation matrices side by side, and generated minus reference as a third panel
// with a colour scale of its own. Up to 12 columns have their numbers written in the cells.
type Correlations struct {
	Columns              []string
	Reference, Generated [][]float64 // one row a column; NaN where there is none (a constant column)
	// Names above the panels; "" stands for "Reference" and "Generated".
	ReferenceName, GeneratedName string
}

const (
	maxMatrix      = 1000 // columns
	numberedMatrix = 12   // columns whose cells hold numbers
	shortMatrix    = 6    // columns whose cells have room for the 0 before the point
	matrixGap      = vg.Length(10)
	barWidth       = vg.Length(9) // of a colour scale
	barRoom        = vg.Length(50)
	longestName    = vg.Length(80)
	rowPitch       = vg.Length(8) // least distance of two names
)

// Picture draws the matrices, or says which has the wrong shape.
func (m *Correlations) Picture() (*Picture, error) {
	n := len(m.Columns)
	if n < 1 || n > maxMatrix {
		return nil, fmt.Errorf("plot: correlations of %d columns: there must be 1 to %d", n, maxMatrix)
	}
	if err := cmp.Or(square("reference", m.Reference, n), square("generated", m.Generated, n)); err != nil {
		return nil, fmt.Errorf("plot: correlations: %w", err)
	}
	names := m.names()
	foot := names.width + 2*gap
	width := foot + 3*names.side + 2*matrixGap + 2*barRoom
	height := foot + names.side + fontSize + 2*gap
	alt := "Correlation matrices of the reference and the generated events, and their difference"
	return &Picture{width, height, alt, func(c draw.Canvas) { m.draw(c, names) }}, nil
}

func square(name string, m [][]float64, n int) error {
	if len(m) != n {
		return fmt.Errorf("%s: %d rows for %d columns", name, len(m), n)
	}
	for i, row := range m {
		if len(row) != n {
			return fmt.Errorf("%s: row %d has %d values for %d columns", name, i, len(row), n)
		}
	}
	return nil
}

// matrixNames are the columns' names, cut, and every how many of them are written beside a matrix.
type matrixNames struct {
	text        []string
	width, side vg.Length
	every       int
}

func (m *Correlations) names() matrixNames {
	// Few columns make a small matrix, whose text is then larger on the page.
	side := min(max(vg.Length(len(m.Columns))*24, 120), 216)
	names := matrixNames{side: side, every: int(math.Ceil(float64(rowPitch * vg.Length(len(m.Columns)) / side)))}
	for _, c := range m.Columns {
		s := fit(c, smallSize, longestName)
		names.text = append(names.text, s)
		names.width = max(names.width, textWidth(smallSize, s))
	}
	return names
}

func (m *Correlations) draw(c draw.Canvas, names matrixNames) {
	n, side := len(m.Columns), names.side
	difference, largest := make([][]float64, n), 0.0
	for i := range difference {
		difference[i] = make([]float64, n)
		for j := range difference[i] {
			d := m.Generated[i][j] - m.Reference[i][j]
			difference[i][j] = d
			if finite(d) {
				largest = max(largest, math.Abs(d))
			}
		}
	}
	span := 0.05
	for _, s := range []float64{0.1, 0.2, 0.5, 1, 2} {
		if largest > span {
			span = s
		}
	}
	left, bottom := c.Min.X+names.width+2*gap, c.Min.Y+names.width+2*gap
	panel := func(x vg.Length, title string, v [][]float64, span float64, decimals int) {
		box := vg.Rectangle{Min: vg.Point{X: x, Y: bottom}, Max: vg.Point{X: x + side, Y: bottom + side}}
		matrixPanel{c, box, v, span, decimals}.draw(fit(title, fontSize, side), names)
	}
	panel(left, cmp.Or(m.ReferenceName, "Reference"), m.Reference, 1, 2)
	names.draw(c, left, bottom)
	left += side + matrixGap
	panel(left, cmp.Or(m.GeneratedName, "Generated"), m.Generated, 1, 2)
	left += side
	colourScale(c, left+gap, bottom, side, 1)
	left += barRoom + matrixGap
	decimals := 2
	if span <= 0.1 {
		decimals = 3
	}
	panel(left, "Difference (max "+strconv.FormatFloat(largest, 'f', 3, 64)+")", difference, span, decimals)
	colourScale(c, left+side+gap, bottom, side, span)
}

// draw writes the names left of the first panel, the first at the top.
func (names matrixNames) draw(c draw.Canvas, x, bottom vg.Length) {
	pitch := names.side / vg.Length(len(names.text))
	for i := 0; i < len(names.text); i += names.every {
		y := bottom + names.side - (vg.Length(i)+0.5)*pitch
		c.FillText(textStyle(smallSize, ink, 1, 0.5), vg.Point{X: x - gap, Y: y}, names.text[i])
	}
}

// matrixPanel is one matrix with colours from -span to span.
type matrixPanel struct {
	c        draw.Canvas
	box      vg.Rectangle
	v        [][]float64
	span     float64
	decimals int
}

func (p matrixPanel) draw(title string, names matrixNames) {
	c, box, n := p.c, p.box, len(p.v)
	c.DrawImage(box, p.image())
	pitch := names.side / vg.Length(n)
	for i := 0; i < n; i += names.every {
		style := textStyle(smallSize, ink, 1, 0.5)
		style.Rotation = math.Pi / 2
		x := box.Min.X + (vg.Length(i)+0.5)*pitch
		c.FillText(style, vg.Point{X: x, Y: box.Min.Y - gap}, names.text[i])
	}
	if n <= numberedMatrix {
		p.numbers(pitch)
	}
	outlined(c, box)
	middle := vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: box.Max.Y + gap}
	c.FillText(textStyle(fontSize, ink, 0.5, 0), middle, title)
}

// image has a whole number of pixels a cell, enough of them that a browser's smoothing does not show.
func (p matrixPanel) image() image.Image {
	n := len(p.v)
	cell := max(1, 480/n)
	img := image.NewRGBA(image.Rect(0, 0, n*cell, n*cell))
	for i, row := range p.v {
		for j, v := range row {
			colour := grey
			if finite(v) {
				colour = diverging.at((v/p.span + 1) / 2)
			}
			square := image.Rect(j*cell, i*cell, (j+1)*cell, (i+1)*cell)
			imagedraw.Draw(img, square, image.NewUniform(colour), image.Point{}, imagedraw.Src)
		}
	}
	return img
}

func (p matrixPanel) numbers(pitch vg.Length) {
	size := min(smallSize, pitch*0.42)
	if p.decimals > 2 {
		size = min(size, pitch*0.38)
	}
	for i, row := range p.v {
		for j, v := range row {
			colour := ink
			if math.Abs(v)/p.span > 0.65 {
				colour = diverging[len(diverging)/2]
			}
			at := vg.Point{X: p.box.Min.X + (vg.Length(j)+0.5)*pitch, Y: p.box.Max.Y - (vg.Length(i)+0.5)*pitch}
			s := cellNumber(v, p.decimals)
			if len(p.v) > shortMatrix {
				s = strings.Replace(s, "0.", ".", 1)
			}
			p.c.FillText(textStyle(size, colour, 0.5, 0.5), at, s)
		}
	}
}

// cellNumber is short: no digits where the value is 0 or 1, no sign on a zero.
func cellNumber(v float64, decimals int) string {
	if !finite(v) {
		return "–"
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return "0"
	}
	if whole, found := strings.CutSuffix(s, "."+strings.Repeat("0", decimals)); found {
		s = whole
	}
	return minus(s)
}

// colourScale stands right of a panel, from -span to span.
func colourScale(c draw.Canvas, x, bottom, height vg.Length, span float64) {
	const steps = 256
	img := image.NewRGBA(image.Rect(0, 0, 1, steps))
	for y := range steps {
		img.SetRGBA(0, y, diverging.at(1-float64(y)/(steps-1)))
	}
	box := vg.Rectangle{Min: vg.Point{X: x, Y: bottom}, Max: vg.Point{X: x + barWidth, Y: bottom + height}}
	c.DrawImage(box, img)
	outlined(c, box)
	for k := -2; k <= 2; k++ {
		v := span * float64(k) / 2
		at := vg.Point{X: box.Max.X + gap, Y: bottom + height*vg.Length(k+2)/4}
		c.FillText(textStyle(smallSize, ink, 0, 0.5), at, minus(strconv.FormatFloat(v, 'g', 3, 64)))
	}
}
