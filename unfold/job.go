package unfold

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/validate"
)

// job is a simulation and data.
type job struct {
	card      *card.Card
	plan      card.Unfold
	sim, data *sample
	posterior *posterior // nil unless a method needs one

	edges [][]float64 // of each feature
	pairs []int       // the context column that measures each; -1 for none

	// Columns of the simulation: of events that pass both selections, of those that pass one, and of the measured data.
	bothTruth, bothReco, allTruth, allReco, measured [][]float64
}

// replica is a job with weights of its own: those of a bootstrap, or the events' own in number 0.
type replica struct {
	*job
	learner
	number                int
	simWeight, dataWeight []float64
	first                 []float32 // parameters that the flow starts with; nil for none
}

// step is what an iteration leaves.
type step struct {
	Cloud
	Folded      float64 // chi2/ndf of the weighed simulation and the data in the measured columns
	Calibration *validate.Calibration
}

func load(ctx context.Context, c *card.Card) (*job, error) {
	j := &job{card: c, plan: c.Unfolding()}
	q, err := c.AnalysisQuery("")
	if err != nil {
		return nil, err
	}
	if j.plan.Prior != "" {
		q.Define = append(slices.Clone(q.Define), query.Definition{Name: priorColumn, Expr: j.plan.Prior})
	}
	if j.sim, err = j.simulation("the simulation", j.plan.Prior != "").read(ctx, q); err != nil {
		return nil, err
	}
	if err := j.sim.usable("the simulation", c); err != nil {
		return nil, err
	}
	if err := j.readData(ctx, q); err != nil {
		return nil, err
	}
	if j.plan.Fakes == "subtracted" {
		j.sim.subtract(j.data, j.plan.Luminosity)
		if w := sum(j.data.weight, nil, j.data.isReco); !(w > 0) {
			return nil, fmt.Errorf("unfold.luminosity: without the fakes that the simulation expects, the data weigh %g; it must be a positive number", w)
		}
	}
	for f, name := range c.Features {
		edges := j.plan.Edges[name]
		if edges == nil {
			if edges = newEdges(pick(j.sim.truth[f], j.sim.isTruth), j.plan.Bins); len(edges) < 3 {
				return nil, fmt.Errorf("%s has no two values in the simulation to bin: take it out of the features, or give unfold.edges", name)
			}
		}
		for b, n := range j.sim.count(f, edges) {
			if n == 0 {
				return nil, fmt.Errorf("unfold.edges.%s: no event of the simulation that is unfolded to has %s from %g to %g, so nothing can be unfolded there: join that bin with another", name, name, edges[b], edges[b+1])
			}
		}
		j.edges = append(j.edges, edges)
		j.pairs = append(j.pairs, slices.Index(c.Context, j.plan.Pairs[name]))
	}
	j.arrange()
	return j, nil
}

// count is how many of the events that are unfolded to are in each bin of a feature.
func (s *sample) count(feature int, edges []float64) []float64 {
	ones := make([]float64, len(s.isTruth))
	for i := range ones {
		ones[i] = 1
	}
	h := fill(edges, pick(s.truth[feature], s.isTruth), ones)
	return h[1 : len(h)-1]
}

// simulation says what there is to read of one.
func (j *job) simulation(name string, prior bool) *reader {
	r := &reader{name: name, truth: j.card.Features, reco: j.card.Context, weight: j.card.Weight, passTruth: j.plan.PassTruth, passReco: j.plan.PassReco}
	if prior {
		r.prior = priorColumn
	}
	return r
}

