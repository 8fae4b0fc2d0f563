package train

import (
	"math"
	"slices"
	"testing"
)

// Averaging must change what is validated and kept, and nothing of the training.
func TestAverageIsValidatedAndKept(t *testing.T) {
	const n, decay = 100, 0.7
	cfg := Config{Epochs: 3, Batch: 10, LR: 0.1, Test: -1}
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
