package unfold

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/uhi"
)

// titles of the methods for readers.
var titles = map[string]string{"iterated": "Iterated flow", "omnifold": "OmniFold", "matrix": "Matrix (D'Agostini)"}

// Page is the page about an unfolding.
func (r *Result) Page(c *card.Card) (*report.Page, error) {
	text, err := c.Portable().YAML()
	if err != nil {
		return nil, err
	}
	p := &report.Page{
		Title: cmp.Or(c.Title, c.Name), Card: string(text), Notices: r.Notices, Warnings: r.Warnings, Summary: r.facts(),
		Lead: fmt.Sprintf("%s of data, %s measured, unfolded to what is true: %s.", say.Count(r.Events.Data, "event"), say.Count(len(c.Context), "column"), strings.Join(c.Features, ", ")),
	}
	if err := p.Fill(r.agreement, r.columns, r.priors, r.iterations, r.migrations, r.correlations); err != nil {
		return nil, err
	}
	calibrations, err := r.calibrations()
	p.Sections = append(p.Sections, calibrations...)
	return p, err
}

func (r *Result) facts() []report.Fact {
	e := r.Events
	f := []report.Fact{
		{Name: "Data", Value: say.Count(e.Data, "event"), Note: "measured"},
		{Name: "Simulation", Value: say.Count(e.Simulation, "event"), Note: fmt.Sprintf("%d pass both selections, %d are fakes, %d are lost", e.Both, e.Fakes, e.Lost)},
		{Name: "Replicas", Value: fmt.Sprint(r.Replicas), Note: "of data and simulation, for the errors"},
	}
	for _, name := range r.Order {
		m := r.Methods[name]
		note := "events"
		if m.Truth > 0 {
			note = fmt.Sprintf("events; truly %.0f", m.Truth)
		}
		f = append(f, report.Fact{Name: titles[name], Value: fmt.Sprintf("%.0f ± %.0f", m.Total, m.TotalError), Note: note})
	}
	return f
}

// each calls with every unfolded column of every method.
func (r *Result) each(do func(method string, m *Method, s *Spectrum)) {
	for _, name := range r.Order {
		for _, s := range r.Methods[name].Columns {
			do(name, r.Methods[name], s)
		}
	}
}

func (r *Result) label(column string) string {
	return cmp.Or(r.job.card.Labels[column], column)
}

// agreement says how far what is unfolded is from the truth; nil where nobody knows that.
func (r *Result) agreement() (*report.Section, error) {
	if r.truth == nil {
		return nil, nil
	}
	s := report.Section{
		Title: "Unfolded and true", Head: []string{"Method", "Column", "χ²", "Bins", "p", "Largest pull", "Within 1 error"}, Numbers: [2]int{2, 7},
		Text: "χ² is that of the unfolded numbers and the true ones by the covariance of the bins of a column, which replicas of data and simulation tell (its inverse is corrected for their number, " +
			"astro-ph/0608064). A pull is (unfolded − true)/error. Bins of different columns hold the same events.",
	}
	if r.truth.own {
		s.Text += " The truth is that of the data's own events, whose fluctuations are in what is unfolded too: errors are too large for such a comparison."
	} else {
		s.Text += fmt.Sprintf(" The truth is that of %d times as many events as the data have, from the same toy with another seed; its error is part of the covariance.", truthTimes)
	}
	r.each(func(name string, _ *Method, c *Spectrum) {
		var most, within float64
		for _, p := range c.pulls() {
			if math.Abs(p) > math.Abs(most) {
				most = p
			}
			if math.Abs(p) <= 1 {
				within++
			}
		}
		s.Rows = append(s.Rows, []string{titles[name], r.label(c.Name), number(c.Chi2, "%.1f"), fmt.Sprint(c.NDF), number(c.P, "%.2g"), fmt.Sprintf("%+.1f", most), fmt.Sprintf("%.0f of %d", within, c.NDF)})
	})
	for _, name := range r.Order {
		if m := r.Methods[name]; m.Coverage68 != nil {
			s.Text += fmt.Sprintf(" %s: the intervals of one error hold the truth in %.0f %% of the bins (68 %% are expected), the pulls have mean %+.2f and width %.2f.", titles[name], 100**m.Coverage68, *m.Pull, *m.PullWidth)
		}
	}
	picture, err := r.pulls()
	s.Pictures = []*plot.Picture{picture}
	return &s, err
}

