package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"
)

// hooked records what a training tells its objective.
type hooked struct {
	*gaussian
	step   int
	steps  []int
	frozen [][]int32
}

func (h *hooked) SetStep(step int) { h.step = step }

func (h *hooked) Gradient(rows []int32, grad []float32) float64 {
	h.steps = append(h.steps, h.step)
	return h.gaussian.Gradient(rows, grad)
}

func (h *hooked) Freeze(rows []int32) { h.frozen = append(h.frozen, rows) }

// started records the events that parameters start from.
type started struct {
	*gaussian
	from  [][]int32
	first []int32
}

func (s *started) StartFrom(rows []int32) { s.from = append(s.from, slices.Clone(rows)) }

func (s *started) Gradient(rows []int32, grad []float32) float64 {
	if s.first == nil {
		s.first = slices.Clone(rows)
	}
	return s.gaussian.Gradient(rows, grad)
}

func TestParametersStartFromTheFirstBatch(t *testing.T) {
	cfg := Config{Epochs: 2, Batch: 50}
	obj := &started{gaussian: newGaussian(500)}
	mustRun(t, obj, samples(500, cfg), cfg, Options{})
	if len(obj.from) != 1 || !slices.Equal(obj.from[0], obj.first) {
		t.Errorf("started from %v, the first batch is %v", obj.from, obj.first)
	}
}

func TestStepsAreNumberedOverInterruptions(t *testing.T) {
	cfg := Config{Epochs: 2, Batch: 50}
	opts := Options{State: filepath.Join(t.TempDir(), "state"), Resume: true}
	obj := &hooked{gaussian: newGaussian(500)}
	ctx, cancel := context.WithCancel(context.Background())
	obj.seen = func([]int32) {
		if obj.calls == 7 {
			cancel()
		}
	}
	if _, err := Run(ctx, obj, samples(500, cfg), cfg, opts); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	mustRun(t, obj, samples(500, cfg), cfg, opts)
	for i, s := range obj.steps {
		if s != i {
			t.Fatalf("steps were numbered %v", obj.steps)
		}
	}
	if len(obj.steps) != 16 {
		t.Errorf("%d steps, want 16", len(obj.steps))
	}
}

func TestStatisticsAreOfTrainingEvents(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 500}
	obj := &hooked{gaussian: newGaussian(15_000)}
	data := samples(15_000, cfg)
	mustRun(t, obj, data, cfg, Options{})
	if len(obj.frozen) != 4 {
		t.Fatalf("taken %d times, want once an epoch and at the end", len(obj.frozen))
	}
	if !slices.Equal(obj.frozen[3], data.Train) {
		t.Error("at the end not of all training events")
	}
	for _, rows := range obj.frozen[:3] {
		if len(rows) != freezeEvents || rows[0] != data.Train[0] || rows[freezeEvents-1] != data.Train[len(data.Train)-2] {
			t.Errorf("of %d events before a validation, from %d to %d", len(rows), rows[0], rows[len(rows)-1])
		}
	}
}

// halves are two processes, each with every second event of a batch, that go on with the mean of both.
type halves struct {
	*gaussian
	part int
}

func (h *halves) Gradient(rows []int32, grad []float32) float64 {
	half := make([]int32, 0, len(rows)/2)
	for i := h.part; i < len(rows); i += 2 {
		half = append(half, rows[i])
	}
	return h.gaussian.Gradient(half, grad)
}

func (h *halves) Unit() Unit { return "bits" }

// Processes that share out each batch, and take the mean of their gradients before the norm, train as one does alone; and
// what they print has the unit of their objective.
func TestReduceMakesProcessesOne(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 100, ClipNorm: 0.5}
	alone := newGaussian(1000)
	want := mustRun(t, alone, samples(1000, cfg), cfg, Options{Seed: 4})
	sent := [2]chan []float64{make(chan []float64, 1), make(chan []float64, 1)}
	results := make(chan *Result, 2)
	var objs [2]*halves
	for part := range objs {
		objs[part] = &halves{newGaussian(1000), part}
		opts := Options{Seed: 4, Reduce: func(ctx context.Context, grad []float32, loss float64) (float64, error) {
			sent[1-part] <- []float64{float64(grad[0]), float64(grad[1]), loss}
			other := <-sent[part]
			for i := range grad {
				grad[i] = (grad[i] + float32(other[i])) / 2
			}
			return (loss + other[2]) / 2, nil
		}, Progress: func(p Progress) {
			if p.Unit.String() != "bits" {
				t.Errorf("progress in %s", p.Unit)
			}
		}}
		go func() {
			r, err := Run(t.Context(), objs[part], samples(1000, cfg), cfg, opts)
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	for range objs {
		r := <-results
		if math.Abs(float64(r.TestNLL-want.TestNLL)) > 1e-5 || r.Unit != "bits" || want.Unit.String() != "nats" {
			t.Errorf("test loss %v %s, and %v %s alone", r.TestNLL, r.Unit, want.TestNLL, want.Unit)
		}
	}
	if !slices.Equal(objs[0].params, objs[1].params) || math.Abs(float64(objs[0].params[0]-alone.params[0])) > 1e-5 {
		t.Errorf("parameters %v and %v, and %v alone", objs[0].params, objs[1].params, alone.params)
	}
}

// A reduction that fails ends the training, and one that is cancelled leaves a state.
func TestReduceFails(t *testing.T) {
	cfg, lost := Config{Epochs: 2, Batch: 50}, errors.New("lost")
	if _, err := Run(t.Context(), newGaussian(500), samples(500, cfg), cfg, Options{Reduce: func(context.Context, []float32, float64) (float64, error) {
		return 0, lost
	}}); !errors.Is(err, lost) {
		t.Error(err)
	}
	opts := Options{State: filepath.Join(t.TempDir(), "state"), Resume: true}
	cancelled := opts
	ctx, cancel := context.WithCancel(t.Context())
	cancelled.Reduce = func(ctx context.Context, _ []float32, loss float64) (float64, error) {
		cancel()
		return loss, ctx.Err()
	}
	if r, err := Run(ctx, newGaussian(500), samples(500, cfg), cfg, cancelled); !errors.Is(err, context.Canceled) || !r.Interrupted {
		t.Error(err)
	}
	one, two := newGaussian(500), newGaussian(500)
	mustRun(t, one, samples(500, cfg), cfg, opts)
	mustRun(t, two, samples(500, cfg), cfg, Options{})
	if !slices.Equal(one.params, two.params) {
		t.Errorf("%v, and %v without an interruption", one.params, two.params)
	}
}
