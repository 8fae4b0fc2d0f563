package classify

import (
	"context"
	"fmt"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Classifier tells classes apart, whichever of them an event is more likely from where all classes are as likely before.
type Classifier struct {
	Classes int
	Events  []int // of each class that it was trained on, those to validate by included
	members []*fitted
	columns int
}

// Train trains a classifier on the events in rows, all of them where that is nil. It is an error if a class has fewer than 10 events, or no
// positive sum of weights, and if no column has two values. The result depends on the arguments alone, not on the threads.
func Train(ctx context.Context, e Events, rows []int32, o Options) (*Classifier, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	n, err := e.check(o.Classes)
	if err != nil {
		return nil, err
	}
	if rows == nil {
		rows = all(n)
	}
	classes := byClass(e.Label, rows, o.Classes)
	c := &Classifier{Classes: o.Classes, columns: len(e.Columns)}
	for k, of := range classes {
		if len(of) < leastEvents {
			return nil, fmt.Errorf("classify: class %d has %d events; it takes at least %d to learn from", k, len(of), leastEvents)
		}
		if o.Most > 0 {
			of = of[:min(len(of), o.Most)]
		}
		c.Events = append(c.Events, len(of))
	}
	for m := range o.Ensemble {
		f, err := e.learn(ctx, classes, o, seedOf(o.Seed, m))
		if err != nil {
			return nil, err
		}
		c.members = append(c.members, f)
	}
	return c, nil
}

// learn trains one member.
func (e *Events) learn(ctx context.Context, classes [][]int32, o Options, seed uint64) (*fitted, error) {
	l := learner{columns: e.Columns, classes: o.Classes, o: o, seed: seed}
	l.train, l.valid = split(classes, o, seed)
	for _, part := range [][]int32{l.train, l.valid} {
		w, err := shares(e.Weights, func(r int32) int { return e.Label[r] }, part, o.Classes)
		if err != nil {
			return nil, err
		}
		l.weight = append(l.weight, w...)
		for _, r := range part {
			l.class = append(l.class, float32(e.Label[r]))
		}
	}
	return l.learn(ctx)
}

// Logits are log p1(x)/p0(x) of the densities of two classes in the events in rows of columns, in all of them where rows is nil; the mean over an
// ensemble. They are within 20 of 0.
func (c *Classifier) Logits(ctx context.Context, columns [][]float64, rows []int32) ([]float64, error) {
	if c.Classes != 2 {
		return nil, fmt.Errorf("classify: one logit an event is for two classes, not %d", c.Classes)
	}
	return c.outputs(ctx, columns, rows, 1, func(s *space, _, e int) float64 { return float64(s.out[e]) })
}

// LogProb is the logarithm of the probability of each class in each event, where all classes are as likely before: event after event,
// Classes numbers each.
func (c *Classifier) LogProb(ctx context.Context, columns [][]float64, rows []int32) ([]float64, error) {
	return c.outputs(ctx, columns, rows, c.Classes, func(s *space, k, e int) float64 {
		if c.Classes > 2 {
			return float64(s.out[k*kernel.Tile+e]) - logSumExp(s.out, e)
		}
		both := [2 * kernel.Tile]float32{kernel.Tile: s.out[e]} // the logits of the two, 0 and f
		return float64(both[k*kernel.Tile]) - logSumExp(both[:], 0)
	})
}

// outputs are the means over the members of so many numbers an event.
func (c *Classifier) outputs(ctx context.Context, columns [][]float64, rows []int32, width int, of func(s *space, k, e int) float64) ([]float64, error) {
	n, err := checkColumns(columns)
	if err == nil && len(columns) != c.columns {
		err = fmt.Errorf("classify: %d columns for a classifier of %d", len(columns), c.columns)
	}
	if err != nil {
		return nil, err
	}
	if rows != nil {
		n = len(rows)
	}
	dst := make([]float64, n*width)
	for _, m := range c.members {
		err := m.score(ctx, columns, rows, func(s *space, first, events int) {
			bounded(s)
			for e := range events {
				for k := range width {
					dst[(first+e)*width+k] += of(s, k, e) / float64(len(c.members))
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return dst, nil
}
