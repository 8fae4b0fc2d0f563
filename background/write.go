package background

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/pyhf"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/uhi"
)

// variation is a template as it may be, or what is observed.
type variation struct {
	name string
	*stats.Histogram
}

// variations are the nominal, what is observed, and the nominal up and down by each error.
func (r *Result) variations(t *Template) []variation {
	v := []variation{{"nominal", t.Nominal}, {"data", t.Data}}
	add := func(name string, up, down *stats.Histogram) {
		v = append(v, variation{name + "Up", up}, variation{name + "Down", down})
	}
	yield := func(name string, deviation float64) {
		up := 1 + deviation/r.Yield
		add(name, t.times(up), t.times(1/up)) // down stays above 0
	}
	yield("statistical", r.Stat)
	if r.Systematic != nil {
		yield("closureYield", r.Closing)
		add("closureShape", t.varied(1), t.varied(-1))
	}
	return v
}

// write leaves the files of the estimate in its folder.
func (r *Result) write(o Options) error {
	if o.Folder == "" {
		return nil
	}
	uhis, roots := map[string]*uhi.Histogram{}, map[string]*uhi.Histogram{}
	for _, t := range r.templates {
		for _, v := range r.variations(t) {
			h := r.histogram(t, v.Histogram, v.name, o.Version)
			uhis[t.Feature+"/"+v.name], roots[t.Feature+"_"+v.name] = h, h
		}
	}
	for _, f := range []struct {
		to    *string
		name  string
		write func(path string) error
	}{
		{&r.Events, "events.parquet", r.writeEvents},
		{&r.Histograms, "templates.json", func(path string) error { return writeHistograms(path, uhis) }},
		{&r.Templates, "templates.root", func(path string) error { return root.WriteHistograms(path, roots) }},
		{&r.Workspace, "workspace.json", func(path string) error { return r.writeWorkspace(path, o) }},
	} {
		path := filepath.Join(o.Folder, f.name)
		if err := f.write(path); err != nil {
			return err
		}
		*f.to = path
	}
	return nil
}

func (r *Result) histogram(t *Template, h *stats.Histogram, name, version string) *uhi.Histogram {
	return &uhi.Histogram{
		Axes:      []uhi.Axis{{Edges: h.Edges, Underflow: true, Overflow: true, Metadata: uhi.Metadata{"name": t.Feature, "unit": t.Unit}}},
		Values:    slices.Concat([]float64{h.Under}, h.SumW, []float64{h.Over}),
		Variances: slices.Concat([]float64{h.Under2}, h.SumW2, []float64{h.Over2}),
		Metadata:  uhi.Metadata{"name": name, "region": r.Region}, Writer: [2]string{"sluice", version},
	}
}

func (r *Result) writeEvents(path string) error {
	w, err := events.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Write(r.drawn); err != nil {
		return err
	}
	return w.Close()
}

// writeHistograms writes all templates in the schema of UHI, by feature and variation: "mass/nominal", "mass/statisticalUp".
func writeHistograms(path string, all map[string]*uhi.Histogram) error {
	text, err := json.MarshalIndent(map[string]any{"histograms": all}, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, append(text, '\n'))
}

// floor is what a bin of the workspace holds at least, in events.
const floor = 1e-6

// writeWorkspace writes the search as a workspace of one channel: the background with its errors, and a normal peak where the largest excess is, of mu events.
// Without a search it is that of the first template, and mu multiplies the background.
func (r *Result) writeWorkspace(path string, o Options) error {
	t := r.templates[0]
	if r.Search != nil {
		t = r.of(r.Search.Feature)
	}
	as := func(h *stats.Histogram, name string) *uhi.Histogram { return r.histogram(t, h, name, o.Version) }
	norm := func(deviation float64) pyhf.NormSys {
		up := 1 + deviation/r.Yield
		return pyhf.NormSys{Low: 1 / up, High: up}
	}
	b := pyhf.Template{Name: "background", Nominal: as(t.Nominal, "nominal"), StatError: true, Norms: map[string]pyhf.NormSys{"statistical": norm(r.Stat)}}
	if r.Systematic != nil {
		b.Norms["closureYield"] = norm(r.Closing)
		b.Shapes = map[string]pyhf.Variation{"closureShape": {Down: as(t.varied(-1), "down"), Up: as(t.varied(1), "up")}}
	}
	channel := pyhf.Region{Name: strings.ReplaceAll(r.Region, " ", "_") + "_" + t.Feature, Observed: as(t.Data, "data")}
	most := 10.0
	if r.Search == nil {
		b.Free = []string{"mu"}
	} else {
		most = max(10, 3*math.Abs(r.Search.Observed-r.Search.Expected)+10*math.Sqrt(r.Search.Expected))
		channel.Templates = append(channel.Templates, pyhf.Template{Name: "signal", Nominal: as(t.peak(r.Search.Window), "signal"), Free: []string{"mu"}})
	}
	channel.Templates = append(channel.Templates, b)
	w, notes, err := pyhf.Build([]pyhf.Region{channel}, []pyhf.Measurement{pyhf.POI("search", "mu", 0, most)}, floor)
	if err != nil {
		return err
	}
	for _, line := range notes {
		r.notice(o, "workspace: "+line)
	}
	return w.WriteFile(path)
}

// peak is one event, normal around the middle of a window that reaches two widths to either side.
func (t *Template) peak(window [2]float64) *stats.Histogram {
	h := &stats.Histogram{Edges: t.Nominal.Edges, SumW: make([]float64, len(t.Nominal.SumW)), SumW2: make([]float64, len(t.Nominal.SumW))}
	of := distuv.Normal{Mu: (window[0] + window[1]) / 2, Sigma: (window[1] - window[0]) / 4}
	for k := range h.SumW {
		h.SumW[k] = of.CDF(h.Edges[k+1]) - of.CDF(h.Edges[k])
	}
	return h
}
