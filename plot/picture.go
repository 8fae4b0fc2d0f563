package plot

import (
	"fmt"
	"html"
)

// Picture is a drawing of known size.
type Picture struct {
	width, height float64
	alt           string
	draw          func(*canvas)
}

// Size is the width and height in points.
func (p *Picture) Size() (width, height float64) { return p.width, p.height }

// Alt says in a few words what the picture shows, for readers who cannot see it.
func (p *Picture) Alt() string { return p.alt }

// SVG is the picture as one svg element, good as a file and inside an HTML page. The background is
// transparent; text stays text.
func (p *Picture) SVG() []byte {
	c := svg{height: p.height}
	w, h := short(p.width), short(p.height)
	fmt.Fprintf(&c, `<svg xmlns="http://www.w3.org/2000/svg" width="%spt" height="%spt" viewBox="0 0 %s %s" font-family="%s" role="img" aria-label="%s">`+"\n",
		w, h, w, h, fontStack, html.EscapeString(clean(p.alt)))
	p.draw(&canvas{&c})
	c.WriteString("</svg>")
	return c.Bytes()
}
