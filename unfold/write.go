package unfold

import (
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/report"
)

// Write writes the unfolded events of each method that has some, unfolded-METHOD.parquet with a column weight, to a folder, and report.json: the numbers and
// the histograms of a page, by a version of the program.
func (r *Result) Write(folder, version string, p *report.Page) error {
	p.Version = "sluice " + version
	for _, name := range r.Order {
		m := r.Methods[name]
		if m.cloud.Columns == nil {
			continue
		}
		path := filepath.Join(folder, "unfolded-"+name+".parquet")
		if err := r.writeEvents(path, m); err != nil {
			return err
		}
		m.File = path
	}
	return report.WriteJSON(filepath.Join(folder, "report.json"), p, r)
}

func (r *Result) writeEvents(path string, m *Method) error {
	w, err := events.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	weight := "weight"
	for slices.Contains(r.job.card.Features, weight) {
		weight += "_"
	}
	t := table(append(slices.Clone(r.job.card.Features), weight), append(slices.Clone(m.cloud.Columns), m.cloud.Weight), r.job.card.Units)
	t.Weight = weight
	if err := w.Write(t); err != nil {
		return err
	}
	return w.Close()
}
