package plot

import (
	"image/color"
	"slices"
	"strings"
	"unicode"
)

// Colours: Okabe and Ito, "Color Universal Design" (2008), and greys.
var (
	ink       = color.RGBA{0x1a, 0x1a, 0x1a, 0xff} // frames, ticks, text
	faint     = color.RGBA{0x80, 0x80, 0x80, 0xff} // what is said in passing
	white     = color.RGBA{0xff, 0xff, 0xff, 0xff}
	grey      = color.RGBA{0xd4, 0xd4, 0xd4, 0xff} // the filled reference
	greyEdge  = color.RGBA{0x8c, 0x8c, 0x8c, 0xff} // its outline
	greyBand  = color.RGBA{0xa6, 0xa6, 0xa6, 0xff} // its uncertainty
	blue      = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	vermilion = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	green     = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	purple    = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
	orange    = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	sky       = color.RGBA{0x56, 0xb4, 0xe9, 0xff}
	groups    = []color.RGBA{blue, vermilion, green, purple, orange, sky}

	// lines of several samples or curves, which differ in colour and, for grey print, in dashes
	lineColours = []color.RGBA{vermilion, blue, green, purple, orange, sky}
	lineDashes  = [][]float64{nil, {6, 2}, {2, 1.5}, {8, 2, 2, 2}, {4, 1.5}, {8, 2, 1.5, 2, 1.5, 2}}

	// diverging runs from -1 over 0 to 1, sequential from none to many; both keep their order in grey print.
	diverging  = ramp{{0x1f, 0x4e, 0x8c, 0xff}, {0x6b, 0xa3, 0xd0, 0xff}, {0xf7, 0xf7, 0xf7, 0xff}, {0xe8, 0x96, 0x72, 0xff}, {0xa3, 0x1f, 0x2b, 0xff}}
	sequential = ramp{{0xf4, 0xf8, 0xfb, 0xff}, {0x86, 0xbc, 0xdc, 0xff}, {0x00, 0x72, 0xb2, 0xff}, {0x08, 0x2c, 0x54, 0xff}}
)

// style is how a line looks; zero dashes are a solid one.
type style struct {
	colour color.RGBA
	dashes []float64
}

// maxStyles is how many lines of a picture can be told apart.
const maxStyles = 12

// styleOf is that of line i; after the colours have been used, they come again with other dashes.
func styleOf(i int) style {
	n := len(lineColours)
	return style{lineColours[i%n], lineDashes[(i+i/n)%n]}
}

// markStyle is how a value that is known is marked.
var markStyle = style{ink, []float64{5, 2}}

// tint is a colour mixed with white, by its share: what would be translucent is drawn so, below all lines.
func tint(c color.RGBA, share float64) color.RGBA { return ramp{white, c}.at(share) }

// Lengths in points. A picture of 320 points is 427 CSS pixels wide, so that the text of one
// shown at 400 pixels is 12 to 14 pixels high.
const (
	fontSize   = 10.5
	smallSize  = 9.0
	cellSize   = 7.5 // numbers in cells of matrices
	frameWidth = 0.8
	lineWidth  = 1.4
	errorWidth = 0.9
	majorTick  = 6.0
	minorTick  = 3.0
	gap        = 4.0  // between things that belong together
	margin     = 10.0 // at the rim: half of a tick label may stand out
)

// fontStack: Arial and Helvetica have the widths of Liberation Sans, by which the layout is computed. Other fonts are stretched or
// narrowed to these.
const fontStack = "Liberation Sans,Arial,Helvetica,sans-serif"

// widths of Liberation Sans, in thousandths of its size.
var widths = func() map[rune]float64 {
	m := map[rune]float64{}
	for w, runes := range map[int]string{
		191: "'", 222: "ijlι", 260: "|¦", 278: " !,./:;I[\\]ftÌÍÎÏìíîïΙ", 333: "()-`r¡¨²³´·¸¹⁰⁴⁵⁶⁷⁸⁹⁻₀₁₂", 334: "{}", 355: "\"", 365: "ºª",
		389: "*", 395: "τ", 400: "°", 445: "ζεξ", 469: "^", 482: "ς", 500: "Jckvxyzsçýÿγκλν", 525: "χ", 540: "¶υ", 549: "±÷√≤≥Γ",
		556: "#$0123456789?L_abdeghnopqu¢£¤¥§«»àáâãäåèéêëðñòóôõöùúûüþηθο–δ", 575: "µμαβρ", 584: "+<=>~¬×−", 611: "FTZ¿ßøΖΤ", 617: "σΣ",
		648: "φΞ", 667: "&ABEKPSVXYÀÁÂÃÄÅÈÉÊËÝÞΑΒΕΚΡΥΧΔΛ", 690: "π", 713: "ψ∞", 722: "CDHNRUwÇÐÑÙÚÛÜΗΝΠ", 737: "©®", 748: "Ω",
		778: "GOQÒÓÔÕÖØΘΟω", 798: "Φ", 833: "MmΜΨ¼½¾", 889: "%æ", 944: "W", 1000: "ÆŒ—…→", 1015: "@",
	} {
		for _, r := range runes {
			m[r] = float64(w) / 1000
		}
	}
	return m
}()

// textWidth is how long a line of text is; letters of other scripts count as wide as the widest of them are.
func textWidth(size float64, s string) (w float64) {
	for _, r := range s {
		switch known, ok := widths[r]; {
		case ok:
			w += known
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case r < 0x1100:
			w += 0.667
		default:
			w++
		}
	}
	return w * size
}

// clean is a user's text as one line without control characters, which XML cannot hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// fit makes a label of a user's text, cut in the middle to width, since the ends of column names tell them
// apart.
func fit(s string, size, width float64) string {
	s = clean(s)
	r := []rune(s)
	if len(r) > 200 {
		r = slices.Concat(r[:100], r[len(r)-100:])
	} else if textWidth(size, s) <= width {
		return s
	}
	for n := len(r) - 1; n > 1; n-- {
		s = string(r[:(n+1)/2]) + "…" + string(r[len(r)-n/2:])
		if textWidth(size, s) <= width {
			return s
		}
	}
	return "…"
}

// ramp is a scale of colours, evenly spaced.
type ramp []color.RGBA

// at is the colour at t in [0, 1].
func (r ramp) at(t float64) color.RGBA {
	t = min(max(t, 0), 1) * float64(len(r)-1)
	i := min(int(t), len(r)-2)
	t -= float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-t) + float64(b)*t + 0.5) }
	a, b := r[i], r[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}
