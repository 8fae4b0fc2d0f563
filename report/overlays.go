package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/uhi"
)

// Overlay is a column of all samples: its picture on either scale, and its histograms.
type Overlay struct {
	Column, Label string // as the files have it, and as readers know it
	// Picture is on the scale that suits the contents; Other is on the other one, or nil where that has nothing to show.
	Picture, Other *plot.Picture
	Steep          bool // Picture is the logarithmic one
	Samples        []Sample
}

// Sample is a histogram by the name of what it is of.
type Sample struct {
	Key       string         `json:"key"`   // "reference", or "generated", "generated_2" and so on, among histograms
	Name      string         `json:"name"`  // for readers
	Scale     float64        `json:"scale"` // of the heights drawn
	Histogram *uhi.Histogram `json:"histogram"`
	Apart     *uhi.Histogram `json:"apart,omitempty"` // values drawn apart, a category each; nil for none
}

// newOverlay draws a column, whose axis may say more than its label.
func newOverlay(column, label string, o *plot.Overlay) (v Overlay, err error) {
	v = Overlay{Column: column, Label: label, Steep: o.Steep()}
	if v.Picture, err = o.Picture(); err != nil {
		return v, err
	}
	other := *o
	if other.Vertical = plot.Logarithmic; v.Steep {
		other.Vertical = plot.Linear
	}
	if other.Steep() != v.Steep {
		if v.Other, err = other.Picture(); err != nil {
			return v, err
		}
	}
	v.Samples = []Sample{newSample("reference", cmp.Or(o.Reference.Name, "Reference"), column, o, &o.Reference)}
	for i := range o.Generated {
		key, h := "generated", &o.Generated[i]
		if i > 0 {
			key += "_" + strconv.Itoa(i+1)
		}
		s := newSample(key, cmp.Or(h.Name, "Generated"), column, o, h)
		if ref, gen := v.Samples[0].sum(), s.sum(); ref > 0 && gen > 0 {
			s.Scale = ref / gen
		}
		v.Samples = append(v.Samples, s)
	}
	return v, nil
}

func newSample(key, name, column string, o *plot.Overlay, h *plot.Histogram) Sample {
	return Sample{Key: key, Name: name, Scale: 1, Histogram: histogramOf(column, o, h), Apart: apartOf(column, o, h)}
}

func (s *Sample) sum() (sum float64) {
	for _, h := range []*uhi.Histogram{s.Histogram, s.Apart} {
		if h != nil {
			for _, w := range h.Values {
				sum += w
			}
		}
	}
	return sum
}

// metadata are those of the axis of a column.
func metadata(column string, o *plot.Overlay) uhi.Metadata {
	m := uhi.Metadata{"name": column, "label": o.Label}
	if o.Unit != "" {
		m["unit"] = o.Unit
	}
	return m
}

func histogramOf(column string, o *plot.Overlay, h *plot.Histogram) *uhi.Histogram {
	u := &uhi.Histogram{Axes: []uhi.Axis{{Edges: h.Edges, Underflow: true, Overflow: true, Metadata: metadata(column, o)}}}
	u.Values = append(append([]float64{h.Under}, h.SumW...), h.Over)
	squares := h.SumW2
	if squares == nil {
		squares = h.SumW
	}
	u.Variances = append(append([]float64{h.Under2}, squares...), h.Over2)
	if h.Events > 0 {
		u.Metadata = uhi.Metadata{"events": h.Events}
	}
	return u
}

// apartOf has a category for each value drawn apart.
func apartOf(column string, o *plot.Overlay, h *plot.Histogram) *uhi.Histogram {
	if len(o.Apart) == 0 {
		return nil
	}
	u := &uhi.Histogram{Axes: []uhi.Axis{{Metadata: metadata(column, o)}}, Values: h.Apart, Variances: h.Apart2}
	if u.Variances == nil {
		u.Variances = h.Apart
	}
	for _, v := range o.Apart {
		u.Axes[0].Categories = append(u.Axes[0].Categories, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return u
}

// overlays are those of all sections.
func (p *Page) overlays() []Overlay {
	all := p.Overlays[:len(p.Overlays):len(p.Overlays)]
	for _, s := range p.Sections {
		all = append(all, s.Overlays...)
	}
	return all
}

// JSON is what stands beside a page: its title, names and model, the statistics given, and every histogram in UHI form, by the key of its
// sample and the name of its column: "reference/pt"; values drawn apart are categories of "reference/pt/apart". The bytes are the same
// for the same input.
func (p *Page) JSON(statistics any) ([]byte, error) {
	histograms := map[string]*uhi.Histogram{}
	for _, o := range p.overlays() {
		for _, s := range o.Samples {
			for suffix, h := range map[string]*uhi.Histogram{"": s.Histogram, "/apart": s.Apart} {
				if h != nil {
					written := *h
					written.Writer = [2]string{"sluice", strings.TrimPrefix(p.Version, "sluice ")}
					histograms[s.Key+"/"+o.Column+suffix] = &written
				}
			}
		}
	}
	text, err := json.Marshal(struct {
		Title      string                    `json:"title"`
		Version    string                    `json:"version,omitempty"`
		Model      string                    `json:"model,omitempty"`
		Reference  string                    `json:"reference,omitempty"`
		Generated  string                    `json:"generated,omitempty"`
		Statistics any                       `json:"statistics,omitempty"`
		Histograms map[string]*uhi.Histogram `json:"histograms"`
	}{p.Title, p.Version, p.Model, p.Names[0], p.Names[1], statistics, histograms})
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return append(text, '\n'), nil
}

// DataFile is the file beside a page that WriteJSON writes: its name with .json in place of its ending.
func DataFile(page string) string {
	return strings.TrimSuffix(page, filepath.Ext(page)) + ".json"
}

// WriteJSON writes what JSON gives to a file, which appears whole or not at all.
func WriteJSON(path string, p *Page, statistics any) error {
	text, err := p.JSON(statistics)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(path, text); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
