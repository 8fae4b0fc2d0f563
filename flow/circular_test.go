package flow_test

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Nothing jumps where a circle is cut: neither the density of the angle, nor that of what depends on it, at the edges and
// where the phase takes them.
func TestDensityIsContinuousAroundACircle(t *testing.T) {
	for _, layer := range []string{"autoregressive", "coupling"} {
		f, err := flow.New(2, 0, flow.Spec{Layers: []flow.Part{{Kind: layer, Options: map[string]any{
			"transformers": map[string]any{"0": "circular-spline"}, "transformer": "affine",
		}}}, Repeat: 2}, 1)
		if err != nil {
			t.Fatal(err)
		}
		src := rng.New(2, rng.StreamTest, 0)
		for i := range f.Params() {
			f.Params()[i] += float32(0.1 * src.NormFloat64())
		}
		const n = 20_000
		angle, other := make([]float32, n+1), make([]float32, n+1)
		for i := range angle {
			angle[i], other[i] = float32(math.Pi*(2*float64(i)/n-1)), 0.3
		}
		logProb, err := f.LogProb([][]float32{angle, other}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var steepest float64
		for i := range n {
			steepest = max(steepest, math.Abs(logProb[i+1]-logProb[i]))
		}
		// steps of 3e-4 with slopes below 100
		if around := math.Abs(logProb[n] - logProb[0]); around > 1e-4 || steepest > 0.03 || steepest == 0 {
			t.Errorf("%s: the log-density jumps by %v where the circle closes, by up to %v on it", layer, around, steepest)
		}
	}
}
