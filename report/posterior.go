package report

import (
	"fmt"
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
	for i := range r.Shown {
		s, err := p.pictures(i)
		if err != nil {
			return nil, err
		}
		page.Sections = append(page.Sections, s)
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
	several := p.Observations > 1
	if several {
		s.Head, s.Numbers = append([]string{"Observation"}, s.Head...), [2]int{2, 5}
		s.Text += " Each observation has a posterior of its own; that given all of them together is another."
	}
	for _, o := range p.Each[:min(len(p.Each), mostObserved)] {
		for _, name := range p.Parameters {
			q := o.Parameters[name]
			median, of68, of95 := q.Cells()
			row := []string{axisOf(p.label(name), q.Unit), median, of68, of95}
			if several {
				row = append([]string{p.numbered(o)}, row...)
			}
			s.Rows = append(s.Rows, row)
		}
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

// pictures show the draws of posterior i in pairs of parameters, and one by one, over the parameters of the simulated pairs.
func (p *posteriors) pictures(i int) (s Section, err error) {
	s.Title = "Posterior"
	if p.Observations > 1 {
		s.Title = "Posterior " + p.numbered(p.Each[i])
	}
	if i == len(p.Shown)-1 && p.Observations > len(p.Shown) {
		s.Text = fmt.Sprintf("Those of the other observations, %d, are not drawn. ", p.Observations-len(p.Shown))
	}
	c := plot.Corner{Reference: plot.Points{Name: "posterior"}}
	shapes := plot.Shapes{Alt: "Posterior of each parameter"}
	for _, name := range p.Parameters {
		col, err := p.Shown[i].Column(name)
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
		shape, ok, err := p.shape(name, col)
		if err != nil {
			return s, err
		}
		if !ok {
			continue
		}
		if shapes.Panels = append(shapes.Panels, shape); len(c.Columns) < mostCorner {
			c.Columns, c.Reference.Columns = append(c.Columns, plot.Axis{Label: p.label(name), Unit: col.Unit}), append(c.Reference.Columns, x)
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

// shape is the histogram of a parameter, over that of the simulated pairs; not ok where there are no values.
func (p *posteriors) shape(name string, col *events.Column) (v plot.Shape, ok bool, err error) {
	sides := []side{{name: "posterior", events: &events.Table{Columns: []events.Column{*col}}}}
	if p.Simulated != nil {
		w, err := weights(p.Simulated)
		if err != nil {
			return v, false, err
		}
		sides = append(sides, side{"prior", p.Simulated, w})
	}
	v = plot.Shape{Label: p.label(name), Unit: col.Unit}
	var bins stats.Bins
	for i, s := range sides {
		c, err := s.events.Column(name)
		if err != nil {
			return v, false, err
		}
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
