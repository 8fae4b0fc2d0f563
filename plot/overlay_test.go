package plot

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestLogWhereContentsSpanAFactorOf100(t *testing.T) {
	contents := func(y ...float64) bars { return bars{y: y, sigma: make([]float64, len(y))} }
	for _, c := range []struct {
		ref, gen bars
		scale    Scale
		log      bool
	}{
		{contents(1, 99), contents(1, 99), ByData, false},
		{contents(1, 101), contents(5, 5), ByData, true},
		{contents(5, 5), contents(1, 101), ByData, true},
		{contents(1, 101), contents(5, 5), Linear, false},
		{contents(0, 0), contents(0, 0), ByData, false},
		{contents(3, 5), contents(4, 5), Logarithmic, true},
		{contents(0, -1), contents(0, 0), Logarithmic, false},
	} {
		a := contentAxis(c.scale, "", c.ref, c.gen)
		if a.log != c.log {
			t.Errorf("%v and %v, scale %v: log %v", c.ref.y, c.gen.y, c.scale, a.log)
		}
		for _, y := range slices.Concat(c.ref.y, c.gen.y) {
			if y > a.max || y > 0 && y < a.min {
				t.Errorf("%g is outside [%g, %g]", y, a.min, a.max)
			}
		}
	}
	if a := contentAxis(ByData, "", contents(-4, 10), contents(1, 2)); a.min > -4 {
		t.Errorf("a negative content of -4 is below the axis from %g", a.min)
	}
}

