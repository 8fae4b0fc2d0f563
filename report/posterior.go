package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/infer"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/stats"
)

// mostCorner parameters are drawn in pairs, and mostObserved posteriors have a row in the table.
const (
	mostCorner   = 8
	mostObserved = 100
)

// posteriors is what their page is made of.
type posteriors struct {
	*infer.Inferred
	Pair // the labels
}

// Posterior is the page about what was inferred with a model.
func Posterior(r *infer.Inferred, m *model.Model) (*Page, error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	p := posteriors{Inferred: r}
	if c, err := card.Parse([]byte(m.Card), "the card of the model"); err == nil {
		p.Labels = c.Labels
	}
	page := &Page{
		Title: "Posterior", Model: info.Hash, Warnings: r.Warnings, Notices: r.Notices, Preparation: prepared(info),
		Lead:    fmt.Sprintf("%s given %s, by a flow: %s.", say.Count(len(r.Parameters), "parameter"), say.Count(r.Observations, "observation"), say.Count(r.Draws, "draw")+" of each posterior"),
		Summary: p.facts(), Sections: []Section{p.table()},
		Flow: strings.Join(slices.Concat(info.Layers(), info.Table.Lines()), "\n"), Card: m.Card,
	}
	if c := r.Combined; c != nil {
		s, err := p.pictures("Posterior of all observations together", c.Table, c.Parameters)
		if err != nil {
			return nil, err
		}
		page.Sections = append(page.Sections, s)
	}
	for i := range r.Shown {
		s, err := p.shown(i)
		if err != nil {
			return nil, err
		}
		page.Sections = append(page.Sections, s...)
	}
	if r.Calibration != nil {
		s, err := CalibrationSection(r.Calibration, p.label)
		if err != nil {
			return nil, err
		}
		page.Sections = append(page.Sections, s)
	}
	return page, nil
}

// mostFacts observables are named in the summary.
const mostFacts = 20

func (p *posteriors) facts() (facts []Fact) {
	if p.Observations == 1 {
		for _, c := range p.Given.Columns[:min(len(p.Given.Columns), mostFacts)] {
			facts = append(facts, Fact{Name: p.label(c.Name), Value: strings.TrimSpace(cell(&c) + " " + c.Unit), Note: "observed"})
		}
		if n := len(p.Given.Columns) - mostFacts; n > 0 {
			facts = append(facts, Fact{Name: "…", Value: say.Count(n, "more observable")})
		}
	}
	if p.SurpriseP != nil {
		facts = append(facts, Fact{Name: "Surprise, p", Value: strings.TrimPrefix(probability(*p.SurpriseP), "= "),
			Note: fmt.Sprintf("that one of %s lies as far from others", say.Count(p.Surprise.Simulated, "simulated event"))})
	}
	if c := p.Combined; c != nil {
		facts = append(facts, Fact{Name: "All together", Value: fmt.Sprintf("%.0f", slices.Min(c.Chain.ESS)),
			Note: fmt.Sprintf("independent draws of a chain, acceptance %.2f; prior: %s", c.Chain.Acceptance, c.Prior)})
	}
	if w := p.Each[0].Weights; w != nil && p.Observations == 1 {
		facts = append(facts, Fact{Name: "Effective draws", Value: fmt.Sprintf("%.0f", w.ESS), Note: fmt.Sprintf("of %d weighted with prior times likelihood; the largest is %.2g of their sum", p.Draws, w.Largest)})
		if w.LogEvidence != nil {
			facts = append(facts, Fact{Name: "Log evidence", Value: fmt.Sprintf("%.3f ± %.3f", *w.LogEvidence, *w.Error), Note: "nats"})
		}
	}
	if v := p.Each[0].Predictive; v != nil && p.Observations == 1 {
		facts = append(facts, Fact{Name: "Predictive, p", Value: strings.TrimPrefix(probability(v.P), "= "), Note: "least of the observables, times their number"})
	}
	if p.Within != nil {
		facts = append(facts, Fact{Name: "Drawn again", Value: fmt.Sprint(p.Redrawn), Note: fmt.Sprintf("further than %g times the trained range beyond it", *p.Within)})
	}
	return facts
}

// cell is the first value of a column.
func cell(c *events.Column) string {
	if c.Type == events.Text {
		return c.Str[0]
	}
	return bound(c.Float(0))
}

