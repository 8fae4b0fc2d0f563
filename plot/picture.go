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
// transparent; text stays text. An Overlay's svg ends with a group whose data-plane tells where its horizontal axis is: the sides x0, y0, x1, y1
// of the frame, the values at x0 and x1, and "log" for a logarithmic axis or "linear".
func (p *Picture) SVG() []byte {
	c := svg{height: p.height}
	w, h := short(p.width), short(p.height)
	fmt.Fprintf(&c, `<svg xmlns="http://www.w3.org/2000/svg" width="%spt" height="%spt" viewBox="0 0 %s %s" font-family="%s" role="img" aria-label="%s">`+"\n",
		w, h, w, h, fontStack, html.EscapeString(clean(p.alt)))
	on := canvas{on: &c}
	p.draw(&on)
	if q := on.plane; q != nil {
		kind := map[bool]string{true: "log", false: "linear"}[q.x.log]
		fmt.Fprintf(&c, `<g data-plane="%s %s %s %s %g %g %s"/>`+"\n", short(q.x0), short(p.height-q.y1), short(q.x1), short(p.height-q.y0), q.x.min, q.x.max, kind)
	}
	c.WriteString("</svg>")
	return c.Bytes()
}
