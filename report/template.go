package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/plot"
)

//go:embed page.html page.css
var files embed.FS

//go:embed page.js
var script string

// scriptHash names the page's script to its own policy, which lets no other run.
var scriptHash = func() string {
	sum := sha256.Sum256([]byte(script))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"digits":  digits,
	"bound":   bound,
	"p":       plain,
	"share":   share,
	"svg":     svg,
	"css":     css,
	"join":    func(s []string) string { return strings.Join(s, " → ") },
	"columns": columns,
	"class":   class,
	"rem":     rem,
	"raw":     raw,
	"section": sectionID,
	"signs":   signs,
	"anchor":  anchor,
	"aspect":  aspect,
	"scale":   func(steep bool) string { return map[bool]string{true: "logarithmic", false: "linear"}[steep] },
	"script":  func() template.JS { return template.JS(script) },
	"policy":  func() string { return scriptHash },
}).ParseFS(files, "page.html"))

// raw is a number as the page's script reads it; "" for none.
func raw(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// svg is trusted as it stands: package plot escapes the text in its pictures.
func svg(p *plot.Picture) template.HTML { return template.HTML(p.SVG()) }

// Style is how the pages look.
func Style() string {
	text, _ := css() // which is part of the program
	return string(text)
}

func css() (template.CSS, error) {
	b, err := files.ReadFile("page.css")
	return template.CSS(b), err
}

// columns is how many facts stand in a row where there is room: all of a few, or half of them, so that none stands alone.
func columns(f []Fact) int {
	if len(f) <= 6 {
		return len(f)
	}
	return (len(f) + 1) / 2
}

func share(v float64) string {
	if v > 0 && v < 1e-5 {
		return "< 0.001 %"
	}
	return digits(100*v) + " %"
}

// Class is the attribute of a cell, in a row from 0, or of the head.
func (s Section) Class(row, column int) template.HTMLAttr {
	level := Agree
	if row+1 == s.Bold {
		level = Differs
	}
	name := ""
	if column >= s.Numbers[0] && column < s.Numbers[1] {
		name = "number"
	}
	return class(name, level)
}

// Cell is what stands in a cell: numbers with minus signs.
func (s Section) Cell(column int, text string) string {
	if column >= s.Numbers[0] && column < s.Numbers[1] {
		return signs(text)
	}
	return text
}

// class is the attribute of a cell or a text, bold where chance does not explain it.
func class(name string, l Level) template.HTMLAttr {
	if l > Agree {
		name = strings.TrimSpace(name + " bad")
	}
	if name == "" {
		return ""
	}
	return template.HTMLAttr(` class="` + name + `"`)
}

// aspect keeps a figure's place on the page before it is drawn.
func aspect(p *plot.Picture) template.CSS {
	width, height := p.Size()
	return template.CSS(strconv.FormatFloat(width, 'f', -1, 64) + " / " + strconv.FormatFloat(height, 'f', -1, 64))
}

// rem is the largest width at which a picture's text is no larger than the page's.
func rem(p *plot.Picture) string {
	width, _ := p.Size()
	return strconv.FormatFloat(width*0.095, 'f', 1, 64)
}