func number(x *float64, format string) string {
	if x == nil {
		return "–"
	}
	return fmt.Sprintf(format, *x)
}

// pulls are those of all bins of all columns, beside a normal distribution of width 1.
func (r *Result) pulls() (*plot.Picture, error) {
	edges := make([]float64, 17)
	for k := range edges {
		edges[k] = -4 + float64(k)/2
	}
	v := plot.Curves{X: plot.Axis{Label: "(unfolded − true)/error", Scale: plot.Linear}, Y: plot.Axis{Label: "Share of bins", Scale: plot.Linear}, Alt: "Pulls of all bins"}
	expected := plot.Curve{Name: "normal", X: edges, Expected: true}
	for k := range edges[1:] {
		expected.Y = append(expected.Y, (math.Erf(edges[k+1]/math.Sqrt2)-math.Erf(edges[k]/math.Sqrt2))/2)
	}
	for _, name := range r.Order {
		var all []float64
		for _, s := range r.Methods[name].Columns {
			all = append(all, s.pulls()...)
		}
		w := make([]float64, len(all))
		for i := range w {
			w[i] = 1 / float64(len(all))
			all[i] = min(max(all[i], edges[0]), edges[16]-1e-9) // in the last bins what is beyond
		}
		h := fill(edges, all, w)
		v.Curves = append(v.Curves, plot.Curve{Name: titles[name], X: edges, Y: h[1 : len(h)-1]})
	}
	v.Curves = append(v.Curves, expected)
	return v.Picture()
}

// columns shows each unfolded column: events a unit, and as a ratio to the truth, or to the simulation where nobody knows that.
func (r *Result) columns() (*report.Section, error) {
	s := report.Section{Title: "Unfolded columns"}
	over := "the truth"
	if r.truth == nil {
		over = "the simulation"
	}
	s.Text = "Events a unit of each column, and their ratio to " + over + "; bands are one error. The simulation's truth, where all methods begin, is scaled to the number of data."
	for f, name := range r.job.card.Features {
		o, ratio, err := r.column(f, name)
		if err != nil {
			return nil, err
		}
		s.Overlays = append(s.Overlays, o, ratio)
	}
	return &s, nil
}

// column is the picture of a feature, with all its histograms, and that of ratios.
func (r *Result) column(f int, name string) (o, ratio report.Overlay, err error) {
	edges, unit := r.job.edges[f], r.job.card.Units[name]
	x := plot.Axis{Label: r.label(name), Unit: unit, Scale: plot.Linear}
	y := "Events"
	if unit != "" {
		y += " / " + unit
	}
	spectra := plot.Curves{X: x, Y: plot.Axis{Label: y}, Alt: "Unfolded " + name}
	ratios := plot.Curves{X: x, Y: plot.Axis{Label: "Ratio to the truth", Scale: plot.Linear}, Alt: "Unfolded " + name + " over the truth"}
	o = report.Overlay{Column: name, Label: r.label(name)}
	inner := func(h []float64) []float64 { return h[1 : len(h)-1] }
	reference := inner(r.naive[f])
	if r.truth != nil {
		reference = inner(r.truth.spectra[f])
		o.Samples = append(o.Samples, r.histogram("truth", "Truth", name, edges, r.truth.spectra[f], r.truth.variance[f]))
	} else {
		ratios.Y.Label = "Ratio to the simulation"
	}
	draw := func(name string, values, errors []float64, expected bool) {
		a, b := plot.Curve{Name: name, X: edges, Expected: expected}, plot.Curve{Name: name, X: edges, Expected: expected}
		for k, v := range values {
			width := edges[k+1] - edges[k]
			a.Y, b.Y = append(a.Y, v/width), append(b.Y, v/reference[k])
			if errors != nil {
				e := errors[k]
				a.Low, a.High = append(a.Low, (v-e)/width), append(a.High, (v+e)/width)
				b.Low, b.High = append(b.Low, (v-e)/reference[k]), append(b.High, (v+e)/reference[k])
			}
		}
		spectra.Curves, ratios.Curves = append(spectra.Curves, a), append(ratios.Curves, b)
	}
	for _, method := range r.Order {
		m := r.Methods[method]
		if k := slices.IndexFunc(m.Columns, func(s *Spectrum) bool { return s.Name == name }); k >= 0 {
			s := m.Columns[k]
			draw(titles[method], s.Values, s.Errors, false)
			variance := []float64{0}
			for _, e := range s.Errors {
				variance = append(variance, e*e)
			}
			h := slices.Concat([]float64{s.Underflow}, s.Values, []float64{s.Overflow})
			o.Samples = append(o.Samples, r.histogram(method, titles[method], name, edges, h, append(variance, 0)))
		}
	}
	draw("Simulation", inner(r.naive[f]), nil, false)
	o.Samples = append(o.Samples, r.histogram("simulation", "Simulation", name, edges, r.naive[f], make([]float64, len(r.naive[f]))))
	if r.truth != nil {
		draw("Truth", reference, nil, true)
	}
	if o.Picture, err = spectra.Picture(); err != nil {
		return o, ratio, err
	}
	ratio = report.Overlay{Column: name, Label: r.label(name)}
	ratio.Picture, err = ratios.Picture()
	return o, ratio, err
}

