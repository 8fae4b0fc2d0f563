package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/train"
)

// Flows is what the page about several flows of the same events is made of, each with a Name, after Compare.
type Flows struct {
	Card *card.Card // with all of them
	Each []*Analysis
}

// Best is the flow with the lowest NLL of the validation events, or, where there are none, of the training events.
func (f *Flows) Best() (best int) {
	least := train.NLL(0)
	for i, a := range f.Each {
		nll := a.Train.ValidNLL
		if nll != nll {
			nll = a.Train.TrainNLL
		}
		if nll == nll && (i == 0 || nll < least) {
			best, least = i, nll
		}
	}
	return best
}

// Page is the page about the flows.
func (f *Flows) Page() (*Page, error) {
	text, err := f.Card.Portable().YAML()
	if err != nil {
		return nil, err
	}
	first, best := f.Each[0], f.Each[f.Best()]
	info, err := best.Model.Info()
	if err != nil {
		return nil, err
	}
	how := "on the same events"
	if info.Inverted {
		how = "without events, by reverse KL,"
	}
	page := &Page{
		Title: cmp.Or(f.Card.Title, f.Card.Name), Card: string(text), Model: info.Hash,
		Lead: fmt.Sprintf("%s of %s, trained %s and compared with %s.",
			say.Count(len(f.Each), "normalizing flow"), say.Count(len(info.Features), "feature"), how, strings.ToLower(first.Pair.ReferenceName)),
		Summary: append([]Fact{first.events()}, first.truths()...),
	}
	page.Summary = append(page.Summary, Fact{Name: "Lowest validation NLL", Value: best.Name, Note: fmt.Sprintf("%.4f %s per event", float64(best.Train.ValidNLL), best.Train.Unit)})
	page.Notices, page.Warnings = f.lines(func(a *Analysis) []string { return a.Notices }), f.lines(func(a *Analysis) []string { return a.Warnings })
	for _, section := range []func() ([]Section, error){f.table, f.maps, f.columns, f.calibration, f.steps} {
		s, err := section()
		if err != nil {
			return nil, err
		}
		page.Sections = append(page.Sections, s...)
	}
	page.Preparation = prepared(info)
	return page, nil
}

// lines are those of all flows once, and those of some under their names.
func (f *Flows) lines(of func(a *Analysis) []string) (all []string) {
	count := map[string]int{}
	for _, a := range f.Each {
		for _, line := range of(a) {
			count[line]++
		}
	}
	for i, a := range f.Each {
		for _, line := range of(a) {
			switch {
			case count[line] < len(f.Each):
				all = append(all, a.Name+": "+line)
			case i == 0:
				all = append(all, line)
			}
		}
	}
	return all
}

// table has a row a flow.
func (f *Flows) table() ([]Section, error) {
	of := f.Each[0]
	s := Section{Title: "Flows", Head: []string{"Flow", "Layers", "Parameters", "Seconds", "Test NLL"}, Bold: f.Best() + 1}
	s.Text = "In the order of the card; bold is the lowest validation NLL. NLL in nats per event."
	if of.True != nil {
		s.Head = append(s.Head, "Above the truth")
		s.Text += " Above the truth: the NLL beyond that of the true density, on the same events, so that what chance did to these cancels."
	}
	if of.Evidence != nil {
		s.Head = append(s.Head, "Bound on log Z")
		s.Text += fmt.Sprintf(" Bound on log Z: the mean of log p − log q over draws of the flow q, of p without its factor 1/Z; integrated over a grid, log Z is %.4f.", of.Evidence.LogIntegral)
	}
	s.Head = append(s.Head, "Mean KS")
	s.Text += " Mean KS: of the columns, of as many events generated as were held out."
	told := of.Comparison.C2ST != nil
	if told {
		s.Head = append(s.Head, "Classifier")
		s.Text += " Classifier: the AUC with which one tells the generated events, 0.5 by chance."
	}
	s.Head = append(s.Head, "Drawn")
	s.Text += " Drawn: events a second, into a file. Verdict: on the events generated; untested is that no column differs, and that how they go together was not tested."
	s.Numbers = [2]int{2, len(s.Head)}
	s.Head = append(s.Head, "Verdict")
	for _, a := range f.Each {
		info, err := a.Model.Info()
		if err != nil {
			return nil, err
		}
		row := []string{a.Name, info.Flow.String(), fmt.Sprint(a.Parameters), fmt.Sprintf("%.0f", a.Train.Seconds), "–"}
		if r := a.Train; r.TestNLL == r.TestNLL {
			row[4] = within(float64(r.TestNLL), r.TestError)
		}
		if t := a.True; t != nil {
			row = append(row, within(t.Excess, t.ExcessError))
		}
		if e := a.Evidence; e != nil {
			row = append(row, within(e.Bound, e.BoundError))
		}
		row = append(row, digits(a.meanKS()))
		if told {
			row = append(row, a.auc())
		}
		row = append(row, fmt.Sprintf("%.0f", a.Drawn.EventsPerSecond))
		s.Rows = append(s.Rows, append(row, Judge(a.Comparison, a.Pair.label).Level.String()))
	}
	return []Section{s}, nil
}

