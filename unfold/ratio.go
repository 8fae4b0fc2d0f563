package unfold

import (
	"context"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/rng"
)

// points are events by columns that a classifier sees.
type points struct {
	name    string // for errors
	columns [][]float64
	weight  []float64
}

// learner trains the classifiers of one unfolding; each has a seed of its own.
type learner struct {
	seed     uint64
	trained  uint32
	networks int
	threads  int
}

// ratio is, at each of at, how many times more there is of a than of b: the ratio of their densities, each times the sum of its weights. By it, the sum of the weights of b
// becomes that of a, as it must, whatever the classifier errs.
func (l *learner) ratio(ctx context.Context, a, b points, at [][]float64) ([]float64, error) {
	all := classify.Events{Columns: make([][]float64, len(at))}
	var rows []int32
	sums := [2]float64{}
	for label, p := range []points{b, a} {
		for c, x := range p.columns {
			all.Columns[c] = append(all.Columns[c], x...)
		}
		for _, w := range p.weight {
			if w != 0 { // as in a bootstrap
				rows = append(rows, int32(len(all.Label)))
			}
			all.Label, all.Weights = append(all.Label, label), append(all.Weights, w)
			sums[label] += w
		}
		if !(sums[label] > 0) {
			return nil, fmt.Errorf("the weights of %s sum to %g; they must sum to a positive number", p.name, sums[label])
		}
	}
	l.trained++
	c, err := classify.Train(ctx, all, rows, classify.Options{
		Hidden: []int{32, 32}, Epochs: 15, Patience: 3, Most: -1, Ensemble: l.networks, Threads: l.threads, Seed: rng.New(l.seed, rng.StreamUnfold, l.trained).Uint64() >> 1,
	})
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", a.name, b.name, err)
	}
	own, err := c.Logits(ctx, b.columns, nil)
	if err != nil {
		return nil, err
	}
	var weighed float64
	for i, f := range own {
		weighed += b.weight[i] * math.Exp(f)
	}
	if !(weighed > 0) {
		return nil, fmt.Errorf("the weights of %s sum to %g once they are made to look like %s; they must sum to a positive number", b.name, weighed, a.name)
	}
	r, err := c.Logits(ctx, at, nil)
	for i, f := range r {
		r[i] = math.Exp(f) * sums[1] / weighed
	}
	return r, err
}

// share is the probability of the events at to be of a, among those of a and b; 1 where there is nothing of b.
func (l *learner) share(ctx context.Context, a, b points, at [][]float64) ([]float64, error) {
	p := make([]float64, len(at[0]))
	nothing := true
	for _, w := range b.weight {
		nothing = nothing && w == 0
	}
	if nothing {
		for i := range p {
			p[i] = 1
		}
		return p, nil
	}
	r, err := l.ratio(ctx, a, b, at)
	for i, v := range r {
		p[i] = v / (1 + v)
	}
	return p, err
}
