package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/plot"
)

// WriteFigures writes every picture of a page to a folder, which it makes where there is none, as PNG, PDF and SVG: column_pt.pdf, and
// column_pt_log.pdf or column_pt_linear.pdf on the scale that the page shows second. Each file appears whole or not at all; those that
// have its name are replaced.
func WriteFigures(dir string, p *Page) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("report: figures: %w", err)
	}
	figures := p.figures()
	return column.Each(len(figures), func(i int) error {
		f := figures[i]
		pdf, err := f.PDF()
		if err != nil {
			return fmt.Errorf("report: %s: %w", f.name, err)
		}
		png, err := f.PNG()
		if err != nil {
			return fmt.Errorf("report: %s: %w", f.name, err)
		}
		for kind, data := range map[string][]byte{"pdf": pdf, "png": png, "svg": f.SVG()} {
			if err := atomicfile.WriteFile(filepath.Join(dir, f.name+"."+kind), data); err != nil {
				return fmt.Errorf("report: %w", err)
			}
		}
		return nil
	})
}

type figure struct {
	name string // of its files, without the ending; no two have the same
	*plot.Picture
}

// figures are the pictures of a page in its order.
func (p *Page) figures() (all []figure) {
	taken := map[string]bool{}
	add := func(name string, pictures ...*plot.Picture) {
		for i, picture := range pictures {
			if picture == nil {
				continue
			}
			name := name
			if len(pictures) > 1 {
				name = fmt.Sprintf("%s_%d", name, i+1)
			}
			unique := name
			for k := 2; taken[strings.ToLower(unique)]; k++ {
				unique = fmt.Sprintf("%s-%d", name, k)
			}
			taken[strings.ToLower(unique)] = true
			all = append(all, figure{unique, picture})
		}
	}
	for _, o := range p.overlays() {
		add("column_"+fileName(o.Column), o.Picture)
		add("column_"+fileName(o.Column)+map[bool]string{true: "_linear", false: "_log"}[o.Steep], o.Other)
	}
	add("correlations", p.Correlations)
	for _, s := range p.Sections {
		add(fileName(strings.ToLower(s.Title)), append(s.Alone[:len(s.Alone):len(s.Alone)], s.Pictures...)...)
	}
	add("training", p.Loss)
	add("density", p.Density)
	add("steps", p.Steps)
	add("latent", p.Latent)
	return all
}

// fileName is a text as a part of a file's name on any system, at most 100 bytes of it.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-+=.", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(s, "_"))
	for len(s) > 100 {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}
