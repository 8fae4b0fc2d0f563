package anomaly

import (
	"cmp"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/report"
)

// Page is the page about a search.
func (r *Result) Page(c *card.Card) (*report.Page, error) {
	text, err := c.Portable().YAML()
	if err != nil {
		return nil, err
	}
	p := &report.Page{
		Title: cmp.Or(c.Title, c.Name), Card: string(text), Notices: r.Notices, Warnings: r.Warnings,
		Lead: fmt.Sprintf("A search for a resonance in %s from %g to %g %s, by events that look unlike the background that the sidebands teach.",
			r.mass, r.signalRegion[0], r.signalRegion[1], r.unit),
	}
	p.Summary = r.facts()
	for _, section := range []func() (*report.Section, error){r.curves, r.excesses, r.masses} {
		s, err := section()
		if err != nil {
			return nil, err
		}
		if s != nil {
			p.Sections = append(p.Sections, *s)
		}
	}
	return p, nil
}

func (r *Result) facts() []report.Fact {
	f := []report.Fact{{Name: "Signal region", Value: fmt.Sprintf("%d events", r.Events.Region)}, {Name: "Sidebands", Value: fmt.Sprintf("%d events", r.Events.Sidebands)}}
	if s := r.Events.Signal; s != nil {
		f[0].Note = fmt.Sprintf("%d are signal", *s)
	}
	b := report.Fact{Name: "Background", Value: fmt.Sprintf("%.0f ± %.0f", r.Background.Estimate, r.Background.Error), Note: "by the sidebands"}
	if t := r.Background.Truth; t != nil {
		b.Note = fmt.Sprintf("by the sidebands; truly %.0f", *t)
	}
	f = append(f, b)
	if h := r.Hunt; h != nil {
		f = append(f, report.Fact{Name: "Largest excess", Value: fmt.Sprintf("%.2g σ", h.GlobalSigma), Note: fmt.Sprintf("globally; %.4g to %.4g %s, after %s", h.Window[0], h.Window[1], r.unit, h.Method)})
	}
	return f
}

// curves are the SIC of each method with its band over seeds; nil without signal to judge by.
func (r *Result) curves() (*report.Section, error) {
	s := report.Section{
		Title: "Significance improvement",
		Text: "How much a selection raises the significance of signal, against the share of signal that it keeps: the median over seeds, and their middle 68 %. Where fewer than 25 " +
			"background events are left with any seed, SIC is chance and is not shown; its largest value is the largest of what is. Each event was scored by what had not seen it; signal that was thinned away " +
			"is scored too. Seconds are those of a seed, without the density of the background.",
		Head: []string{"Method", "Max SIC", "AUC", "Seconds"}, Numbers: [2]int{1, 4},
	}
	var curves []plot.Curve
	for _, name := range r.Order {
		m := r.Methods[name]
		if m.MaxSIC == nil {
			continue
		}
		s.Rows = append(s.Rows, []string{name, fmt.Sprintf("%.1f ± %.1f", *m.MaxSIC, *m.MaxSICError), fmt.Sprintf("%.3f ± %.3f", *m.AUC, *m.AUCError), fmt.Sprintf("%.0f", m.Seconds)})
		curves = append(curves, m.curve(name))
	}
	if curves == nil {
		return nil, nil
	}
	picture, err := plot.SIC(curves...).Picture()
	s.Alone = []*plot.Picture{picture}
	return &s, err
}

// curve is the band of a method.
func (m *Method) curve(name string) plot.Curve {
	c := plot.Curve{Name: name, X: efficiencies}
	for k := range efficiencies {
		var at []float64
		for _, y := range m.curves {
			if y[k] == y[k] {
				at = append(at, y[k])
			}
		}
		median, low, high := math.NaN(), math.NaN(), math.NaN()
		if len(at) == len(m.curves) { // or the median would be that of other seeds than beside it
			median, _ = middle(at)
			low, high = ends(at)
		}
		c.Y, c.Low, c.High = append(c.Y, median), append(c.Low, low), append(c.High, high)
	}
	return c
}

