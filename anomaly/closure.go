package anomaly

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/stats"
)

// closure searches in events without signal, each time all anew: their masses are drawn from the smooth function fitted to the sidebands, bin by bin, and their
// features, given these, from a density of the card, trained on true background of all masses, or, without labels, on the sidebands. (A bootstrap of the
// events would not do: its spectra scatter about one that has itself scattered about a smooth function, so that every p is too small, and its
// copies of one event would be in trainings and in what these score.)
func (s *search) closure(ctx context.Context) error {
	n, method := s.data.search.Pseudo, hunter(s.Order)
	if n == 0 || method == "" {
		return nil
	}
	c := &Closure{Method: method}
	var from *model.Model
	for k := range n {
		name := fmt.Sprintf("without signal, %d of %d: ", k+1, n)
		f := &found{}
		err := s.Kept.Do(name, f, func() (err error) {
			if from == nil {
				s.Stage("density of background for events without signal")
				if from, err = s.pure(ctx); err != nil {
					return err
				}
			}
			t, err := s.without(from, rng.New(s.card.Seed, rng.StreamSearch, 1<<16+uint32(k)))
			if err != nil {
				return err
			}
			now, err := t.find(ctx, []string{method}, detail{selections: true, experiments: min(s.data.search.Experiments, closureExperiments)}, func(part string) { s.Stage(name + part) })
			if err == nil {
				*f = *now
			}
			return err
		})
		if err != nil {
			return err
		}
		c.add(f.Methods[method])
	}
	if from != nil {
		from.Density.Close()
	}
	if len(c.GlobalP) == 0 || len(c.LocalP) == 0 {
		s.warn(fmt.Sprintf("no closure: too few events without signal are left by %s to hunt in", method))
		return nil
	}
	c.KSP, c.LocalKS = stats.Uniform(c.GlobalP).P, stats.Uniform(c.LocalP).P
	s.Closure = c
	return nil
}

func (c *Closure) add(s *scored) {
	if p := s.Selections[0].LocalP; p > 0 {
		c.LocalP = append(c.LocalP, p)
	}
	if s.Hunt == nil {
		c.None++
		return
	}
	c.GlobalP = append(c.GlobalP, s.Hunt.GlobalP)
}

// pure is a density of background.
func (s *search) pure(ctx context.Context) (*model.Model, error) {
	t, err := s.data.trial(s.card.Seed, s.data.search.SignalEvents[0], s.Threads)
	if err != nil {
		return nil, err
	}
	rows := t.rows[t.inside:]
	if t.signal != nil {
		rows = t.where(func(i int) bool { return !t.signal[i] })
	}
	d, err := fit.Load(ctx, t.densityCard(rows, t.seed), fit.Options{Threads: t.threads})
	if err != nil {
		return nil, err
	}
	m, _, err := d.Train(ctx, fit.Options{Threads: t.threads})
	return m, err
}

// without is a trial of events without signal.
func (s *search) without(from *model.Model, r *rng.Source) (*trial, error) {
	edges := s.spectrum.Edges
	var mass []float64
	for k, mean := range s.smooth.Expected {
		for range int(distuv.Poisson{Lambda: mean, Src: r}.Rand()) {
			mass = append(mass, edges[k]+(edges[k+1]-edges[k])*r.Float64())
		}
	}
	seed := r.Uint64() >> 1
	given := events.Column{Name: s.card.Context[0], Type: events.Float64, F64: mass}
	drawn, _, err := from.SampleWithin(len(mass), &events.Table{Columns: []events.Column{given}}, seed, 0, float64(s.card.Sample.Within))
	if err != nil {
		return nil, err
	}
	d := &data{card: s.card, search: s.data.search, region: s.region, Table: drawn, mass: mass}
	d.search.Label, d.search.Sidebands = "", prep.Limits{Low: edges[0], High: edges[len(edges)-1]}
	for _, name := range s.card.Features {
		x, err := d.floats(name)
		if err != nil {
			return nil, err
		}
		d.features = append(d.features, x)
	}
	return d.trial(seed, 0, s.Threads)
}
