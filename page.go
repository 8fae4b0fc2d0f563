package sluice

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/train"
)

// report writes the page about the model.
func (r *runner) report(context.Context) error {
	r.o.stage("report")
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
		Summary: r.facts(info),
	}
	for _, c := range append(info.Features, info.Context...) {
		page.Preparation = append(page.Preparation, report.Prepared{
			Column: c.Name, Unit: c.Unit, Min: c.Min, Max: c.Max, Steps: c.Steps, Why: c.Why,
		})
	}
	if err := r.pictures(page); err != nil {
		return err
	}
	return report.Write(r.summary.Report, page)
}

func (r *runner) pictures(page *report.Page) (err error) {
	p := &pair{
		reference: r.held, generated: r.generated, referenceName: r.heldName, generatedName: "Generated",
		labels: r.card.Labels, bins: r.card.Compare.Bins,
	}
	if err := p.addTo(page, r.summary.Compare); err != nil {
		return err
	}
	if page.Loss, err = lossPicture(r.summary.Train.Result, r.summary.TrueEntropy); err != nil {
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

func (r *runner) facts(info model.Info) []report.Fact {
	rows, result := r.prepared.Rows, r.summary.Train.Result
	facts := []report.Fact{
		{Name: "Events", Value: fmt.Sprint(r.prepared.events), Note: fmt.Sprintf("%d to train, %d to validate, %d held out",
			rows.Training(), len(rows.Valid), len(rows.Test))},
		{Name: "Flow", Value: info.Flow.String(), Note: fmt.Sprintf("%s; %d parameters", strings.Join(info.Flow.Lines(), "; "), info.Parameters)},
	}
	for _, n := range []struct {
		name string
		nll  train.NLL
	}{{"Test NLL", result.TestNLL}, {"Validation NLL", result.ValidNLL}, {"Training NLL", result.TrainNLL}} {
		if n.nll == n.nll {
			facts = append(facts, report.Fact{Name: n.name, Value: fmt.Sprintf("%.4f nats", float64(n.nll)), Note: "per event"})
		}
	}
	if s := r.summary; s.TrueEntropy != nil {
		facts = append(facts, report.Fact{
			Name: "True entropy", Value: fmt.Sprintf("%.4f nats", *s.TrueEntropy),
			Note: fmt.Sprintf("per event; the lowest NLL there can be on average; the true density has %.4f on %s", *s.TrueNLL, strings.ToLower(r.heldName)),
		})
	}
	facts = append(facts, report.Fact{
		Name: "Training", Value: fmt.Sprintf("%d epochs", result.Epochs),
		Note: fmt.Sprintf("%d steps; best epoch %d; %.0f s, %.0f events a second", result.Steps, result.BestEpoch, result.Seconds, result.EventsPerSecond),
	})
	return facts
}
