package fit

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
)

// base is the trained model whose density is the base of the card's flow.
type base struct {
	*model.Model
	flow *flow.Flow
	hash string
}

// baseOf reads it, nil of a card that names none, and gives the card with the columns in the order of that model.
func baseOf(c *card.Card) (*base, *card.Card, error) {
	if c.BaseModel == "" {
		return nil, c, nil
	}
	m, err := model.Load(c.BaseFile())
	if err != nil {
		return nil, nil, fmt.Errorf("base_model: %w", err)
	}
	b := &base{Model: m}
	if b.hash, err = m.Hash(); err != nil {
		return nil, nil, err
	}
	refuse := func(format string, args ...any) (*base, *card.Card, error) {
		return nil, nil, fmt.Errorf("base_model: %s: %s", c.BaseModel, fmt.Sprintf(format, args...))
	}
	var ok bool
	if b.flow, ok = m.Density.(*flow.Flow); !ok || b.flow.On() != nil {
		info, err := m.Info()
		if err != nil {
			return nil, nil, err
		}
		return refuse("the base of a flow can be one flow that was trained on events, not this model (%s)", info.Named())
	}
	if len(m.Context.Sets) > 0 {
		return refuse("its context has sets of objects, which the base of a flow does not take")
	}
	own := *c
	for _, list := range []struct {
		name string
		card *[]string
		of   *prep.Pipeline
	}{{"features", &own.Features, m.Features}, {"context", &own.Context, m.Context}} {
		var names []string
		for i := range list.of.Columns {
			names = append(names, list.of.Columns[i].Name)
		}
		without := func(some, other []string) []string {
			return slices.DeleteFunc(slices.Clone(some), func(name string) bool { return slices.Contains(other, name) })
		}
		if lacks, more := without(names, *list.card), without(*list.card, names); len(lacks)+len(more) > 0 {
			text := ""
			if len(lacks) > 0 {
				text = " it has " + column.List(lacks, 8) + ", which the card lacks;"
			}
			if len(more) > 0 {
				text += " the card has " + column.List(more, 8) + ", which it lacks;"
			}
			return refuse("its %s must be those of the card:%s name the same", list.name, text)
		}
		*list.card = names
	}
	return b, &own, nil
}

// as takes the preparation of the base: the flow is between densities of the same prepared columns. The ranges in which events count as near
// are those of both.
func (d *Data) as(b *base, seen map[string]profile.Summary) error {
	d.Features, d.Context = b.Features, b.Context
	if err := d.comeBack(); err != nil {
		return err
	}
	for _, p := range []*prep.Pipeline{d.Features, d.Context} {
		for i := range p.Columns {
			c := &p.Columns[i]
			marked := c.Told != nil || c.Marked != nil || c.Own != nil // -999 is no end of a range
			if s, ok := seen[c.Name]; ok && len(c.Steps) > 0 && !marked {
				c.Min, c.Max = min(c.Min, s.Min), max(c.Max, s.Max)
			}
		}
	}
	d.Notices = append(d.Notices, fmt.Sprintf("the base of the flow is the density of %s (sha256 %s), kept as it is, and its preparation that of these events", d.card.BaseModel, b.hash))
	return nil
}

// lost are values that a preparation does not give back: how many, and the first, as it was and as it came back.
type lost struct {
	count       int
	was, became float64
}

// comeBack warns of values of features that the base's preparation does not give back: those beyond an edge of its own events.
func (d *Data) comeBack() error {
	all, of := make([]lost, len(d.Features.Columns)), 0
	for _, t := range append(d.held(), d.survey.Sample) {
		x, _, err := d.Features.Apply(t, nil)
		if err != nil {
			return err
		}
		back, _, err := d.Features.Invert(x)
		if err != nil {
			return err
		}
		of += t.Len()
		for i := range all {
			if err := all[i].add(&d.Features.Columns[i], t, back); err != nil {
				return err
			}
		}
	}
	for i, l := range all {
		if l.count > 0 {
			d.Warnings = append(d.Warnings, fmt.Sprintf("base_model: %q of %d of %s is beyond where that model's preparation ends, as %.6g, and would be generated as %.6g: "+
				"leave them out (where), or train that model on events that reach as far", d.Features.Columns[i].Name, l.count, say.Count(of, "event"), l.was, l.became))
		}
	}
	return nil
}

// add looks at the values of a column in events t, and as they came back.
func (l *lost) add(c *prep.Column, t, back *events.Table) error {
	if slices.ContainsFunc(c.Steps, func(s prep.Step) bool { return s.Kind() == "periodic" }) {
		return nil // another turn of the same angle
	}
	was, err := t.Column(c.Name)
	if err != nil {
		return err
	}
	is, err := back.Column(c.Name)
	if err != nil {
		return err
	}
	for e := range t.Len() {
		if v, w := was.Float(e), is.Float(e); math.Abs(v-w) > 1e-3*(c.Max-c.Min) {
			if l.count++; l.count == 1 {
				l.was, l.became = v, w
			}
		}
	}
	return nil
}
