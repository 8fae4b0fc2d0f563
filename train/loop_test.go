package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustRun(t *testing.T, obj Objective, data Data, cfg Config, opts Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), obj, data, cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunReachesTheMaximumLikelihood(t *testing.T) {
	const n = 4000
	for name, cfg := range map[string]Config{
		"adam":     {LR: 0.05, Optimiser: "adam", EMA: -1},
		"adamw":    {LR: 0.05, Optimiser: "adamw", EMA: 0.9, WeightDecay: -1},
		"sgd":      {LR: 0.05, Optimiser: "sgd", EMA: -1},
		"nesterov": {LR: 0.05, Optimiser: "sgd", EMA: -1, Nesterov: true, Schedule: Schedule{Type: "step", Every: 5, Gamma: 0.3}},
	} {
		cfg.Epochs, cfg.Batch, cfg.Patience = 20, 100, -1
		obj, data := newGaussian(n), samples(n, cfg)
		var sum, sum2 float64
		for _, r := range data.Train {
			sum += float64(obj.x[r])
			sum2 += float64(obj.x[r]) * float64(obj.x[r])
		}
		k := float64(len(data.Train))
		entropy := 0.5*math.Log(2*math.Pi*(sum2/k-sum*sum/k/k)) + 0.5 // the lowest loss there is on these events
		r := mustRun(t, obj, data, cfg, Options{Seed: 1})
		// Near its minimum the loss is quadratic: 3e-3 nats are parameters within about 0.05 widths. The kept
		// epoch is chosen by 400 other events, on which a width of 0.05 is one standard error.
		if d := float64(r.TrainNLL) - entropy; d < -1e-6 || d > 3e-3 {
			t.Errorf("%s: training loss %v, lowest possible %v", name, r.TrainNLL, entropy)
		}
		if r.Epochs != 20 || r.Steps != 20*32 || len(r.History) != 20 {
			t.Errorf("%s: %d epochs, %d steps, %d in the history; want 20, 640, 20", name, r.Epochs, r.Steps, len(r.History))
		}
		best := slices.MinFunc(r.History, func(a, b Epoch) int { return compareNLL(a.ValidNLL, b.ValidNLL) })
		if best.Epoch != r.BestEpoch || best.ValidNLL != r.ValidNLL {
			t.Errorf("%s: best epoch %d with %v, but the history says %v", name, r.BestEpoch, r.ValidNLL, best)
		}
		if got := obj.loss(data.Valid); got != float64(r.ValidNLL) {
			t.Errorf("%s: the parameters left score %v, not the best %v", name, got, r.ValidNLL)
		}
		if got := obj.loss(data.Test); got != float64(r.TestNLL) {
			t.Errorf("%s: test loss %v, the parameters left score %v", name, r.TestNLL, got)
		}
	}
}

func compareNLL(a, b NLL) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestEpochsTakeEveryEventInNewOrder(t *testing.T) {
	for _, c := range []struct{ n, batch, steps, short int }{
		{100, 20, 5, 20}, // whole batches
		{110, 20, 6, 10}, // half a batch is used
		{109, 20, 5, 20}, // less is left out
		{20, 20, 1, 20},
	} {
		obj := newGaussian(c.n)
		var all []int32
		var sizes []int
		obj.seen = func(rows []int32) {
			all = append(all, rows...)
			sizes = append(sizes, len(rows))
		}
		rows := upTo(c.n)
		r := mustRun(t, obj, Data{Train: rows}, Config{Epochs: 2, Batch: c.batch}, Options{Seed: 3})
		if r.Steps != 2*c.steps || sizes[c.steps-1] != c.short {
			t.Errorf("%d events in batches of %d: sizes %v", c.n, c.batch, sizes)
		}
		first, second := slices.Clone(all[:len(all)/2]), slices.Clone(all[len(all)/2:])
		if c.n > 20 && slices.Equal(first, second) {
			t.Errorf("%d events: two epochs in one order", c.n)
		}
		slices.Sort(first)
		if len(slices.Compact(first)) != len(all)/2 {
			t.Errorf("%d events: an event came twice in an epoch", c.n)
		}
	}
}

func TestEarlyStoppingKeepsTheFirstOfEquals(t *testing.T) {
	obj := newGaussian(100)
	losses := []float64{3, 2, 2, 1.5, 1.5, 1.7, 1.5, 1.5}
	var kept []float32
	k := 0
	obj.valid = func(l float64) float64 {
		if k == len(losses) { // the final judgement
			return l
		}
		if k == 3 {
			kept = slices.Clone(obj.params)
		}
		k++
		return losses[k-1]
	}
	cfg := Config{Epochs: 8, Batch: 10, Patience: 4}
	r := mustRun(t, obj, samples(100, cfg), cfg, Options{})
	if r.BestEpoch != 4 || r.Epochs != 8 || r.ValidNLL != 1.5 || !slices.Equal(kept, obj.params) {
		t.Errorf("best epoch %d of %d with %v", r.BestEpoch, r.Epochs, r.ValidNLL)
	}
	k, losses = 0, append(losses[:6], 1.6, 1.9, 1)
	cfg = Config{Epochs: 50, Batch: 10, Patience: 3}
	if r = mustRun(t, obj, samples(100, cfg), cfg, Options{}); r.Epochs != 7 || r.BestEpoch != 4 {
		t.Errorf("with a patience of 3: stopped after %d epochs, best %d; want 7 and 4", r.Epochs, r.BestEpoch)
	}
}