// readData reads the data as q reads the simulation.
func (j *job) readData(ctx context.Context, q query.Query) (err error) {
	c, u := j.card, &j.plan
	r := &reader{name: "the data", reco: c.Context, weight: u.DataWeight, passReco: u.PassReco, mayLackPass: !u.Known}
	own, err := c.DataQuery(0)
	if err != nil {
		return err
	}
	own.Reading, own.Define, own.Where, own.Units = q.Reading, slices.Clone(c.Define), q.Where, q.Units
	if u.Known {
		r.truth, r.passTruth = c.Features, u.PassTruth
	} else {
		own.Lacking, own.Define = true, usable(own.Define, c.Context, u)
	}
	if j.data, err = r.read(ctx, own); err != nil {
		return err
	}
	if len(j.data.isReco) < least {
		return fmt.Errorf("the data: %d of %d events are measured (%s): an unfolding takes at least %d", len(j.data.isReco), len(j.data.weight), orAll(u.PassReco), least)
	}
	if w := sum(j.data.weight, nil, j.data.isReco); !(w > 0) {
		return fmt.Errorf("the data: the weights of the %d measured events sum to %g; they must sum to a positive number", len(j.data.isReco), w)
	}
	return nil
}

// usable are the definitions that measured columns follow from: those of true columns are for the simulation alone.
func usable(all query.Definitions, context []string, u *card.Unfold) (some query.Definitions) {
	needed := map[string]bool{u.DataWeight: true, u.PassReco: true}
	for _, name := range context {
		needed[name] = true
	}
	for _, d := range slices.Backward(all) {
		if needed[d.Name] {
			some = append(some, d)
			names, _ := formula.Names(d.Expr)
			for _, name := range names {
				needed[name] = true
			}
		}
	}
	slices.Reverse(some)
	return some
}

// arrange takes out the columns that the methods see.
func (j *job) arrange() {
	s := j.sim
	j.bothTruth, j.bothReco = pickAll(s.truth, s.both), pickAll(s.reco, s.both)
	j.allTruth, j.allReco = pickAll(s.truth, s.isTruth), pickAll(s.reco, s.isReco)
	j.measured = pickAll(j.data.reco, j.data.isReco)
}

// prepare readies the flow, if a method has one.
func (j *job) prepare(ctx context.Context, o fit.Options) (err error) {
	if slices.Contains(j.plan.Methods, "iterated") {
		j.posterior, err = j.newPosterior(ctx, j.sim, o)
	}
	return err
}

// replica is that of a number: 0 has the events' own weights, of the others each event counts as often as a Poisson number of mean 1 says.
func (j *job) replica(number, threads int) *replica {
	r := &replica{job: j, number: number, simWeight: j.sim.weight, dataWeight: j.data.weight}
	r.learner = learner{seed: j.card.Seed, networks: j.plan.Networks, threads: threads}
	if number == 0 {
		return r
	}
	r.networks = 1
	r.seed = rng.New(j.card.Seed, rng.StreamUnfold, 1<<24+uint32(number)).Uint64() >> 1
	for k, w := range []*[]float64{&r.simWeight, &r.dataWeight} {
		*w = slices.Clone(*w)
		u := make([]float64, len(*w))
		rng.Uniform(u, r.seed, rng.StreamUnfold, 1<<25+uint32(k), 0)
		for i := range u {
			(*w)[i] *= poisson(u[i])
		}
	}
	return r
}

// poisson is the number of mean 1 whose cumulative probability u is.
func poisson(u float64) (n float64) {
	p := math.Exp(-1)
	for u > p && n < 20 {
		u -= p
		n++
		p /= n
	}
	return n
}

// step measures how far the weighed simulation is from the data where both are measured.
func (w *weighing) step(c Cloud) step {
	s := step{Cloud: c}
	if w.number > 0 {
		return s
	}
	var sum float64
	var ndf int
	rows := w.sim.isReco
	weight := w.weights(rows, true)
	square := make([]float64, len(weight))
	for i, v := range weight {
		square[i] = v * v
	}
	data := pick(w.dataWeight, w.data.isReco)
	ofData := make([]float64, len(data))
	for i, v := range data {
		ofData[i] = v * v
	}
	for c, y := range w.allReco {
		edges := newEdges(y, w.plan.Bins)
		a, b := fill(edges, y, weight), fill(edges, w.measured[c], data)
		va, vb := fill(edges, y, square), fill(edges, w.measured[c], ofData)
		for k := range a {
			if v := va[k] + vb[k]; v > 0 {
				sum += (a[k] - b[k]) * (a[k] - b[k]) / v
				ndf++
			}
		}
	}
	s.Folded = sum / float64(max(ndf, 1))
	return s
}
