package plot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"regexp"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
)

// liberation is the font by whose widths pictures are laid out.
var liberation = sync.OnceValue(func() *sfnt.Font {
	f, err := sfnt.Parse(liberationsansregular.TTF)
	if err != nil {
		panic(err) // of a font that is linked
	}
	return f
})

// PDF is the picture as a page of its size, with the letters that it needs of Liberation Sans: text stays text. The same picture gives
// the same bytes, without a date. Letters that the font lacks are boxes.
func (p *Picture) PDF() ([]byte, error) {
	f := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", Size: fpdf.SizeType{Wd: p.width, Ht: p.height}})
	f.SetMargins(0, 0, 0)
	f.SetAutoPageBreak(false, 0)
	f.SetCatalogSort(true)
	f.SetCreationDate(noDate)
	f.SetModificationDate(noDate)
	f.SetTitle(clean(p.alt), true)
	f.AddUTF8FontFromBytes(fontName, "", liberationsansregular.TTF)
	f.AddPage()
	f.RawWriteStr("4 M") // the limit of mitres is that of SVG
	p.draw(&canvas{on: &pdf{Fpdf: f, height: p.height}})
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		return nil, fmt.Errorf("plot: PDF: %w", err)
	}
	return dates.ReplaceAllFunc(out.Bytes(), func(date []byte) []byte { return bytes.Repeat([]byte(" "), len(date)) }), nil
}

const fontName = "Liberation Sans"

// noDate stands where fpdf would put the time of writing. Its lines are blanked, so that nothing moves.
var (
	noDate = time.Unix(0, 0).UTC()
	dates  = regexp.MustCompile(`/(Creation|Mod)Date \(D:19700101000000\)`)
)

// pdf is a page whose y axis points down.
type pdf struct {
	*fpdf.Fpdf
	height float64
	images int // so far, and the width of the last
	widest int
}

func (c *pdf) stroke(p path, col color.RGBA, width float64, dashes ...float64) {
	c.SetDrawColor(int(col.R), int(col.G), int(col.B))
	c.SetLineWidth(width)
	c.SetDashPattern(dashes, 0)
	c.outline(p)
	c.DrawPath("D")
}

func (c *pdf) fill(p path, col color.RGBA) {
	c.SetFillColor(int(col.R), int(col.G), int(col.B))
	c.outline(p)
	c.DrawPath("F")
}

func (c *pdf) outline(p path) {
	for _, s := range p {
		x, y := s.x, c.height-s.y
		switch s.letter {
		case 'M':
			c.MoveTo(x, y)
		case 'Z':
			c.ClosePath()
		case 'O':
			r, k := s.radius, s.radius*4/3*(math.Sqrt2-1) // quarters as cubic curves
			c.MoveTo(x+r, y)
			c.CurveBezierCubicTo(x+r, y+k, x+k, y+r, x, y+r)
			c.CurveBezierCubicTo(x-k, y+r, x-r, y+k, x-r, y)
			c.CurveBezierCubicTo(x-r, y-k, x-k, y-r, x, y-r)
			c.CurveBezierCubicTo(x+k, y-r, x+r, y-k, x+r, y)
			c.ClosePath()
		default:
			c.LineTo(x, y)
		}
	}
}

func (c *pdf) write(l line) {
	for _, run := range l.runs() {
		c.letters(run)
	}
}

func (c *pdf) letters(l line) {
	s := strings.Map(func(r rune) rune {
		if r > 0xFFFF { // beyond what fpdf's fonts hold
			return '\uFFFD'
		}
		return r
	}, l.s)
	x, y := l.base.x, c.height-l.base.y
	c.SetFont(fontName, "", l.size)
	c.SetTextColor(int(l.colour.R), int(l.colour.G), int(l.colour.B))
	c.TransformBegin()
	if l.turned {
		c.TransformRotate(90, x, y)
	}
	c.RawWriteStr(fmt.Sprintf("%.2f Tz", 100*l.width/max(c.GetStringWidth(s), 1e-3))) // as long as it was laid out
	c.Text(x, y, s)
	c.TransformEnd()
}

// image has the transparency that fpdf reads in no palette. fpdf writes images in the order of their widths, and those of one width in any: so each
// is wider than the one before, by columns that show nothing.
func (c *pdf) image(b box, img image.Image) {
	at := img.Bounds()
	c.widest = max(at.Dx(), c.widest+1)
	full := image.NewNRGBA(image.Rect(at.Min.X, at.Min.Y, at.Min.X+c.widest, at.Max.Y))
	draw.Draw(full, at, img, at.Min, draw.Src)
	b.x1 = b.x0 + b.width()*float64(c.widest)/float64(at.Dx())
	c.images++
	name, kind := fmt.Sprint(c.images), fpdf.ImageOptions{ImageType: "PNG"}
	c.RegisterImageOptionsReader(name, kind, bytes.NewReader(encoded(full)))
	c.ImageOptions(name, b.x0, c.height-b.y1, b.width(), b.height(), false, kind, 0, "")
}
