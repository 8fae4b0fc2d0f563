package background

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
)

// ways say what carries the shapes.
var ways = map[string]string{
	byDensity:     "drawn from the density of the features given the control variables, learned in the control regions",
	byTransport:   "simulated events, carried by the flow between the densities of simulation and data that was learned in the control regions",
	byDiscrepancy: "simulated events, carried by the map that makes simulation and data alike in the control regions (MMD)",
}

// Page is the page about an estimate.
func (r *Result) Page(c *card.Card) (*report.Page, error) {
	text, err := c.Portable().YAML()
	if err != nil {
		return nil, err
	}
	p := &report.Page{
		Title: cmp.Or(c.Title, c.Name), Card: string(text), Notices: r.Notices, Warnings: r.Warnings,
		Lead: fmt.Sprintf("The background in %s: its number by ABCD, its events %s.", r.Region, ways[r.Method]),
	}
	v := pictures{r, c}
	p.Summary = v.facts()
	return p, p.Fill(v.numbers, v.shapes, v.closures, v.search)
}

func (r pictures) facts() []report.Fact {
	of := fmt.Sprintf("statistical %.3g; resampled events %.3g", r.Stat, r.Bootstrap)
	if r.Systematic != nil {
		of += fmt.Sprintf("; closure %.3g", r.Closing)
	}
	seen := report.Fact{Name: "Observed", Value: say.Events(r.Observed), Note: "in " + r.Region}
	if r.Truth != nil {
		seen.Note += fmt.Sprintf("; %s are background", say.Events(*r.Truth))
	}
	f := []report.Fact{{Name: "Background", Value: say.Estimate(r.Yield, r.Error), Note: of}, seen}
	if s := r.Systematic; s != nil {
		f = append(f, report.Fact{Name: "Closure of shapes", Value: fmt.Sprintf("χ²/ndf %.2f", s.Chi2NDF), Note: fmt.Sprintf("%s, %s", say.Count(len(r.Closure), "region"), say.Count(s.NDF, "bin"))})
		if s.Pulls > 1 {
			f = append(f, report.Fact{Name: "Closure of numbers", Value: fmt.Sprintf("pulls of %.2f", s.PullRMS), Note: fmt.Sprintf("RMS of %d; 1 is chance", s.Pulls)})
		}
	}
	if h := r.Search; h != nil {
		f = append(f, report.Fact{Name: "Largest excess", Value: fmt.Sprintf("%.2g σ", h.GlobalSigma), Note: strings.TrimSuffix(fmt.Sprintf("globally; %s from %.4g to %.4g %s", r.label(h.Feature), h.Window[0], h.Window[1], r.of(h.Feature).Unit), " ")})
	}
	return f
}

// pictures draw an estimate with the labels of its card.
type pictures struct {
	*Result
	card *card.Card
}

func (v pictures) label(name string) string { return cmp.Or(v.card.Labels[name], name) }

// numbers are those of all regions, in the order of their bins.
func (v pictures) numbers() (*report.Section, error) {
	s := &report.Section{
		Title: "Numbers of events",
		Text: "Each region with what ABCD, fitted to the control regions, expects there; in a control region the error is that of the fit, which has seen it. The region of interest has not been: its error is that of " +
			"the control regions, and its pull counts that of the data too.",
		Head: []string{"Region", "Observed", "Expected", "Pull"}, Numbers: [2]int{1, 4},
	}
	if v.Chi2NDF > 0 {
		s.Text += fmt.Sprintf(" χ²/ndf of the control regions: %.2f.", v.Chi2NDF)
	}
	for _, y := range v.Regions {
		s.Rows = append(s.Rows, []string{y.Region, say.Events(y.Observed), say.Estimate(y.Predicted, y.Error), fmt.Sprintf("%.2f", y.Pull)})
		if y.Region == v.Region {
			s.Bold = len(s.Rows)
		}
	}
	return s, nil
}

// shapes has the templates over what is observed.
func (v pictures) shapes() (*report.Section, error) {
	s := &report.Section{
		Title: "Region of interest",
		Text:  fmt.Sprintf("What is expected in %s, with its error in each bin (of the events that it is made of, the closures and the number), and what is observed.", v.Region),
	}
	for _, t := range v.templates {
		alone, together := v.deviations(t)
		expected := histogram("Background", t.Nominal)
		expected.SumW2 = make([]float64, len(alone))
		for k := range alone {
			expected.SumW2[k] = alone[k]*alone[k] + together[k]*together[k]
		}
		o := plot.Overlay{Label: v.label(t.Feature), Unit: t.Unit, Reference: expected, Generated: []plot.Histogram{histogram("Data", t.Data)}, Absolute: true, Ratio: "Data / Bkg."}
		picture, err := o.Picture()
		if err != nil {
			return nil, err
		}
		s.Pictures = append(s.Pictures, picture)
	}
	return s, nil
}

func histogram(name string, h *stats.Histogram) plot.Histogram {
	return plot.Histogram{Name: name, Edges: h.Edges, SumW: h.SumW, SumW2: h.SumW2, Under: h.Under, Over: h.Over, Under2: h.Under2, Over2: h.Over2}
}

