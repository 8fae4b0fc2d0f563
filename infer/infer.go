// Package infer draws from posteriors. The features of a conditional model are the parameters of a simulation, its context what is
// observed; given an observation, it draws the parameters.
package infer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/validate"
)

// Draws are so many of each posterior unless told otherwise.
const Draws = 10_000

// Observed says what was observed, and how much is drawn.
type Observed struct {
	Values        *events.Table // the observables of one event, or
	File          string        // of one or more independent ones, a row each
	query.Reading               // of that file
	Draws         int           // of each posterior; 0: Draws
	Check         string        // a file of simulated pairs of parameters and observables that the model was not trained on; "" for none
	Seed          uint64
	Within        float64 // as of model.SampleWithin
}

// Inferred are the posteriors given observations: of each by itself, not of all together.
type Inferred struct {
	File         string   `json:"file,omitempty"` // of the draws
	Report       string   `json:"report,omitempty"`
	Observations int      `json:"observations"`
	Draws        int      `json:"draws"`   // of each
	Within       *float64 `json:"within"`  // as in apply.Drawn
	Redrawn      int      `json:"redrawn"` // draws that lay further, and were drawn again
	Seconds      float64  `json:"seconds"`

	Posterior  map[string]Parameter `json:"posterior,omitempty"`  // of the only observation
	Posteriors []Posterior          `json:"posteriors,omitempty"` // of several, in the order of the file

	Outside     *validate.Outside     `json:"context_outside"`
	SurpriseP   *float64              `json:"surprise_p,omitempty"` // that of Surprise
	Surprise    *validate.Remote      `json:"surprise,omitempty"`   // nil without simulated pairs, as Calibration
	Calibration *validate.Calibration `json:"calibration,omitempty"`

	Given      *events.Table `json:"-"` // the observables
	Each       []Posterior   `json:"-"`
	Parameters []string      `json:"-"` // in the order of the model
	// Shown are the draws of the first posteriors, and Simulated the pairs, for pictures.
	Shown     []*events.Table `json:"-"`
	Simulated *events.Table   `json:"-"`
	Warnings  []string        `json:"-"`
	Notices   []string        `json:"-"`
}

// Posterior is that of one observation.
type Posterior struct {
	Observation int                  `json:"observation"` // from 1
	Parameters  map[string]Parameter `json:"posterior"`
	Outside     bool                 `json:"outside"` // of the trained range
	SurpriseP   *float64             `json:"surprise_p,omitempty"`
}

// MostShown posteriors keep their draws.
const MostShown = 4

