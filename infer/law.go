package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/toy"
)

// law is what is known of prior and likelihood.
type law struct {
	prior, likelihood density // nil where unknown
	needs             []string
	simulator         *toy.Simulator // whose likelihood is known, for a Markov chain
	said              string         // whose they are
	partial           bool           // the likelihood lacks a term of the observables alone, so that no evidence follows
}

// density is the log-density of each event of a table of parameters and observables, in nats.
type density func(t *events.Table) ([]float64, error)

// weighs tells whether the draws get weights.
func (q *Observed) weighs() bool { return q.Reweight || q.LogLikelihood != "" }

// law is that of the expressions, or of the simulator of the model's card. Without a prior of either it is even over the trained range.
func (q *Observed) law(c *card.Card, m *model.Model) (*law, error) {
	if q.Combine && q.weighs() {
		return nil, errors.New("--combine draws from the densities of the model: leave out --reweight and --log-likelihood")
	}
	if q.MCMC && (q.Combine || q.weighs()) {
		return nil, errors.New("--mcmc draws from prior times likelihood as they are: leave out --combine, --reweight and --log-likelihood")
	}
	known, err := q.expressions(m)
	if err != nil || known.likelihood != nil {
		return known, err
	}
	s := simulator(c)
	if s == nil || s.LogLikelihood == nil || s.LogPrior == nil {
		if q.MCMC {
			return nil, errors.New("--mcmc takes a model whose card draws from a simulator of known likelihood, without where and weight: give it one")
		}
		if q.Reweight {
			return nil, errors.New("--reweight takes a model whose card draws from a simulator of known likelihood, without where and weight: give --log-likelihood EXPR")
		}
		return known, nil
	}
	theta, x := column.Names(s.Parameters), column.Names(s.Observables)
	if q.LogPrior == "" {
		known.said, known.prior = "the prior of "+s.Name, func(t *events.Table) ([]float64, error) {
			return each(t, theta, nil, func(theta, _ []float64) float64 { return s.LogPrior(theta) })
		}
	}
	if q.MCMC {
		known.simulator, known.needs = s, append(known.needs, x...)
	}
	if q.Reweight {
		known.said, known.partial = "the likelihood of "+s.Name, s.Partial
		known.needs = append(known.needs, x...)
		known.likelihood = func(t *events.Table) ([]float64, error) { return each(t, theta, x, s.LogLikelihood) }
	}
	return known, nil
}

// simulator is that of a card whose parameters are the simulator's, all of them and with its prior; or nil.
func simulator(c *card.Card) *toy.Simulator {
	s := toy.Find(c.Toy.Name)
	if s == nil || c.Where != "" || c.Weight != "" {
		return nil
	}
	for _, name := range column.Names(s.Parameters) {
		if !slices.Contains(c.Features, name) || c.Define.Defines(name) {
			return nil
		}
	}
	if len(c.Features) != len(s.Parameters) {
		return nil
	}
	return s
}

// each is a function of parameters and observables, event by event.
func each(t *events.Table, theta, x []string, f func(theta, x []float64) float64) ([]float64, error) {
	var columns []*events.Column
	for _, name := range slices.Concat(theta, x) {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	l, row := make([]float64, t.Len()), make([]float64, len(columns))
	for i := range l {
		for k, c := range columns {
			row[k] = c.Float(i)
		}
		l[i] = f(row[:len(theta)], row[len(theta):])
	}
	return l, nil
}

// expressions are the law that the user writes down.
func (q *Observed) expressions(m *model.Model) (*law, error) {
	known := &law{}
	parameters := m.Features.Names()
	for _, e := range []struct {
		flag, expression string
		to               *density
	}{{"--log-likelihood", q.LogLikelihood, &known.likelihood}, {"--log-prior", q.LogPrior, &known.prior}} {
		if e.expression == "" {
			continue
		}
		names, err := formula.Names(e.expression)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.flag, err)
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name == "pi" })
		more := without(names, parameters)
		if len(more) == len(names) {
			return nil, fmt.Errorf("%s %s has no parameter in it: there is %q", e.flag, e.expression, parameters)
		}
		if e.flag == "--log-prior" && len(more) > 0 {
			return nil, fmt.Errorf("%s is of parameters alone: %w", e.flag, column.Missing(parameters, more...))
		}
		known.needs, known.said = append(known.needs, more...), e.flag
		*e.to = func(t *events.Table) ([]float64, error) {
			f, err := formula.Compile(t.Columns, e.expression)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.flag, err)
			}
			c, err := f.Column("", t.Columns)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.flag, err)
			}
			l, err := c.Floats(nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.flag, err)
			}
			if i := slices.IndexFunc(l, func(v float64) bool { return v != v || math.IsInf(v, 1) }); i >= 0 {
				return nil, fmt.Errorf("%s is %g where %s", e.flag, l[i], at(t, names, i))
			}
			return l, nil
		}
	}
	return known, nil
}