// meanKS is the mean distance of the columns compared.
func (a *Analysis) meanKS() (mean float64) {
	for _, c := range a.Comparison.Columns {
		mean += c.KS / float64(len(a.Comparison.Columns))
	}
	return mean
}

// auc is that of the classifier, or a dash where it could not be had.
func (a *Analysis) auc() string {
	if c := a.Comparison.C2ST; c != nil && c.Cannot == "" {
		return pm(c.AUC, c.NullStd)
	}
	return "–"
}

// within is a number of nats with its standard error, where that is known.
func within(v, deviation float64) string {
	if deviation > 0 {
		return fmt.Sprintf("%.4f ± %.2g", v, deviation)
	}
	return fmt.Sprintf("%.4f", v)
}

// columns are the distances of each column for all flows, and the histograms of the best.
func (f *Flows) columns() ([]Section, error) {
	names := f.Each[0].Comparison.Names
	s := Section{Title: "Columns", Head: append([]string{"KS"}, names...), Numbers: [2]int{1, len(names) + 1}, Bold: f.Best() + 1}
	for i, name := range names {
		s.Head[i+1] = f.Each[0].Pair.label(name)
	}
	for _, a := range f.Each {
		row := []string{a.Name}
		for _, name := range names {
			row = append(row, digits(a.Comparison.Columns[name].KS))
		}
		s.Rows = append(s.Rows, row)
	}
	best := f.Each[f.Best()]
	s.Text = "KS distances of the generated events. The histograms are those of " + best.Name + "."
	var drawn Page
	if err := best.Pair.addTo(&drawn, best.Comparison); err != nil {
		return nil, err
	}
	s.Overlays = drawn.Overlays
	return []Section{s}, nil
}

// maps are a panel a flow of densities, samples and latent spaces, each kind with the same axes and colours.
func (f *Flows) maps() (sections []Section, err error) {
	add := func(title, text string, p plot.Panels) error {
		picture, err := p.Picture()
		sections = append(sections, Section{Title: title, Text: text, Alone: []*plot.Picture{picture}})
		return err
	}
	if f.Card.Plots.Density {
		d, err := newDensities(f.Each...)
		if err != nil {
			return nil, err
		}
		if err := add("Densities", d.text(), plot.Panels{Panels: d.panels, Alt: "The density of each flow"}); err != nil {
			return nil, err
		}
		samples := plot.Panels{Alt: "Events drawn from each flow, beside those held out", Panels: []plot.Panel{d.sample(f.Each[0].Pair.Reference, f.Each[0].Pair.ReferenceName)}}
		for _, a := range f.Each {
			samples.Panels = append(samples.Panels, d.sample(a.Pair.Generated, a.Name))
		}
		if err := add("Samples", "", samples); err != nil {
			return nil, err
		}
	}
	if !f.Card.Plots.Latent {
		return sections, nil
	}
	latent := plot.Panels{Alt: "The events held out in the latent space of each flow, with circles at one, two and three standard deviations"}
	for _, a := range f.Each {
		p, err := latentPanels(a.Model, a.held, few)
		if err != nil {
			return nil, err
		}
		if len(p) > 0 {
			p[0].Title = a.Name
			latent.Panels = append(latent.Panels, p[0])
		}
	}
	if latent.Panels == nil {
		return sections, nil
	}
	return sections, add("Latent spaces", f.Each[0].Pair.ReferenceName+" where the flow puts them, with circles at one, two and three standard deviations of a normal base.", latent)
}

// few is how many dots a small panel shows, and mostSteps how many steps.
const few, mostSteps = 2500, 8

// steps are a picture a flow.
func (f *Flows) steps() ([]Section, error) {
	if !f.Card.Plots.Steps {
		return nil, nil
	}
	s := Section{Title: "Steps", Text: fmt.Sprintf("From the latent space, whose quarters have colours, to the data, after each transform, or %d of more; the axes are the same for all but the data.", mostSteps-2)}
	for _, a := range f.Each {
		p, err := stepsPicture(a, few, mostSteps)
		if err != nil || p == nil {
			return nil, err
		}
		s.Alone = append(s.Alone, p)
	}
	return []Section{s}, nil
}
