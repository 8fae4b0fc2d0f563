package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden picture anew")

func svgOf(t interface {
	Helper()
	Fatal(...any)
}, d interface{ Picture() (*Picture, error) }) string {
	t.Helper()
	p, err := d.Picture()
	if err != nil {
		t.Fatal(err)
	}
	return string(p.SVG())
}

// texts parses an SVG and returns what it writes; it fails on anything but the few elements of a drawing.
func texts(svg string) (all []string, err error) {
	d := xml.NewDecoder(strings.NewReader(svg))
	var in string
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			in = tok.Name.Local
			switch in {
			case "svg", "g", "path", "text", "image":
			default:
				return nil, errors.New("an element <" + in + ">")
			}
			for _, a := range tok.Attr {
				if a.Name.Local != "href" && a.Name.Local != "aria-label" && (strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf")) {
					return nil, errors.New(in + " " + a.Name.Local + "=" + a.Value)
				}
			}
		case xml.CharData:
			if in == "text" {
				all = append(all, string(tok))
			}
		case xml.EndElement:
			in = ""
		}
	}
}

func TestPicturesAreWellFormedAndTheSameEachTime(t *testing.T) {
	again := pictured(t)
	for name, p := range pictured(t) {
		svg := p.SVG()
		if _, err := texts(string(svg)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(svg) > 400_000 {
			t.Errorf("%s: %d bytes, over 400 kB", name, len(svg))
		}
		if !bytes.Equal(svg, again[name].SVG()) {
			t.Errorf("%s: the same input gave other bytes", name)
		}
	}
}

// The golden picture has no image in it, so that its bytes depend on nothing but this package's drawing.
func TestGolden(t *testing.T) {
	const file = "testdata/overlay.svg"
	got := svgOf(t, scaledOverlay())
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the picture differs from %s; look at it, and write it anew with -update", file)
	}
}

const hostile = "a<script>alert(1)</script>&\"'\x00\x1b\n\xff"

func TestUserTextIsEscaped(t *testing.T) {
	o := exampleOverlay()
	o.Label, o.Unit, o.Reference.Name, o.Generated[0].Name = "<b>&\"\x00\x1b\n\xff", "<i>", hostile, hostile
	m := exampleCorrelations(3)
	m.Columns[1], m.ReferenceName = hostile, hostile
	p := exampleLatent()
	p.Alt, p.Panels[0].Title, p.Panels[0].XLabel, p.Panels[0].YLabel = hostile, hostile, hostile, hostile
	for _, d := range []interface{ Picture() (*Picture, error) }{o, m, p} {
		svg := svgOf(t, d)
		if _, err := texts(svg); err != nil {
			t.Errorf("%T: %v", d, err)
		}
		if strings.ContainsAny(svg, "\x00\x1b") || !utf8.ValidString(svg) {
			t.Errorf("%T: control characters in the SVG", d)
		}
	}
	all, err := texts(svgOf(t, o))
	if err != nil || !strings.Contains(strings.Join(all, "|"), "<b>&\"   \uFFFD [<i>]") {
		t.Errorf("the axis label is not among %q (%v)", all, err)
	}
}

