package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	unescape "html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/uhi"
)

var update = flag.Bool("update", false, "write the golden page anew")

type drawing interface{ Picture() (*plot.Picture, error) }

func picture(t testing.TB, d drawing) *plot.Picture {
	t.Helper()
	p, err := d.Picture()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// overlay is a falling spectrum with a generated one that leaves it at the end.
func overlay(label, unit string, top float64) *plot.Overlay {
	const bins = 40
	ref, gen := plot.Histogram{Name: "Held-out data", Events: 10000}, plot.Histogram{Events: 10000}
	for i := range bins + 1 {
		ref.Edges = append(ref.Edges, top*float64(i)/bins)
	}
	for i := range bins {
		x := float64(i) / bins
		w := math.Round(2400 * x * math.Exp(-7*x*x))
		ref.SumW = append(ref.SumW, w)
		gen.SumW = append(gen.SumW, math.Round(w*(1+0.05*math.Sin(20*x)+0.2*x*x)))
	}
	gen.Edges = ref.Edges
	return &plot.Overlay{Label: label, Unit: unit, Reference: ref, Generated: []plot.Histogram{gen}}
}

// scatter is a spiral, the same at each call.
func scatter(n int) (x, y []float64) {
	for i := range n {
		r, a := math.Sqrt(float64(i)/float64(n)), 2.399963*float64(i)
		x, y = append(x, 3*r*math.Cos(a)), append(y, 3*r*math.Sin(a))
	}
	return x, y
}

// drawnColumn is the overlay as a page has it.
func drawnColumn(t testing.TB, name string, o *plot.Overlay) Overlay {
	t.Helper()
	v, err := newOverlay(name, o.Label, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func examplePage(t testing.TB) *Page {
	x, y := scatter(3000)
	names := []string{"m_lower", "m_diff", "tau21_1", "tau21_2"}
	ref := [][]float64{{1, 0.3, -0.2, 0.1}, {0.3, 1, 0.05, -0.4}, {-0.2, 0.05, 1, 0.2}, {0.1, -0.4, 0.2, 1}}
	gen := [][]float64{{1, 0.31, -0.19, 0.1}, {0.31, 1, 0.05, -0.38}, {-0.19, 0.05, 1, 0.21}, {0.1, -0.38, 0.21, 1}}
	var steps plot.Panels
	for _, title := range []string{"data", "after 1"} {
		steps.Panels = append(steps.Panels, plot.Panel{Title: title, X: x, Y: y})
	}
	return &Page{
		Title: "LHC Olympics R&D: jet masses and substructure",
		Lead:  "A masked autoregressive flow trained on 80,000 events; 9,999 of the 10,000 events it generated are compared with held-out data.",
		Summary: []Fact{
			{"Events", "99,988", "80 % train, 10 % validate, 10 % test"},
			{"Features", "4", "m_lower, m_diff, tau21_1, tau21_2"},
			{"Flow", "MAF, 8 transforms", "182,336 parameters"},
			{"Test NLL", "−3.412 nats", "train −3.420, validation −3.409"},
			{"Training", "48 epochs in 61 s", "63,000 events/s"},
		},
		Warnings: []string{"12 generated events lie outside the trained range of m_diff."},
		Notices:  []string{"The learning rate was halved at step 1,204: the loss was not finite."},
		Names:    [2]string{"Held-out data", "Generated"},
		Distances: []Distance{
			{Column: "m_diff", Unit: "TeV", ColumnComparison: measured(0.0131, 0.353, 3.12), Faults: Faults{Shape: Differs}},
			{Column: "tau21_1", ColumnComparison: measured(0.0104, 0.647, 0.87)}, {Column: "tau21_2", ColumnComparison: measured(0.00983, 0.721, 1.04)},
			{Column: "m_lower", Unit: "TeV", ColumnComparison: measured(0.00712, 0.954, 0.98), Given: true},
		},
		Verdict: &Verdict{Level: Untested, Headline: "No difference found", Sentences: []string{"The largest distance is 0.0131."}},
		Overlays: []Overlay{drawnColumn(t, "m_lower", overlay("m_lower", "TeV", 1)), drawnColumn(t, "m_diff", overlay("m_diff", "TeV", 2)),
			drawnColumn(t, "tau21_1", overlay("tau21_1", "", 1.2)), drawnColumn(t, "tau21_2", overlay("tau21_2", "", 1.2))},
		Correlations: picture(t, &plot.Correlations{Columns: names, Reference: ref, Generated: gen}),
		Loss: picture(t, &plot.Loss{Train: []float64{-1, -2.2, -3, -3.2, -3.3}, Valid: []float64{-1.2, -2.3, -3, -3.1, -3.05},
			LR: []float64{1e-3, 9e-4, 6e-4, 3e-4, 1e-4}, Best: 4}),
		Steps:  picture(t, &steps),
		Latent: picture(t, &plot.Panels{Panels: []plot.Panel{{Title: "latent", XLabel: "z0", YLabel: "z1", X: x, Y: y, Sigmas: 3}}}),
		Sections: []Section{{Title: "Anomaly search", Text: "The two samples with the largest significance.",
			Head: []string{"Cut", "SIC"}, Rows: [][]string{{"0.1 %", "12.3"}, {"1 %", "8.9"}}}},
		Preparation: []Prepared{
			{"m_lower", "TeV", 0.0123, 1.2345678, []string{"min-max", "logit", "standardise"}, "continuous, bounded on both sides"},
			{"m_diff", "TeV", 0, 3.2, []string{"log", "standardise"}, "continuous with a tail over two decades"},
			{"njets", "", 2, 2, nil, "constant: left out, and put back when sampling"},
		},
		Flow:     "base normal\n8 times: affine autoregressive",
		Card:     "data: lhco.parquet\nfeatures: [m_lower, m_diff, tau21_1, tau21_2]\nflow:\n  type: maf\n",
		Commands: "sluice run cards/lhco.yaml --seed 1",
		Version:  "sluice 0.1.0",
	}
}

func render(t testing.TB, p *Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Render(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// full is the example page, rendered once for the tests that only read it.
func full(t testing.TB) string {
	once.Do(func() { rendered = render(t, examplePage(t)) })
	return rendered
}

var (
	once     sync.Once
	rendered string
)

// TestWriteExample writes the example page for looking at, to the folder in SLUICE_PICTURES.
func TestWriteExample(t *testing.T) {
	dir := os.Getenv("SLUICE_PICTURES")
	if dir == "" {
		t.Skip("SLUICE_PICTURES names no folder to write the example page to")
	}
	if err := Write(filepath.Join(dir, "report.html"), examplePage(t)); err != nil {
		t.Fatal(err)
	}
}

func TestPageIsTheSameEachTime(t *testing.T) {
	if full(t) != render(t, examplePage(t)) {
		t.Error("two renderings of one page differ")
	}
}

// Facts fill their rows: none stands alone in the second.
func TestColumnsOfFacts(t *testing.T) {
	for n, want := range map[int]int{1: 1, 5: 5, 6: 6, 7: 4, 8: 4, 9: 5, 12: 6} {
		if got := columns(make([]Fact, n)); got != want {
			t.Errorf("%d facts in rows of %d, not %d", n, got, want)
		}
	}
}

// The golden page has no raster picture, whose bytes are the compressor's.
func TestGolden(t *testing.T) {
	const file = "testdata/page.html"
	p := examplePage(t)
	p.Overlays, p.Correlations, p.Steps, p.Latent = p.Overlays[:1], nil, nil, nil
	got := render(t, p)
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
		t.Errorf("the page differs from %s; look at it, and write it anew with -update", file)
	}
}

// own are the page's script and the data that it reads.
func own(html string) (rest string, scripts int) {
	for _, part := range regexp.MustCompile(`(?s)<script type="application/json">[^<]*</script>`).FindAllString(html, -1) {
		html = strings.Replace(html, part, "", 1)
		scripts++
	}
	rest = strings.Replace(html, "<script>"+script+"</script>", "", 1)
	if rest != html {
		scripts++
	}
	return rest, scripts
}

// The policy of the page lets its own script run, and no other.
func TestPolicyNamesTheScript(t *testing.T) {
	html := full(t)
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(html)
	at := strings.LastIndex(html, "<script>")
	text, _, ended := strings.Cut(html[at+len("<script>"):], "</script>")
	sum := sha256.Sum256([]byte(text))
	want := "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if len(policy) != 2 || !ended || unescape.UnescapeString(policy[1]) != want {
		t.Errorf("the policy is %q, not %q", policy, want)
	}
}

// Whatever a page would load, run or link to begins with one of these.
var external = regexp.MustCompile(`(?i)<script|<link|<iframe|<object|<embed|<base|\bsrc=|url\(|@import|\bon[a-z]+=|https?://`)

func TestPageIsSelfContained(t *testing.T) {
	html, scripts := own(strings.ReplaceAll(full(t), `xmlns="http://www.w3.org/2000/svg"`, ""))
	if scripts != 5 {
		t.Errorf("%d scripts, not that of the page and the data of 4 columns", scripts)
	}
	if at := external.FindString(html); at != "" {
		t.Errorf("the page holds %q", at)
	}
	for _, ref := range regexp.MustCompile(`href="([^"]{0,20})`).FindAllStringSubmatch(html, -1) {
		if !strings.HasPrefix(ref[1], "data:image/png;") && !strings.HasPrefix(ref[1], "#") {
			t.Errorf("the page refers to %q", ref[1])
		}
	}
	if len(html) > 1_000_000 {
		t.Errorf("the page of four columns has %d bytes, over 1 MB", len(html))
	}
}

const hostile = `</title></style><script>alert("x")</script><img src=x onerror=alert(1)>`

// Text from files, cards and users stays text, wherever it stands.
func TestUserTextIsEscaped(t *testing.T) {
	o := overlay(hostile, hostile, 1)
	o.Reference.Name, o.Generated[0].Name = hostile, hostile
	one := [][]float64{{1}}
	p := &Page{
		Title: hostile, Lead: hostile, Date: hostile, Version: hostile,
		Summary:      []Fact{{hostile, hostile, hostile}},
		Warnings:     []string{hostile},
		Notices:      []string{hostile},
		Distances:    []Distance{{Column: hostile, Unit: hostile}, {Column: hostile, Unit: hostile}},
		Verdict:      &Verdict{Headline: hostile, Sentences: []string{hostile}},
		Overlays:     []Overlay{drawnColumn(t, hostile, o)},
		Correlations: picture(t, &plot.Correlations{Columns: []string{hostile}, Reference: one, Generated: one, ReferenceName: hostile}),
		Latent:       picture(t, &plot.Panels{Alt: hostile, Panels: []plot.Panel{{Title: hostile, XLabel: hostile, YLabel: hostile}}}),
		Sections:     []Section{{Title: hostile, Text: hostile, Head: []string{hostile}, Rows: [][]string{{hostile}}}},
		Preparation:  []Prepared{{hostile, hostile, 0, 1, []string{hostile}, hostile}},
		Flow:         hostile,
		Card:         hostile,
		Commands:     hostile,
	}
	html, scripts := own(render(t, p))
	if scripts != 2 || strings.Contains(html, "<script") || strings.Contains(html, "<img") {
		t.Error("a script or an image of the user's text is in the page")
	}
	for _, element := range []string{"title", "style", "html", "main"} {
		if n := strings.Count(html, "</"+element+">"); n != 1 {
			t.Errorf("%d ends of <%s>, not 1", n, element)
		}
	}
	if n := strings.Count(html, "&lt;script&gt;"); n < 20 {
		t.Errorf("only %d of the texts are on the page", n)
	}
}

func TestEmptySectionsAreLeftOut(t *testing.T) {
	html := render(t, &Page{Title: "t"})
	for _, s := range []string{"<h2", "<section", "<table", "<svg", "<dl", "<ul", "<pre", "<footer", "<p"} {
		if strings.Contains(html, s) {
			t.Errorf("an empty page has %s", s)
		}
	}
	full := full(t)
	at := 0
	for _, title := range []string{"Distances", "Columns", "Rank correlations", "Anomaly search", "Training", "Steps of the flow", "Latent space",
		"Preparation", "Flow", "Notices", "Card", "To reproduce"} {
		i := strings.Index(full, "<h2>"+title+"</h2>")
		if i < at {
			t.Errorf("section %q is at %d, not after %d", title, i, at)
		}
		at = i
	}
	if n := strings.Count(full, "<svg "); n != 12 {
		t.Errorf("%d pictures, not 12: 4 columns on two scales, and 4 others", n)
	}
	for _, part := range examplePage(t).Contents() {
		if !strings.Contains(full, `<a href="#`+part.ID+`">`+part.Title+"</a>") || strings.Count(full, ` id="`+part.ID+`"`) != 1 {
			t.Errorf("the contents lead to no part %+v", part)
		}
	}
}

func TestTables(t *testing.T) {
	html := full(t)
	for _, want := range []string{
		`<tr><td class="bad"><a href="#column-2">m_diff</a></td><td class="number" data-value="0.0131">0.0131</td><td class="number" data-value="0.353">0.353</td><td class="number" data-value="0.00131">0.00131</td><td>TeV</td><td class="number bad" data-value="3.12">3.12</td><td class="number range">0.0123 to 1.23457</td><td class="number range">0.02 to 1.3</td><td class="number" data-value="0.0001">0.0100 %</td></tr>`,
		`<tbody data-column="m_diff" class="differs">`, `<tbody data-column="tau21_1">`,
		`<tr><td colspan="9"><span>context: given, not generated</span></td></tr>`,
		`<th class="number name text">Held-out data</th><th class="number name text">Generated</th>`,
		`<tr><td>m_lower</td><td>TeV</td><td class="number">0.0123</td><td class="number">1.23457</td><td>min-max → logit → standardise</td>`,
		`<td>njets</td><td></td><td class="number">2</td><td class="number">2</td><td>–</td>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no row %s", want)
		}
	}
}

// Every histogram of the page stands beside it in UHI form, with what lies outside, and the statistics given.
func TestJSON(t *testing.T) {
	o := overlay("pt", "GeV", 2)
	gen := &o.Generated[0]
	gen.Under, gen.Under2, gen.Over, gen.Over2 = 3, 5, 7, 11
	o.Apart, o.Reference.Apart, gen.Apart, gen.Apart2 = []float64{-999}, []float64{20}, []float64{30}, []float64{90}
	p := &Page{Title: "t", Names: [2]string{"Data", "Flow"}, Version: "sluice 1.2", Overlays: []Overlay{drawnColumn(t, "pt", o)}}
	text, err := p.JSON(map[string]float64{"auc": 0.5})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Title, Reference, Generated string
		Statistics                  map[string]float64
		Histograms                  map[string]uhi.Histogram
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	h, apart := got.Histograms["generated/pt"], got.Histograms["generated/pt/apart"]
	n := len(gen.SumW)
	if got.Title != "t" || got.Reference != "Data" || got.Generated != "Flow" || got.Statistics["auc"] != 0.5 || len(got.Histograms) != 4 {
		t.Errorf("%s", text)
	}
	if h.Values[0] != 3 || h.Variances[0] != 5 || h.Values[n+1] != 7 || h.Variances[n+1] != 11 || !slices.Equal(h.Values[1:n+1], gen.SumW) || h.Metadata["events"] != 10000.0 ||
		h.Axes[0].Metadata["name"] != "pt" || h.Axes[0].Metadata["unit"] != "GeV" || h.Writer != [2]string{"sluice", "1.2"} {
		t.Errorf("%+v", h)
	}
	if !slices.Equal(apart.Axes[0].Categories, []string{"-999"}) || apart.Values[0] != 30 || apart.Variances[0] != 90 {
		t.Errorf("%+v", apart)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := WriteJSON(path, p, map[string]float64{"auc": 0.5}); err != nil {
		t.Fatal(err)
	}
	if file, err := os.ReadFile(path); err != nil || !bytes.Equal(file, text) {
		t.Errorf("the file is not the JSON (%v)", err)
	}
	if err := WriteJSON(path, p, math.NaN()); err == nil {
		t.Error("statistics that JSON cannot hold are written")
	}
}

// Every picture is a file of each kind, by a name that tells the column and is one on any system.
func TestFigures(t *testing.T) {
	if testing.Short() {
		t.Skip("draws many figures")
	}
	dir := filepath.Join(t.TempDir(), "new", "figures")
	p := examplePage(t)
	p.Overlays = []Overlay{drawnColumn(t, "a/b <c>", overlay("x", "", 1)), drawnColumn(t, "A_b__c_", overlay("x", "", 1)), drawnColumn(t, strings.Repeat("é", 500), overlay("x", "", 1))}
	p.Sections[0].Alone, p.Sections[0].Pictures = []*plot.Picture{p.Loss}, []*plot.Picture{p.Loss}
	p.Correlations, p.Steps, p.Latent = nil, nil, nil
	if err := WriteFigures(dir, p); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range []string{"column_a_b__c_", "column_a_b__c__linear", "column_A_b__c_-2", "column_A_b__c__linear-2", "column_" + strings.Repeat("é", 50),
		"column_" + strings.Repeat("é", 50) + "_linear", "anomaly_search_1", "anomaly_search_2", "training"} {
		want = append(want, name+".pdf", name+".png", name+".svg")
	}
	slices.Sort(want)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the files are %q, not %q", got, want)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "training.svg"))
	if err != nil || !bytes.Equal(svg, p.Loss.SVG()) {
		t.Errorf("training.svg is not the loss (%v)", err)
	}
	if err := WriteFigures(filepath.Join(dir, "training.svg"), p); err == nil || !strings.Contains(err.Error(), "training.svg") {
		t.Errorf("figures in a folder that is a file: %v", err)
	}
}

func TestPageNamesNoFolders(t *testing.T) {
	p := &Page{
		Commands: "sluice run /home/me/jets/card.yaml --out '/home/me/out folder/jets' --set files=[/data/a.csv]",
		Notices:  []string{"/data/a.csv: line 3 was left out", "the sample goes to rel/x.parquet"},
		Warnings: []string{"1 of /home/me/jets/b.csv:tree"},
	}
	p.WithoutFolders("/home/me/jets/card.yaml", "/home/me/out folder/jets", "/data/a.csv", "rel/x.parquet", "", "/")
	got := strings.Join(slices.Concat([]string{p.Commands}, p.Notices, p.Warnings), "\n")
	want := "sluice run card.yaml --out 'jets' --set files=[a.csv]\na.csv: line 3 was left out\nthe sample goes to rel/x.parquet\n1 of b.csv:tree"
	if got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
}

func TestWriteIsWholeOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	if err := Write(path, &Page{}); err == nil || !strings.Contains(err.Error(), "no title") {
		t.Errorf("a page without a title: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("a page that failed left %v", left)
	}
	if err := Write(path, &Page{Title: "t"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != render(t, &Page{Title: "t"}) {
		t.Errorf("the file is not the page (%v)", err)
	}
	if err := Write(filepath.Join(dir, "none", "report.html"), &Page{Title: "t"}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// twoFiles writes two files of 2,000 events: a weighted spectrum with a marker, of which the generated side has too many, an untouched
// column, and one with a missing value.
func twoFiles(t *testing.T) (ref, gen string) {
	t.Helper()
	dir := t.TempDir()
	for k, name := range []string{"data.csv", "model.csv"} {
		var b strings.Builder
		b.WriteString("pt,eta,gap,w\n")
		for i := range 2000 {
			pt, gap := 20+0.05*float64(i), fmt.Sprint(i%97)
			if i%10 < 3+3*k {
				pt = -999
			}
			if k == 1 && i == 5 {
				gap = "nan"
			}
			fmt.Fprintf(&b, "%g,%g,%s,%g\n", pt, math.Sin(float64(i)), gap, 0.001*float64(1+i%4))
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "data.csv"), filepath.Join(dir, "model.csv")
}

// The page about two files names them, the weights and what is apart, and puts the worst column first with the reason in bold.
func TestPageOfTwoFiles(t *testing.T) {
	f := Files{Weight: "w"}
	reference, generated := twoFiles(t)
	f.Reference, f.Generated = reference, []string{generated}
	html := func() string {
		_, page, err := f.Compare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p, err := page()
		if err != nil {
			t.Fatal(err)
		}
		p.Version = "sluice 1.2"
		return render(t, p)
	}
	got := html()
	for _, want := range []string{
		"<h1>model.csv against data.csv</h1>", `<th class="number name text">data.csv</th><th class="number name text">model.csv</th>`, ">data.csv, 2,000 events</text>",
		"<dt>Weights</dt><dd>w<small>the 2000 reference events are worth 1667 (n_eff), the 2000 generated ones are worth 1667 (n_eff)",
		">−999: 28 % / 60 %</text>", ">Sum of weights / 2</text>", "<span class=\"bad\">missing or infinite: 1, of the reference 0</span>", "Made by sluice 1.2.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(got, filepath.Dir(f.Reference)) {
		t.Error("the page holds the path of the files")
	}
	order := regexp.MustCompile(`<tr(?: class="remarked")?><td( class="bad")?><a href="#column-\d">(\w+)</a></td>`).FindAllStringSubmatch(got, -1)
	if len(order) != 3 || order[0][2] != "pt" || order[1][2] != "gap" || order[2][2] != "eta" || order[2][1] != "" || order[1][1] == "" {
		t.Errorf("the rows are %q", order)
	}
	f.Names = []string{"CMS", "Flow"}
	if got = html(); !strings.Contains(got, "<h1>Flow against CMS</h1>") || !strings.Contains(got, ">Flow, 2,000 events") {
		t.Error("the sides do not have the names that they were given")
	}
	f.Names, f.Reference, f.Generated = nil, "/a/old/x.csv", []string{"/a/new/x.csv", "/a/new/y.csv"}
	if names := f.names(); !slices.Equal(names, []string{"old/x.csv", "new/x.csv", "y.csv"}) {
		t.Errorf("two files of one name are called %q", names)
	}
}