// closures are the control regions as they are predicted without themselves.
func (v pictures) closures() (*report.Section, error) {
	if len(v.Closure) == 0 {
		return nil, nil
	}
	s := &report.Section{
		Title: "Closure",
		Text: "Each control region as it is predicted by the others, of which alone shapes and numbers were learned. χ² is that of the shapes of all features, in bins of equal content, for the number of events observed; " +
			"the pull is that of the number, predicted less observed. " + v.systematics(),
		Head: []string{"Region", "Observed", "Predicted", "Pull", "χ²/ndf", "bins", "p"}, Numbers: [2]int{1, 7 + len(v.card.Features)},
	}
	for _, name := range v.card.Features {
		s.Head = append(s.Head, v.label(name))
	}
	if v.Method != byDensity {
		s.Text += " Before is χ²/ndf of the simulation as it is."
		s.Head = append(s.Head, "before")
		s.Numbers[1]++
	}
	for _, c := range v.Closure {
		row := []string{c.Region, say.Events(c.Observed), "–", "–", fmt.Sprintf("%.2f", c.Chi2NDF), fmt.Sprint(c.NDF), fmt.Sprintf("%.2g", c.P)}
		if c.Predictable {
			row[2], row[3] = say.Estimate(c.Predicted, c.Error), fmt.Sprintf("%.2f", c.Pull)
		}
		for _, name := range v.card.Features {
			row = append(row, fmt.Sprintf("%.2f", c.Features[name].Chi2/math.Max(float64(c.Features[name].NDF), 1)))
		}
		if v.Method != byDensity {
			row = append(row, fmt.Sprintf("%.2f", c.Before))
		}
		s.Rows = append(s.Rows, row)
	}
	first := cmp.Or(v.card.Background.Search, v.templates[0].Feature)
	panels := &plot.Shapes{Alt: "Closure of " + first + " in each control region"}
	for _, c := range v.Closure {
		panels.Panels = append(panels.Panels, plot.Shape{
			Label: v.label(first) + ", " + c.Region, Unit: v.card.Units[first],
			Histograms: []plot.Histogram{histogram("Data", c.Seen[first]), histogram("Predicted", c.Expected[first])},
		})
	}
	picture, err := panels.Picture()
	s.Alone = []*plot.Picture{picture}
	return s, err
}

func (v pictures) systematics() string {
	s := v.Systematic
	if s.Pulls == 0 {
		return "So few regions leave no number to be predicted without one of them: there is no systematic error of the number. "
	}
	return fmt.Sprintf("What closures of the number miss, each by its error, is %.2g %%, which is the systematic error of the number of events; what they miss of the shapes, bin by bin, that of the shapes. Neither is less than the "+
		"statistical error with which the closures tell it.", 100*s.Yield)
}

// search shows the scan.
func (v pictures) search() (*report.Section, error) {
	h := v.Search
	if h == nil {
		return nil, nil
	}
	t := v.of(h.Feature)
	how := fmt.Sprintf("by %d pseudo-experiments", h.Pseudo)
	if h.Tail {
		how = fmt.Sprintf("beyond all of %d pseudo-experiments, by an exponential fitted to −ln p of their most extreme tenth", h.Pseudo)
	}
	s := &report.Section{
		Title: "Search",
		Text: fmt.Sprintf("%s was scanned by windows of several widths over what is expected, with its errors. The largest excess is from %.4g to %.4g %s: %s events where %s are expected; local p %.2g; as large an excess "+
			"anywhere has p %.2g without signal (%.2g σ), %s. Beside it the pulls of the bins have a mean of %s and a width of %.2f.",
			v.label(h.Feature), h.Window[0], h.Window[1], t.Unit, say.Events(h.Observed), say.Estimate(h.Expected, h.Error), h.LocalP, h.GlobalP, h.GlobalSigma, how, strings.Replace(fmt.Sprintf("%.2f", h.PullMean), "-", "−", 1), h.PullWidth),
	}
	alone, together := v.deviations(t)
	data, expected := plot.Curve{Name: "Data", X: t.Data.Edges, Y: t.Data.SumW}, plot.Curve{Name: "Background", X: t.Nominal.Edges, Y: t.Nominal.SumW, Expected: true}
	for k, n := range t.Nominal.SumW {
		off, of := math.Hypot(alone[k], together[k]), math.Sqrt(t.Data.SumW2[k])
		expected.Low, expected.High = append(expected.Low, max(n-off, 0)), append(expected.High, n+off)
		data.Low, data.High = append(data.Low, max(t.Data.SumW[k]-of, 0)), append(data.High, t.Data.SumW[k]+of)
	}
	label := plot.Axis{Label: v.label(h.Feature), Unit: t.Unit, Scale: plot.Linear}
	for _, of := range []plot.Curves{
		{X: label, Y: plot.Axis{Label: "Events / bin"}, Curves: []plot.Curve{data, expected}, Alt: "Spectrum of " + h.Feature + " over the estimate"},
		{X: label, Y: plot.Axis{Label: "(data − background) / error", Scale: plot.Linear}, Curves: []plot.Curve{{X: t.Data.Edges, Y: h.pulls}}, Alt: "Pulls of the bins of " + h.Feature},
	} {
		picture, err := of.Picture()
		if err != nil {
			return nil, err
		}
		s.Pictures = append(s.Pictures, picture)
	}
	return s, nil
}
