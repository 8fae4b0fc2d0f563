package classify

import (
	"context"
	"fmt"

	"github.com/sluice-hep/sluice/internal/rng"
)

// HeldOut are logits of events by classifiers that have not seen them.
type HeldOut struct {
	Logits []float64
	Fold   []uint8 // of each event, from 0 on
	Folds  int
	Events []int // of each class, the most that one classifier was trained on
}

// CrossFit trains a classifier on all folds but one, for each of them, and scores that one: every event has a logit.
//
// The logits of different folds depend on each other through their trainings: what is summed over folds scatters more than independent
// scores would (for a linear discriminant of equal distributions by a factor of 1.4). A test goes by Forward.
func CrossFit(ctx context.Context, e Events, folds int, o Options) (*HeldOut, error) {
	return heldOut(ctx, e, folds, 0, o, func(fold, of uint8) bool { return of != fold })
}

// Forward scores each fold but the first by a classifier trained on the folds before it, so that, given these, the labels of a fold are independent of
// its scores wherever classes are of one distribution: a sum over folds is that of a martingale. The logits of the first are 0.
func Forward(ctx context.Context, e Events, folds int, o Options) (*HeldOut, error) {
	return heldOut(ctx, e, folds, 1, o, func(fold, of uint8) bool { return of < fold })
}

func heldOut(ctx context.Context, e Events, folds, first int, o Options, trains func(fold, of uint8) bool) (*HeldOut, error) {
	if folds < 2 || folds > 100 {
		return nil, fmt.Errorf("classify: %d folds; it takes 2 to 100", folds)
	}
	n, err := e.check(2)
	if err != nil {
		return nil, err
	}
	h := &HeldOut{Logits: make([]float64, n), Fold: assign(e.Label, folds, o.Seed), Folds: folds}
	for k := first; k < folds; k++ {
		var rows, out []int32
		for i, f := range h.Fold {
			switch {
			case trains(uint8(k), f):
				rows = append(rows, int32(i))
			case f == uint8(k):
				out = append(out, int32(i))
			}
		}
		own := o
		own.Classes, own.Seed = 2, seedOf(o.Seed, k)
		c, err := Train(ctx, e, rows, own)
		if err != nil {
			return nil, err
		}
		h.Events = c.Events
		logits, err := c.Logits(ctx, e.Columns, out)
		if err != nil {
			return nil, err
		}
		for i, r := range out {
			h.Logits[r] = logits[i]
		}
	}
	return h, nil
}

// assign draws the folds, with the same share of each class in all of them.
func assign(label []int, folds int, seed uint64) []uint8 {
	fold := make([]uint8, len(label))
	for k, rows := range byClass(label, all(len(label)), 2) {
		rng.New(seed, rng.StreamTest, subFolds+uint32(k)<<8).Shuffle(rows)
		for i, r := range rows {
			fold[r] = uint8(i % folds)
		}
	}
	return fold
}
