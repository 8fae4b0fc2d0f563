// Package infer draws from posteriors. The features of a conditional model are the parameters of a simulation, its context what is
// observed; given an observation, it draws the parameters.
package infer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/mcmc"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/validate"
)

// Draws are so many of each posterior unless told otherwise.
const Draws = 10_000

// Observed says what was observed, what is known besides, and how much is drawn.
type Observed struct {
	Values        *events.Table // the observables of one event, or
	File          string        // of one or more independent ones, a row each
	query.Reading               // of that file
	Truth         *events.Table // true parameters, of every observation; a file of observations may have them too
	Draws         int           // of each posterior; 0: Draws
	Check         string        // a file of simulated pairs of parameters and observables that the model was not trained on; "" for none
	CheckEvents   int           // of them that the calibration looks at; 0 as validate.CalibrationOptions
	Seed          uint64
	Within        float64 // as of model.SampleWithin
	// Reweight weights the draws with the likelihood of the simulator that the model's card names, or, where these are given, with those of
	// expressions over parameters and observables, in nats. LogPrior stands for a prior that is even over the trained range where it is "".
	Reweight                bool
	LogLikelihood, LogPrior string
	// MCMC draws by a Markov chain over prior times likelihood of the simulator that the model's card names, and not from the density of the model.
	MCMC       bool
	Combine    bool    // one posterior given all observations together
	MaxSeconds float64 // of drawing and iterating, together; 0 for any
}

// Inferred are the posteriors given observations, of each by itself or of all together.
type Inferred struct {
	File         string   `json:"file,omitempty"` // of the draws
	Report       string   `json:"report,omitempty"`
	Observations int      `json:"observations"`
	Draws        int      `json:"draws"`   // of each
	Within       *float64 `json:"within"`  // as in apply.Drawn
	Redrawn      int      `json:"redrawn"` // draws that lay further, and were drawn again
	Seconds      float64  `json:"seconds"`

	Posterior  map[string]Parameter `json:"posterior,omitempty"`  // of the only observation, or given all together
	Posteriors []Posterior          `json:"posteriors,omitempty"` // of several, in the order of the file
	Combined   *Combined            `json:"combined,omitempty"`   // nil where none was asked for
	Weights    *Weights             `json:"weights,omitempty"`    // as of the only posterior, as Predictive
	Predictive *Predictive          `json:"predictive,omitempty"`

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

	seen *events.Table // what the observations have, the observables and more
}

// Posterior is that of one observation.
type Posterior struct {
	Observation int                  `json:"observation"` // from 1
	Parameters  map[string]Parameter `json:"posterior"`
	Outside     bool                 `json:"outside"` // of the trained range
	SurpriseP   *float64             `json:"surprise_p,omitempty"`
	Weights     *Weights             `json:"weights,omitempty"`    // of the draws; nil where they have none
	Chain       *mcmc.Diagnostics    `json:"chain,omitempty"`      // that drew them; nil where none did
	Predictive  *Predictive          `json:"predictive,omitempty"` // nil where nothing simulates, and of all but the first observations
}

// Lines say what is known of the posterior beside its parameters.
func (p *Posterior) Lines() (lines []string) {
	if w := p.Weights; w != nil {
		line := fmt.Sprintf("the weighted draws are worth %.0f, %.2g %% of them; the largest weight is %.2g %% of all", w.ESS, 100*w.Efficiency, 100*w.Largest)
		if w.Impossible > 0 {
			line += fmt.Sprintf("; %s of density 0", say.Count(w.Impossible, "draw"))
		}
		if w.LogEvidence != nil {
			line += fmt.Sprintf("; log evidence %.4g ± %.2g nats", *w.LogEvidence, *w.Error)
		}
		lines = append(lines, line)
	}
	if v := p.Predictive; v != nil {
		lines = append(lines, fmt.Sprintf("posterior predictive, by %s: p = %.2g", v.From, v.P))
	}
	return lines
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
	c, err := card.Parse([]byte(m.Card), "the card of the model")
	if err != nil {
		c = &card.Card{}
	}
	known, err := q.law(c, m)
	if err != nil {
		return nil, fault.Of(err)
	}
	if err := q.observe(ctx, m, known, r, o); err != nil {
		return nil, err
	}
	err = q.within(ctx, func(ctx context.Context) error {
		if err := q.alarm(ctx, m, r, o); err != nil {
			return err
		}
		if err := q.draw(ctx, m, known, r, write, o); err != nil {
			return err
		}
		if err := q.combine(ctx, m, known, r, write, o); err != nil {
			return err
		}
		return q.predict(ctx, c, r, o)
	})
	if err != nil {
		return nil, err
	}
	if within := model.Factor(q.Within); !math.IsInf(within, 1) {
		r.Within = &within
	}
	if r.Redrawn > 0 {
		o.Notice(fmt.Sprintf("%d of %s lay further than %g times the trained range beyond it, and were drawn again: the posterior ends there", r.Redrawn, say.Count(r.Draws*r.Observations, "draw"), *r.Within))
	}
	switch {
	case r.Observations == 1:
		r.Posterior, r.Weights, r.Predictive = r.Each[0].Parameters, r.Each[0].Weights, r.Each[0].Predictive
	case r.Combined != nil:
		r.Posterior, r.Posteriors = r.Combined.Parameters, r.Each
	default:
		r.Posteriors = r.Each
		o.Notice(fmt.Sprintf("each of the %d observations has a posterior of its own; that given all of them together is another (--combine)", r.Observations))
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
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
		o.Notice("whether the simulation makes such an observation (surprise_p), and whether the model is calibrated, is not known without simulated pairs that it was not trained on (sluice infer --check FILE)")
		return nil
	}
	pairs := apply.Density{Files: []string{q.Check}, Reading: q.Reading, Words: apply.Words{Drop: "give a file without such rows (sluice convert --where)"}}
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
		return validate.Calibrate(ctx, m, r.Simulated, validate.CalibrationOptions{Seed: q.Seed, Within: q.Within, Events: q.CheckEvents})
	})
	if err != nil {
		return err
	}
	if !r.Calibration.Good() {
		o.Warn("the model is not calibrated: its intervals do not hold the parameters of simulated pairs as often as they claim")
	}
	return nil
}

