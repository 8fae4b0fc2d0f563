package background

import (
	"context"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/internal/fault"
)

// Search is a scan of a feature in the region of interest for a resonance over the estimate.
type Search struct {
	Feature string `json:"feature"`
	*bump.Hunt
	// PullMean and PullWidth are those of the bins, data less estimate over the error of that, beside the window: 0 and about 1 where there is none.
	PullMean  float64 `json:"pull_mean"`
	PullWidth float64 `json:"pull_width"`

	pulls []float64 // of all bins
}

const pseudoExperiments = 1000

// search scans a feature for an excess over its template.
func (e *estimate) search(ctx context.Context) error {
	if e.card.Search == "" {
		return nil
	}
	e.Stage("search")
	t := e.result.of(e.card.Search)
	s, err := bump.New(t.Nominal.Edges)
	if err != nil {
		return fault.Of(fmt.Errorf("background.search: %s: %w; set background.templates", t.Feature, err))
	}
	s.Counts = t.Data.SumW
	alone, together := e.result.deviations(t)
	over, err := bump.NewEstimate(s, t.Nominal.SumW, alone, together)
	if err != nil {
		return err
	}
	found := &Search{Feature: t.Feature}
	if found.Hunt, err = s.Hunt(ctx, over, e.seed(ofSearch, e.signal), pseudoExperiments); err != nil {
		return err
	}
	from, to := s.Bins(found.Window[0], found.Window[1])
	var n float64
	for k, want := range t.Nominal.SumW {
		pull := (t.Data.SumW[k] - want) / math.Sqrt(want*e.cells[e.signal].unit()+alone[k]*alone[k]+together[k]*together[k])
		found.pulls = append(found.pulls, pull)
		if (k < from || k >= to) && want >= 5 {
			found.PullMean += pull
			found.PullWidth += pull * pull
			n++
		}
	}
	if n > 1 {
		found.PullMean /= n
		found.PullWidth = math.Sqrt(max(found.PullWidth-n*found.PullMean*found.PullMean, 0) / (n - 1))
	}
	e.result.Search = found
	return nil
}

// deviations are the errors of a template in each bin: of each bin alone, by the events that it is made of and by the closures of its shape, and of all
// together, by the number of events.
func (r *Result) deviations(t *Template) (alone, together []float64) {
	for k, n := range t.Nominal.SumW {
		own := math.Sqrt(t.Nominal.SumW2[k])
		if t.Shape != nil {
			own = math.Hypot(own, n*t.Shape[k])
		}
		alone, together = append(alone, own), append(together, n*r.Error/r.Yield)
	}
	return alone, together
}
