package infer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/mcmc"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/toy"
)

// exact is the posterior by the likelihood of a simulator, over the prepared features of a model, of which it takes nothing but these: they have no edges, and
// fractions are one fewer.
type exact struct {
	m          *model.Model
	s          *toy.Simulator
	parameters []int     // their places among the features
	x          []float64 // what was observed
}

const (
	apart = 20 // nats below the likeliest, after a first stretch, where no walker begins again
	tried = 50 // places for each walker to start at, the likeliest of which are taken
)

// newExact takes an observation, a row.
func newExact(m *model.Model, s *toy.Simulator, seen *events.Table) (*exact, error) {
	for _, f := range m.Features.Layout() {
		if f.Categories > 0 || f.By >= 0 {
			return nil, fmt.Errorf("--mcmc takes parameters of continuous values: %q has others", f.Name)
		}
	}
	d := &exact{m: m, s: s}
	for _, name := range column.Names(s.Parameters) {
		d.parameters = append(d.parameters, slices.Index(m.Features.Names(), name))
	}
	for _, name := range column.Names(s.Observables) {
		c, err := seen.Column(name)
		if err != nil {
			return nil, err
		}
		d.x = append(d.x, c.Float(0))
	}
	return d, nil
}

// table are the parameters of features, a row each, and the log-determinants of the way there.
func (d *exact) table(features [][]float64) (*events.Table, []float64, error) {
	columns := make([][]float32, d.m.Features.Dim())
	for k := range columns {
		columns[k] = make([]float32, len(features))
		for i, u := range features {
			columns[k][i] = float32(u[k])
		}
	}
	return d.m.Features.Invert(columns)
}

// logDensity is that of the features.
func (d *exact) logDensity(u []float64) float64 {
	t, logDet, err := d.table([][]float64{u})
	if err != nil {
		return math.NaN()
	}
	theta := make([]float64, len(d.parameters))
	for k, at := range d.parameters {
		theta[k] = t.Columns[at].Float(0)
	}
	prior := d.s.LogPrior(theta)
	if math.IsInf(prior, -1) {
		return prior
	}
	return prior + d.s.LogLikelihood(theta, d.x) + logDet[0]
}

// start are the likeliest of normal features.
func (d *exact) start(seed uint64) [][]float64 {
	dim := d.m.Features.Dim()
	n := max(walkers, 6*dim+dim%2)
	n += n % 2
	random := rng.New(seed, rng.StreamChain, 1)
	rows, l, order := make([][]float64, tried*n), make([]float64, tried*n), make([]int, tried*n)
	for i := range rows {
		for range dim {
			rows[i] = append(rows[i], random.NormFloat64())
		}
		order[i], l[i] = i, d.logDensity(rows[i])
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(l[b], l[a]) })
	start := make([][]float64, n)
	for w := range start {
		start[w] = rows[order[w]]
	}
	return start
}

// again are the places, after a first stretch, of walkers that are near the likeliest: others may be where no line between walkers leads away
// from (Hou et al., arXiv:1104.2612).
func (d *exact) again(ctx context.Context, start [][]float64, seed uint64) ([][]float64, error) {
	draws, _, err := mcmc.Run(ctx, d.logDensity, start, firstSteps, seed, 1)
	var short *mcmc.ShortError
	if err != nil && !errors.As(err, &short) {
		return nil, err
	}
	last := draws[len(draws)-tried*len(start):]
	l, order := make([]float64, len(last)), make([]int, len(last))
	for i := range last {
		l[i], order[i] = d.logDensity(last[i]), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(l[b], l[a]) })
	near := 0
	for near < len(order) && (near < 2*len(start) || l[order[near]] > l[order[0]]-apart) {
		near++
	}
	again := make([][]float64, len(start))
	for w := range again {
		again[w] = last[order[w*near/len(again)]]
	}
	return again, nil
}

// markov draws from the posterior given observation i by a Markov chain.
func (q *Observed) markov(ctx context.Context, m *model.Model, s *toy.Simulator, r *Inferred, i int, o apply.Options) (*events.Table, error) {
	d, err := newExact(m, s, r.row(i))
	if err != nil {
		return nil, fault.Of(err)
	}
	start, err := await.Do(ctx, "the start of the Markov chain", func() ([][]float64, error) { return d.again(ctx, d.start(q.Seed), q.Seed) })
	if err != nil {
		return nil, err
	}
	r.Each[i].Chain = &mcmc.Diagnostics{}
	told, of := r.Each[i].Chain, fmt.Sprintf("observation %d", i+1)
	chain, err := settle(ctx, of, d.logDensity, start, 0, q.Seed, 1, told)
	if ess := slices.Min(append(told.ESS, math.Inf(1))); err == nil && ess < float64(r.Draws) { // as many as are independent
		chain, err = settle(ctx, of, d.logDensity, start, int(1.1*float64(r.Draws)/ess*float64(told.Steps)), q.Seed, 1, told)
	}
	if err != nil {
		return nil, err
	}
	rows := make([][]float64, r.Draws)
	for k := range rows { // as far from each other as can be
		rows[k] = chain[k*len(chain)/len(rows)]
	}
	t, _, err := d.table(rows)
	o.Notice(fmt.Sprintf("observation %d by a Markov chain: %d steps of %d walkers, an autocorrelation time of %.0f, %.0f %% of moves taken, worth %.0f independent draws",
		i+1, told.Steps, told.Walkers, slices.Max(told.Tau), 100*told.Acceptance, slices.Min(told.ESS)))
	return t, err
}

// settle takes as many steps of a chain as its autocorrelation times ask for, and those after the burn-in at least.
func settle(ctx context.Context, of string, density func([]float64) float64, start [][]float64, least int, seed uint64, threads int, told *mcmc.Diagnostics) (draws [][]float64, err error) {
	for steps := min(max(firstSteps, least*4/3+1), mostSteps); ; {
		draws, err = await.Do(ctx, "the Markov chain of "+of, func() (x [][]float64, err error) {
			x, *told, err = mcmc.Run(ctx, density, start, steps, seed, threads)
			return x, err
		})
		var short *mcmc.ShortError
		if !errors.As(err, &short) {
			return draws, err
		}
		if steps = max(2*steps, int(1.3*50*short.Tau)); steps > mostSteps {
			return nil, fault.Of(fmt.Errorf("%s: the chain does not settle in %d steps: %w", of, mostSteps, err))
		}
	}
}
