package anomaly

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
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
	return p, p.Fill(r.curves, r.injections, r.shares, r.excesses, r.masses, r.regions, r.closes)
}

func (r *Result) facts() []report.Fact {
	f := []report.Fact{{Name: "Signal region", Value: fmt.Sprintf("%d events", r.Events.Region)}, {Name: "Sidebands", Value: fmt.Sprintf("%d events", r.Events.Sidebands)}}
	if s := r.Events.Signal; s != nil {
		f[0].Note = fmt.Sprintf("%d are signal", *s)
	}
	b := report.Fact{Name: "Background", Value: fmt.Sprintf("%.0f ± %.0f", r.Background.Estimate, r.Background.Error), Note: "by the sidebands"}
	if t := r.Background.Truth; t != nil {
		b.Note = fmt.Sprintf("by the sidebands; truly %.0f", t.Events)
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
			slices.Sort(at)
			median = stats.Quantile(at, 0.5)
			low, high = ends(at)
		}
		c.Y, c.Low, c.High = append(c.Y, median), append(c.Low, low), append(c.High, high)
	}
	return c
}

// injections are the largest SIC against S/B.
func (r *Result) injections() (*report.Section, error) {
	if len(r.Injections) == 0 {
		return nil, nil
	}
	s := report.Section{
		Title: "Against the amount of signal",
		Text:  "The largest significance improvement of each method where the signal is thinned to so many events in the signal region: the median over seeds, and half the width of their middle 68 %.",
		Head:  []string{"Signal", "S/B"}, Numbers: [2]int{0, 2 + len(r.Order)},
	}
	curves := make([]plot.Curve, len(r.Order))
	for _, in := range slices.SortedFunc(slices.Values(r.Injections), func(a, b Injection) int { return cmp.Compare(a.Signal, b.Signal) }) {
		row := []string{fmt.Sprint(in.Signal), fmt.Sprintf("%.2f %%", 100*in.Ratio)}
		for k, name := range r.Order {
			m, c := in.Methods[name], &curves[k]
			cell := "–"
			if m.MaxSIC != nil {
				cell = fmt.Sprintf("%.1f ± %.1f", *m.MaxSIC, *m.MaxSICError)
				c.X, c.Y = append(c.X, 100*in.Ratio), append(c.Y, *m.MaxSIC)
				c.Low, c.High = append(c.Low, *m.MaxSIC-*m.MaxSICError), append(c.High, *m.MaxSIC+*m.MaxSICError)
			}
			row = append(row, cell)
		}
		s.Rows = append(s.Rows, row)
	}
	s.Head = append(s.Head, r.Order...)
	var drawn []plot.Curve
	for k, name := range r.Order {
		if curves[k].Name = name; len(curves[k].X) > 1 {
			drawn = append(drawn, curves[k])
		}
	}
	if drawn == nil {
		return &s, nil
	}
	picture, err := (&plot.Curves{X: plot.Axis{Label: "S/B", Unit: "%"}, Y: plot.Axis{Label: "Max significance improvement", Scale: plot.Linear}, Curves: drawn,
		Alt: "Largest significance improvement against the ratio of signal to background"}).Picture()
	s.Alone = []*plot.Picture{picture}
	return &s, err
}

// shares compare the share of signal that R-ANODE finds with the truth.
func (r *Result) shares() (*report.Section, error) {
	s := report.Section{
		Title: "Share of signal",
		Text: "The share w of signal in the signal region that R-ANODE finds: by its trainings, whose signal density has also taken up what chance did to the background, and the likeliest for events that each " +
			"training had not seen, which is less where the signal density is not that of other signal events. Medians over seeds; the error is half the width of their middle 68 %, or, of one seed, by the curvature of the likelihood.",
		Head: []string{"Signal", "w, trained", "w, events not seen", "True"}, Numbers: [2]int{0, 4},
	}
	row := func(signal string, m *Method) {
		if m == nil || m.Share == nil {
			return
		}
		w, truth := m.Share, "–"
		if w.Truth != nil {
			truth = fmt.Sprintf("%.2f %%", 100**w.Truth)
		}
		s.Rows = append(s.Rows, []string{signal, fmt.Sprintf("%.2f %%", 100*w.Trained), fmt.Sprintf("%.2f ± %.2f %%", 100*w.Fitted, 100*w.Error), truth})
	}
	for _, in := range r.Injections {
		row(fmt.Sprint(in.Signal), in.Methods["r-anode"])
	}
	if len(r.Injections) == 0 {
		signal := "–"
		if n := r.Events.Signal; n != nil {
			signal = fmt.Sprint(*n)
		}
		row(signal, r.Methods["r-anode"])
	}
	if s.Rows == nil {
		return nil, nil
	}
	return &s, nil
}