// Infer draws from the posteriors, and writes the draws where write is not nil: with the number of the observation, from 1, where there are
// several. What makes the posteriors doubtful is told before any is drawn.
func (q *Observed) Infer(ctx context.Context, m *model.Model, write func(*events.Table) error, o apply.Options) (*Inferred, error) {
	began, o := time.Now(), o.Filled()
	r := &Inferred{Draws: q.Draws}
	if r.Draws == 0 {
		r.Draws = Draws
	}
	warn, notice := o.Warn, o.Notice
	o.Warn = func(line string) { r.Warnings = append(r.Warnings, line); warn(line) }
	o.Notice = func(line string) { r.Notices = append(r.Notices, line); notice(line) }
	if err := q.observe(ctx, m, r, o); err != nil {
		return nil, err
	}
	if err := q.alarm(ctx, m, r, o); err != nil {
		return nil, err
	}
	if err := q.draw(ctx, m, r, write); err != nil {
		return nil, err
	}
	if within := model.Factor(q.Within); !math.IsInf(within, 1) {
		r.Within = &within
	}
	if r.Redrawn > 0 {
		o.Notice(fmt.Sprintf("%d of %s lay further than %g times the trained range beyond it, and were drawn again: the posterior ends there", r.Redrawn, say.Count(r.Draws*r.Observations, "draw"), *r.Within))
	}
	if r.Observations == 1 {
		r.Posterior = r.Each[0].Parameters
	} else {
		r.Posteriors = r.Each
		o.Notice(fmt.Sprintf("each of the %d observations has a posterior of its own; that given all of them together is another", r.Observations))
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// observe reads the observations.
func (q *Observed) observe(ctx context.Context, m *model.Model, r *Inferred, o apply.Options) error {
	if m.Context == nil || len(m.Context.Names()) == 0 {
		return fault.Of(errors.New("the model has no context: infer takes one whose features are the parameters and whose context is what is observed (sluice train --features PARAMETERS --context OBSERVABLES)"))
	}
	names := m.Context.Names()
	if lacking := q.lacking(names); len(lacking) > 0 {
		return fault.Of(fmt.Errorf("the model is conditioned on %q: observe %q too (--observed %s=VALUE), or give a file (--observed FILE)",
			names, lacking, strings.Join(lacking, "=VALUE --observed ")))
	}
	s := apply.Sample{Context: q.Values, ContextFile: q.File, Reading: q.Reading}
	t, notes, err := s.Contexts(ctx, m)
	if err != nil {
		return err
	}
	for _, line := range notes {
		o.Notice(line)
	}
	r.Given, r.Observations, r.Parameters = t, t.Len(), m.Features.Names()
	if taken := slices.Concat(r.Parameters, names); r.Observations > 1 && slices.Contains(taken, number) {
		return fault.Of(fmt.Errorf("the model has a column %q, which is to hold the number of the observation: give one observation at a time", number))
	}
	return nil
}

// lacking are the names without a value; none where there is one that the model does not know, which is told first.
func (q *Observed) lacking(names []string) (lacking []string) {
	switch {
	case q.File != "":
		return nil
	case q.Values == nil:
		return names
	case slices.ContainsFunc(q.Values.Names(), func(name string) bool { return !slices.Contains(names, name) }):
		return nil
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(q.Values.Names(), name) })
}

// alarm looks whether the observations are such as the model knows, and whether it is calibrated.
func (q *Observed) alarm(ctx context.Context, m *model.Model, r *Inferred, o apply.Options) (err error) {
	if r.Outside, err = validate.OutsideContext(m, r.Given); err != nil {
		return fault.Of(err)
	}
	if said := r.Outside.Say(); said != "" {
		o.Warn("what is observed: " + said)
	}
	r.Each = make([]Posterior, r.Observations)
	for i := range r.Each {
		one, err := validate.OutsideContext(m, r.Given.Slice(i, i+1))
		if err != nil {
			return fault.Of(err)
		}
		r.Each[i] = Posterior{Observation: i + 1, Outside: one.Events > 0, Parameters: map[string]Parameter{}}
	}
	if q.Check == "" {
		o.Notice("whether the simulation makes such an observation (surprise_p), and whether the model is calibrated, is not known: give simulated pairs that it was not trained on (--check FILE)")
		return nil
	}
	pairs := apply.Density{Files: []string{q.Check}, Reading: q.Reading}
	if r.Simulated, err = pairs.Events(ctx, m, apply.Options{Warn: o.Warn, Notice: func(line string) { o.Notice(q.Check + ": " + line) }}); err != nil {
		return err
	}
	r.Surprise, err = await.Do(ctx, "the simulated pairs", func() (*validate.Remote, error) {
		return validate.FarFrom(r.Simulated, r.Given, m.Context.Names(), q.Seed)
	})
	if err != nil {
		return fault.Of(err)
	}
	r.SurpriseP = r.Surprise.P
	for i, t := range r.Surprise.Each {
		if t.Cannot == "" {
			r.Each[i].SurpriseP = &t.P
		}
	}
	tell := o.Notice
	if r.Surprise.Alarming() {
		tell = o.Warn
	}
	tell(r.Surprise.Say())
	r.Calibration, err = await.Do(ctx, "the calibration", func() (*validate.Calibration, error) {
		return validate.Calibrate(ctx, m, r.Simulated, validate.CalibrationOptions{Seed: q.Seed, Within: q.Within})
	})
	if err != nil {
		return err
	}
	if !r.Calibration.Good() {
		o.Warn("the model is not calibrated: its intervals do not hold the parameters of simulated pairs as often as they claim")
	}
	return nil
}

// number is the column of the draws that says which observation they are given.
const number = "observation"

// chunk is how many are drawn at a time.
const chunk = 1 << 16

// draw draws from one posterior after the other.
func (q *Observed) draw(ctx context.Context, m *model.Model, r *Inferred, write func(*events.Table) error) error {
	for i := range r.Each {
		all := &events.Table{}
		for done := 0; done < r.Draws; {
			n := min(chunk, r.Draws-done)
			redrawn := 0
			t, err := await.Do(ctx, fmt.Sprintf("observation %d of %d", i+1, r.Observations), func() (t *events.Table, err error) {
				t, redrawn, err = m.SampleWithin(n, r.Given.Take(slices.Repeat([]int32{int32(i)}, n)), q.Seed, uint64(i)*uint64(r.Draws)+uint64(done), q.Within)
				return t, err
			})
			if err != nil {
				return fmt.Errorf("observation %d: %w", i+1, err)
			}
			if r.Redrawn, done = r.Redrawn+redrawn, done+n; all.Columns == nil {
				all = t
			} else {
				all.Append(t)
			}
		}
		if err := r.keep(i, all, write); err != nil {
			return err
		}
	}
	return nil
}

// keep takes the draws of posterior i.
func (r *Inferred) keep(i int, t *events.Table, write func(*events.Table) error) (err error) {
	for _, name := range r.Parameters {
		c, err := t.Column(name)
		if err != nil {
			return err
		}
		if r.Each[i].Parameters[name], err = newParameter(c); err != nil {
			return err
		}
	}
	if i < MostShown {
		r.Shown = append(r.Shown, t)
	}
	if write == nil {
		return nil
	}
	if r.Observations > 1 {
		t = &events.Table{Columns: append(slices.Clone(t.Columns), events.Column{Name: number, Type: events.Int64, I64: slices.Repeat([]int64{int64(i) + 1}, t.Len())})}
	}
	return write(t)
}
