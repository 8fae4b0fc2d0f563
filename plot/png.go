package plot

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"

	scaling "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// dpi is the resolution of a PNG: what journals ask for.
const dpi = 300

// PNG is the picture on white with 300 pixels an inch, which the file says, so that it is as large as the SVG and the PDF. Letters
// that the font, Liberation Sans, lacks are boxes.
func (p *Picture) PNG() ([]byte, error) {
	const scale = dpi / 72.
	c := pixels{height: p.height, scale: scale, RGBA: image.NewRGBA(image.Rect(0, 0, int(math.Ceil(p.width*scale)), int(math.Ceil(p.height*scale))))}
	draw.Draw(c, c.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	p.draw(&canvas{on: &c})
	var out bytes.Buffer
	if err := png.Encode(&out, c.RGBA); err != nil {
		return nil, err
	}
	return slices.Insert(out.Bytes(), pngHead, resolution()...), nil
}

// pngHead is the length of a PNG's signature and header, behind which a chunk about its size may stand.
const pngHead = 8 + 25

// resolution is the chunk pHYs (PNG 11.3.4.3): pixels a metre.
func resolution() []byte {
	chunk := binary.BigEndian.AppendUint32(nil, 9)
	chunk = append(chunk, "pHYs"...)
	perMetre := uint32(math.Round(dpi / 0.0254))
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

// pixels is the image of a PNG, scale pixels a point.
type pixels struct {
	*image.RGBA
	height, scale float64
	vector        vector.Rasterizer
	glyphs        sfnt.Buffer
}

// at is a point in pixels, from the upper left corner.
func (c *pixels) at(p point) point { return point{p.x * c.scale, (c.height - p.y) * c.scale} }

func (c *pixels) stroke(p path, col color.RGBA, width float64, dashes ...float64) {
	half := width * c.scale / 2
	var all [][]point
	for _, l := range c.lines(p) {
		for _, d := range l.dashed(dashes, c.scale) {
			all = append(all, d.widened(half)...)
		}
	}
	c.paint(all, col)
}

func (c *pixels) fill(p path, col color.RGBA) {
	var all [][]point
	for _, l := range c.lines(p) {
		all = append(all, l.points)
	}
	c.paint(all, col)
}

// paint fills polygons: what any of them covers, where their senses of rotation are the same.
func (c *pixels) paint(polygons [][]point, col color.RGBA) {
	bounds := boundsOf(polygons).Intersect(c.Rect)
	if bounds.Empty() {
		return
	}
	c.vector.Reset(bounds.Dx(), bounds.Dy())
	for _, p := range polygons {
		for i, q := range p {
			x, y := float32(q.x-float64(bounds.Min.X)), float32(q.y-float64(bounds.Min.Y))
			if i == 0 {
				c.vector.MoveTo(x, y)
			} else {
				c.vector.LineTo(x, y)
			}
		}
		c.vector.ClosePath()
	}
	c.vector.Draw(c.RGBA, bounds, image.NewUniform(col), image.Point{})
}

func boundsOf(polygons [][]point) image.Rectangle {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, p := range polygons {
		for _, q := range p {
			low, high = point{min(low.x, q.x), min(low.y, q.y)}, point{max(high.x, q.x), max(high.y, q.y)}
		}
	}
	if !(low.x <= high.x) {
		return image.Rectangle{}
	}
	return image.Rect(int(math.Floor(low.x)), int(math.Floor(low.y)), int(math.Ceil(high.x))+1, int(math.Ceil(high.y))+1)
}

func (c *pixels) image(b box, img image.Image) {
	low, high := c.at(point{b.x0, b.y1}), c.at(point{b.x1, b.y0})
	round := func(v float64) int { return int(math.Round(v)) }
	scaling.BiLinear.Scale(c.RGBA, image.Rect(round(low.x), round(low.y), round(high.x), round(high.y)), img, img.Bounds(), scaling.Over, nil)
}

func (c *pixels) write(l line) {
	for _, run := range l.runs() {
		c.letters(run)
	}
}

// letters fills the outlines of letters, spaced so that the text is as long as it was laid out.
func (c *pixels) letters(l line) {
	size := fixed.Int26_6(math.Round(l.size * c.scale * 64))
	f, long := liberation(), fixed.Int26_6(0)
	var letters []sfnt.GlyphIndex
	var ends []fixed.Int26_6
	for _, r := range l.s {
		g, err := f.GlyphIndex(&c.glyphs, r)
		if err != nil {
			continue
		}
		a, err := f.GlyphAdvance(&c.glyphs, g, size, font.HintingNone)
		if err != nil {
			continue
		}
		long += a
		letters, ends = append(letters, g), append(ends, long)
	}
	if long == 0 {
		return
	}
	start, stretch := c.at(l.base), l.width*c.scale*64/float64(long)
	from := fixed.Int26_6(0)
	for i, g := range letters {
		if outline, err := f.LoadGlyph(&c.glyphs, g, size, nil); err == nil {
			c.paint(flattened(outline, func(p fixed.Point26_6) point {
				x, y := float64(from+p.X)/64*stretch, float64(p.Y)/64
				if l.turned {
					return point{start.x + y, start.y - x}
				}
				return point{start.x + x, start.y + y}
			}), l.colour)
		}
		from = ends[i]
	}
}

// flattened are the contours of a glyph, its curves as chords.
func flattened(outline sfnt.Segments, place func(fixed.Point26_6) point) (polygons [][]point) {
	const chords = 8
	for _, s := range outline {
		a, b, c := place(s.Args[0]), place(s.Args[1]), place(s.Args[2])
		if s.Op == sfnt.SegmentOpMoveTo {
			polygons = append(polygons, []point{a})
			continue
		}
		last := &polygons[len(polygons)-1]
		from := (*last)[len(*last)-1]
		switch s.Op {
		case sfnt.SegmentOpLineTo:
			*last = append(*last, a)
		case sfnt.SegmentOpQuadTo:
			for k := 1; k <= chords; k++ {
				t := float64(k) / chords
				u := 1 - t
				*last = append(*last, point{u*u*from.x + 2*u*t*a.x + t*t*b.x, u*u*from.y + 2*u*t*a.y + t*t*b.y})
			}
		case sfnt.SegmentOpCubeTo: // TrueType has none
			*last = append(*last, c)
		}
	}
	return polygons
}
