package sluice

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
)

// report writes the page about the model.
func (r *runner) report(context.Context) error {
	r.o.stage("report")
	truth, err := trueEntropy(r.card)
	if err != nil {
		return err
	}
	r.summary.TrueEntropy = truth
	text, err := r.card.YAML()
	if err != nil {
		return err
	}
	info, err := r.model.Info()
	if err != nil {
		return err
	}
	title := r.card.Title
	if title == "" {
		title = r.card.Name
	}
	page := &report.Page{
		Title: title, Version: Version(), Card: string(text), Commands: r.o.Command, Notices: r.notices,
		Lead:    fmt.Sprintf("A normalizing flow of %d features, and how its events compare with %s.", len(info.Features), strings.ToLower(r.heldName)),
		Summary: r.facts(info, truth),
	}
	for _, c := range append(info.Features, info.Context...) {
		page.Preparation = append(page.Preparation, report.Prepared{
			Column: c.Name, Unit: c.Unit, Min: c.Min, Max: c.Max, Steps: c.Steps, Why: c.Why,
		})
	}
	if err := r.pictures(page, truth); err != nil {
		return err
	}
	return report.Write(r.summary.Report, page)
}

func (r *runner) pictures(page *report.Page, truth *float64) (err error) {
	p := &pair{
		reference: r.held, generated: r.generated, referenceName: r.heldName, generatedName: "Generated",
		labels: r.card.Labels, bins: r.card.Compare.Bins,
	}
	if err := p.addTo(page, r.summary.Compare); err != nil {
		return err
	}
	if page.Loss, err = lossPicture(r.summary.Train.Result, truth); err != nil {
		return err
	}
	if r.card.Plots.Steps && r.model.Features.Dim() == 2 {
		var given *events.Table
		if len(r.card.Context) > 0 {
			given = r.held
		}
		if page.Steps, err = stepsPicture(r.model, r.card, given); err != nil {
			return err
		}
	}
	if r.card.Plots.Latent {
		page.Latent, err = latentPicture(r.model, r.held)
	}
	return err
}

func (r *runner) facts(info model.Info, truth *float64) []report.Fact {
	rows, result := r.prepared.Rows, r.summary.Train.Result
	facts := []report.Fact{
		{Name: "Events", Value: fmt.Sprint(r.prepared.Events.Len()), Note: fmt.Sprintf("%d to train, %d to validate, %d held out",
			len(rows.Train), len(rows.Valid), len(rows.Test))},
		{Name: "Flow", Value: flowLine(info), Note: fmt.Sprintf("%d parameters", info.Parameters)},
	}
	for _, n := range []struct {
		name string
		nll  train.NLL
	}{{"Test NLL", result.TestNLL}, {"Validation NLL", result.ValidNLL}, {"Training NLL", result.TrainNLL}} {
		if n.nll == n.nll {
			facts = append(facts, report.Fact{Name: n.name, Value: fmt.Sprintf("%.4f nats per event", float64(n.nll))})
		}
	}
	if truth != nil {
		facts = append(facts, report.Fact{Name: "True entropy", Value: fmt.Sprintf("%.4f nats per event", *truth), Note: "the lowest NLL that any model can reach"})
	}
	facts = append(facts, report.Fact{
		Name: "Training", Value: fmt.Sprintf("%d epochs, %d steps", result.Epochs, result.Steps),
		Note: fmt.Sprintf("best epoch %d; %.0f s, %.0f events a second", result.BestEpoch, result.Seconds, result.EventsPerSecond),
	})
	return facts
}

func flowLine(info model.Info) string {
	widths := make([]string, len(info.Flow.Hidden))
	for i, h := range info.Flow.Hidden {
		widths[i] = fmt.Sprint(h)
	}
	return fmt.Sprintf("%s, %d transforms, hidden layers of %s", info.Flow.Type, info.Flow.Transforms, strings.Join(widths, " and "))
}

// trueEntropy is that of a toy of which all is modelled, as it was drawn; nil for other events.
func trueEntropy(c *card.Card) (*float64, error) {
	if c.Toy == (card.Toy{}) || len(c.Define) > 0 || c.Where != "" {
		return nil, nil
	}
	f := features(c)
	if len(f) != 2 || f[0] == f[1] || !strings.Contains("x1 x2", f[0]) || !strings.Contains("x1 x2", f[1]) {
		return nil, nil
	}
	d, err := toy.New(c.Toy.Name, toyOptions(c))
	if err != nil {
		return nil, err
	}
	var h float64
	switch {
	case len(c.Context) == 0:
		h = d.Entropy()
	case len(c.Context) == 1 && c.Context[0] == d.Label():
		h = d.EntropyGiven()
	default:
		return nil, nil
	}
	return &h, nil
}
