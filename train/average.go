package train

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// averageRate is the weight of the newest of t values in their exponential moving average, without the bias
// towards the start: (1-decay)/(1-decay^t).
func averageRate(decay float64, t int) float64 {
	return (1 - decay) / (1 - math.Pow(decay, float64(t)))
}

// moveAverage brings avg towards p by the given rate.
func moveAverage(avg, p []float32, rate float64) {
	kernel.Approach(avg, p, float32(rate))
}

// decay is the moving average's in a training of the given number of steps; 0 for no average.
func (c Config) decay(steps int) float64 {
	if c.EMA != 0 {
		return max(c.EMA, 0)
	}
	if n := min(steps/10, 1000); n > 1 {
		return 1 - 1/float64(n)
	}
	return 0
}

func swap(a, b []float32) {
	for i, x := range a {
		a[i], b[i] = b[i], x
	}
}