func (r *Result) histogram(key, title, column string, edges, values, variances []float64) report.Sample {
	axis := uhi.Axis{Edges: edges, Underflow: true, Overflow: true, Metadata: uhi.Metadata{"name": column, "label": r.label(column), "unit": r.job.card.Units[column]}}
	return report.Sample{Key: key, Name: title, Scale: 1, Histogram: &uhi.Histogram{Axes: []uhi.Axis{axis}, Values: values, Variances: variances}}
}

// priors says what the simulation's truth matters; nil where no other was tried.
func (r *Result) priors() (*report.Section, error) {
	s := report.Section{
		Title: "Dependence on the simulation's truth", Head: []string{"Method", "Column", "Mean shift", "Largest shift", "In errors", "χ² to the truth", "with the other"}, Numbers: [2]int{2, 7},
		Text: "The same data unfolded by a simulation of another truth" + r.otherTruth() + ": how much each bin changes, in parts of its content and in units of its error. The shift of each bin is a systematic uncertainty of what is unfolded (prior in the JSON).",
	}
	r.each(func(name string, _ *Method, c *Spectrum) {
		if c.Prior == nil {
			return
		}
		var most, errors float64
		for b, d := range c.Prior {
			if c.Values[b] != 0 {
				most = max(most, math.Abs(d/c.Values[b]))
			}
			if c.Errors[b] > 0 {
				errors = max(errors, math.Abs(d)/c.Errors[b])
			}
		}
		s.Rows = append(s.Rows, []string{titles[name], r.label(c.Name), fmt.Sprintf("%.1f %%", 100*c.PriorShift()), fmt.Sprintf("%.1f %%", 100*most), fmt.Sprintf("%.1f", errors), number(c.Chi2, "%.1f"), number(c.PriorChi2, "%.1f")})
	})
	if s.Rows == nil {
		s.Text, s.Head = "Not tested: the card names no other truth of the simulation (unfold.prior or unfold.prior_files).", nil
	}
	return &s, nil
}

func (r *Result) otherTruth() string {
	if p := r.job.plan.Prior; p != "" {
		return ", its weights times " + p
	}
	return " (unfold.prior_files)"
}