// excesses has a row a selection.
func (r *Result) excesses() (*report.Section, error) {
	s := report.Section{
		Title: "Background in the signal region",
		Text: "What is left of the first seed's events where the given share of the data in the signal region is selected, beside the background that a smooth function expects that is fitted to what is left " +
			"beyond half its width on either side, the probability of as many events or more, and how far the masses of background that is selected are from those of the rest (Kolmogorov-Smirnov distance): a selection that sculpts the mass makes excesses. " +
			"What leaves fewer than 20 events has no such estimate. Densities that know the signal region alone (of anode and r-anode) score an event beside it as if it had the nearest mass in it.",
		Head: []string{"Method", "Share", "Observed", "Background", "Truth", "χ²/ndf", "p", "Sculpting", "p of it"}, Numbers: [2]int{1, 9},
	}
	n := float64(r.Events.Region)
	whole := Selection{Share: 1, Observed: n, Estimate: &r.Background, LocalP: bump.P(n, r.Background.Estimate, r.Background.Error)}
	s.Rows = append(s.Rows, append([]string{"none"}, whole.cells()...))
	for _, name := range r.Order {
		for _, sel := range r.Methods[name].Selections {
			s.Rows = append(s.Rows, append([]string{name}, sel.cells()...))
		}
	}
	return &s, nil
}

// cells are those of a selection in a table.
func (s *Selection) cells() []string {
	cells := []string{fmt.Sprintf("%g %%", 100*s.Share), fmt.Sprintf("%.0f", s.Observed), "–", "–", "–", "–", "–", "–"}
	if e := s.Estimate; e != nil {
		cells[2], cells[5] = say.Estimate(e.Estimate, e.Error), fmt.Sprintf("%.2g", s.LocalP)
		if e.Truth != nil {
			cells[3] = fmt.Sprintf("%.0f", e.Truth.Events)
		}
		if e.Chi2NDF > 0 {
			cells[4] = fmt.Sprintf("%.2f", e.Chi2NDF)
		}
	}
	if s.SculptingP > 0 {
		cells[6], cells[7] = fmt.Sprintf("%.3f", s.Sculpting), fmt.Sprintf("%.2g", s.SculptingP)
	}
	return cells
}

// masses shows the spectra and what was found in them.
func (r *Result) masses() (*report.Section, error) {
	s := report.Section{
		Title: "Mass",
		Text: fmt.Sprintf("The function p1 (1−x)^p2 / x^(p3 + p4 ln x), with x the mass over twice its largest value shown, is fitted to the sidebands of all data. What each method selects of it (%g %% of the signal region) "+
			"is scanned by windows of 2 to %d bins, each against a function fitted beyond half its width on either side. The global p is the probability of as large an excess anywhere without signal, by %d pseudo-experiments, "+
			"or, beyond all of them (fit), by an exponential fitted to −ln p of their most extreme tenth.", 100*huntedShare, bump.Widest, r.experiments),
		Head: []string{"Hunt after", "From", "To", "Observed", "Expected", "Local p", "Global p", "σ"}, Numbers: [2]int{1, 8},
	}
	picture, err := r.picture(r.spectrum, r.smooth, "All data")
	if err != nil {
		return nil, err
	}
	s.Pictures = append(s.Pictures, picture)
	for _, name := range r.Order {
		m := r.Methods[name]
		h := m.Hunt
		if h == nil {
			continue
		}
		global := fmt.Sprintf("%.2g", h.GlobalP)
		if h.Tail {
			global += " (fit)"
		}
		s.Rows = append(s.Rows, []string{name, fmt.Sprintf("%.4g", h.Window[0]), fmt.Sprintf("%.4g", h.Window[1]), fmt.Sprintf("%.0f", h.Observed), say.Estimate(h.Expected, h.Error),
			fmt.Sprintf("%.2g", h.LocalP), global, fmt.Sprintf("%.2g", h.GlobalSigma)})
		if name != hunter(r.Order) {
			continue
		}
		s.Bold = len(s.Rows)
		if picture, err = r.hunted(m); err != nil {
			return nil, err
		}
		s.Pictures = append(s.Pictures, picture)
	}
	return &s, nil
}

