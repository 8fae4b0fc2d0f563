package train

import (
	"math"
	"slices"
	"testing"
)

// Averaging must change what is validated and kept, and nothing of the training.
func TestAverageIsValidatedAndKept(t *testing.T) {
	const n, decay = 100, 0.7
	cfg := Config{Epochs: 3, Batch: 10, LR: 0.1, Test: -1, EMA: -1}
	data := samples(n, cfg)
	path := func(cfg Config) (raw, validated [][]float32, obj *gaussian) {
		obj = newGaussian(n)
		obj.seen = func([]int32) { raw = append(raw, slices.Clone(obj.params)) }
		obj.valid = func(l float64) float64 {
			validated = append(validated, slices.Clone(obj.params))
			return -float64(len(validated)) // the last epoch is the best
		}
		mustRun(t, obj, data, cfg, Options{})
		return raw, validated, obj
	}
	raw, ends, _ := path(cfg)
	cfg.EMA = decay
	rawToo, validated, obj := path(cfg)
	for i := range raw {
		if !slices.Equal(raw[i], rawToo[i]) {
			t.Fatalf("averaging changed the training at step %d", i+1)
		}
	}
	steps := append(raw[1:], ends[2]) // the parameters after each step
	for epoch := range 3 {
		for j := range 2 {
			var sum, weights float64
			w := 1.0
			for k := 9*(epoch+1) - 1; k >= 0; k-- {
				sum += w * float64(steps[k][j])
				weights += w
				w *= decay
			}
			// A few roundings of float32.
			if got := float64(validated[epoch][j]); math.Abs(got-sum/weights) > 1e-6*(1+math.Abs(got)) {
				t.Errorf("epoch %d validated %v, the average is %v", epoch+1, got, sum/weights)
			}
		}
	}
	if !slices.Equal(obj.params, validated[2]) {
		t.Errorf("kept %v, validated %v", obj.params, validated[2])
	}
}

// By default the average goes over a tenth of the training, at most 1000 steps.
func TestDefaultAverage(t *testing.T) {
	for steps, want := range map[int]float64{5: 0, 19: 0, 40: 0.75, 1000: 0.99, 1e6: 0.999} {
		if got := (Config{}).decay(steps); math.Abs(got-want) > 1e-12 {
			t.Errorf("%d steps: decay %v, want %v", steps, got, want)
		}
	}
	if got := (Config{EMA: -1}).decay(1e6); got != 0 {
		t.Errorf("no average asked for: decay %v", got)
	}
}
