package whole

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// exactNorm is the spectral norm of W.
func exactNorm(w []float32, rows, cols int) float64 {
	m := mat.NewDense(rows, cols, nil)
	for i, v := range w {
		m.Set(i/cols, i%cols, float64(v))
	}
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDNone) {
		return math.NaN()
	}
	return slices.Max(svd.Values(nil))
}

// The norms that weights are used with stay within their bound while a training moves them, by a few rounds a step: also where one
// singular value overtakes another whose vectors never mix, which a power iteration from the vectors before would not see.
func TestContractionKeepsItsBound(t *testing.T) {
	var l nn.Layout
	c := NewContraction(&l, "g", []int{24, 17}, "lipswish", 0.97, 3, 0)
	p, src := make([]float32, l.Size), rng.New(3, rng.StreamTest, 0)
	c.Start(p, src)
	c.Derive(p, 300)
	check := func(what string, within float64) {
		t.Helper()
		product := 1.0
		for i, y := range c.layers {
			_, factor := y.spectral(p, make([]float32, y.w.Rows))
			norm := exactNorm(y.w.Of(p), y.w.Rows, y.w.Cols) * float64(factor)
			if product *= norm; !(norm <= y.norm*within) {
				t.Fatalf("%s: the norm of layer %d is %v of %v", what, i, norm, y.norm)
			}
		}
		if within < 1.001 && !(product < 0.9701) {
			t.Fatalf("%s: the Lipschitz constant is %v", what, product)
		}
	}
	check("at the start", 1+1e-5)
	for step := range 400 {
		for _, y := range c.layers {
			w := y.w.Of(p)
			for i := range w {
				w[i] += float32(0.01 * src.NormFloat64())
			}
		}
		c.Derive(p, 8)
		check("in steps", 1.02) // of weights that move by a hundredth
		if step == 399 {
			c.Derive(p, 300)
			check("kept", 1+1e-4)
		}
	}
	y := c.layers[1]
	w := y.w.Of(p)
	clear(w)
	for i := range 17 {
		w[i*24+i] = 2
	}
	w[0] = 4
	c.Derive(p, 300)
	for range 500 {
		w[25] += 0.01 // overtakes
		c.Derive(p, 8)
		check("overtaken", 1.02)
	}
}

// Slopes and curvatures are those of the activations, and no slope is above 1.
func TestSmoothActivations(t *testing.T) {
	at := func(kind string, x float32) (h, slope, curve float64) {
		var a, b, c [64]float32
		b[0] = x
		smooth(kind, a[:], b[:], c[:])
		return float64(a[0]), float64(b[0]), float64(c[0])
	}
	for _, kind := range SmoothActivations {
		for x := float32(-8); x < 8; x += 0.13 {
			const h = 1.0 / 64
			left, l, _ := at(kind, x-h)
			right, r, _ := at(kind, x+h)
			_, slope, curve := at(kind, x)
			if math.Abs((right-left)/(2*h)-slope) > 1e-3 && math.Abs(float64(x)) > h || math.Abs((r-l)/(2*h)-curve) > 1e-3 && math.Abs(float64(x)) > h {
				t.Errorf("%s at %v: slope %v, curvature %v; differences %v, %v", kind, x, slope, curve, (right-left)/(2*h), (r-l)/(2*h))
			}
			if slope > 1+1e-6 {
				t.Errorf("%s has the slope %v at %v", kind, slope, x)
			}
		}
	}
}