// iterations says how each method came to its end.
func (r *Result) iterations() (*report.Section, error) {
	s := report.Section{
		Title: "Iterations", Head: []string{"Method", "Iteration", "Change, errors", "Measured χ²/bin", "True χ²/bin"}, Numbers: [2]int{1, 5},
		Text: "Change is that of the bins since the iteration before, the first since the simulation's truth: the root of its mean square in units of the errors. Measured χ² is that of the weighed simulation " +
			"and the data in the measured columns, by the statistical errors of both: what can be seen of the convergence without knowing the truth.",
	}
	v := plot.Curves{X: plot.Axis{Label: "Iteration", Scale: plot.Linear}, Y: plot.Axis{Label: "Change, errors", Scale: plot.Logarithmic}, Alt: "Change of the bins by iteration"}
	for _, name := range r.Order {
		c := plot.Curve{Name: titles[name]}
		for k, it := range r.Methods[name].Iterations {
			folded := "–"
			if it.Folded > 0 {
				folded = fmt.Sprintf("%.2f", it.Folded)
			}
			s.Rows = append(s.Rows, []string{titles[name], fmt.Sprint(k + 1), fmt.Sprintf("%.2f", it.Change), folded, number(it.Chi2, "%.2f")})
			c.X, c.Y = append(c.X, float64(k+1)), append(c.Y, max(it.Change, 1e-3))
		}
		v.Curves = append(v.Curves, c)
	}
	if r.job.plan.Iterations == 1 {
		return &s, nil
	}
	picture, err := v.Picture()
	s.Pictures = []*plot.Picture{picture}
	return &s, err
}

// migrations shows where events of a true bin are measured; nil where no column measures a feature.
func (r *Result) migrations() (*report.Section, error) {
	p := plot.Panels{Alt: "Migration matrices"}
	main := r.job.replica(0, 1)
	for f, c := range r.job.pairs {
		if c < 0 {
			continue
		}
		response := main.migration(f, c).response()
		bins := len(response) - 2
		panel := plot.Panel{Title: r.label(r.job.card.Features[f]), XLabel: "true bin", YLabel: "measured bin", Range: [4]float64{0.5, float64(bins) + 0.5, 0.5, float64(bins) + 0.5}}
		for k := 1; k <= bins; k++ {
			for i := 1; i <= bins; i++ {
				panel.Field = append(panel.Field, max(response[i][k], 0))
				panel.Most = max(panel.Most, response[i][k])
			}
		}
		if panel.Most > 0 { // or all is measured beyond the edges
			p.Panels = append(p.Panels, panel)
		}
	}
	if p.Panels == nil {
		return nil, nil
	}
	picture, err := p.Picture()
	return &report.Section{
		Title: "Migration", Alone: []*plot.Picture{picture},
		Text: "The probability of the simulation for an event of a true bin to be measured in each bin of the same edges; the darker, the likelier. What is measured below or above the edges, and what is lost, is not shown.",
	}, err
}

// correlations shows those of the bins of all columns.
func (r *Result) correlations() (*report.Section, error) {
	s := report.Section{
		Title: "Correlations of the bins",
		Text: fmt.Sprintf("By %d replicas of data and simulation, bin after bin and column after column: each event of both counts as often as a Poisson number of mean 1 says. In each replica all classifiers are trained anew; "+
			"the flow goes on from that of the first iteration. Correlations have an error of about %.2f. The covariance is in the JSON.", r.Replicas, 1/math.Sqrt(float64(r.Replicas))),
	}
	m := plot.Correlations{ReferenceName: titles[r.Order[0]], GeneratedName: titles[r.Order[min(1, len(r.Order)-1)]]}
	a, b := r.Methods[r.Order[0]], r.Methods[r.Order[min(1, len(r.Order)-1)]]
	if len(a.Covariance) != len(b.Covariance) {
		b, m.GeneratedName = a, m.ReferenceName
	}
	for _, c := range a.Columns {
		for k := range c.Values {
			m.Columns = append(m.Columns, fmt.Sprintf("%s %d", c.Name, k+1))
		}
	}
	m.Reference, m.Generated = correlation(a.Covariance), correlation(b.Covariance)
	picture, err := m.Picture()
	s.Alone = []*plot.Picture{picture}
	return &s, err
}

// calibrations are those of the flow, at its start and its end.
func (r *Result) calibrations() (all []report.Section, err error) {
	m := r.Methods["iterated"]
	if m == nil {
		return nil, nil
	}
	when := []string{"the first iteration, given held-out events of the simulation as it is", "the last iteration, given held-out events of the simulation as it is weighed then"}
	for k, c := range m.Calibration {
		s, err := report.CalibrationSection(c, r.label)
		if err != nil {
			return nil, err
		}
		s.Title = [...]string{"Calibration of single events, first iteration", "Calibration of single events, last iteration"}[k]
		s.Text = "The flow of " + when[k] + ". " + s.Text
		all = append(all, s)
	}
	return all, nil
}
