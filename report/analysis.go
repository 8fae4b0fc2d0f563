package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
	"github.com/sluice-hep/sluice/validate"
)

// Analysis is what the page about a model is made of: what is known of it, and what Compare finds.
type Analysis struct {
	Name       string // of the flow, among several
	Card       *card.Card
	Model      *model.Model
	Train      *train.Result
	Parameters int
	Drawn      *apply.Drawn // the sample in its file

	Total                    int // events in all, of which
	Training, Valid, HeldOut int // so many train, validate and are held out

	Pair        Pair          // the events compared, names by their codes
	held        *events.Table // its reference, as it is
	Comparison  *validate.Result
	Calibration *validate.Calibration // nil where it is not known
	True        *fit.True             // nil where the true density is not known
	Evidence    *fit.Evidence         // nil but of a toy of known potential

	Notices, Warnings []string // as those of a Page
}

// Compare draws as many events from the model as were held out of d, with their context and its weights, measures the distances
// and judges them. It takes Card and Model, and sets the numbers of events, Pair, Comparison and True. Where no events were held
// out, it adds a warning.
func (a *Analysis) Compare(ctx context.Context, d *fit.Data, threads int) (*Compared, error) {
	a.Total, a.Training, a.Valid, a.HeldOut = d.Total, d.Rows.Training(), len(d.Rows.Valid), len(d.Rows.Test)
	if err := a.draw(d); err != nil {
		return nil, err
	}
	columns := a.Card.Compare.Columns
	if len(columns) == 0 {
		columns = a.Card.Generated()
	}
	training, err := a.trained(d)
	if err != nil {
		return nil, err
	}
	c, err := validate.Compare(ctx, a.Pair.Reference, a.Pair.Generated, validate.Options{
		Columns: columns, Cuts: a.Card.Compare.Cuts, Alone: a.Card.Compare.Tests == card.TestsOfColumns, Seed: a.Card.Seed, Threads: threads,
		Training: training, Given: a.Card.Given(),
	})
	if err != nil {
		return nil, err
	}
	a.Comparison = c
	a.Notices = append(a.Notices, c.Notes...)
	compared := newCompared(c, nil)
	if a.Calibration, err = a.calibrate(ctx); err != nil {
		return nil, err
	}
	compared.Calibration = a.Calibration
	return compared, a.truth()
}

// mostTraining events are enough to look for copies of.
const mostTraining = 400_000

// trained are the events that the model was trained on, of which it should draw no copies; nil where they are not in memory, or compared with.
func (a *Analysis) trained(d *fit.Data) (*events.Table, error) {
	if a.Pair.ReferenceName == fit.TrainingData || len(d.Rows.Train) == 0 {
		return nil, nil
	}
	return a.restored(d.Held.Take(d.Rows.Train[:min(len(d.Rows.Train), mostTraining)]))
}

// restored are events with the columns that the card restores, and codes for names.
func (a *Analysis) restored(t *events.Table) (*events.Table, error) {
	t, err := a.Card.Restore.Of(t)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	return a.Model.Codes(t), nil
}

// draw makes the pair to compare.
func (a *Analysis) draw(d *fit.Data) (err error) {
	p := &a.Pair
	p.Labels, p.Context, p.Bins, p.Corner = a.Card.Labels, a.Card.Context, a.Card.Compare.Bins, a.Card.Compare.Corner
	a.held, p.ReferenceName = d.HeldOut()
	if p.ReferenceName == fit.TrainingData {
		a.Warnings = append(a.Warnings, "no events were held out: the comparison is with the training events, and cannot show overfitting")
	}
	given := a.given()
	generated, _, err := a.Model.SampleWithin(a.held.Len(), given, a.Card.Seed, 0, float64(a.Card.Sample.Within))
	if err == nil && given != nil {
		err = apply.Weigh(generated, given, a.Card.Weight)
	}
	if err == nil {
		p.Reference, err = a.restored(a.held)
	}
	if err == nil {
		p.Generated, err = a.restored(generated)
	}
	if err != nil {
		return err
	}
	a.Notices = append(a.Notices, a.Model.CodesOf()...)
	return nil
}

// given are the events whose context the generated ones have; nil for a model without.
func (a *Analysis) given() *events.Table {
	if len(a.Card.Given()) == 0 {
		return nil
	}
	return a.held
}

// truth compares with the true density, where that is known.
func (a *Analysis) truth() error {
	if a.Card.Toy == (card.Toy{}) {
		return nil
	}
	logProb, err := a.Model.LogProb(a.Pair.Reference, 0)
	if err != nil {
		return err
	}
	if a.True, err = fit.Truth(a.Card, a.Pair.Reference, logProb); err != nil {
		return err
	}
	a.Evidence, err = fit.Bounded(a.Card, a.Model, a.Pair.Reference.Len())
	return err
}

// Page is the page about the model.
func (a *Analysis) Page() (*Page, error) {
	text, err := a.Card.Portable().YAML()
	if err != nil {
		return nil, err
	}
	info, err := a.Model.Info()
	if err != nil {
		return nil, err
	}
	page := &Page{
		Title: cmp.Or(a.Card.Title, a.Card.Name), Card: string(text), Notices: a.Notices, Warnings: a.Warnings, Model: info.Hash,
		Lead:    fmt.Sprintf("A normalizing flow of %s, and how its events compare with %s.", say.Count(len(info.Features), "feature"), strings.ToLower(a.Pair.ReferenceName)),
		Summary: a.facts(info), Flow: strings.Join(slices.Concat(info.Layers(), info.Table.Lines()), "\n"),
	}
	page.Preparation = prepared(info)
	return page, a.picture(page)
}

