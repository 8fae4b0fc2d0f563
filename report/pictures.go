package report

import (
	"cmp"
	"fmt"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
)

// Pair is a reference sample beside a generated one.
type Pair struct {
	Reference, Generated *events.Table
	ReferenceName        string            // "Held-out data"; "" for "Reference"
	Labels               map[string]string // of columns, where they have one
	Bins                 int               // of a histogram; 0 for 50
}

func (p *Pair) label(column string) string { return cmp.Or(p.Labels[column], column) }

// addTo puts the distances and the pictures of a comparison on a page.
func (p *Pair) addTo(page *Page, c *stats.Comparison) error {
	verdict := Judge(c, p.label)
	page.Verdict = &verdict
	for _, name := range c.Names {
		ref, err := p.Reference.Column(name)
		if err != nil {
			return err
		}
		page.Distances = append(page.Distances, Distance{p.label(name), ref.Unit, c.Columns[name]})
		picture, err := p.overlay(name)
		if err != nil {
			return err
		}
		page.Overlays = append(page.Overlays, picture)
	}
	if len(c.Names) < 2 {
		return nil
	}
	m := &plot.Correlations{Reference: c.RankReference, Generated: c.RankGenerated, ReferenceName: p.ReferenceName}
	for _, name := range c.Names {
		m.Columns = append(m.Columns, p.label(name))
	}
	var err error
	page.Correlations, err = m.Picture()
	return err
}

func (p *Pair) overlay(name string) (*plot.Picture, error) {
	ref, err := p.Reference.Column(name)
	if err != nil {
		return nil, err
	}
	gen, err := p.Generated.Column(name)
	if err != nil {
		return nil, err
	}
	from := stats.Origin(ref, gen)
	edges := stats.Edges(distances(ref, from), cmp.Or(p.Bins, 50))
	a, err := histogram(edges, ref, from, p.Reference)
	if err != nil {
		return nil, err
	}
	b, err := histogram(edges, gen, from, p.Generated)
	if err != nil {
		return nil, err
	}
	label := p.label(name)
	if from.Float() != 0 {
		label += " - " + from.String()
	}
	o := plot.Overlay{Label: label, Unit: ref.Unit, Reference: a, Generated: b, ReferenceName: p.ReferenceName}
	return o.Picture()
}

// distances are the values of a column counted from an origin.
func distances(c *events.Column, from column.Exact) []float64 {
	x := make([]float64, c.Len())
	c.Distances(x, 0, from)
	return x
}

// histogram fills bins with a column of a table, with the weights of its events.
func histogram(edges []float64, c *events.Column, from column.Exact, t *events.Table) (plot.Histogram, error) {
	w, err := t.Weights()
	if err != nil {
		return plot.Histogram{}, err
	}
	h, err := stats.NewHistogram(edges, distances(c, from), w)
	if err != nil {
		return plot.Histogram{}, err
	}
	return plot.Histogram{Edges: h.Edges, SumW: h.SumW, SumW2: h.SumW2, Under: h.Under, Over: h.Over, Events: c.Len()}, nil
}

// lossPicture draws the course of a training; truth is the true entropy, where it is known.
func lossPicture(r *train.Result, truth *float64) (*plot.Picture, error) {
	l := plot.Loss{Best: r.BestEpoch, Truth: truth}
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

// stepsPicture shows events on their way from the latent space to the data, a panel a transform. Colours tell the
// quarters of the latent space, so that the eye can follow them.
func stepsPicture(m *model.Model, c *card.Card, given *events.Table) (*plot.Picture, error) {
	n := drawn
	var context [][]float32
	if given != nil {
		n = min(n, given.Len())
		given = given.Slice(0, n)
		var err error
		if context, _, err = m.Context.Apply(given, nil); err != nil {
			return nil, err
		}
	}
	f, ok := m.Flow()
	if !ok {
		return nil, nil // no steps to show
	}
	z, err := f.Latent(n, context, c.Seed, 0)
	if err != nil {
		return nil, err
	}
	steps, err := f.Steps(z, context)
	if err != nil {
		return nil, err
	}
	quarter := make([]int, n)
	for i := range quarter {
		if steps[0][0][i] < 0 {
			quarter[i]++
		}
		if steps[0][1][i] < 0 {
			quarter[i] += 2
		}
	}
	pictures := plot.Panels{Alt: "Generated events in the latent space and after each transform of the flow, down to the data"}
	for k, s := range steps {
		title := fmt.Sprintf("after transform %d", k)
		if k == 0 {
			title = "latent"
		}
		pictures.Panels = append(pictures.Panels, plot.Panel{Title: title, X: doubles(s[0]), Y: doubles(s[1]), Group: quarter})
	}
	last, err := dataPanel(m, c, steps[len(steps)-1])
	if err != nil {
		return nil, err
	}
	last.Group = quarter
	pictures.Panels = append(pictures.Panels, last)
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

// latentPicture shows where the flow puts data: in pairs of latent columns, at most six.
func latentPicture(m *model.Model, t *events.Table) (*plot.Picture, error) {
	z, err := m.ToLatent(t.Slice(0, min(drawn, t.Len())), nil)
	if err != nil || len(z) < 2 {
		return nil, err
	}
	pictures := plot.Panels{Alt: "Data in the latent space, with circles at one, two and three standard deviations"}
	for i := 0; i+1 < len(z) && len(pictures.Panels) < 6; i++ {
		pictures.Panels = append(pictures.Panels, plot.Panel{
			Title: "data in the latent space", XLabel: fmt.Sprintf("z_%d", i), YLabel: fmt.Sprintf("z_%d", i+1),
			X: doubles(z[i]), Y: doubles(z[i+1]), Sigmas: 3,
		})
	}
	return pictures.Picture()
}

func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