// excesses has a row a selection.
func (r *Result) excesses() (*report.Section, error) {
	s := report.Section{
		Title: "Background in the signal region",
		Text: "What is left of the first seed's events where the given share of the data in the signal region is selected, beside the background that a smooth function expects that is fitted to what is left of " +
			"the sidebands, the probability of as many events or more, and how far the masses of background that is selected are from those of the rest (Kolmogorov-Smirnov distance): a selection that sculpts the mass makes excesses. " +
			"Methods that score the signal region alone (anode and r-anode) have no such estimate, nor has what leaves fewer than 20 events in the sidebands.",
		Head: []string{"Method", "Share", "Observed", "Background", "Truth", "χ²/ndf", "p", "Sculpting", "p of it"}, Numbers: [2]int{1, 9},
	}
	n := float64(r.Events.Region)
	p := bump.P(n, r.Background.Estimate, r.Background.Error)
	s.Rows = append(s.Rows, (&Selection{Share: 1, Observed: n, Estimate: &r.Background, LocalP: &p}).row("none"))
	for _, name := range r.Order {
		for _, sel := range r.Methods[name].Selections {
			s.Rows = append(s.Rows, sel.row(name))
		}
	}
	return &s, nil
}

// row is that of a selection in the table.
func (s *Selection) row(method string) []string {
	cells := []string{method, fmt.Sprintf("%g %%", 100*s.Share), fmt.Sprintf("%.0f", s.Observed), "–", "–", "–", "–", "–", "–"}
	if e := s.Estimate; e != nil {
		cells[3], cells[6] = fmt.Sprintf("%.0f ± %.2g", e.Estimate, e.Error), fmt.Sprintf("%.2g", *s.LocalP)
		if e.Estimate < 1000 {
			cells[3] = fmt.Sprintf("%.3g ± %.2g", e.Estimate, e.Error)
		}
		if e.Truth != nil {
			cells[4] = fmt.Sprintf("%.0f", *e.Truth)
		}
		if e.Chi2NDF > 0 {
			cells[5] = fmt.Sprintf("%.2f", e.Chi2NDF)
		}
	}
	if s.Sculpting != nil {
		cells[7], cells[8] = fmt.Sprintf("%.3f", *s.Sculpting), fmt.Sprintf("%.2g", *s.SculptingP)
	}
	return cells
}

// masses shows the spectra and what was found in them.
func (r *Result) masses() (*report.Section, error) {
	s := report.Section{Title: "Mass", Text: "The function p1 (1−x)^p2 / x^(p3 + p4 ln x), with x the mass over twice its largest value shown, is fitted to the sidebands of all data."}
	picture, err := r.picture(r.spectrum, r.smooth, "All data")
	if err != nil {
		return nil, err
	}
	s.Pictures = append(s.Pictures, picture)
	h := r.Hunt
	if h == nil {
		return &s, nil
	}
	null, err := r.selected.Smoothed()
	if err != nil {
		return nil, err
	}
	f, err := null.Without(r.selected.Bins(h.Window[0], h.Window[1]))
	if err != nil {
		return nil, err
	}
	if picture, err = r.picture(r.selected, f, fmt.Sprintf("%g %% by %s", 100*h.Share, h.Method)); err != nil {
		return nil, err
	}
	s.Pictures = append(s.Pictures, picture)
	how := fmt.Sprintf("by %d pseudo-experiments", h.Pseudo)
	if h.Tail {
		how = fmt.Sprintf("beyond all of %d pseudo-experiments, by an exponential fitted to −ln p of their most extreme tenth", h.Pseudo)
	}
	s.Text += fmt.Sprintf(" What %s selects of it (%g %% of the signal region) was scanned by windows of 2 to %d bins: the largest excess is from %.4g to %.4g %s, %.0f events where %.3g ± %.2g are expected; "+
		"local p %.2g; as large an excess anywhere has p %.2g without signal (%.2g σ), %s.",
		h.Method, 100*h.Share, bump.Widest, h.Window[0], h.Window[1], r.unit, h.Observed, h.Expected, h.Error, h.LocalP, h.GlobalP, h.GlobalSigma, how)
	return &s, nil
}

// picture is a spectrum with the function fitted to it.
func (r *Result) picture(s *bump.Spectrum, f *bump.Smooth, name string) (*plot.Picture, error) {
	data := plot.Curve{Name: name, X: s.Edges, Y: s.Counts}
	for _, n := range s.Counts {
		data.Low, data.High = append(data.Low, max(n-math.Sqrt(n), 0)), append(data.High, n+math.Sqrt(n))
	}
	v := plot.Curves{
		X: plot.Axis{Label: r.mass, Unit: r.unit, Scale: plot.Linear}, Y: plot.Axis{Label: "Events / bin"},
		Curves: []plot.Curve{data, {Name: "smooth function", X: s.Edges, Y: f.Expected, Expected: true}}, Alt: "Spectrum of " + r.mass + " with a smooth function",
	}
	return v.Picture()
}