func prepared(info model.Info) (columns []Prepared) {
	for _, c := range append(info.Features, info.Context...) {
		columns = append(columns, Prepared{c.Name, c.Unit, c.Min, c.Max, c.Steps, c.Why})
	}
	return columns
}

// picture adds the pictures.
func (a *Analysis) picture(page *Page) (err error) {
	if err := a.Pair.addTo(page, a.Comparison); err != nil {
		return err
	}
	if a.Calibration != nil {
		s, err := CalibrationSection(a.Calibration, a.Pair.label)
		if err != nil {
			return err
		}
		page.Sections = append(page.Sections, s)
	}
	var entropy *float64
	if a.True != nil {
		entropy = &a.True.Entropy
	}
	if e := a.Train.Ensemble; e != nil {
		page.Sections = append(page.Sections, members(e))
	} else if page.Loss, err = lossPicture(a.Train, entropy); err != nil {
		return err
	}
	if a.Card.Plots.Density {
		if page.Density, page.Colours, err = densityPicture(a); err != nil {
			return err
		}
	}
	if a.Card.Plots.Steps {
		if page.Steps, err = stepsPicture(a, drawn, maxSteps); err != nil {
			return err
		}
	}
	if a.Card.Plots.Steps && page.Steps == nil {
		page.Notices = append(page.Notices, "the steps of the flow are not drawn (plots.steps): it does not move two columns alone, but those and a hidden feature, or fewer")
	}
	if a.Card.Plots.Latent {
		page.Latent, err = latentPicture(a.Model, a.held)
	}
	return err
}

func (a *Analysis) facts(info model.Info) []Fact {
	facts := []Fact{
		a.events(),
		{Name: "Flow", Value: info.Named(), Note: say.Count(info.Parameters, "parameter")},
	}
	for _, n := range []struct {
		name string
		nll  train.NLL
	}{{"Test NLL", a.Train.TestNLL}, {"Validation NLL", a.Train.ValidNLL}, {"Training NLL", a.Train.TrainNLL}} {
		if n.nll == n.nll {
			f := Fact{Name: n.name, Value: fmt.Sprintf("%.4f %s", float64(n.nll), a.Train.Unit), Note: "per event"}
			if n.name == "Test NLL" && a.Train.TestError > 0 {
				f.Note += fmt.Sprintf(", ± %.2g by the number of events", a.Train.TestError)
			}
			facts = append(facts, f)
		}
	}
	facts = append(facts, a.truths()...)
	if t := a.True; t != nil {
		facts = append(facts, Fact{
			Name: "Above the truth", Value: fmt.Sprintf("%.4f nats", t.Excess),
			Note: fmt.Sprintf("± %.2g, on the same events", t.ExcessError),
		})
	}
	if e := a.Evidence; e != nil {
		facts = append(facts, Fact{Name: "Bound on log Z", Value: fmt.Sprintf("%.4f", e.Bound), Note: fmt.Sprintf("± %.2g, from %d draws; integrated over a grid it is %.4f", e.BoundError, a.Pair.Generated.Len(), e.LogIntegral)})
	}
	r := a.Train
	return append(facts, Fact{
		Name: "Training", Value: say.Count(r.Epochs, "epoch"),
		Note: fmt.Sprintf("%s; %s; %.0f s, %.0f events a second", say.Count(r.Steps, "step"), r.Kept(), r.Seconds, r.EventsPerSecond),
	})
}

func (a *Analysis) events() Fact {
	if a.Card.Train.Objective == "reverse-kl" {
		return Fact{Name: "Events", Value: fmt.Sprint(a.Total), Note: fmt.Sprintf("none to train; %d draws an epoch, %d events to validate, %d held out", a.Training, a.Valid, a.HeldOut)}
	}
	return Fact{Name: "Events", Value: fmt.Sprint(a.Total), Note: fmt.Sprintf("%d to train, %d to validate, %d held out", a.Training, a.Valid, a.HeldOut)}
}

// truths is what is known of the true density.
func (a *Analysis) truths() []Fact {
	t := a.True
	if t == nil {
		return nil
	}
	return []Fact{{
		Name: "True entropy", Value: fmt.Sprintf("%.4f nats", t.Entropy),
		Note: fmt.Sprintf("per event; the lowest NLL there can be on average; the true density has %.4f on %s", t.NLL, strings.ToLower(a.Pair.ReferenceName)),
	}}
}

// members is the section on those of an ensemble.
func members(e *train.Ensemble) Section {
	s := Section{
		Title: "The members of the ensemble", Text: "The density is the mean of those of the members: " + e.String() + ".",
		Head: []string{"Member", "Seed", "Best epoch", "Validation NLL", "Test NLL"},
	}
	for i, m := range e.Members {
		row := []string{fmt.Sprint(i + 1), fmt.Sprint(m.Seed), fmt.Sprintf("%d of %d", m.BestEpoch, m.Epochs), fmt.Sprintf("%.4f", float64(m.ValidNLL)), fmt.Sprintf("%.4f ± %.2g", float64(m.TestNLL), m.TestError)}
		if m.Failed != "" {
			row = append(row[:2], "diverged", "", "")
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}
