package plot

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"
)

// point is a place on a picture in points, from its lower left corner.
type point struct{ x, y float64 }

// box is a rectangle on a picture.
type box struct{ x0, y0, x1, y1 float64 }

func (b box) width() float64  { return b.x1 - b.x0 }
func (b box) height() float64 { return b.y1 - b.y0 }

// at is the point at fractions of the width and height.
func (b box) at(x, y float64) point {
	return point{b.x0 + x*b.width(), b.y0 + y*b.height()}
}

// path is an outline; many may be one, so that they are one element of the SVG.
type path []step

// step goes to a point in a straight line, or, by its letter, by a jump (M) or back to the last jump (Z); O is a whole circle.
type step struct {
	letter byte
	point
	radius float64
}

func (p *path) move(at point)                   { *p = append(*p, step{letter: 'M', point: at}) }
func (p *path) line(at point)                   { *p = append(*p, step{letter: 'L', point: at}) }
func (p *path) close()                          { *p = append(*p, step{letter: 'Z'}) }
func (p *path) circle(at point, radius float64) { *p = append(*p, step{'O', at, radius}) }

// segment appends a line, and rectangle a box.
func (p *path) segment(x0, y0, x1, y1 float64) {
	p.move(point{x0, y0})
	p.line(point{x1, y1})
}

func (p *path) rectangle(b box) {
	p.segment(b.x0, b.y0, b.x1, b.y0)
	p.line(point{b.x1, b.y1})
	p.line(point{b.x0, b.y1})
	p.close()
}

// canvas is the body of an SVG, whose y axis points down.
type canvas struct {
	height float64
	svg    bytes.Buffer
}

func (c *canvas) stroke(p path, col color.RGBA, width float64, dashes ...float64) {
	if len(p) == 0 {
		return
	}
	dashed := ""
	for i, d := range dashes {
		dashed += map[bool]string{true: ` stroke-dasharray="`, false: ","}[i == 0] + short(d)
	}
	if dashed != "" {
		dashed += `"`
	}
	fmt.Fprintf(&c.svg, `<path d="%s" fill="none" stroke="%s" stroke-width="%s"%s/>`+"\n", c.outline(p), hex(col), short(width), dashed)
}

func (c *canvas) fill(p path, col color.RGBA) {
	if len(p) > 0 {
		fmt.Fprintf(&c.svg, `<path d="%s" fill="%s"/>`+"\n", c.outline(p), hex(col))
	}
}

// outlined strokes a box about what was drawn inside.
func (c *canvas) outlined(b box) {
	var p path
	p.rectangle(b)
	c.stroke(p, ink, frameWidth)
}

func (c *canvas) outline(p path) []byte {
	var d []byte
	pair := func(x, y float64) { d = append(append(append(d, short(x)...), ','), short(y)...) }
	for _, s := range p {
		switch s.letter {
		case 'Z':
			d = append(d, 'Z')
		case 'O':
			r := short(s.radius)
			d = append(d, 'M')
			pair(s.x+s.radius, c.height-s.y)
			d = fmt.Appendf(d, "a%s,%s 0 1 0 %s,0a%s,%s 0 1 0 %s,0Z", r, r, short(-2*s.radius), r, r, short(2*s.radius))
		default:
			d = append(d, s.letter)
			pair(s.x, c.height-s.y)
		}
	}
	return d
}

// text is written in one line, aligned by the fraction of its width and height that lies left of and below its point. Whatever
// font a reader has, it is as long as the layout takes it to be.
type text struct {
	size   float64
	colour color.RGBA
	x, y   float64 // fractions: 0, 0.5 or 1
	turned bool    // reads upwards
	room   float64 // that it is made smaller for, and cut at last; 0 for any
}

const leastSize = 6.0

func (t text) within(s string) (text, string) {
	s = clean(s)
	if length := textWidth(1, s); t.room > 0 && length*t.size > t.room {
		t.size = max(t.room/length, leastSize)
		s = fit(s, t.size, t.room)
	}
	return t, s
}

func (c *canvas) text(t text, at point, s string) {
	if t, s = t.within(s); s == "" {
		return
	}
	rise := t.size * (0.095 - 1.117*t.y) // of the base line, for ascenders of 0.905 and descenders of 0.212
	anchor := map[float64]string{0: "", 0.5: ` text-anchor="middle"`, 1: ` text-anchor="end"`}[t.x]
	x, y, turn := at.x, c.height-at.y-rise, ""
	if t.turned {
		x, y = at.x-rise, c.height-at.y
		turn = fmt.Sprintf(` transform="rotate(-90 %s %s)"`, short(x), short(y))
	}
	fmt.Fprintf(&c.svg, `<text x="%s" y="%s"%s font-size="%s" fill="%s" textLength="%s" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		short(x), short(y), anchor, short(t.size), hex(t.colour), short(textWidth(t.size, s)), turn, html.EscapeString(s))
}

// image is stretched over a box.
func (c *canvas) image(b box, img image.Image) {
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		panic(err) // of an image in memory, to memory
	}
	fmt.Fprintf(&c.svg, `<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" href="data:image/png;base64,%s"/>`+"\n",
		short(b.x0), short(c.height-b.y1), short(b.width()), short(b.height()), base64.StdEncoding.EncodeToString(data.Bytes()))
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// short writes a length to a hundredth of a point.
func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64) // -0 + 0 is 0
}
