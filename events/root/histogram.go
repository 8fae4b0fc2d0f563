package root

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/uhi"
)

// outHistogram is a histogram that waits to be written.
type outHistogram struct {
	name, title string
	object      []byte
}

// WriteHistograms writes a file of histograms, each a TH1D under its name, in the order of their names. The file appears whole, or
// not at all.
func WriteHistograms(path string, all map[string]*uhi.Histogram) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	defer f.Abort()
	w := NewWriter(f.File)
	w.begin()
	if err = w.Histograms(all); err == nil {
		err = w.Finish()
	}
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return fmt.Errorf("root: %s: %w", path, err)
	}
	return nil
}

// Histograms adds histograms of one axis of edges, each to become a TH1D under its name, with the sums of squared weights. The title
// is metadata "title", that of the axis its label or name with the unit; entries are metadata "events", or the effective number.
// Bins below and above the edges that a histogram does not have are 0.
func (w *Writer) Histograms(all map[string]*uhi.Histogram) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		h := all[name]
		if err := w.takes(name, h); err != nil {
			return fmt.Errorf("histogram %q: %w", name, err)
		}
		title, _ := h.Metadata["title"].(string)
		if len(name)+len(title) > math.MaxInt16/2 {
			return fmt.Errorf("the name and title of a histogram have %d letters", len(name)+len(title))
		}
		w.histograms = append(w.histograms, &outHistogram{name: name, title: title, object: th1d(name, title, h)})
	}
	return nil
}

// takes tells why a histogram cannot be written under a name.
func (w *Writer) takes(name string, h *uhi.Histogram) error {
	switch {
	case name == "" || strings.ContainsAny(name, "/;\x00"):
		return fmt.Errorf("such a name cannot be looked up in a ROOT file; use letters, digits and _")
	case w.branches != nil && name == w.options.Tree, slices.ContainsFunc(w.histograms, func(o *outHistogram) bool { return o.name == name }):
		return fmt.Errorf("the file has something of that name; choose another")
	case len(h.Axes) != 1 || h.Axes[0].Categories != nil:
		return fmt.Errorf("a TH1D has one axis of edges")
	}
	return h.Check()
}

// th1d is a TH1D (TH1.h, version 3 of TH1D and 8 of TH1).
func th1d(name, title string, h *uhi.Histogram) []byte {
	a := &h.Axes[0]
	bins := len(a.Edges) - 1
	values, variances := make([]float64, bins+2), make([]float64, bins+2)
	first := 1
	if a.Underflow {
		first = 0
	}
	for i, v := range h.Values {
		values[first+i], variances[first+i] = v, h.Variance(i)
	}
	p := &put{origin: headLength("TH1D", name, title), classes: make(map[string]uint32)}
	p.object(3, func() {
		p.object(8, func() {
			p.named(name, title)
			p.attributes()
			p.add(len(values))
			p.axis("xaxis", axisTitle(a), a)
			for _, other := range []string{"yaxis", "zaxis"} {
				p.axis(other, "", &uhi.Axis{Edges: []float64{0, 1}})
			}
			p.add(uint16(0), uint16(1000)) // a bar's offset and width
			p.add(statistics(h, values[1:bins+1], variances[1:bins+1]))
			p.add([]float64{-1111, -1111, 0}) // no maximum, minimum and norm of its own
			p.add(0)                          // contours
			p.add(len(variances), variances, "")
			p.object(5, func() { // functions, an empty TList
				p.base()
				p.add("", 0)
			})
			p.add(0, uint8(0), 0, 2) // no buffer; errors from the variances; overflow in statistics as ROOT is set
		})
		p.add(len(values), values)
	})
	return p.b
}

// statistics are what ROOT keeps beside the bins: entries, and the sums of w, w^2, w x and w x^2, of the centers of the bins.
func statistics(h *uhi.Histogram, values, variances []float64) []float64 {
	s := make([]float64, 5)
	edges := h.Axes[0].Edges
	for i, v := range values {
		x := (edges[i] + edges[i+1]) / 2
		s[1] += v
		s[2] += variances[i]
		s[3] += v * x
		s[4] += v * x * x
	}
	switch events := h.Metadata["events"].(type) {
	case int:
		s[0] = float64(events)
	case float64:
		s[0] = events
	default:
		if s[2] > 0 {
			s[0] = s[1] * s[1] / s[2]
		}
	}
	return s
}

// axis writes a TAxis (TAxis.h, version 10) drawn as ROOT's style draws one.
func (p *put) axis(name, title string, a *uhi.Axis) {
	bins := len(a.Edges) - 1
	p.object(10, func() {
		p.named(name, title)
		p.object(4, func() {
			p.add(510, []uint16{1, 1, 42}, []float32{0.005, 0.035, 0.03, 1, 0.035}, []uint16{1, 42})
		})
		p.add(bins, a.Edges[0], a.Edges[bins])
		if a.Regular() {
			p.add(0)
		} else {
			p.add(len(a.Edges), a.Edges)
		}
		p.add(0, 0, uint16(0), uint8(0), "", 0, 0) // the range shown, bits, no time and its format, no labels
	})
}

func axisTitle(a *uhi.Axis) string {
	title, _ := a.Metadata["label"].(string)
	if title == "" {
		title, _ = a.Metadata["name"].(string)
	}
	if unit, _ := a.Metadata["unit"].(string); unit != "" {
		title += " [" + unit + "]"
	}
	return title
}
