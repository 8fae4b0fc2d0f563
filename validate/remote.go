package validate

import (
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/stats"
)

// Remote says how far observations lie from simulated events, in all columns together.
type Remote struct {
	Events    int          `json:"events"`
	Simulated int          `json:"simulated"`
	P         *float64     `json:"surprise_p"` // of the observation where it is least, times the number of them; nil where it cannot be told
	Each      []stats.Test `json:"each"`       // observation, by the distance to its 10th neighbour; see stats.Remote
}

// FarFrom ranks the distances of observations to simulated events in some columns. It needs no density, and finds what lies in a hole
// between these.
func FarFrom(simulated, observed *events.Table, columns []string, seed uint64) (*Remote, error) {
	if observed.Len() == 0 {
		return nil, errors.New("there is no observation")
	}
	var x, y stats.Sample
	var err error
	if x.Columns, err = numbersOf(observed, columns); err == nil {
		if y.Columns, err = numbersOf(simulated, columns); err == nil {
			y.Weights, err = simulated.Weights()
		}
	}
	if err != nil {
		return nil, err
	}
	r := &Remote{Events: observed.Len(), Simulated: simulated.Len()}
	if r.Each, err = stats.Remote(x, y, seed); err != nil {
		return nil, fmt.Errorf("observations and simulated events: %w", err)
	}
	r.P = least(r.Each...)
	return r, nil
}

// Alarming tells whether an observation is farther than chance explains.
func (r *Remote) Alarming() bool { return r.P != nil && *r.P < doubtful }

// Say is a sentence on them.
func (r *Remote) Say() string {
	if r.P == nil {
		return "How far the observation lies from simulated events cannot be told: " + r.Each[0].Cannot
	}
	which := "the observation"
	if r.Events > 1 {
		which = fmt.Sprintf("of %d observations, the farthest", r.Events)
	}
	line := fmt.Sprintf("%s lies off %s, by the distance to its 10th neighbour in all observables together, by %s", which, say.Count(r.Simulated, "simulated event"), chance(*r.P))
	if r.Alarming() {
		line += ": the simulation does not make such events, and the posterior rests on an extrapolation"
	}
	return line
}