// By default a training ends after ten epochs, and a fifth of it, without a better validation; the fifth may be of its time.
func TestTrainingsThatStopImprovingEnd(t *testing.T) {
	const best = 3
	for _, c := range []struct {
		cfg    Config
		epochs int
	}{
		{Config{Epochs: 40}, best + 10},
		{Config{Epochs: 100}, best + 20},
		{Config{Epochs: 12}, 12},
		{Config{Epochs: 40, Patience: -1}, 40},
		{Config{Epochs: 40, Patience: 2}, best + 2},
		{Config{Epochs: 40, Valid: -1}, 40},
		{Config{Epochs: 1000, MaxSeconds: 100}, best + 20}, // of a second each
		{Config{Epochs: 1000, MaxSeconds: 20}, best + 10},
	} {
		c.cfg.Batch = 100
		obj, at := newGaussian(100), time.Unix(0, 0)
		data := samples(100, c.cfg)
		epoch := 0
		obj.valid = func(float64) float64 {
			epoch++
			return math.Abs(float64(epoch - best))
		}
		data.Train = upTo(100)
		now := func() time.Time { return at.Add(time.Duration(obj.calls) * time.Second) }
		r, err := run(t.Context(), obj, data, c.cfg, Options{}, now)
		if err != nil {
			t.Fatal(err)
		}
		if r.Epochs != c.epochs {
			t.Errorf("%+v: ended after epoch %d, not %d", c.cfg, r.Epochs, c.epochs)
		}
		if told := len(r.Notices) > 0 && strings.Contains(r.Notices[0], "no validation was better than that of epoch 3"); told != (c.epochs < c.cfg.Epochs) {
			t.Errorf("%+v: %q", c.cfg, r.Notices)
		}
	}
}

func TestStepThatIsNotFiniteIsUndone(t *testing.T) {
	cfg := Config{Epochs: 1, Batch: 10, LR: 0.01, Schedule: Schedule{Type: "constant"}}
	obj, data := newGaussian(100), samples(100, cfg)
	var before []float32
	obj.spoil = func(call int) bool { return call == 3 || call == 4 }
	obj.seen = func([]int32) {
		if obj.calls == 3 {
			before = slices.Clone(obj.params)
		} else if obj.calls == 5 && !slices.Equal(before, obj.params) {
			t.Error("a step undone has moved the parameters")
		}
	}
	var shown []string
	r := mustRun(t, obj, data, cfg, Options{Progress: func(p Progress) {
		if p.Notice != "" {
			shown = append(shown, p.Notice)
		}
	}})
	if r.History[0].LR != 0.0025 {
		t.Errorf("learning rate %v after two steps undone, want a quarter of 0.01", r.History[0].LR)
	}
	want := []string{
		"epoch 1, step 3: the loss is not finite: step undone, learning rate halved to 0.005",
		"epoch 1, step 4: the loss is not finite: step undone, learning rate halved to 0.0025",
	}
	if !slices.Equal(r.Notices, want) || !slices.Equal(shown, want) {
		t.Errorf("notices %q, shown %q", r.Notices, shown)
	}
}

func TestFiveStepsNotFiniteAreAnError(t *testing.T) {
	cfg := Config{Epochs: 1, Batch: 10}
	for first, cause := range map[int]string{1: "no step ever succeeded", 3: "too high a learning rate"} {
		obj := newGaussian(100)
		obj.spoil = func(call int) bool { return call >= first }
		_, err := Run(context.Background(), obj, samples(100, cfg), cfg, Options{})
		if err == nil || !strings.Contains(err.Error(), cause) || obj.calls != first+4 {
			t.Errorf("bad from step %d: %v after %d steps", first, err, obj.calls)
		}
	}
}

func TestBadStepsNotInARowAreNoError(t *testing.T) {
	cfg := Config{Epochs: 4, Batch: 10}
	obj := newGaussian(100)
	obj.spoil = func(call int) bool { return call%5 != 0 } // four in a row, again and again
	r := mustRun(t, obj, samples(100, cfg), cfg, Options{})
	if r.Steps != 32 || len(r.Notices) != 26 {
		t.Errorf("%d steps, %d notices; want 32 and 26", r.Steps, len(r.Notices))
	}
}

func TestGradientTooLargeForFloat32IsUndone(t *testing.T) {
	cfg := Config{Epochs: 1, Batch: 10, ClipNorm: -1}
	for _, g := range []float32{float32(math.Inf(1)), float32(math.NaN()), 1e30} {
		obj := &poisoned{gaussian: newGaussian(100), g: g}
		r := mustRun(t, obj, samples(100, cfg), cfg, Options{})
		if len(r.Notices) != 1 || !strings.Contains(r.Notices[0], "gradient") || !finite(float64(r.TrainNLL)) {
			t.Errorf("gradient %v: %q, loss %v", g, r.Notices, r.TrainNLL)
		}
	}
}

