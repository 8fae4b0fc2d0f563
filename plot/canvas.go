package plot

import (
	"image"
	"image/color"
	"math"
	"slices"
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

// path is an outline; many may be one, so that they are one element of a picture.
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

// canvas is what pictures draw on, whatever the file they end in.
type canvas struct {
	on    surface
	plane *plane
}

// plane is where values of an axis lie on a picture, for a page that tells of them.
type plane struct {
	box
	x axis
}

// surface is a picture's file: its paths and images, and lines of text that are laid out already.
type surface interface {
	stroke(p path, col color.RGBA, width float64, dashes ...float64)
	fill(p path, col color.RGBA)
	write(l line)
	image(b box, img image.Image)
}

func (c *canvas) stroke(p path, col color.RGBA, width float64, dashes ...float64) {
	if len(p) > 0 {
		c.on.stroke(p, col, width, dashes...)
	}
}

func (c *canvas) fill(p path, col color.RGBA) {
	if len(p) > 0 {
		c.on.fill(p, col)
	}
}

// outlined strokes a box about what was drawn inside.
func (c *canvas) outlined(b box) {
	var p path
	p.rectangle(b)
	c.stroke(p, ink, frameWidth)
}

// image is stretched over a box.
func (c *canvas) image(b box, img image.Image) { c.on.image(b, img) }

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

// line is a text laid out.
type line struct {
	text
	s     string
	width float64
	base  point // on the base line, at the fraction x of the width
}

func (c *canvas) text(t text, at point, s string) {
	if t, s = t.within(s); s == "" {
		return
	}
	rise := t.size * (0.095 - 1.117*t.y) // of the base line, for ascenders of 0.905 and descenders of 0.212
	if t.turned {
		at.x -= rise
	} else {
		at.y += rise
	}
	c.on.write(line{t, s, textWidth(t.size, s), at})
}

// start is where the first letter begins.
func (l line) start() point {
	if l.turned {
		return point{l.base.x, l.base.y - l.x*l.width}
	}
	return point{l.base.x - l.x*l.width, l.base.y}
}

// Digits and signs that fonts lack or have in several sizes: superscripts, subscripts from ₀ on, and what they are made of.
var raised, level = []rune("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉₊₋"), []rune("0123456789+−0123456789+−")

// runs are the parts of a line from left to right, superscripts and subscripts apart as smaller letters.
func (l line) runs() (all []line) {
	along, before := 0.0, math.NaN()
	for _, r := range l.s {
		letter, size, rise := string(r), l.size, 0.0
		wide := textWidth(size, letter)
		if k := slices.Index(raised, r); k >= 0 {
			letter, size, rise = string(level[k]), 0.6*size, 0.34*size
			if k >= len(raised)/2 {
				rise = -0.14 * l.size
			}
		}
		if rise != before {
			part := line{text: l.text, base: l.start()}
			part.size, part.x = size, 0
			if l.turned {
				part.base.x, part.base.y = part.base.x-rise, part.base.y+along
			} else {
				part.base.x, part.base.y = part.base.x+along, part.base.y+rise
			}
			all = append(all, part)
		}
		last := &all[len(all)-1]
		last.s, last.width = last.s+letter, last.width+wide
		along, before = along+wide, rise
	}
	return all
}
