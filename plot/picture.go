package plot

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Picture is a drawing of known size.
type Picture struct {
	width, height vg.Length
	alt           string
	draw          func(draw.Canvas)
}

// Size is the width and height in points.
func (p *Picture) Size() (width, height float64) { return p.width.Points(), p.height.Points() }

// Alt says in a few words what the picture shows, for readers who cannot see it.
func (p *Picture) Alt() string { return p.alt }

// SVG is the picture as one svg element, good as a file and inside an HTML page. The background is
// transparent; text stays text.
func (p *Picture) SVG() ([]byte, error) {
	canvas := vgsvg.New(p.width, p.height)
	p.draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	body := b.Bytes()
	if i := bytes.Index(body, []byte("<g ")); i >= 0 {
		body = body[i:] // the head is written anew: no XML prolog (HTML knows none), a label, the font once
	}
	body = []byte(shorten.Replace(string(body)))
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%gpt" height="%gpt" viewBox="0 0 %g %g" `+
		`font-family="%s" role="img" aria-label="%s">`+"\n",
		p.width, p.height, p.width, p.height, fontStack, html.EscapeString(clean(p.alt)))
	return append([]byte(head), body...), nil
}

// vgsvg says the font at each text, takes every image for a JPEG and keeps the shape of its pixels.
var shorten = strings.NewReplacer(
	"font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;", "",
	`xlink:href="data:image/jpg;`, `href="data:image/png;`,
	`<image `, `<image preserveAspectRatio="none" `,
	"\n\t", " ",
)

// PNG is the picture on white, about width pixels wide (between 16 and 10000).
func (p *Picture) PNG(width int) ([]byte, error) {
	if width < 16 || width > 10000 {
		return nil, fmt.Errorf("plot: a PNG of %d pixels width: choose between 16 and 10000", width)
	}
	dpi := max(1, int(float64(width)*vg.Inch.Points()/p.width.Points()))
	canvas := vgimg.NewWith(vgimg.UseWH(p.width, p.height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))
	p.draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	return b.Bytes(), nil
}
