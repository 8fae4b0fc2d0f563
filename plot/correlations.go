package plot

import (
	"cmp"
	"fmt"
	"image"
	imagedraw "image/draw"
	"math"
	"strconv"
	"strings"
)

// Correlations shows two correlation matrices side by side, and generated minus reference as a third panel
// with a colour scale of its own. Up to 12 columns have their numbers written in the cells.
type Correlations struct {
	Columns              []string
	Reference, Generated [][]float64 // one row a column; NaN where there is none (a constant column)
	// Errors are those of the differences, generated minus reference; nil for none. Cells of differences beyond Sigmas of them, 4 if that
	// is 0, have a frame, and are counted, each pair once.
	Errors [][]float64
	Sigmas float64
	// Names above the panels; "" stands for "Reference" and "Generated".
	ReferenceName, GeneratedName string
}

const (
	maxMatrix      = 1000 // columns
	numberedMatrix = 12   // columns whose cells hold numbers
	shortMatrix    = 6    // columns whose cells have room for the 0 before the point
	cellMargin     = 1.0  // left and right of the number in a cell
	matrixGap      = 10.0
	barWidth       = 9.0 // of a colour scale
	barRoom        = 50.0
	longestName    = 200.0
	rowPitch       = 10.0 // least distance of two names
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
	if m.Errors != nil {
		if err := square("errors", m.Errors, n); err != nil {
			return nil, fmt.Errorf("plot: correlations: %w", err)
		}
	}
	if m.Sigmas < 0 || !finite(m.Sigmas) {
		return nil, fmt.Errorf("plot: correlations: differences beyond %g standard deviations are nothing to mark", m.Sigmas)
	}
	names := m.names()
	foot := names.width + 2*gap
	width := foot + 3*names.side + 2*matrixGap + 2*barRoom
	height := foot + names.side + fontSize + 2*gap
	alt := "Correlation matrices of the reference and the generated events, and their difference"
	return &Picture{width, height, alt, func(c *canvas) { m.draw(c, names) }}, nil
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

// matrixNames are the columns' names, as they stand beside a matrix.
type matrixNames struct {
	text        []string
	width, side float64
}

func (m *Correlations) names() matrixNames {
	// Few columns make a small matrix, whose text is then larger on the page; many one with room for every name.
	n := float64(len(m.Columns))
	names := matrixNames{side: max(min(max(n*24, 120), 216), n*rowPitch)}
	seen := map[string]bool{}
	for i, c := range m.Columns {
		s := fit(c, smallSize, longestName)
		if seen[s] { // cut to the same
			s = fit(fmt.Sprintf("%d: %s", i+1, c), smallSize, longestName)
		}
		seen[s] = true
		names.text = append(names.text, s)
		names.width = max(names.width, textWidth(smallSize, s))
	}
	return names
}

func (m *Correlations) draw(c *canvas, names matrixNames) {
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
	left, bottom := names.width+2*gap, names.width+2*gap
	panel := func(x float64, title string, v [][]float64, span float64, decimals int) {
		matrixPanel{c, box{x, bottom, x + side, bottom + side}, v, span, decimals}.draw(title, names)
	}
	panel(left, cmp.Or(m.ReferenceName, "Reference"), m.Reference, 1, 2)
	names.draw(c, left, bottom)
	left += side + matrixGap
	panel(left, cmp.Or(m.GeneratedName, "Generated"), m.Generated, 1, 2)
	left += side
	c.colourScale(box{left + gap, bottom, left + gap + barWidth, bottom + side}, 1)
	left += barRoom + matrixGap
	decimals := 2
	if span <= 0.1 {
		decimals = 3
	}
	beyond, pairs := m.beyond(difference)
	title := "Difference (max " + strconv.FormatFloat(largest, 'f', 3, 64)
	if m.Errors != nil {
		title += fmt.Sprintf("; %d beyond %g σ", pairs, cmp.Or(m.Sigmas, usualSigmas))
	}
	panel(left, title+")", difference, span, decimals)
	beyond.draw(c, box{left, bottom, left + side, bottom + side}, n)
	left += side + gap
	c.colourScale(box{left, bottom, left + barWidth, bottom + side}, span)
}

const usualSigmas = 4

// marks are cells of a matrix, row and column.
type marks [][2]int

// beyond are the differences that are large against their errors, and how many pairs of columns have one.
func (m *Correlations) beyond(difference [][]float64) (cells marks, pairs int) {
	for i, row := range m.Errors {
		for j, e := range row {
			if e > 0 && math.Abs(difference[i][j]) > cmp.Or(m.Sigmas, usualSigmas)*e {
				cells = append(cells, [2]int{i, j})
				if i <= j || !(math.Abs(difference[j][i]) > cmp.Or(m.Sigmas, usualSigmas)*m.Errors[j][i]) {
					pairs++
				}
			}
		}
	}
	return cells, pairs
}

func (cells marks) draw(c *canvas, b box, n int) {
	var p path
	pitch := b.width() / float64(n)
	for _, at := range cells {
		x, y := b.x0+float64(at[1])*pitch, b.y1-float64(at[0])*pitch
		p.rectangle(box{x + 0.7, y - pitch + 0.7, x + pitch - 0.7, y - 0.7})
	}
	c.stroke(p, ink, frameWidth)
}

// draw writes the names left of the first panel, the first at the top.
func (names matrixNames) draw(c *canvas, x, bottom float64) {
	pitch := names.side / float64(len(names.text))
	for i, s := range names.text {
		y := bottom + names.side - (float64(i)+0.5)*pitch
		c.text(text{size: smallSize, colour: ink, x: 1, y: 0.5}, point{x - gap, y}, s)
	}
}

// matrixPanel is one matrix with colours from -span to span.
type matrixPanel struct {
	*canvas
	box
	v        [][]float64
	span     float64
	decimals int
}

func (p matrixPanel) draw(title string, names matrixNames) {
	n := len(p.v)
	p.image(p.box, p.colours())
	pitch := names.side / float64(n)
	for i, s := range names.text {
		at := point{p.x0 + (float64(i)+0.5)*pitch, p.y0 - gap}
		p.text(text{size: smallSize, colour: ink, x: 1, y: 0.5, turned: true}, at, s)
	}
	if n <= numberedMatrix {
		p.numbers(pitch)
	}
	p.outlined(p.box)
	p.text(text{size: fontSize, colour: ink, x: 0.5, room: p.width() + barRoom}, point{p.at(0.5, 0).x, p.y1 + gap}, title)
}

// colours has a whole number of pixels a cell, enough of them that a browser's smoothing does not show.
func (p matrixPanel) colours() image.Image {
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

// numbers writes the values into the cells, as large as the longest of them allows; without the 0 before the point where it would not fit.
func (p matrixPanel) numbers(pitch float64) {
	size := min(smallSize, pitch*0.42)
	texts := make([][]string, len(p.v))
	widest := func(short bool) (width float64) {
		for i, row := range p.v {
			texts[i] = texts[i][:0]
			for _, v := range row {
				s := cellNumber(v, p.decimals)
				if short {
					s = strings.Replace(s, "0.", ".", 1)
				}
				texts[i] = append(texts[i], s)
				width = max(width, textWidth(size, s))
			}
		}
		return width
	}
	room := pitch - 2*cellMargin
	width := widest(len(p.v) > shortMatrix)
	if width > room && len(p.v) <= shortMatrix {
		width = widest(true)
	}
	if width > room {
		size *= room / width
	}
	for i, row := range p.v {
		for j, v := range row {
			colour := ink
			if math.Abs(v)/p.span > 0.65 {
				colour = diverging[len(diverging)/2]
			}
			at := point{p.x0 + (float64(j)+0.5)*pitch, p.y1 - (float64(i)+0.5)*pitch}
			p.text(text{size: size, colour: colour, x: 0.5, y: 0.5}, at, texts[i][j])
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
func (c *canvas) colourScale(b box, span float64) {
	const steps = 256
	img := image.NewRGBA(image.Rect(0, 0, 1, steps))
	for y := range steps {
		img.SetRGBA(0, y, diverging.at(1-float64(y)/(steps-1)))
	}
	c.image(b, img)
	c.outlined(b)
	for k := -2; k <= 2; k++ {
		at := point{b.x1 + gap, b.at(0, float64(k+2)/4).y}
		c.text(text{size: smallSize, colour: ink, y: 0.5}, at, minus(strconv.FormatFloat(span*float64(k)/2, 'g', 3, 64)))
	}
}