// at says the values of an event.
func at(t *events.Table, names []string, i int) (said string) {
	for _, name := range names {
		if c, err := t.Column(name); err == nil && c.Type != events.Text {
			if said != "" {
				said += ", "
			}
			said += fmt.Sprintf("%s = %.6g", name, c.Float(i))
		}
	}
	return said
}

// logPrior is that of each event; without a law even over the trained range of each parameter.
func (k *law) logPrior(m *model.Model, t *events.Table) ([]float64, error) {
	if k.prior != nil {
		return k.prior(t)
	}
	l := make([]float64, t.Len())
	for i := range m.Features.Columns {
		f := &m.Features.Columns[i]
		c, err := t.Column(f.Name)
		if err != nil {
			return nil, err
		}
		low, high := f.Trained()
		for e := range l {
			if v := c.Float(e); v < low || v > high {
				l[e] = math.Inf(-1)
			} else if high > low {
				l[e] -= math.Log(high - low)
			}
		}
	}
	return l, nil
}

// Weights are those that make draws of a model follow prior times likelihood.
type Weights struct {
	ESS         float64  `json:"ess"`        // so many independent draws without weights they are worth,
	Efficiency  float64  `json:"efficiency"` // as a share of all
	Largest     float64  `json:"largest"`    // weight, as a share of their sum
	Impossible  int      `json:"impossible"` // draws of density 0
	LogEvidence *float64 `json:"log_evidence,omitempty"`
	Error       *float64 `json:"log_evidence_error,omitempty"`
}

// doubtful tells whether the weights are worth too little.
func (w *Weights) doubtful() bool { return w.ESS < 100 || w.Efficiency < 0.01 }

// weigh puts the weights prior times likelihood over the model's density beside draws given an observation, scaled to a mean of 1. Inside is the share of the
// model's density that the draws come from.
func (k *law) weigh(m *model.Model, t, seen *events.Table, inside float64) (*Weights, error) {
	log, err := k.posterior(m, t, seen)
	if err != nil {
		return nil, fault.Of(err)
	}
	proposed, err := m.LogProb(t, 0)
	if err != nil {
		return nil, err
	}
	for i := range log {
		log[i] -= proposed[i]
	}
	most := slices.Max(log)
	if math.IsInf(most, -1) {
		return nil, fault.Of(fmt.Errorf("%s is 0 for all %d draws: there is nothing to weight", k.said, len(log)))
	}
	w, largest := &Weights{}, 0.
	sum, squares := 0., 0.
	for i, l := range log {
		if math.IsInf(l, -1) {
			w.Impossible++
		}
		log[i] = math.Exp(l - most)
		sum, squares, largest = sum+log[i], squares+log[i]*log[i], max(largest, log[i])
	}
	n := float64(len(log))
	w.ESS, w.Largest = sum*sum/squares, largest/sum
	w.Efficiency = w.ESS / n
	if !k.partial {
		evidence, err := most+math.Log(sum/n)+math.Log(inside), math.Sqrt(max(1/w.ESS-1/n, 0))
		w.LogEvidence, w.Error = &evidence, &err
	}
	for i := range log {
		log[i] *= n / sum
	}
	t.Set(events.Column{Name: weight, Type: events.Float64, F64: log})
	t.Weight = weight
	return w, nil
}

// posterior is prior times likelihood of draws given an observation, as a logarithm, up to the evidence.
func (k *law) posterior(m *model.Model, draws, seen *events.Table) ([]float64, error) {
	t := &events.Table{Columns: slices.Clone(draws.Columns)}
	repeated := seen.Take(make([]int32, draws.Len()))
	for _, name := range k.needs {
		c, err := repeated.Column(name)
		if err != nil {
			return nil, err
		}
		t.Set(*c)
	}
	l, err := k.likelihood(t)
	if err != nil {
		return nil, err
	}
	prior, err := k.logPrior(m, t)
	if err != nil {
		return nil, err
	}
	for i := range l {
		l[i] += prior[i]
	}
	return l, nil
}