// table has a row for each parameter, of each observation where there are several.
func (p *posteriors) table() Section {
	s := Section{Title: "Parameters", Head: []string{"Parameter", "Median", "68 % interval", "95 % interval"}, Numbers: [2]int{1, 4}, Text: "Intervals are central: as much lies below as above."}
	true := infer.HasTruth(p.Each[0].Parameters)
	if true {
		s.Head, s.Numbers[1] = append(s.Head, "Truth (above so many draws)"), 5
	}
	if p.Each[0].Weights != nil {
		s.Text += " Draws count by their weights, prior times likelihood over the density of the model."
	}
	several := p.Observations > 1
	if several {
		s.Head, s.Numbers = append([]string{"Observation"}, s.Head...), [2]int{2, s.Numbers[1] + 1}
		s.Text += " Each observation has a posterior of its own; that given all of them together is another."
	}
	add := func(which string, parameters map[string]infer.Parameter) {
		for _, name := range p.Parameters {
			q := parameters[name]
			median, of68, of95 := q.Cells()
			row := []string{axisOf(p.label(name), q.Unit), median, of68, of95}
			if true {
				row = append(row, q.TruthCell())
			}
			if several {
				row = append([]string{which}, row...)
			}
			s.Rows = append(s.Rows, row)
		}
	}
	if p.Combined != nil {
		add("all together", p.Combined.Parameters)
	}
	for _, o := range p.Each[:min(len(p.Each), mostObserved)] {
		add(p.numbered(o), o.Parameters)
	}
	if n := len(p.Each) - mostObserved; n > 0 {
		s.Text += fmt.Sprintf(" The table leaves out %s, the last ones, which --json has.", say.Count(n, "observation"))
	}
	return s
}

func (p *posteriors) numbered(o infer.Posterior) string {
	if o.Outside {
		return fmt.Sprintf("%d, outside the trained range", o.Observation)
	}
	return fmt.Sprint(o.Observation)
}

func axisOf(label, unit string) string {
	if unit == "" {
		return label
	}
	return label + " [" + unit + "]"
}