type poisoned struct {
	*gaussian
	g float32
}

func (o *poisoned) Gradient(rows []int32, grad []float32) float64 {
	l := o.gaussian.Gradient(rows, grad)
	if o.calls == 2 {
		grad[1] = o.g
	}
	return l
}

func TestValidationNotFinite(t *testing.T) {
	obj := newGaussian(100)
	obj.valid = func(float64) float64 { return math.Inf(1) }
	cfg := Config{Epochs: 3, Batch: 10}
	r := mustRun(t, obj, samples(100, cfg), cfg, Options{})
	if r.BestEpoch != 3 || len(r.Notices) != 3 || !math.IsNaN(float64(r.ValidNLL)) {
		t.Errorf("best epoch %d, validation %v, notices %q", r.BestEpoch, r.ValidNLL, r.Notices)
	}
	b, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(b), `"valid_nll":null`) {
		t.Errorf("JSON %s: %v", b, err)
	}
}

// steadyClock advances by a fixed time at each look.
func steadyClock(d time.Duration) func() time.Time {
	now := time.Unix(0, 0)
	return func() time.Time {
		now = now.Add(d)
		return now
	}
}

func TestMaxSeconds(t *testing.T) {
	cfg := Config{Epochs: 1000, Batch: 10, MaxSeconds: 10, LR: 0.01}
	obj, data := newGaussian(100), samples(100, cfg)
	r, err := run(context.Background(), obj, data, cfg, Options{}, steadyClock(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	// 8 steps and a validation take 9 of 10 looks at the clock; the tenth ends the first step of epoch 2.
	if r.Steps != 9 || r.Epochs != 2 || r.Seconds < 10 || !finite(float64(r.History[1].ValidNLL)) {
		t.Errorf("%d steps in %d epochs and %v s: %+v", r.Steps, r.Epochs, r.Seconds, r.History)
	}
	// The step before the last began at 9 of 10 seconds, where a cosine has 2.4 % left.
	if lr := r.History[1].LR; math.Abs(lr-0.01*(1+math.Cos(math.Pi*0.9))/2) > 1e-12 {
		t.Errorf("the learning rate ended at %v", lr)
	}
	cfg.Schedule.Over = 500
	if r, err = run(context.Background(), newGaussian(100), data, cfg, Options{}, steadyClock(time.Second)); err != nil || r.History[1].LR < 0.0099 {
		t.Errorf("a schedule of given length followed the clock: %v, %v", r.History, err)
	}
}

func TestProgressIsBoundedAndTellsTheEnd(t *testing.T) {
	cfg := Config{Epochs: 2, Batch: 10}
	data := samples(10000, cfg)
	var within, ends int
	var last Progress
	_, err := run(context.Background(), newGaussian(10000), data, cfg, Options{Progress: func(p Progress) {
		if last = p; p.EpochEnd {
			ends++
		} else {
			within++
		}
	}}, steadyClock(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if ends != 2 || within < 150 || within > 170 { // 1600 steps of 10 ms
		t.Errorf("%d calls within epochs, %d at their end", within, ends)
	}
	if last.Epoch != 2 || last.Step != 800 || last.Steps != 800 || last.Left != 0 || !finite(last.Loss) ||
		math.Abs(last.EventsPerSecond-1000) > 5 || last.Best > last.Valid {
		t.Errorf("the last call says %+v", last)
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	cfg := Config{Epochs: 10, Batch: 100, EMA: 0.99}
	for _, name := range []string{"adam", "adamw", "sgd"} {
		cfg.Optimiser = name
		tr, err := newTrainer(newGaussian(100), Data{Train: make([]int32, 100)}, cfg, Options{Progress: func(Progress) {}}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.start(); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			rows, err := tr.stream.Rows(context.Background(), 0, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.step(rows); err != nil {
				t.Fatal(err)
			}
			tr.report(false)
		}); n != 0 {
			t.Errorf("%s: %v allocations a step", name, n)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	rows := upTo(100)
	for field, c := range map[string]struct {
		cfg  Config
		data Data
	}{
		"batch":    {Config{}, Data{Train: rows}},
		"patience": {Config{Patience: 3, Batch: 10}, Data{Train: rows}},
		"lr":       {Config{LR: -1, Batch: 10}, Data{Train: rows}},
	} {
		_, err := Run(context.Background(), newGaussian(100), c.data, c.cfg, Options{})
		var at *FieldError
		if !errors.As(err, &at) || at.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := Run(context.Background(), &gaussian{}, Data{Train: rows}, Config{Batch: 10}, Options{}); err == nil {
		t.Error("no parameters were trained without complaint")
	}
}

func TestNoticesOfTheDataStayWithTheResult(t *testing.T) {
	cfg := Config{Batch: 10, Epochs: 1}
	r := mustRun(t, newGaussian(100), samples(100, cfg), cfg, Options{Notices: []string{"many weights are negative"}})
	if len(r.Notices) != 1 || !strings.Contains(r.Notices[0], "many weights") {
		t.Errorf("notices %q", r.Notices)
	}
}
