package classify

import (
	"context"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Regression predicts numbers from events.
type Regression struct {
	members       []*fitted
	columns       int
	centre, scale []float64 // of each target
}

// Regress trains a regression to the mean of each target, given the columns: the mean squared error in units of the target's standard deviation.
// Weights may be nil, of either sign, and of a positive sum. Options.Classes has no meaning, and Options.Most is that of all events.
func Regress(ctx context.Context, columns, targets [][]float64, weights []float64, o Options) (*Regression, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	n, err := checkColumns(columns)
	if err != nil {
		return nil, err
	}
	if err := checkTargets(targets, n); err != nil {
		return nil, err
	}
	if err := checkWeights(weights, n); err != nil {
		return nil, err
	}
	if n < leastEvents {
		return nil, fmt.Errorf("classify: %d events; it takes at least %d to learn from", n, leastEvents)
	}
	r := &Regression{columns: len(columns)}
	for _, y := range targets {
		centre, scale := spread(y)
		r.centre, r.scale = append(r.centre, centre), append(r.scale, scale)
	}
	for m := range o.Ensemble {
		l := learner{columns: columns, classes: 1, targets: make([][]float32, len(targets)), o: o, seed: seedOf(o.Seed, m)}
		l.train, l.valid = split([][]int32{all(n)}, o, l.seed)
		for _, part := range [][]int32{l.train, l.valid} {
			w, err := shares(weights, func(int32) int { return 0 }, part, 1)
			if err != nil {
				return nil, err
			}
			l.weight = append(l.weight, w...)
			for t, y := range targets {
				for _, e := range part {
					l.targets[t] = append(l.targets[t], float32((y[e]-r.centre[t])/r.scale[t]))
				}
			}
		}
		f, err := l.learn(ctx)
		if err != nil {
			return nil, err
		}
		r.members = append(r.members, f)
	}
	return r, nil
}

func checkTargets(targets [][]float64, events int) error {
	if len(targets) == 0 {
		return fmt.Errorf("classify: there is no target to learn")
	}
	for t, y := range targets {
		if len(y) != events {
			return fmt.Errorf("classify: target %d has %d values for %d events", t+1, len(y), events)
		}
		for i, v := range y {
			if !isFinite(v) {
				return fmt.Errorf("classify: target %d of event %d is %g: leave such events out", t+1, i+1, v)
			}
		}
	}
	return nil
}

// spread is the mean and the standard deviation, or 1 where that is 0.
func spread(y []float64) (mean, std float64) {
	for i, v := range y {
		mean += (v - mean) / float64(i+1)
	}
	for _, v := range y {
		std += (v - mean) * (v - mean) / float64(len(y))
	}
	if std = math.Sqrt(std); std == 0 || !isFinite(std) {
		std = 1
	}
	return mean, std
}

// Predict is the prediction of each target in all events of columns, a slice a target; the mean over an ensemble.
func (r *Regression) Predict(ctx context.Context, columns [][]float64) ([][]float64, error) {
	n, err := checkColumns(columns)
	if err == nil && len(columns) != r.columns {
		err = fmt.Errorf("classify: %d columns for a regression of %d", len(columns), r.columns)
	}
	if err != nil {
		return nil, err
	}
	dst := make([][]float64, len(r.centre))
	for t := range dst {
		dst[t] = make([]float64, n)
	}
	for _, m := range r.members {
		err := m.score(ctx, columns, nil, func(s *space, first, events int) {
			for t, d := range dst {
				for e := range events {
					d[first+e] += (r.centre[t] + r.scale[t]*float64(s.out[t*kernel.Tile+e])) / float64(len(r.members))
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}