// hunted is the spectrum of a hunt with the function fitted beside its window.
func (r *Result) hunted(m *Method) (*plot.Picture, error) {
	selected := r.spectrum.Empty()
	selected.Counts = m.hunted
	null, err := selected.Smoothed()
	if err != nil {
		return nil, err
	}
	f, err := null.Without(selected.Bins(m.Hunt.Window[0], m.Hunt.Window[1]))
	if err != nil {
		return nil, err
	}
	return r.picture(selected, f, fmt.Sprintf("%g %% by %s", 100*m.Hunt.Share, m.Hunt.Method))
}

// regions are the other signal regions that were searched in.
func (r *Result) regions() (*report.Section, error) {
	if r.Slide == nil {
		return nil, nil
	}
	s := report.Section{
		Title: "Other signal regions",
		Text: fmt.Sprintf("Each was searched with %s, with a density of its own sidebands, and 1 %% of its events selected. As small a local p in any of them has a probability of %.2g without signal (%.2g σ), these being independent.",
			r.Slide.Method, r.Slide.GlobalP, r.Slide.GlobalSigma),
		Head: []string{"From", "To", "Share", "Observed", "Background", "Truth", "χ²/ndf", "p", "Sculpting", "p of it"}, Numbers: [2]int{0, 10},
	}
	c := plot.Curve{Name: "local p, " + r.Slide.Method}
	for _, w := range r.Slide.Windows {
		s.Rows = append(s.Rows, append([]string{fmt.Sprintf("%.4g", w.Low), fmt.Sprintf("%.4g", w.High)}, w.cells()...))
		if w.LocalP > 0 {
			c.X, c.Y = append(c.X, (w.Low+w.High)/2), append(c.Y, w.LocalP)
		}
	}
	if len(c.X) < 2 {
		return &s, nil
	}
	picture, err := (&plot.Curves{X: plot.Axis{Label: r.mass, Unit: r.unit, Scale: plot.Linear}, Y: plot.Axis{Label: "Local p"}, Curves: []plot.Curve{c}, Alt: "Local p of each signal region"}).Picture()
	s.Alone = []*plot.Picture{picture}
	return &s, err
}

// closes shows whether p are uniform where there is no signal.
func (r *Result) closes() (*report.Section, error) {
	c := r.Closure
	if c == nil {
		return nil, nil
	}
	s := report.Section{
		Title: "Closure without signal",
		Text: fmt.Sprintf("The whole search with %s was made in %d sets of events without signal: masses drawn from the smooth function of the sidebands, features from a density of background given the mass. The share of sets with a global p of "+
			"the hunt below each value should be that value: a uniform p is as far from it with a probability of %.2g (Kolmogorov-Smirnov). Of the local p of what is left in the signal region after a selection of 1 %%, it is %.2g; %.2g %% of these are below 0.05. Where they are not uniform, a p of one signal region, or of several side by side, claims too much or too little.",
			c.Method, len(c.GlobalP)+c.None, c.KSP, c.LocalKS, 100*shareBelow(c.LocalP, 0.05)),
	}
	if c.None > 0 {
		s.Text += fmt.Sprintf(" In %d of the sets too few events were left to hunt in; they are not counted.", c.None)
	}
	even := plot.Curve{Name: "uniform", X: []float64{0, 1}, Y: []float64{0, 1}, Expected: true}
	picture, err := (&plot.Curves{X: plot.Axis{Label: "p", Scale: plot.Linear, Max: 1}, Y: plot.Axis{Label: "Share of sets below", Scale: plot.Linear, Max: 1},
		Curves: []plot.Curve{below("global p", c.GlobalP), below("local p", c.LocalP), even}, Alt: "Distribution of p without signal"}).Picture()
	s.Alone = []*plot.Picture{picture}
	return &s, err
}

func shareBelow(p []float64, limit float64) (share float64) {
	for _, v := range p {
		if v < limit {
			share += 1 / float64(len(p))
		}
	}
	return share
}

// below is the share of numbers below each.
func below(name string, p []float64) plot.Curve {
	c := plot.Curve{Name: name, X: []float64{0}}
	p = slices.Sorted(slices.Values(p))
	first, _ := slices.BinarySearch(p, 1)
	for i, v := range p[:first] {
		if v > c.X[len(c.X)-1] {
			c.X, c.Y = append(c.X, v), append(c.Y, float64(i)/float64(len(p)))
		}
	}
	c.X, c.Y = append(c.X, 1), append(c.Y, float64(first)/float64(len(p)))
	return c
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
