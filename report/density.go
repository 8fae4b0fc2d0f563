package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/plot"
)

// lattice is the number of points along each axis at which a density is drawn.
const lattice = 120

// densities are maps of two features, on the same axes and with the same colours.
type densities struct {
	of      *Analysis
	columns [2]*events.Column // the features of the reference
	where   [4]float64
	panels  []plot.Panel
	most    float64 // the highest value drawn with a colour of its own
}

// newDensities maps the true density, where it is known, and that of each model.
func newDensities(of ...*Analysis) (*densities, error) {
	d := &densities{of: of[0]}
	for i, name := range d.of.Card.Features {
		c, err := d.of.Pair.Reference.Column(name)
		if err != nil {
			return nil, err
		}
		d.columns[i] = c
		x, err := c.Floats(nil)
		if err != nil {
			return nil, err
		}
		d.where[2*i], d.where[2*i+1] = plot.Bulk(x)
	}
	t := d.points()
	truth, err := fit.TrueLogDensity(d.of.Card, t)
	if err != nil {
		return nil, err
	}
	if truth != nil {
		d.add("true density", truth)
	}
	for _, a := range of {
		logProb, err := a.Model.LogProb(t, 1)
		if err != nil {
			return nil, err
		}
		name := a.Name
		if name == "" {
			name = "density"
		}
		d.add(name, logProb)
	}
	var all []float64
	if all = d.panels[0].Field; truth == nil {
		all = nil
		for _, p := range d.panels {
			all = append(all, p.Field...)
		}
	}
	d.most = slices.Max(all)
	for i := range d.panels {
		d.panels[i].Most = d.most
	}
	return d, nil
}

// points are those of the lattice, the middles of its cells, row by row from the lowest value of the second feature.
func (d *densities) points() *events.Table {
	x, y := make([]float64, lattice*lattice), make([]float64, lattice*lattice)
	at := func(low, high float64, i int) float64 { return low + (high-low)*(float64(i)+0.5)/lattice }
	for i := range x {
		x[i], y[i] = at(d.where[0], d.where[1], i%lattice), at(d.where[2], d.where[3], i/lattice)
	}
	return &events.Table{Columns: []events.Column{{Name: d.columns[0].Name, Type: events.Float64, F64: x}, {Name: d.columns[1].Name, Type: events.Float64, F64: y}}}
}

func (d *densities) add(title string, logDensity []float64) {
	p := d.panel(title)
	for _, l := range logDensity {
		p.Field = append(p.Field, math.Exp(l))
	}
	d.panels = append(d.panels, p)
}

func (d *densities) panel(title string) plot.Panel {
	p := &d.of.Pair
	return plot.Panel{Title: title, XLabel: p.label(d.columns[0].Name), YLabel: p.label(d.columns[1].Name), Range: d.where}
}

// sample is a panel of events.
func (d *densities) sample(t *events.Table, title string) plot.Panel {
	p := d.panel(title)
	t = t.Slice(0, min(drawn, t.Len()))
	for i, to := range []*[]float64{&p.X, &p.Y} {
		c, err := t.Column(d.columns[i].Name)
		if err == nil {
			*to, err = c.Floats(nil)
		}
		if err != nil {
			return plot.Panel{Title: title}
		}
	}
	return p
}

func (d *densities) text() string {
	what := "of all of them"
	if d.panels[0].Title == "true density" {
		what = "of the true density"
	}
	return fmt.Sprintf("The colour grows as the square root of the density, from 0 to the highest value %s, %s per unit area.", what, digits(d.most))
}

// densityPicture has the true density, where it is known, that of the model, and events of both.
func densityPicture(a *Analysis) (*plot.Picture, string, error) {
	d, err := newDensities(a)
	if err != nil {
		return nil, "", err
	}
	p := plot.Panels{Panels: d.panels, Alt: "The density of the flow, beside the true one where that is known, and events drawn from it"}
	p.Panels = append(p.Panels, d.sample(a.Pair.Reference, a.Pair.ReferenceName), d.sample(a.Pair.Generated, "generated"))
	picture, err := p.Picture()
	return picture, d.text(), err
}
