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

// svg is the body of an SVG, whose y axis points down.
type svg struct {
	bytes.Buffer
	height float64
}

func (c *svg) stroke(p path, col color.RGBA, width float64, dashes ...float64) {
	dashed := ""
	for i, d := range dashes {
		dashed += map[bool]string{true: ` stroke-dasharray="`, false: ","}[i == 0] + short(d)
	}
	if dashed != "" {
		dashed += `"`
	}
	fmt.Fprintf(c, `<path d="%s" fill="none" stroke="%s" stroke-width="%s"%s/>`+"\n", c.outline(p), hex(col), short(width), dashed)
}

func (c *svg) fill(p path, col color.RGBA) {
	fmt.Fprintf(c, `<path d="%s" fill="%s"/>`+"\n", c.outline(p), hex(col))
}

func (c *svg) outline(p path) []byte {
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

func (c *svg) write(l line) {
	anchor := map[float64]string{0: "", 0.5: ` text-anchor="middle"`, 1: ` text-anchor="end"`}[l.x]
	x, y, turn := short(l.base.x), short(c.height-l.base.y), ""
	if l.turned {
		turn = fmt.Sprintf(` transform="rotate(-90 %s %s)"`, x, y)
	}
	fmt.Fprintf(c, `<text x="%s" y="%s"%s font-size="%s" fill="%s" textLength="%s" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
		x, y, anchor, short(l.size), hex(l.colour), short(l.width), turn, html.EscapeString(l.s))
}

func (c *svg) image(b box, img image.Image) {
	fmt.Fprintf(c, `<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" href="data:image/png;base64,%s"/>`+"\n",
		short(b.x0), short(c.height-b.y1), short(b.width()), short(b.height()), base64.StdEncoding.EncodeToString(encoded(img)))
}

// encoded is an image as PNG.
func encoded(img image.Image) []byte {
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		panic(err) // of an image in memory, to memory
	}
	return data.Bytes()
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// short writes a length to a hundredth of a point.
func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64) // -0 + 0 is 0
}