func TestBadInputIsAnError(t *testing.T) {
	histogram := func(change func(*Histogram)) *Overlay {
		o := exampleOverlay()
		change(&o.Generated[0])
		return o
	}
	for want, d := range map[string]interface{ Picture() (*Picture, error) }{
		`overlay of "lower jet mass": generated histogram: 49 bins need 50 edges, not 51`: histogram(func(h *Histogram) { h.SumW = h.SumW[:49] }),
		`do not increase`:                      histogram(func(h *Histogram) { h.Edges[3] = h.Edges[2] }),
		`bin 2, or its density, is not finite`: histogram(func(h *Histogram) { h.SumW[2] = math.NaN() }),
		`the sum of its weights`:               histogram(func(h *Histogram) { h.Over = math.Inf(1) }),
		`50 sums of squared weights, not 2`:    histogram(func(h *Histogram) { h.SumW2 = []float64{1, 2} }),
		`edges are not the reference`:          histogram(func(h *Histogram) { h.Edges[50] = 2 }),
		`0 generated histograms`:               &Overlay{},
		`0 bins`:                               &Overlay{Generated: make([]Histogram, 1)},
		`13 generated histograms`:              &Overlay{Generated: make([]Histogram, 13)},
		`overlay of "lower jet mass": generated histogram: contents of 1 values apart, of which there are 0`: histogram(func(h *Histogram) { h.Apart = []float64{1} }),
		`1 values apart have 2 sums`:  histogram(func(h *Histogram) { h.Apart, h.Apart2 = []float64{1}, []float64{1, 2} }),
		`too wide`:                    &Overlay{Generated: make([]Histogram, 1), Reference: Histogram{Edges: []float64{-1e308, 1e308}, SumW: []float64{1}}},
		`correlations of 0 columns`:   &Correlations{},
		`reference: 0 rows`:           &Correlations{Columns: []string{"a"}},
		`row 0 has 2 values`:          &Correlations{Columns: []string{"a"}, Reference: [][]float64{{1}}, Generated: [][]float64{{1, 2}}},
		`loss of 0 epochs`:            &Loss{},
		`2 validation losses`:         &Loss{Train: []float64{1}, Valid: []float64{1, 2}},
		`2 learning rates`:            &Loss{Train: []float64{1}, LR: []float64{1, 2}},
		`best epoch 2`:                &Loss{Train: []float64{1}, Best: 2},
		`0 panels`:                    &Panels{},
		`1 values of x and 0 of y`:    &Panels{Panels: []Panel{{X: []float64{1}}}},
		`group 6 of point 0`:          &Panels{Panels: []Panel{{X: []float64{1}, Y: []float64{1}, Group: []int{6}}}},
		`6 circles`:                   &Panels{Panels: []Panel{{Sigmas: 6}}},
		`is not a range`:              &Panels{Panels: []Panel{{Range: [4]float64{1, 0, 0, 1}}}},
		`[0 NaN 0 1] is not a range`:  &Panels{Panels: []Panel{{Range: [4]float64{0, math.NaN(), 0, 1}}}},
		`panel 1 ("t"): 2 groups for`: &Panels{Panels: []Panel{{Title: "t", Group: []int{0, 0}}}},
	} {
		if _, err := d.Picture(); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "plot: ") {
			t.Errorf("the error is %v, not about %q", err, want)
		}
	}
}

// Whatever finite contents two histograms have, weighted, empty or negative, the picture holds finite numbers.
func TestAnyHistogramsCanBeDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "bins")
		width := rapid.SampledFrom([]float64{1e-200, 1e-6, 1, 1e9, 1e200}).Draw(t, "width")
		edges := []float64{rapid.SampledFrom([]float64{0, -width, 3 * width}).Draw(t, "start")}
		for range n {
			edges = append(edges, edges[len(edges)-1]+width*rapid.Float64Range(0.5, 2).Draw(t, "step"))
		}
		apart := rapid.IntRange(0, 4).Draw(t, "apart")
		weights := func(n int) (w, w2 []float64) {
			for range n {
				v := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(-10, 1e5), rapid.Float64Range(-1e-12, 1e-12)).Draw(t, "w")
				if math.Abs(v) < 1e-60 { // else a scale can overflow, which is refused
					v = 0
				}
				w, w2 = append(w, v), append(w2, math.Abs(v)*rapid.Float64Range(0, 3).Draw(t, "spread"))
			}
			return w, w2
		}
		contents := func() Histogram {
			h := Histogram{Edges: edges}
			h.SumW, h.SumW2 = weights(n)
			h.Apart, h.Apart2 = weights(apart)
			return h
		}
		o := &Overlay{Label: "x", Reference: contents(), Log: edges[0] > 0 && rapid.Bool().Draw(t, "log"), Vertical: Scale(rapid.IntRange(0, 2).Draw(t, "vertical"))}
		for range rapid.IntRange(1, 4).Draw(t, "samples") {
			o.Generated = append(o.Generated, contents())
		}
		for range apart {
			o.Apart = append(o.Apart, rapid.Float64Range(-10, 1e5).Draw(t, "value"))
		}
		svg := svgOf(t, o)
		if _, err := texts(svg); err != nil {
			t.Fatal(err)
		}
	})
}

// A training's curves may hold anything, too.
func TestAnyLossCanBeDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "epochs")
		value := rapid.OneOf(rapid.Float64Range(-5, 5), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), 1e30, -1e30, 0}))
		curve := func(name string) []float64 { return rapid.SliceOfN(value, n, n).Draw(t, name) }
		svg := svgOf(t, &Loss{Train: curve("train"), Valid: curve("valid"), LR: curve("lr"), Best: rapid.IntRange(0, n).Draw(t, "best")})
		if _, err := texts(svg); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkOverlayPNG(b *testing.B) {
	p, _ := exampleOverlay().Picture()
	for b.Loop() {
		if _, err := p.PNG(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOverlayPDF(b *testing.B) {
	p, _ := exampleOverlay().Picture()
	for b.Loop() {
		if _, err := p.PDF(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOverlaySVG(b *testing.B) {
	for b.Loop() {
		svgOf(b, exampleOverlay())
	}
}
