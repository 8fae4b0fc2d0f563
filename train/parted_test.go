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
		if got := scale * float64(u.scale[1]) * float64(grad[1]); math.Abs(got-c.second) > 1e-4*c.second || math.Abs(scale*norm-c.norm) > 1e-4*c.norm {
			t.Errorf("%+v: %g of a norm of %g", c, got, scale*norm)
		}
		grad[0] = float32(math.Inf(1))
		if norm, scale := u.clip(10); scale*norm < hugeNorm {
			t.Errorf("%+v: an infinite gradient has a norm of %g", c, norm)
		}
	}
}

// Parts meet anywhere in a block: each gradient is scaled by its own norm up to there and from there on.
func TestPartsMeetWithinABlock(t *testing.T) {
	const n, apart = 3*updateBlock - 5, updateBlock + 77
	h := &two{make([]float32, n), apart}
	grad := make([]float32, n)
	for i := range grad {
		grad[i] = 3
		if i >= apart {
			grad[i] = 0.25
		}
	}
	u := newUpdate(h, Config{}.WithDefaults().optimiser(n), h.params, grad, nil)
	_, scale := u.clip(10)
	u.take(0.1, scale, 0, 1)
	for _, at := range []int{0, apart - 1, apart, n - 1} {
		want := 10 / math.Sqrt(apart) // whatever the gradient was, the same everywhere
		if at >= apart {
			want = 10 / math.Sqrt(n-apart)
		}
		if got := float64(grad[at]); math.Abs(got-want) > 1e-5*want || h.params[at] == 0 {
			t.Errorf("parameter %d is moved to %g by %g of a gradient, not %g", at, h.params[at], got, want)
		}
	}
}
