package validate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/stats"
)

// Surprised says whether observations are what a model of the observables, and so the simulation that it was trained on, makes.
type Surprised struct {
	Events int `json:"events"`
	Draws  int `json:"draws"` // of the model; of each event, where it has a context
	// P is the chance that simulated events have as low a log-density: of the observation where it is least, times the number of them.
	P    *float64     `json:"surprise_p"`
	Each []stats.Test `json:"each"` // observation, by its log-density
	MMD  stats.Test   `json:"mmd"`  // of all observations together, against simulated events
}

// simulatedDraws are drawn to compare observations with, or, of a model without a context, drawsByObservation times the number of observations, if
// that is more, up to mostSimulatedDraws: so that p, which allows for their number, can be small.
const simulatedDraws, drawsByObservation, mostSimulatedDraws = 2000, 1000, 100_000

// Surprise ranks observations by their log-density among events that a model of the observables draws: given the context of each where the
// model has one. Several observations are also compared with simulated ones by MMD, where the model has no context.
func Surprise(ctx context.Context, m *model.Model, observed *events.Table, seed uint64, within float64) (*Surprised, error) {
	if observed.Len() == 0 {
		return nil, errors.New("there is no observation")
	}
	s := &Surprised{Events: observed.Len(), Draws: simulatedDraws, MMD: stats.Test{Cannot: "the model has a context, so that each observation has a distribution of its own"}}
	logProb, err := m.LogProb(observed, 1)
	if err != nil {
		return nil, fmt.Errorf("observations: %w", err)
	}
	seeds := rng.New(seed, rng.StreamTest, partSurprise)
	drawn := seeds.Uint64()
	draw := func(given *events.Table, first uint64) (t *events.Table, logProb []float64, err error) {
		if t, _, err = m.SampleWithin(s.Draws, given, drawn, first, within); err == nil {
			logProb, err = m.LogProb(t, 1)
		}
		return t, logProb, err
	}
	var simulated []float64
	if !conditional(m) {
		s.Draws = min(max(s.Draws, drawsByObservation*s.Events), mostSimulatedDraws)
		var t *events.Table
		if t, simulated, err = draw(nil, 0); err != nil {
			return nil, err
		}
		if s.MMD, err = misspecified(m.Features.Names(), observed, t, seeds.Uint64()); err != nil {
			return nil, err
		}
	}
	for i, at := range logProb {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("interrupted after %s: %w", say.Count(i, "observation"), err)
		}
		if conditional(m) {
			given := observed.Take(slices.Repeat([]int32{int32(i)}, s.Draws))
			if _, simulated, err = draw(given, uint64(i*s.Draws)); err != nil {
				return nil, err
			}
		}
		s.Each = append(s.Each, stats.Surprise(at, simulated, nil))
	}
	s.P = least(s.Each...)
	return s, nil
}

// misspecified compares all observations with simulated events.
func misspecified(names []string, observed, simulated *events.Table, seed uint64) (stats.Test, error) {
	j, err := newJoint(names, observed, simulated)
	if err != nil {
		return stats.Test{}, err
	}
	x, y := j.samples[0], j.samples[1]
	x.Weights = nil // of a file of simulated events; observations have none
	t, err := stats.Misspecified(x, y, seed)
	if err != nil {
		t = stats.Test{Cannot: err.Error()}
	}
	return t, nil
}

// partSurprise keeps its random numbers from those of others with the same seed.
const partSurprise = 0x43414c43

// Say is a sentence on them.
func (s *Surprised) Say() string {
	if s.P == nil {
		return "How surprising the observations are cannot be told: " + s.Each[0].Cannot
	}
	line := fmt.Sprintf("The log-density of the observation is lower than that of simulated events by %s", chance(*s.P))
	if s.Events > 1 {
		line = fmt.Sprintf("Of %d observations, the one of the lowest log-density is below simulated events by %s", s.Events, chance(*s.P))
		if s.MMD.Cannot == "" {
			line += fmt.Sprintf("; all together they are off simulated events (MMD) by %s", chance(s.MMD.P))
		}
	}
	if *s.P < doubtful || s.MMD.Cannot == "" && s.MMD.P < doubtful {
		line += ": the model does not describe them, and what is inferred from them rests on an extrapolation"
	}
	return line + "."
}
