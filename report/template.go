package report

import (
	"embed"
	"html/template"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/plot"
)

//go:embed page.html page.css
var files embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"digits":  digits,
	"bound":   bound,
	"p":       plain,
	"share":   func(v float64) string { return digits(100*v) + " %" },
	"svg":     svg,
	"css":     css,
	"join":    func(s []string) string { return strings.Join(s, " → ") },
	"columns": columns,
	"largest": largest,
	"rem":     rem,
}).ParseFS(files, "page.html"))

// svg is trusted as it stands: package plot escapes the text in its pictures.
func svg(p *plot.Picture) (template.HTML, error) {
	b, err := p.SVG()
	return template.HTML(b), err
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

// largest is the row with the largest KS distance, to be pointed out; -1 where there is a single row.
func largest(d []Distance) int {
	if len(d) < 2 {
		return -1
	}
	at := 0
	for i := range d {
		if d[i].KS > d[at].KS {
			at = i
		}
	}
	return at
}

// rem is the largest width at which a picture's text is no larger than the page's.
func rem(p *plot.Picture) string {
	width, _ := p.Size()
	return strconv.FormatFloat(width*0.095, 'f', 1, 64)
}
