package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/validate"
)

// calibrate looks whether the probabilities that a model gives are right event by event, where it has a context and there are events that it was not
// trained on. It is nil otherwise. Where the draws fail, a warning says why.
func (a *Analysis) calibrate(ctx context.Context) (*validate.Calibration, error) {
	if a.given() == nil || a.Pair.ReferenceName == fit.TrainingData || a.Card.Compare.Tests == card.TestsOfColumns {
		return nil, nil
	}
	c, err := validate.Calibrate(ctx, a.Model, a.held, validate.CalibrationOptions{Seed: a.Card.Seed, Within: float64(a.Card.Sample.Within)})
	switch {
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		a.Warnings = append(a.Warnings, "whether the model is calibrated is not known: "+err.Error())
		return nil, nil
	}
	if !c.Good() {
		a.Warnings = append(a.Warnings, "the model is not calibrated event by event: its probabilities, given the context, are not those of held-out events; see Calibration on the page")
	}
	if said := c.Outside.Say(); said != "" {
		a.Warnings = append(a.Warnings, "held-out events: "+said)
	}
	return c, nil
}

// mostRanks columns have their ranks drawn, those that are least like chance.
const mostRanks = 12

// CalibrationSection shows a calibration; label is the name of a column for the reader.
func CalibrationSection(c *validate.Calibration, label func(column string) string) (Section, error) {
	s := Section{
		Title: "Calibration", Text: strings.Join(c.Lines(label), " "), Numbers: [2]int{1, 6},
		Head: []string{"Feature", "68 % intervals hold", "95 % intervals hold", "Ranks, p", "Average off by", "p", "Drawn"},
	}
	for _, col := range c.Columns {
		drawn := "as it should be"
		if t := col.PIT.Chi2; t.Cannot != "" {
			drawn = "–"
		} else if c.Differs(col) {
			drawn = col.Fault()
		}
		s.Rows = append(s.Rows, []string{
			label(col.Name), held(col.Central.Coverage68, col.Central.Error68), held(col.Central.Coverage95, col.Central.Error95),
			tested(col.PIT.Chi2), digits(col.Averaged.Distance), tested(col.Averaged.Chi2), drawn,
		})
	}
	if c.HPDP == nil {
		return s, nil
	}
	s.Text += " In the pictures, the grey bands hold 95 % of calibrated models: of coverage at each credibility, of the ranks in each bin. " +
		"In the table, intervals are central ones of the draws of each event, and the average is that of the draws of all events, whose cumulative distribution is off that of the events by so much."
	coverage, err := coveragePicture(c)
	s.Pictures = append(s.Pictures, coverage)
	least := slices.SortedStableFunc(slices.Values(c.Columns), func(x, y validate.CalibratedColumn) int { return cmp.Compare(x.PIT.Chi2.P, y.PIT.Chi2.P) })
	for _, col := range least[:min(len(least), mostRanks)] {
		p, e := ranksPicture(col.PIT, label(col.Name))
		s.Pictures, err = append(s.Pictures, p), cmp.Or(err, e)
	}
	if at := slices.IndexFunc(least, func(col validate.CalibratedColumn) bool { return col.Bins != nil }); at >= 0 && err == nil {
		s.Text += fmt.Sprintf(" The last picture is of the draws of all events together: their errors are those of %d events, not of %d draws.", c.Events, c.Events*c.Draws)
		var p *plot.Picture
		p, err = oversampledPicture(least[at], label, c.Draws)
		s.Pictures = append(s.Pictures, p)
	}
	return s, err
}

func oversampledPicture(col validate.CalibratedColumn, label func(column string) string, draws int) (*plot.Picture, error) {
	b := col.Bins
	o := plot.Oversampling{
		Label: label(col.Name), Unit: col.Unit, Draws: draws, Edges: b.Edges, Log: b.Log,
		Reference: b.Reference, ReferenceError: b.ReferenceError, Generated: b.Generated, Error: b.Error, Naive: b.Naive,
	}
	return o.Picture()
}

// calibration has a row for each flow that has a context.
func (f *Flows) calibration() ([]Section, error) {
	s := Section{
		Title: "Calibration", Numbers: [2]int{1, 7}, Bold: f.Best() + 1,
		Head: []string{"Flow", "68 % regions hold", "95 % regions hold", "Regions, p", "Ranks, p", "TARP, p", "Average, p"},
		Text: "Are the probabilities right that a flow gives, event by event? Of regions of highest density, and of the ranks of held-out events among draws of the flow given their context; p is the chance of as much in a calibrated flow.",
	}
	for _, a := range f.Each {
		c := a.Calibration
		if c == nil {
			return nil, nil
		}
		row := []string{a.Name, held(c.Coverage68, c.HPD.Error68), held(c.Coverage95, c.HPD.Error95)}
		for _, p := range []*float64{c.HPDP, c.SBCP, c.TARPP, c.AveragedP} {
			t := stats.Test{Cannot: "no number"}
			if p != nil {
				t = stats.Test{P: *p}
			}
			row = append(row, tested(t))
		}
		s.Rows = append(s.Rows, row)
	}
	return []Section{s}, nil
}

func held(share, err float64) string { return fmt.Sprintf("%.1f ± %.1f %%", 100*share, 100*err) }

func tested(t stats.Test) string {
	if t.Cannot != "" {
		return "–"
	}
	return plain(t.P)
}

func coveragePicture(c *validate.Calibration) (*plot.Picture, error) {
	v := plot.Coverage(
		plot.Curve{Name: "highest density", X: c.HPD.Level, Y: c.HPD.Coverage},
		plot.Curve{Name: "distance from a point (TARP)", X: c.TARP.Level, Y: c.TARP.Coverage},
	)
	calibrated := &v.Curves[len(v.Curves)-1]
	calibrated.X, calibrated.Y, calibrated.Low, calibrated.High = c.HPD.Level, c.HPD.Level, c.HPD.Low, c.HPD.High
	return v.Picture()
}

func ranksPicture(c *stats.Calibration, label string) (*plot.Picture, error) {
	edges := make([]float64, len(c.Shares)+1)
	for i := range edges {
		edges[i] = float64(i) / float64(len(c.Shares))
	}
	v := plot.Ranks("Rank of "+label, 1/float64(len(c.Shares)), c.ShareLow, c.ShareHigh, "95 % of calibrated ones", plot.Curve{Name: "held-out events", X: edges, Y: c.Shares})
	v.Y.Label, v.Y.Max = "Share of events / bin", 1.15*max(slices.Max(c.Shares), c.ShareHigh)
	return v.Picture()
}
