package train

import (
	"math"
	"testing"
)

// two is the objective of parameters 0 and 1, of gradients 300 and 0.5.
type two struct {
	params []float32
	apart  int
}

func (h *two) Params() []float32    { return h.params }
func (h *two) Loss([]int32) float64 { return 0 }
func (h *two) Apart() int           { return h.apart }
func (h *two) Gradient(_ []int32, grad []float32) float64 {
	grad[0], grad[1] = 300, 0.5
	return 0
}

// A small gradient beside a large one is not scaled with it, where they are of two parts; without limit neither is, and what is not finite is seen.
func TestPartsAreClippedByThemselves(t *testing.T) {
	for _, c := range []struct {
		apart  int
		limit  float64
		second float64
		norm   float64
	}{{0, 10, 0.5 * 10 / 300, 10}, {1, 10, 0.5, math.Hypot(10, 0.5)}, {1, -1, 0.5, math.Hypot(300, 0.5)}} {
		h := &two{make([]float32, 2), c.apart}
		grad := make([]float32, 2)
		u := newUpdate(h, Config{}.WithDefaults().optimiser(2), h.params, grad, nil)
		h.Gradient(nil, grad)
		norm, scale := u.clip(c.limit)
		if got := scale * float64(grad[1]); math.Abs(got-c.second) > 1e-4*c.second || math.Abs(scale*norm-c.norm) > 1e-4*c.norm {
			t.Errorf("%+v: %g of a norm of %g", c, got, scale*norm)
		}
		grad[0] = float32(math.Inf(1))
		if norm, scale := u.clip(10); scale*norm < hugeNorm {
			t.Errorf("%+v: an infinite gradient has a norm of %g", c, norm)
		}
	}
}