// number is the column of the draws that says which observation they are given, and weight that of their weights.
const number, weight = "observation", "weight"

// chunk is how many are drawn at a time.
const chunk = 1 << 16

// draw draws from one posterior after the other.
func (q *Observed) draw(ctx context.Context, m *model.Model, known *law, r *Inferred, write func(*events.Table) error, o apply.Options) (err error) {
	if q.Combine {
		write = nil // of those together
	}
	for i := range r.Each {
		all := &events.Table{}
		redrawn := 0
		for done := 0; done < r.Draws && !q.MCMC; {
			n := min(chunk, r.Draws-done)
			again := 0
			t, err := await.Do(ctx, fmt.Sprintf("observation %d of %d", i+1, r.Observations), func() (t *events.Table, err error) {
				t, again, err = m.SampleWithin(n, r.given(i, n), q.Seed, uint64(i)*uint64(r.Draws)+uint64(done), q.Within)
				return t, err
			})
			if err != nil {
				return fmt.Errorf("observation %d: %w", i+1, err)
			}
			if redrawn, done = redrawn+again, done+n; all.Columns == nil {
				all = t
			} else {
				all.Append(t)
			}
		}
		if q.MCMC {
			if all, err = q.markov(ctx, m, known.simulator, r, i, o); err != nil {
				return err
			}
		}
		r.Redrawn += redrawn
		if q.weighs() {
			w, err := await.Do(ctx, "the weights", func() (*Weights, error) {
				return known.weigh(m, all, r.row(i), 1-float64(redrawn)/float64(r.Draws))
			})
			if err != nil {
				return fmt.Errorf("observation %d: %w", i+1, err)
			}
			if r.Each[i].Weights = w; w.doubtful() {
				o.Warn(fmt.Sprintf("observation %d: the weights of %s are worth %.0f draws: neither the weighted posterior nor the evidence is to be relied on", i+1, say.Count(r.Draws, "draw"), w.ESS))
			}
		}
		if err := r.keep(i, all, write); err != nil {
			return err
		}
	}
	return nil
}

// given is the context of n draws given observation i.
func (r *Inferred) given(i, n int) *events.Table {
	return r.Given.Take(slices.Repeat([]int32{int32(i)}, n))
}

// row is what observation i has.
func (r *Inferred) row(i int) *events.Table { return r.seen.Slice(i, i+1) }

// keep takes the draws of posterior i.
func (r *Inferred) keep(i int, t *events.Table, write func(*events.Table) error) (err error) {
	if r.Each[i].Parameters, err = r.summary(t, r.row(i)); err != nil {
		return err
	}
	if i < MostShown {
		r.Shown = append(r.Shown, t)
	}
	if write == nil {
		return nil
	}
	if r.Observations > 1 {
		t = &events.Table{Weight: t.Weight, Columns: append(slices.Clone(t.Columns), events.Column{Name: number, Type: events.Int64, I64: slices.Repeat([]int64{int64(i) + 1}, t.Len())})}
	}
	return write(t)
}

// summary is what draws say of each parameter, beside its true value where the observation has that.
func (r *Inferred) summary(draws, seen *events.Table) (map[string]Parameter, error) {
	all := map[string]Parameter{}
	w, err := draws.Weights()
	if err != nil {
		return nil, err
	}
	for _, name := range r.Parameters {
		c, err := draws.Column(name)
		if err != nil {
			return nil, err
		}
		truth, _ := seen.Column(name)
		if all[name], err = newParameter(c, w, truth); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// within ends work after the seconds allowed, with a line.
func (q *Observed) within(ctx context.Context, work func(context.Context) error) error {
	if q.MaxSeconds <= 0 {
		return work(ctx)
	}
	limited, stop := context.WithTimeout(ctx, time.Duration(q.MaxSeconds*float64(time.Second)))
	defer stop()
	err := work(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fault.Of(fmt.Errorf("no posterior within %g s: %s; allow more time (--max-seconds), fewer draws (-n), or draws further beyond the trained range (--within)",
			q.MaxSeconds, strings.TrimSuffix(err.Error(), ": "+context.DeadlineExceeded.Error())))
	}
	return err
}
