package background

import (
	"encoding/json"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
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
func (r *Result) write(folder, version string) error {
	if folder == "" {
		return nil
	}
	if err := r.writeEvents(filepath.Join(folder, "events.parquet")); err != nil {
		return err
	}
	r.Events = filepath.Join(folder, "events.parquet")
	if err := r.writeHistograms(filepath.Join(folder, "templates.json"), version); err != nil {
		return err
	}
	r.Histograms = filepath.Join(folder, "templates.json")
	return nil
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
func (r *Result) writeHistograms(path, version string) error {
	all := map[string]*uhi.Histogram{}
	for _, t := range r.templates {
		for _, v := range r.variations(t) {
			all[t.Feature+"/"+v.name] = &uhi.Histogram{
				Axes:      []uhi.Axis{{Edges: v.Edges, Underflow: true, Overflow: true, Metadata: uhi.Metadata{"name": t.Feature, "unit": t.Unit}}},
				Values:    slices.Concat([]float64{v.Under}, v.SumW, []float64{v.Over}),
				Variances: slices.Concat([]float64{v.Under2}, v.SumW2, []float64{v.Over2}),
				Metadata:  uhi.Metadata{"name": v.name, "region": r.Region}, Writer: [2]string{"sluice", version},
			}
		}
	}
	text, err := json.MarshalIndent(map[string]any{"histograms": all}, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, append(text, '\n'))
}
