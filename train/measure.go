package train

import (
	"context"
	"slices"
	"time"
)

// Pace is how fast a training goes.
type Pace struct {
	Steps      int           // of an epoch
	Measured   int           // of these
	Step       time.Duration // the median of those measured
	Validation time.Duration // after an epoch, from some of its events
}

// Epoch is the time of an epoch, with its validation.
func (p *Pace) Epoch() time.Duration { return time.Duration(p.Steps)*p.Step + p.Validation }

// Measure takes steps of a training for about so long, at least three, and validates some events. Nothing is kept of it, but the
// parameters of obj have moved.
func Measure(ctx context.Context, obj Objective, data Data, cfg Config, seed uint64, budget time.Duration) (*Pace, error) {
	t, err := newTrainer(obj, data, cfg, Options{Seed: seed}, time.Now)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for began := time.Now(); t.at.Step < t.perEpoch && (len(took) < 3 || time.Since(began) < budget); {
		rows, err := t.stream.Rows(ctx, 0, t.at.Step*t.cfg.Batch, t.cfg.Batch)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		start := time.Now()
		if err := t.step(rows); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	p := &Pace{Steps: t.perEpoch, Measured: len(took), Step: took[len(took)/2]}
	if some := data.Valid[:min(len(data.Valid), freezeEvents)]; len(some) > 0 {
		near, err := t.stream.Near(ctx, 0, t.at.Step*t.cfg.Batch-1)
		if err != nil {
			return nil, err
		}
		start := time.Now()
		t.freeze(near, freezeEvents)
		statistics := time.Since(start)
		t.obj.Loss(some)
		p.Validation = statistics + time.Duration(float64(time.Since(start)-statistics)*float64(len(data.Valid))/float64(len(some)))
	}
	return p, nil
}
