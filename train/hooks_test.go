package train

import (
	"context"
	"errors"
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