// shown are the draws of posterior i, and what the simulation makes of them.
func (p *posteriors) shown(i int) ([]Section, error) {
	title := "Posterior"
	if p.Observations > 1 {
		title += " " + p.numbered(p.Each[i])
	}
	s, err := p.pictures(title, p.Shown[i], p.Each[i].Parameters)
	if err != nil {
		return nil, err
	}
	if i == len(p.Shown)-1 && p.Observations > len(p.Shown) {
		s.Text = fmt.Sprintf("Those of the other observations, %d, are not drawn. ", p.Observations-len(p.Shown)) + s.Text
	}
	all := []Section{s}
	if v := p.Each[i].Predictive; v != nil {
		if s, err = p.predictive(v, strings.TrimPrefix(title, "Posterior")); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Of the observables, those that are least like what was observed are listed, and the first of them drawn.
const mostListed, mostPredicted = 40, 12

// predictive shows each observable beside what is simulated with draws of the posterior.
func (p *posteriors) predictive(v *infer.Predictive, which string) (s Section, err error) {
	s = Section{Title: "Posterior predictive" + which, Head: []string{"Observable", "Observed", "Predicted", "68 % interval", "95 % interval", "p"}, Numbers: [2]int{1, 6},
		Text: fmt.Sprintf("What %s of the posterior make, by %s, beside what was observed: p is the chance of an observable so far out on either side. The least of them, times their number, is %.2g.", say.Count(v.Draws, "draw"), v.From, v.P)}
	if v.Distance != nil {
		s.Text += fmt.Sprintf(" Half of the pairs lie further than %.2g widths of the posterior from the draw that they stand for: the wider that is, the less p tells.", *v.Distance)
	}
	shapes := plot.Shapes{Alt: "Observables that the posterior predicts", Marked: "observed"}
	sorted := slices.SortedStableFunc(slices.Values(v.Observables), func(a, b infer.Predicted) int { return cmp.Compare(a.P, b.P) })
	if len(sorted) > mostListed {
		s.Text += fmt.Sprintf(" Of the %d observables, these %d are least like what was observed.", len(sorted), mostListed)
		sorted = sorted[:mostListed]
	}
	for _, o := range sorted {
		median, of68, of95 := o.Cells()
		s.Rows = append(s.Rows, []string{p.label(o.Name), fmt.Sprintf("%.5g", o.Observed), median, of68, of95, strings.TrimPrefix(probability(o.P), "= ")})
		col, err := v.Table.Column(o.Name)
		if err != nil {
			return s, err
		}
		shape, ok, err := p.histogram("predicted", o.Name, &events.Table{Columns: []events.Column{*col}}, nil)
		if err != nil {
			return s, err
		}
		if shape.Marks = []float64{o.Observed}; ok && len(shapes.Panels) < mostPredicted {
			shapes.Panels = append(shapes.Panels, shape)
		}
	}
	if len(shapes.Panels) > 0 {
		picture, err := shapes.Picture()
		if err != nil {
			return s, err
		}
		s.Alone = append(s.Alone, picture)
	}
	return s, nil
}

// pictures show draws in pairs of parameters, and one by one, over the parameters of the simulated pairs, with the true values.
func (p *posteriors) pictures(title string, draws *events.Table, known map[string]infer.Parameter) (s Section, err error) {
	s.Title = title
	w, err := weights(draws)
	if err != nil {
		return s, err
	}
	c := plot.Corner{Reference: plot.Points{Name: "posterior", Weights: w}}
	shapes := plot.Shapes{Alt: "Posterior of each parameter"}
	true := infer.HasTruth(known)
	if true {
		c.Marked, shapes.Marked = "truth", "truth"
	}
	for _, name := range p.Parameters {
		col, err := draws.Column(name)
		if err != nil {
			return s, err
		}
		if col.Type == events.Text {
			continue
		}
		x, err := col.Floats(nil)
		if err != nil {
			return s, err
		}
		shape, ok, err := p.histogram("posterior", name, draws, p.Simulated)
		if err != nil {
			return s, err
		}
		if !ok {
			continue
		}
		mark := math.NaN()
		if truth := known[name].Truth; truth != nil {
			mark, shape.Marks = *truth, []float64{*truth}
		}
		if shapes.Panels = append(shapes.Panels, shape); len(c.Columns) < mostCorner {
			c.Columns, c.Reference.Columns = append(c.Columns, plot.Axis{Label: p.label(name), Unit: col.Unit}), append(c.Reference.Columns, x)
			if true {
				c.Marks = append(c.Marks, mark)
			}
		}
	}
	if len(c.Columns) > 1 {
		s.Text += "The contours hold 68 % and 95 % of the draws. "
		if n := len(shapes.Panels) - mostCorner; n > 0 {
			s.Text += fmt.Sprintf("The pairs leave out the last %s. ", say.Count(n, "parameter"))
		}
		picture, err := c.Picture()
		if err != nil {
			return s, err
		}
		s.Alone = append(s.Alone, picture)
	}
	if len(shapes.Panels) > 0 {
		if p.Simulated != nil {
			s.Text += "The histograms lie over those of the parameters of the simulated pairs, which are the prior; what of it lies outside of the axis is said."
		}
		picture, err := shapes.Picture()
		if err != nil {
			return s, err
		}
		s.Alone = append(s.Alone, picture)
	}
	return s, nil
}

// histogram is that of a column of draws, over that of the simulated pairs if there are any; not ok where there are no values.
func (p *posteriors) histogram(of, name string, draws, simulated *events.Table) (v plot.Shape, ok bool, err error) {
	w, err := weights(draws)
	if err != nil {
		return v, false, err
	}
	sides := []side{{of, draws, w}}
	if simulated != nil {
		if w, err = weights(simulated); err != nil {
			return v, false, err
		}
		sides = append(sides, side{"prior", simulated, w})
	}
	v = plot.Shape{Label: p.label(name)}
	var bins stats.Bins
	for i, s := range sides {
		c, err := s.events.Column(name)
		if err != nil {
			return v, false, err
		}
		v.Unit = cmp.Or(v.Unit, c.Unit)
		of, err := distribution(c, column.Exact{}, s.weights)
		if err != nil { // no value
			return v, false, nil
		}
		if i == 0 {
			bins = stats.NewBins(of, of, 40)
			v.Log = bins.Log
		}
		bins.Apart = nil
		v.Histograms = append(v.Histograms, histogram(s.name, of, bins, c.Len()))
	}
	return v, true, nil
}
