package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
	"github.com/sluice-hep/sluice/validate"
)

// Pair is a reference sample beside a generated one.
type Pair struct {
	Reference, Generated         *events.Table
	ReferenceName, GeneratedName string            // "Held-out data"; "" for "Reference" and "Generated"
	Labels                       map[string]string // of columns, where they have one
	Context                      []string          // the columns that were given, not generated
	Bins                         int               // of a histogram; 0 for 50
	Corner                       []string          // columns to draw in pairs; none for no such picture

	others []side // more samples of generated events, which pictures show
}

// side is a sample as pictures show it.
type side struct {
	name    string
	events  *events.Table
	weights []float64 // nil where all are 1
}

// sides are the reference, and all samples of generated events.
func (p *Pair) sides() (all []side, err error) {
	all = append([]side{{name: p.ReferenceName, events: p.Reference}, {name: p.GeneratedName, events: p.Generated}}, p.others...)
	for i := range all {
		if all[i].weights, err = weights(all[i].events); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *Pair) label(column string) string { return cmp.Or(p.Labels[column], column) }

// addTo puts the distances and the pictures of a comparison on a page.
func (p *Pair) addTo(page *Page, r *validate.Result) error {
	c, judged := r.Comparison, newCompared(r, p.label)
	page.Verdict = &judged.Verdict
	page.Names = [2]string{cmp.Or(p.ReferenceName, "Reference"), cmp.Or(p.GeneratedName, "Generated")}
	page.Summary = append(page.Summary, p.weighing(c)...)
	page.Sections = append(page.Sections, p.sections(judged)...)
	page.Overlays = make([]Overlay, len(c.Names))
	j := judge{r, p.label, 1}
	for i, name := range c.Names {
		ref, err := p.Reference.Column(name)
		if err != nil {
			return err
		}
		page.Distances = append(page.Distances, Distance{
			Column: p.label(name), Unit: ref.Unit, Given: slices.Contains(p.Context, name), ColumnComparison: c.Columns[name], Faults: j.faults(i),
		})
	}
	slices.SortStableFunc(page.Distances, func(a, b Distance) int {
		return cmp.Or(cmp.Compare(b.Faults.Worst(), a.Faults.Worst()), cmp.Compare(b.KS, a.KS))
	})
	sides, err := p.sides()
	if err != nil {
		return err
	}
	if err := column.Each(len(c.Names), func(i int) (err error) {
		page.Overlays[i], err = p.overlay(c.Names[i], sides)
		return err
	}); err != nil || len(c.Names) < 2 {
		return err
	}
	if len(p.Corner) > 0 {
		s, err := p.corner(sides)
		if err != nil {
			return err
		}
		page.Sections = append([]Section{s}, page.Sections...)
	}
	m := &plot.Correlations{Reference: c.RankReference, Generated: c.RankGenerated, ReferenceName: p.ReferenceName, GeneratedName: p.GeneratedName}
	for _, name := range c.Names {
		m.Columns = append(m.Columns, p.label(name))
	}
	page.Correlations, err = m.Picture()
	return err
}

// sections are those on all columns together, and on cuts.
func (p *Pair) sections(c *Compared) (all []Section) {
	if len(c.Together()) > 0 {
		all = append(all, testsSection(c.Result))
	}
	if c.Ratio != nil && c.Ratio.Cannot == "" {
		all = append(all, ratioSection(c.Result, p.label))
	}
	if len(c.Cuts) > 0 {
		all = append(all, cutSection(c, p.label))
	}
	return all
}

// weighing says which column weighs the events, and how many without weights they are worth.
func (p *Pair) weighing(c *stats.Comparison) []Fact {
	column := cmp.Or(p.Reference.Weight, p.Generated.Weight)
	if column == "" {
		return nil
	}
	side := func(t *events.Table, worth float64) string {
		if t.Weight == "" {
			return "have none"
		}
		return fmt.Sprintf("are worth %.0f (n_eff)", worth)
	}
	return []Fact{{Name: "Weights", Value: column, Note: fmt.Sprintf("the %d reference events %s, the %d generated ones %s",
		c.ReferenceEvents, side(p.Reference, c.ReferenceEffective), c.GeneratedEvents, side(p.Generated, c.GeneratedEffective))}}
}

// Picture is that of a column alone.
func (p *Pair) Picture(column string) (*plot.Picture, error) {
	sides, err := p.sides()
	if err != nil {
		return nil, err
	}
	o, err := p.overlay(column, sides)
	return o.Picture, err
}

func (p *Pair) overlay(name string, sides []side) (none Overlay, err error) {
	columns := make([]*events.Column, len(sides))
	for i, s := range sides {
		if columns[i], err = s.events.Column(name); err != nil {
			return none, err
		}
	}
	from := stats.Origin(columns...)
	of := make([]*stats.CDF, len(sides))
	for i, s := range sides {
		if of[i], err = distribution(columns[i], from, s.weights); err != nil {
			return none, err
		}
	}
	bins := stats.NewBins(of[0], of[1], cmp.Or(p.Bins, 50), of[2:]...)
	o := plot.Overlay{Label: p.label(name), Unit: columns[0].Unit, Log: bins.Log, Width: bins.Width}
	for i, s := range sides {
		h := histogram(s.name, of[i], bins, s.events.Len())
		if i == 0 {
			o.Reference = h
		} else {
			o.Generated = append(o.Generated, h)
		}
	}
	for _, v := range bins.Apart {
		o.Apart = append(o.Apart, v+from.Float())
	}
	if from.Float() != 0 {
		o.Label += " - " + from.String()
	}
	return newOverlay(name, p.label(name), &o)
}

// corner draws some columns in pairs.
func (p *Pair) corner(sides []side) (s Section, err error) {
	s = Section{Title: "Pairs of columns", Text: "The contours hold 68 % and 95 % of the events."}
	c := plot.Corner{Generated: make([]plot.Points, len(sides)-1)}
	for k, name := range p.Corner {
		columns := make([]*events.Column, len(sides))
		for i, side := range sides {
			if columns[i], err = side.events.Column(name); err != nil {
				return s, err
			}
		}
		from := stats.Origin(columns...)
		axis := plot.Axis{Label: p.label(name), Unit: columns[0].Unit}
		if from.Float() != 0 {
			axis.Label += " - " + from.String()
		}
		c.Columns = append(c.Columns, axis)
		for i, column := range columns {
			to := &c.Reference
			if i > 0 {
				to = &c.Generated[i-1]
			}
			x := make([]float64, column.Len())
			column.Distances(x, 0, from)
			to.Columns = append(to.Columns, x)
			if k == 0 {
				to.Name, to.Weights = cmp.Or(sides[i].name, [2]string{"Reference", "Generated"}[min(i, 1)]), sides[i].weights
			}
		}
	}
	picture, err := c.Picture()
	s.Alone = []*plot.Picture{picture}
	return s, err
}

// weights are those of a table's events, in their own unit where float64 holds sums of their squares; nil where there are none.
func weights(t *events.Table) ([]float64, error) {
	w, err := t.Weights()
	if err != nil || w == nil {
		return w, err
	}
	c, err := t.Column(t.Weight)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(w, func(v float64) bool { return v != 0 })
	if unit := c.Float(max(at, 0)) / w[max(at, 0)]; unit > 1e-100 && unit < 1e100 {
		for i := range w {
			w[i] *= unit
		}
	}
	return w, nil
}

// distribution is that of the finite values of a column, counted from an origin.
func distribution(c *events.Column, from column.Exact, w []float64) (*stats.CDF, error) {
	all := make([]float64, c.Len())
	c.Distances(all, 0, from)
	x := all[:0]
	var kept []float64
	for i, v := range all {
		if v-v == 0 {
			if x = append(x, v); w != nil {
				kept = append(kept, w[i])
			}
		}
	}
	return stats.NewCDF(x, kept)
}

func histogram(name string, c *stats.CDF, b stats.Bins, n int) plot.Histogram {
	h := c.Histogram(b)
	p := plot.Histogram{Name: name, Edges: h.Edges, SumW: h.SumW, SumW2: h.SumW2, Under: h.Under, Over: h.Over, Under2: h.Under2, Over2: h.Over2, Events: n}
	for _, v := range b.Apart {
		w, w2 := c.At(v)
		p.Apart, p.Apart2 = append(p.Apart, w), append(p.Apart2, w2)
	}
	return p
}

// lossPicture draws the course of a training; truth is the true entropy, where it is known.
func lossPicture(r *train.Result, truth *float64) (*plot.Picture, error) {
	l := plot.Loss{Unit: r.Unit.String(), Best: r.BestEpoch, Truth: truth}
	if r.HistoryUnit != "" {
		l.What, l.Unit, l.Truth = "Loss", r.HistoryUnit.String(), nil
	}
	valid := false
	for _, e := range r.History {
		l.Train = append(l.Train, float64(e.TrainNLL))
		l.Valid = append(l.Valid, float64(e.ValidNLL))
		l.LR = append(l.LR, e.LR)
		valid = valid || e.ValidNLL == e.ValidNLL
	}
	if !valid {
		l.Valid = nil
	}
	return l.Picture()
}

// drawn is how many events a scatter shows: enough for a shape, few enough to see dots.
const drawn = 5000

// maxSteps is how many panels of steps a page shows.
const maxSteps = 60

// stepped is a density of which the events after each transform can be seen.
type stepped interface {
	Latent(n int, context [][]float32, seed, first uint64) ([][]float32, error)
	Steps(z, context [][]float32) ([][][]float32, error)
}

// stepsPicture shows n events on their way from the latent space to the data, a panel a transform, or, of many, as many as given, evenly
// spaced. Colours tell the quarters of the latent space, so that the eye can follow them. It is nil where there is nothing to show.
func stepsPicture(a *Analysis, n, most int) (*plot.Picture, error) {
	m := a.Model
	f, ok := m.Density.(stepped)
	if !ok || m.Features.Dim() != 2 || m.Features.Marks != nil {
		return nil, nil
	}
	var context [][]float32
	if given := a.given(); given != nil {
		n = min(n, given.Len())
		var err error
		if context, _, err = m.Context.Apply(given.Slice(0, n), nil); err != nil {
			return nil, err
		}
	}
	z, err := f.Latent(n, context, a.Card.Seed, 0)
	if err != nil {
		return nil, err
	}
	steps, err := f.Steps(z, context)
	if err != nil {
		return nil, err
	}
	quarter := make([]int, n)
	for i := range quarter {
		if z[0][i] < 0 {
			quarter[i]++
		}
		if z[1][i] < 0 {
			quarter[i] += 2
		}
	}
	pictures := plot.Panels{Alt: "Generated events in the latent space and after each transform of the flow, down to the data"}
	last := len(steps) - 1
	panels := min(len(steps), most-1)
	for k := range panels {
		at := k * last / max(panels-1, 1)
		title := fmt.Sprintf("after transform %d", at)
		if k == 0 {
			if title = "latent"; a.Name != "" {
				title = a.Name + ": latent"
			}
		}
		s := steps[at]
		pictures.Panels = append(pictures.Panels, plot.Panel{Title: title, X: doubles(s[0]), Y: doubles(s[1]), Group: quarter})
	}
	if a.Name != "" {
		plot.SameAxes(pictures.Panels)
	}
	data, err := dataPanel(m, a.Card, steps[last])
	if err != nil {
		return nil, err
	}
	data.Group = quarter
	pictures.Panels = append(pictures.Panels, data)
	return pictures.Picture()
}

// dataPanel is the end of the way, in the user's units.
func dataPanel(m *model.Model, c *card.Card, x [][]float32) (plot.Panel, error) {
	t, _, err := m.Features.Invert(x)
	if err != nil {
		return plot.Panel{}, err
	}
	p := plot.Panel{Title: "data"}
	labels := Pair{Labels: c.Labels}
	for i := range m.Features.Columns {
		if col := &m.Features.Columns[i]; col.InFlow() {
			v, err := t.Columns[i].Floats(nil)
			if err != nil {
				return p, err
			}
			if p.X == nil {
				p.X, p.XLabel = v, labels.label(col.Name)
			} else {
				p.Y, p.YLabel = v, labels.label(col.Name)
			}
		}
	}
	return p, nil
}

// latentPicture shows where the flow puts data.
func latentPicture(m *model.Model, t *events.Table) (*plot.Picture, error) {
	panels, err := latentPanels(m, t, drawn)
	if err != nil || panels == nil {
		return nil, err
	}
	return (&plot.Panels{Panels: panels, Alt: "Data in the latent space, with circles at one, two and three standard deviations"}).Picture()
}

// latentPanels are pairs of latent columns of n events, at most six, of numbers that are there.
func latentPanels(m *model.Model, t *events.Table, n int) (panels []plot.Panel, err error) {
	z, err := m.ToLatent(t.Slice(0, min(n, t.Len())), nil)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for i, f := range m.Features.Layout() {
		if f.Categories == 0 {
			numbers = append(numbers, i)
		}
	}
	for k := 0; k+1 < len(numbers) && len(panels) < 6; k++ {
		i, j := numbers[k], numbers[k+1]
		if x, y := both(z[i], z[j]); len(x) > 0 {
			panels = append(panels, plot.Panel{
				Title: "data in the latent space", XLabel: fmt.Sprintf("z_%d", i), YLabel: fmt.Sprintf("z_%d", j), X: x, Y: y, Sigmas: 3,
			})
		}
	}
	return panels, nil
}

// both are the values of the events that have two.
func both(a, b []float32) (x, y []float64) {
	for e, v := range a {
		if w := b[e]; v == v && w == w {
			x, y = append(x, float64(v)), append(y, float64(w))
		}
	}
	return x, y
}

func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