// Either scale can be asked for; a logarithmic one labels more than one number, and needs a content above 0.
func TestScales(t *testing.T) {
	h := Histogram{Edges: []float64{0, 1, 2, 3}, SumW: []float64{230, 410, 350}}
	o := &Overlay{Label: "x", Reference: h, Generated: []Histogram{h}}
	if o.Steep() {
		t.Error("contents within a factor of 2 are drawn on a logarithmic axis")
	}
	o.Vertical = Logarithmic
	all, err := texts(svgOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(all, "|"); !o.Steep() || !strings.Contains(got, "|10|2|10|3|") {
		t.Errorf("the logarithmic axis says %s", got)
	}
	o.Reference.SumW, o.Generated[0].SumW = []float64{1, 1000, 0}, []float64{1, 1000, 0}
	if o.Vertical = Linear; o.Steep() {
		t.Error("the axis is not linear")
	}
	o.Reference.SumW, o.Generated[0].SumW = []float64{0, 0, -1}, []float64{0, 0, 0}
	if o.Vertical = Logarithmic; o.Steep() {
		t.Error("a logarithmic axis of nothing above 0")
	}
	svgOf(t, o)
}

func TestRatio(t *testing.T) {
	ref := bars{edges: []float64{0, 1, 2, 3, 4}, y: []float64{10, 0, 0, -1}, sigma: []float64{2, 0, 0, 1}}
	gen := bars{edges: ref.edges, y: []float64{15, 3, 0, 2}, sigma: []float64{5, 1, 0, 1}}
	r := ratioOf(gen, ref)
	if r.y[0] != 1.5 || r.sigma[0] != 0.5 || r.band[0] != 0.2 {
		t.Errorf("15 ± 5 over 10 ± 2 gave %g ± %g on a band of %g", r.y[0], r.sigma[0], r.band[0])
	}
	if !math.IsNaN(r.y[1]) || !r.over[1] || r.over[2] || !math.IsNaN(r.y[3]) {
		t.Errorf("bins without a reference: %v, over %v", r.y, r.over)
	}
}

func TestRatioAxisHoldsTheBins(t *testing.T) {
	for _, c := range []struct{ spread, sigma, half float64 }{{0.03, 0.01, 0.05}, {0.15, 0.05, 0.2}, {0.4, 0.1, 0.5}, {3, 0.1, 1}, {0.03, 0.4, 0.5}} {
		var r ratio
		for i := range 20 {
			r.y = append(r.y, 1+c.spread*float64(1-i%2*2))
			r.sigma = append(r.sigma, c.sigma)
			r.band = append(r.band, c.sigma/2)
		}
		a := ratioAxis([]ratio{r}, "")
		if math.Abs(a.max-(1+1.3*c.half)) > 1e-9 {
			t.Errorf("ratios 1 ± %g with errors of %g: the axis ends at %g, not %g", c.spread, c.sigma, a.max, 1+1.3*c.half)
		}
	}
}

// Generated events are scaled to the reference's sum, with what lies outside the edges on both sides.
func TestScaleAndLegend(t *testing.T) {
	edges := []float64{0, 0.5, 1}
	o := &Overlay{Label: "x", Unit: "GeV",
		Reference: Histogram{Edges: edges, SumW: []float64{30, 60}, Under: 10, Events: 1200},
		Generated: []Histogram{{Edges: edges, SumW: []float64{100, 90}, Over: 10, Events: 1234567}}}
	if s := o.scale(&o.Generated[0]); s != 0.5 {
		t.Errorf("the scale is %g, not 100/200", s)
	}
	all, err := texts(svgOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(all, "|")
	for _, want := range []string{"Reference, 1,200 events (10 outside)", "Generated, 1,234,567 events (10 outside) × 0.5", "x [GeV]", "Events / 0.5 GeV"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	o.Reference.Edges = []float64{0, 0.3, 1}
	o.Generated[0].Edges = o.Reference.Edges
	if all, _ = texts(svgOf(t, o)); !slices.Contains(all, "Events / GeV") {
		t.Errorf("bins of two widths are not drawn per GeV: %q", all)
	}
}

// A logarithmic axis is labelled with powers of ten, and heights are for a part of a decade, however wide the bins.
func TestLogAxis(t *testing.T) {
	h := Histogram{Edges: []float64{0.1, 1, math.Sqrt(10), 10, 1000}, SumW: []float64{10, 20, 40, 100}}
	o := &Overlay{Label: "m", Unit: "GeV", Log: true, Width: 1, Reference: h, Generated: []Histogram{h}}
	all, err := texts(svgOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(all, "|")
	for _, want := range []string{"Events / decade", "m [GeV]", "|10|−1|1|10|10|2|10|3|"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if b := o.bars(&o.Reference, 1); !slices.EqualFunc(b.y, []float64{10, 40, 80, 50}, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
		t.Errorf("heights %v", b.y)
	}
	o.Width = 0.05
	if all, _ = texts(svgOf(t, o)); !slices.Contains(all, "Events / 0.05 decades") {
		t.Errorf("no heights for 0.05 decades: %q", all)
	}
	o.Log, o.Width = false, 10
	if all, _ = texts(svgOf(t, o)); !slices.Contains(all, "Events / 10 GeV") {
		t.Errorf("no heights for 10 GeV: %q", all)
	}
	o.Log, o.Reference.Edges = true, []float64{0, 1, 2, 3, 4}
	o.Generated[0].Edges = o.Reference.Edges
	if _, err := o.Picture(); err == nil || !strings.Contains(err.Error(), "a logarithmic axis cannot begin at 0") {
		t.Error(err)
	}
}

// What stands apart has a bar, a ratio and its shares in words, and is in the scale of the generated events.
func TestApart(t *testing.T) {
	h := Histogram{Edges: []float64{0, 1, 2}, SumW: []float64{10, 20}}
	o := &Overlay{Label: "m", Reference: h, Generated: []Histogram{h}, Apart: []float64{-999, 0}}
	o.Reference.Apart, o.Generated[0].Apart = []float64{70, 0}, []float64{170, 1e-4}
	svg := svgOf(t, o)
	all, err := texts(svg)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(all, "|")
	for _, want := range []string{"|−999: 70 % / 85 %; 0: 0 % / < 0.001 %|", "× 0.5", "|−999|"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	o.Apart, o.Reference.Apart, o.Generated[0].Apart = nil, nil, nil
	if frames, before := strings.Count(svg, `stroke="#1a1a1a"`), strings.Count(svgOf(t, o), `stroke="#1a1a1a"`); frames != before+2 {
		t.Errorf("%d frames, not two more than %d", frames, before)
	}
}

// Sums of weights are named so, and what is outside is a share of theirs, not a count.
func TestWeightedContents(t *testing.T) {
	h := Histogram{Edges: []float64{0, 10, 20}, SumW: []float64{0.5, 0.25}, SumW2: []float64{0.1, 0.1}, Over: 0.25, Events: 1000}
	o := &Overlay{Label: "m", Unit: "GeV", Reference: h, Generated: []Histogram{h}}
	all, err := texts(svgOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Sum of weights / 10 GeV", "Reference, 1,000 events (25 % outside)"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not among %q", want, all)
		}
	}
	// a bin of one event of a tiny weight does not set the axis
	light := bars{y: []float64{1e-9, 50, 20}, sigma: []float64{1e-9, 5, 3}}
	if a := contentAxis(ByData, "", light, light); a.log && a.min < 1e-3 {
		t.Errorf("the axis begins at %g", a.min)
	}
}

// Names are whole wherever there is room, as long as the layout takes them to be in any font, and cut ones stay apart.
func TestNamesAreWhole(t *testing.T) {
	m := exampleCorrelations(28)
	for i := range m.Columns {
		m.Columns[i] = "PRI_jet_subleading_centrality_" + string(rune('A'+i))
	}
	m.Columns[3], m.Columns[4] = strings.Repeat("x", 90)+"A"+strings.Repeat("y", 90), strings.Repeat("x", 90)+"B"+strings.Repeat("y", 90)
	svg := svgOf(t, m)
	all, err := texts(svg)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, s := range all {
		seen[s]++
	}
	for i, name := range m.Columns {
		if i != 3 && i != 4 && seen[name] != 4 { // beside the first matrix and below all three
			t.Errorf("%s stands %d times", name, seen[name])
		}
	}
	if names := m.names().text; names[3] == names[4] || !strings.HasPrefix(names[4], "5: xxx") {
		t.Errorf("%q and %q", names[3], names[4])
	}
	if a, b := strings.Count(svg, "<text"), strings.Count(svg, "textLength="); a != b {
		t.Errorf("%d of %d texts have their length", b, a)
	}
	o := exampleOverlay()
	o.Label = "transverse momentum of the leading jet after all cuts and corrections"
	o.Reference.Name = "events_of_the_year_2018_after_all_selections_and_corrections.parquet"
	if all, _ = texts(svgOf(t, o)); !slices.Contains(all, o.Label+" [TeV]") || !slices.Contains(all, o.Reference.Name+", 10,000 events") {
		t.Errorf("a name is cut: %q", all)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s, not %s", n, got, want)
		}
	}
}

// Every generated sample has its own scale, ratio, entry in the legend and line, and a picture grows by its entries.
func TestSeveralGenerated(t *testing.T) {
	edges := []float64{0, 1, 2}
	ref := Histogram{Edges: edges, SumW: []float64{10, 30}, Events: 40}
	o := &Overlay{Label: "m", Reference: ref, Generated: []Histogram{
		{Name: "A", Edges: edges, SumW: []float64{20, 60}, Events: 80},
		{Name: "B", Edges: edges, SumW: []float64{9, 29}, Under: 2, Events: 40},
		{Name: "far out", Edges: edges, SumW: []float64{0, 0}, Over: 40, Events: 40}}}
	p, err := o.Picture()
	if err != nil {
		t.Fatal(err)
	}
	svg := string(p.SVG())
	all, err := texts(svg)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Reference, 40 events", "A, 80 events × 0.5", "B, 40 events (2 outside)", "far out, 40 events (40 outside)"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not among %q", want, all)
		}
	}
	for k := range o.Generated {
		if !strings.Contains(svg, hex(styleOf(k).colour)) {
			t.Errorf("sample %d is not drawn in its colour", k+1)
		}
	}
	if _, h := p.Size(); h <= overlayHeight {
		t.Errorf("a legend of four rows takes from the height of %g", h)
	}
	seen := map[string]bool{}
	for k := range maxStyles {
		s := styleOf(k)
		seen[hex(s.colour)+strings.Repeat(".", len(s.dashes))+short(append(s.dashes, 0)[0])] = true
	}
	if len(seen) != maxStyles {
		t.Errorf("%d of %d styles are different", len(seen), maxStyles)
	}
}
