package plot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"pgregory.net/rapid"
)

// PNG and PDF have the size of the SVG, and are the same each time.
func TestFilesHaveTheSizeOfThePicture(t *testing.T) {
	for _, p := range []*Picture{pictureOf(t, apartOverlay()), pictureOf(t, exampleLatent())} {
		files := written(t, p)
		for range 5 { // pictures of several images once differed in one of four
			for kind, data := range written(t, p) {
				if !bytes.Equal(data, files[kind]) {
					t.Errorf("%s: two writings differ", kind)
				}
			}
		}
		img, err := png.Decode(bytes.NewReader(files["png"]))
		if err != nil {
			t.Fatal(err)
		}
		if w, h := img.Bounds().Dx(), img.Bounds().Dy(); float64(w) != math.Ceil(p.width*300/72) || float64(h) != math.Ceil(p.height*300/72) {
			t.Errorf("%g x %g points became %d x %d pixels", p.width, p.height, w, h)
		}
		if c := color.RGBAModel.Convert(img.At(0, 0)); c != white {
			t.Errorf("the rim is %v, not white", c)
		}
		if !bytes.Contains(files["png"], []byte("pHYs\x00\x00\x2e\x23\x00\x00\x2e\x23\x01")) {
			t.Error("the PNG does not say that it has 300 pixels an inch")
		}
		pdf := string(files["pdf"])
		if box := fmt.Sprintf("/MediaBox [0 0 %.2f %.2f]", p.width, p.height); !strings.HasPrefix(pdf, "%PDF-") || !strings.Contains(pdf, box) {
			t.Errorf("no PDF with %s", box)
		}
		if strings.Contains(pdf, "Date") {
			t.Error("the PDF has a date")
		}
		if len(pdf) > 300_000 {
			t.Errorf("the PDF has %d bytes: more than the letters it needs?", len(pdf))
		}
	}
}

func pictureOf(t *testing.T, d interface{ Picture() (*Picture, error) }) *Picture {
	t.Helper()
	p, err := d.Picture()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Whatever text a picture holds, it can be written.
func TestAnyTextCanBeWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{hostile, "日本語", "m_{ÿ} α→Ω é", "𝛼 \U0010FFFF", "a\u0301"})).Draw(rt, "text")
		p := &Picture{60, 30, s, func(c *canvas) {
			c.text(text{size: 8, colour: ink, x: 0.5, turned: rapid.Bool().Draw(rt, "turned"), room: 50}, point{30, 10}, s)
		}}
		written(t, p)
	})
}

// The font has every letter by whose width pictures are laid out, and is as wide.
func TestWidthsAreThoseOfTheFont(t *testing.T) {
	var b sfnt.Buffer
	for r, want := range widths {
		if slices.Contains(raised, r) { // drawn as smaller letters
			continue
		}
		g, err := liberation().GlyphIndex(&b, r)
		if err != nil || g == 0 {
			t.Errorf("the font has no %q (%v)", r, err)
			continue
		}
		got, err := liberation().GlyphAdvance(&b, g, fixed.I(1000), font.HintingNone)
		if err != nil || math.Abs(float64(got)/64-want*1000) > 10 { // as versions differ
			t.Errorf("%q is %g wide, not %g (%v)", r, float64(got)/64, want*1000, err)
		}
	}
}

// inked is how many pixels are covered by black on white, parts of them counted.
func inked(draw func(*canvas)) float64 {
	c := pixels{height: 50, scale: 4, RGBA: image.NewRGBA(image.Rect(0, 0, 200, 200))}
	for i := range c.Pix {
		c.Pix[i] = 0xff
	}
	draw(&canvas{on: &c})
	sum := 0.0
	for i := 0; i < len(c.Pix); i += 4 {
		sum += 1 - float64(c.Pix[i])/255
	}
	return sum
}

var black = color.RGBA{A: 0xff}

// A line covers its length times its width, whatever its direction; a closed one has four corners, and dashes leave their gaps.
func TestStrokesCoverTheirLength(t *testing.T) {
	const width, scale = 1.5, 4
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.02*want {
			t.Errorf("%s covers %.1f pixels, not %.1f", what, got, want)
		}
	}
	for a := range 16 {
		sin, cos := math.Sincos(float64(a) * math.Pi / 8)
		var p path
		p.segment(25, 25, 25+20*cos, 25+20*sin)
		near(fmt.Sprintf("direction %d", a), inked(func(c *canvas) { c.stroke(p, black, width) }), 20*width*scale*scale)
		near("dashes", inked(func(c *canvas) { c.stroke(p, black, width, 3, 2) }), 12*width*scale*scale)
	}
	square := func(flip bool) (p path) {
		p.move(point{10, 10})
		corners := []point{{40, 10}, {40, 40}, {10, 40}}
		if flip {
			corners[0], corners[2] = corners[2], corners[0]
		}
		for _, q := range corners {
			p.line(q)
		}
		p.close()
		return p
	}
	for _, flip := range []bool{false, true} {
		near("a square", inked(func(c *canvas) { c.stroke(square(flip), black, width) }), (31.5*31.5-28.5*28.5)*scale*scale)
		near("its area", inked(func(c *canvas) { c.fill(square(flip), black) }), 30*30*scale*scale)
	}
	var disc path
	disc.circle(point{25, 25}, 10)
	near("a circle", inked(func(c *canvas) { c.fill(disc, black) }), math.Pi*100*scale*scale)
	near("its rim", inked(func(c *canvas) { c.stroke(disc, black, width) }), 2*math.Pi*10*width*scale*scale)
}

// Superscripts are drawn by letters of the font, as long as the layout takes them to be.
func TestSuperscripts(t *testing.T) {
	for _, turned := range []bool{false, true} {
		l := line{text: text{size: 10, x: 1, turned: turned}, s: "fb⁻¹ x₀", base: point{100, 100}}
		l.width = textWidth(l.size, l.s)
		got, along := "", 0.0
		for _, run := range l.runs() {
			got += fmt.Sprintf("%s %g|", run.s, run.size)
			at := run.base.x - l.start().x
			if turned {
				at = run.base.y - l.start().y
			}
			if math.Abs(at-along) > 1e-9 {
				t.Errorf("%q begins at %g, not %g", run.s, at, along)
			}
			along += run.width
		}
		if got != "fb 10|−1 6| x 10|0 6|" || math.Abs(along-l.width) > 1e-9 {
			t.Errorf("the runs are %s, %g long of %g", got, along, l.width)
		}
	}
}

// Letters turn with their text: upright and upwards they cover the same.
func TestTurnedText(t *testing.T) {
	ink := func(turned bool) float64 {
		return inked(func(c *canvas) {
			c.text(text{size: 12, colour: black, x: 0.5, y: 0.5, turned: turned}, point{25, 25}, "mα9")
		})
	}
	if a, b := ink(false), ink(true); a < 100 || math.Abs(a-b) > 0.02*a {
		t.Errorf("the text covers %.1f pixels, and turned %.1f", a, b)
	}
}
