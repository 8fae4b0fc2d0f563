package plot

// legend stands above a frame: in one row if it fits, else a row an entry.
type legend []entry

type entry struct {
	text string
	style
	box, plain bool // a filled box, or nothing, rather than a line
}

const legendKey = 18.0

func (e entry) width() float64 { return legendKey + gap + textWidth(smallSize, e.text) }

func (l legend) oneRow(width float64) bool {
	need := -4 * gap
	for _, e := range l {
		need += e.width() + 4*gap
	}
	return need <= width
}

func (l legend) height(width float64) float64 {
	if l.oneRow(width) {
		return smallSize + gap
	}
	return float64(len(l)) * (smallSize + gap)
}

// draw starts at the upper left corner.
func (l legend) draw(c *canvas, at point, width float64) {
	row := l.oneRow(width)
	x, y := at.x, at.y-smallSize/2
	for _, e := range l {
		var p path
		switch {
		case e.box:
			p.rectangle(box{x, y - smallSize*0.35, x + legendKey, y + smallSize*0.4})
			c.fill(p, e.colour)
			c.stroke(p, greyEdge, errorWidth)
		case !e.plain:
			p.segment(x, y, x+legendKey, y)
			c.stroke(p, e.colour, lineWidth, e.dashes...)
		}
		c.text(text{size: smallSize, colour: ink, y: 0.5, room: width - legendKey - gap}, point{x + legendKey + gap, y}, e.text)
		if row {
			x += e.width() + 4*gap
		} else {
			y -= smallSize + gap
		}
	}
}
